"""Spelling: words are tokenized once and put together as pieces."""

import torch
from paths_support import byte_level_tokenizer

from summgan.networks.spelling import Speller, Spelling, at_pieces, speller_of_running_text


def test_words_are_tokenized_once_and_cut_at_the_longest(tokenizer):
    asked = []

    def count(words, **options):
        asked.extend(words)
        return tokenizer(words, **options)

    words = ["bridge", "unbelievably", "?"]
    for attribute in ("unk_token_id", "cls_token_id", "sep_token_id", "eos_token_id", "pad_token_id"):
        setattr(count, attribute, getattr(tokenizer, attribute))
    spelling = Spelling(count, 3)
    speller = spelling.speller(words)
    again = spelling.speller(["unbelievably", "bridge"])
    assert [word for word in asked if word not in {",", "."}] == words
    assert again.pieces.tolist() == speller.pieces[[1, 0]].tolist()
    for row, word in zip(speller.pieces.tolist(), words, strict=True):
        ids = tokenizer(word, add_special_tokens=False)["input_ids"] or [tokenizer.unk_token_id]
        assert [piece for piece in row if piece >= 0] == ids[:3]
    assert Spelling(tokenizer).speller([]).pieces.shape == (0, 6)


def test_words_in_running_text_are_spelled_with_the_blank_before_them(documents):
    tokenizer = byte_level_tokenizer(documents)
    words = ["", "the", "bridge", "台", "unbelievably"]
    speller = speller_of_running_text(tokenizer, words, longest=4)
    assert speller.pieces.shape == (5, 4)
    rows = [[piece for piece in row if piece >= 0] for row in speller.pieces.tolist()]
    whole = tokenizer("x the bridge").input_ids
    assert tokenizer("x").input_ids + rows[1] + rows[2] == whole
    assert tokenizer.decode(rows[3]) == "台"  # no blank where the script has none
    assert rows[4] == tokenizer(" unbelievably").input_ids[:4]
    spelled = speller(torch.tensor([[1, 2]]), torch.tensor([[1, 2]]))
    assert tokenizer.decode(spelled.input_ids[0]) == "\n the, bridge.."


def test_vectors_of_words_stand_at_each_of_their_pieces():
    pieces = torch.tensor([[7, -1], [8, 9]])
    speller = Speller(pieces, torch.tensor([-1, 3, 4]), begin=0, end=1, padding=2)
    spelled = speller(torch.tensor([[1, 0, 1], [0, -1, -1]]))
    vectors = torch.tensor([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]])
    assert at_pieces(spelled, vectors)[..., 0].tolist() == [[0, 1, 1, 2, 3, 3, 0], [0, 4, 0, 0, 0, 0, 0]]
    embed = torch.nn.Embedding(10, 3)
    found = speller.mean_embedding(torch.tensor([[1, 0]]), embed)
    assert torch.allclose(found[0, 0], embed.weight[8:10].mean(0)) and torch.equal(
        found[0, 1], embed.weight[7]
    )
