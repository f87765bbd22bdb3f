from pathlib import Path

import pytest
import sentencepiece
import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoTokenizer

from summgan.errors import SummGANError
from summgan.text.script import count_units, normalize
from summgan.text.vocabulary import (
    length_table,
    load_tokenizer,
    punctuation_pieces,
    save_tokenizer,
    spellings,
    train_tokenizer,
    word_pieces,
)

ODD = [
    "",
    "a",
    "naïve café — “quotes”",
    "emoji 😀 and 漢字 mixed",
    "tab\tand  spaces",
    "日本語テキスト",
]


@pytest.fixture(params=["tokenizer", "chinese_tokenizer"])
def either(request):
    return request.getfixturevalue(request.param)


def test_ids_are_those_of_sentencepiece_and_survive_saving(either, documents, chinese_documents, tmp_path):
    texts = documents[:50] + chinese_documents[:50] + ODD
    save_tokenizer(either, tmp_path)
    model = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "spiece.model"))
    loaded = load_tokenizer(tmp_path)
    automatic = AutoTokenizer.from_pretrained(tmp_path)
    for text in texts:
        ids = either(text).input_ids
        assert loaded(text).input_ids == automatic(text).input_ids == ids
        assert model.encode(normalize(text)) == ids[:-1]
        assert ids[-1] == either.eos_token_id


def test_decoding_gives_the_text_back(either, documents, chinese_documents):
    for text in documents[:50] + chinese_documents[:50] + ODD:
        ids = either(text).input_ids
        assert either.unk_token_id not in ids
        assert either.decode(ids, skip_special_tokens=True) == normalize(text)


def test_words_of_a_small_corpus_are_whole_pieces():
    tokenizer = train_tokenizer(["the quick fox jumped over walls"] * 20, 400)
    assert tokenizer.tokenize("the quick fox jumped") == ["▁the", "▁quick", "▁fox", "▁jumped"]


def lengths_add_up(tokenizer, text):
    table = length_table(tokenizer)
    ids = torch.tensor(tokenizer(text, add_special_tokens=False).input_ids)
    assert table.writable[ids].all()
    inside = torch.cat([torch.tensor([False]), table.ends_inside[ids[:-1]]])
    return (table.units[ids] - (table.continues[ids] & inside).long()).sum() == count_units(text)


def test_lengths_of_pieces_add_up_to_the_length_of_the_text(tokenizer, chinese_tokenizer):
    for text in ("Anna opens bridge in Porto", "Porto, 99 years ago. Leeds", "bridgehall"):
        assert lengths_add_up(tokenizer, text)
    for text in ("北京大学今天开放", "本报讯，于12月参观。", "大学3月"):
        assert lengths_add_up(chinese_tokenizer, text)
    mixed = train_tokenizer(["在MIT学习 Python 语言，今天3点。", "MIT and Python 学习"] * 9, 330)
    for text in ("在MIT学习", "Python 语言MIT", "学习 今天 and Python3点。"):
        assert lengths_add_up(mixed, text)


def test_special_tokens_and_bytes_are_not_writable(tokenizer):
    table = length_table(tokenizer)
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    for index, piece in enumerate(pieces):
        special = index < 4 or (piece.startswith("<0x") and len(piece) == 6)
        assert bool(table.writable[index]) != special


def test_a_byte_level_vocabulary_is_measured_too():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(["the cat sat on the mat and the dog ran"] * 9, trainer)
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    wrapped = PreTrainedTokenizerFast(tokenizer_object=raw, **names)
    table = length_table(wrapped)
    ids = torch.tensor(wrapped("the cat sat on the mat, twice", add_special_tokens=False).input_ids)
    inside = torch.cat([torch.tensor([False]), table.ends_inside[ids[:-1]]])
    assert (table.units[ids] - (table.continues[ids] & inside).long()).sum() == 7


def test_errors_say_what_is_wrong(tmp_path):
    with pytest.raises(SummGANError, match="no text"):
        train_tokenizer(["", "  "])
    with pytest.raises(SummGANError, match="vocabulary of 10 pieces"):
        train_tokenizer(["some text that has letters"] * 5, 10)
    with pytest.raises(SummGANError, match="No tokenizer can be loaded from"):
        load_tokenizer(tmp_path / "nothing")


def test_letters_of_unseen_scripts_are_written_as_bytes(either):
    for text in ("👨\u200d👩\u200d👧 ❤️", "한국어 텍스트", "Привет мир", "हिन्दी", "𠀀𠀁 x", "ไทย"):
        ids = either(text).input_ids
        assert either.unk_token_id not in ids
        assert either.decode(ids, skip_special_tokens=True) == text


def test_without_bytes_unseen_letters_are_unknown(documents):
    plain = train_tokenizer(documents, 400, byte_fallback=False)
    assert plain.unk_token_id in plain("漢").input_ids
    assert not any(piece.startswith("<0x") for piece in plain.get_vocab())


def test_texts_are_normalized_as_the_library_normalizes(either):
    for text in ("  cafe\u0301\u00a0au\u3000lait\t\n", "北京\u3000大学 ", "a\u2028b"):
        assert either(text).input_ids == either(normalize(text)).input_ids


def test_lengths_of_bytes_add_up_where_a_script_keeps_to_itself(tokenizer):
    for text in ("naïve café", "한국어 텍스트", "Привет, мир", "漢字", "ไทย", "カナ", "😀 😀"):
        ids = torch.tensor(tokenizer(text, add_special_tokens=False).input_ids)
        table = length_table(tokenizer)
        inside = torch.cat([torch.tensor([False]), table.ends_inside[ids[:-1]]])
        total = (table.units[ids] - (table.continues[ids] & inside).long()).sum()
        assert total == count_units(text), text


def test_lengths_add_up_for_whole_corpora(
    tokenizer, chinese_tokenizer, documents, sentences, chinese_documents
):
    for text in documents[:40] + sentences[:40]:
        assert lengths_add_up(tokenizer, text), text
    for text in chinese_documents[:40]:
        assert lengths_add_up(chinese_tokenizer, text), text


def test_entries_beyond_the_tokenizer_are_never_written(tokenizer):
    size = len(tokenizer)
    table = length_table(tokenizer, size + 5)
    assert table.units.shape == (size + 5,)
    assert not table.writable[size:].any() and table.writable[:size].any()


def test_characters_can_be_the_pieces(chinese_documents):
    tokenizer = train_tokenizer(chinese_documents, 4000, model_type="char")
    text = chinese_documents[0]
    ids = tokenizer(text, add_special_tokens=False).input_ids
    assert len(ids) == len(text) and tokenizer.decode(ids) == text
    assert len(tokenizer) < 4000


def test_punctuation_is_silent_and_words_are_found_where_they_stand_alone(tokenizer, chinese_tokenizer):
    silent = punctuation_pieces(tokenizer)
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    assert {piece for piece, flag in zip(pieces, silent, strict=True) if flag} >= {",", "."}
    assert not any(flag for piece, flag in zip(pieces, silent, strict=True) if any(map(str.isalnum, piece)))
    assert not silent[tokenizer.eos_token_id]
    found = word_pieces(tokenizer, ["that", "THE", "On", ""])
    assert {pieces[index].lower() for index in found} == {"\u2581that", "\u2581the", "\u2581on"}
    (piece,) = word_pieces(chinese_tokenizer, ["，"])
    assert chinese_tokenizer.decode([piece]) == "，"
    assert word_pieces(tokenizer, []) == []


class Pieces(list):
    """As much of a tokenizer as its pieces."""

    all_special_ids = ()

    def convert_ids_to_tokens(self, ids):
        return [self[index] for index in ids]


def test_spellings_are_the_same_but_for_case_blanks_and_endings_if_wanted():
    pieces = Pieces(["\u2581Kills", "kills", "\u2581killed", "\u2581kilns", "\u2581Toten", None])
    assert spellings(pieces) == [0, 0, 2, 3, 4, 5]
    assert spellings(pieces, "english") == [0, 0, 0, 3, 4, 5]
    german = Pieces(["\u2581tote", "\u2581toten", "\u2581kills", "\u2581killed"])
    assert spellings(german, "german") == [0, 0, 2, 3]
    # Of vocabularies of bytes it is the letters that count.
    as_bytes = ByteLevel(add_prefix_space=False)
    words = [
        " H\u00e4user",
        "h\u00e4user",
        " haus",
        " \u0443\u0431\u0438\u043b\u0430",
        " \u0443\u0431\u0438\u043b\u0438",
    ]
    pieces = Pieces("".join(text for text, _ in as_bytes.pre_tokenize_str(word)) for word in words)
    assert spellings(pieces) == [0, 0, 2, 3, 4]
    assert spellings(pieces, "german")[:3] == [0, 0, 0]
    assert spellings(pieces, "russian")[3:] == [3, 3]


LIKE_PIECES = [
    "</s>",
    "<pad><pad>",
    "a</s>b <s> <unk>, (<pad>)",
    "<0x0A> and <0x00> or <0x0a>, <0xZZ>",
    "<<0x0A>> <s <extra_id_0> <mask>",
    "▁",
    "▁▂▃▄▅▆▇█ a▁b ▁ c ▁",
    "İstanbul ẞ ΣΟΦΟΣ",
    "ฉันกินข้าว ខ្ញុំ हिन्दी 한국어 👩\u200d👩\u200d👧",
]


def like_pieces(kind):
    if kind == "package":
        return load_tokenizer(Path(__file__).parents[2] / "summgan/pretrained/news-en")
    texts = [f"in C the {text} is what programmers write" for text in LIKE_PIECES] * 20
    return train_tokenizer(
        texts, 700, do_lower_case=kind == "lower", model_type=kind.replace("lower", "unigram")
    )


@pytest.mark.parametrize("kind", ["package", "unigram", "lower", "char"])
def test_what_looks_like_a_piece_is_text(kind, tmp_path):
    tokenizer = like_pieces(kind)
    save_tokenizer(tokenizer, tmp_path / "once")
    loaded = load_tokenizer(tmp_path / "once")
    save_tokenizer(loaded, tmp_path / "twice")
    names = ("once", "twice")
    assert len({(tmp_path / name / "tokenizer.json").read_bytes() for name in names}) == 1
    for text in [*LIKE_PIECES, " x ".join(LIKE_PIECES)]:
        ids = tokenizer(text, add_special_tokens=False).input_ids
        assert ids == loaded(text, add_special_tokens=False).input_ids
        assert not set(ids) & set(tokenizer.all_special_ids)
        found = tokenizer.decode(ids, skip_special_tokens=True)
        assert found.casefold() == normalize(text).casefold()
        assert kind in ("package", "lower") or found == normalize(text)


def test_no_piece_that_is_learned_looks_like_a_special_one():
    tokenizer = train_tokenizer(["a <0x0a> </s> <pad> <extra_id_0> ▁▅ b"] * 50, 400)
    pieces = tokenizer.convert_ids_to_tokens(range(260, len(tokenizer)))
    assert not any("<" in piece[:-1] and ">" in piece for piece in pieces)
    assert "▁" in train_tokenizer(["在学习语言今天点"] * 30, 300).get_vocab()


def test_vowel_signs_are_no_punctuation():
    tokenizer = train_tokenizer(["กิน ข้าว, हिन्दी !"] * 30, 400)
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    silent = {piece for piece, flag in zip(pieces, punctuation_pieces(tokenizer), strict=True) if flag}
    assert silent == {"▁", ",", "!"} & set(pieces) | {piece for piece in silent if piece.strip("▁,!") == ""}


def test_saving_what_was_loaded_changes_nothing(tokenizer, tmp_path):
    save_tokenizer(tokenizer, tmp_path / "a")
    save_tokenizer(load_tokenizer(tmp_path / "a"), tmp_path / "b")
    save_tokenizer(load_tokenizer(tmp_path / "b"), tmp_path / "c")
    for path in (tmp_path / "b").iterdir():
        assert path.read_bytes() == (tmp_path / "c" / path.name).read_bytes(), path.name
        assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes(), path.name
