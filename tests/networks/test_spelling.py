"""Words are spelled by a tokenizer, each once."""

from summgan.networks.spelling import Spelling


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
