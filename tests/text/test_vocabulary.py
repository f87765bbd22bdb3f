import random

import pytest
import sentencepiece
import torch
from transformers import AutoTokenizer

from summgan.errors import SummGANError
from summgan.text.pieces import length_table, pieces_of_words, punctuation_pieces, spellings
from summgan.text.script import count_units, normalize
from summgan.text.vocabulary import Vocabulary

ODD = [
    "",
    "a",
    "naïve café — “quotes”",
    "emoji 😀 and 漢字 mixed",
    "tab\tand  spaces",
    "日本語テキスト",
]


@pytest.fixture(params=["vocabulary", "chinese_vocabulary"])
def vocabulary_of_either(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def either(vocabulary_of_either):
    return vocabulary_of_either.tokenizer


def test_ids_are_those_of_sentencepiece_and_survive_saving(
    vocabulary_of_either, documents, chinese_documents, tmp_path
):
    texts, either = documents[:50] + chinese_documents[:50] + ODD, vocabulary_of_either.tokenizer
    vocabulary_of_either.save_pretrained(tmp_path)
    model = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "spiece.model"))
    loaded = Vocabulary.from_pretrained(tmp_path)
    automatic = AutoTokenizer.from_pretrained(tmp_path)
    for text in texts:
        ids = either(text).input_ids
        assert loaded.tokenizer(text).input_ids == automatic(text).input_ids == ids
        assert loaded.encode(text) == ids[:-1] and loaded.end_id == ids[-1]
        assert model.encode(normalize(text)) == ids[:-1]
        assert ids[-1] == either.eos_token_id


def test_decoding_gives_the_text_back(either, documents, chinese_documents):
    for text in documents[:50] + chinese_documents[:50] + ODD:
        ids = either(text).input_ids
        assert either.unk_token_id not in ids
        assert either.decode(ids, skip_special_tokens=True) == normalize(text)


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
    mixed = Vocabulary.train(["在MIT学习 Python 语言，今天3点。", "MIT and Python 学习"] * 9, 330).tokenizer
    for text in ("在MIT学习", "Python 语言MIT", "学习 今天 and Python3点。"):
        assert lengths_add_up(mixed, text)


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
        Vocabulary.train(["", "  "])
    with pytest.raises(SummGANError, match="vocabulary of 10 pieces"):
        Vocabulary.train(["some text that has letters"] * 5, 10)
    with pytest.raises(SummGANError, match="No tokenizer can be loaded from"):
        Vocabulary.from_pretrained(tmp_path / "nothing")


def test_letters_of_unseen_scripts_are_written_as_bytes(either):
    for text in ("👨\u200d👩\u200d👧 ❤️", "한국어 텍스트", "Привет мир", "हिन्दी", "𠀀𠀁 x", "ไทย"):
        ids = either(text).input_ids
        assert either.unk_token_id not in ids
        assert either.decode(ids, skip_special_tokens=True) == text


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
    texts = [f"in C the {text} is what programmers write" for text in LIKE_PIECES] * 20
    return Vocabulary.train(
        texts, 700, do_lower_case=kind == "lower", model_type=kind.replace("lower", "unigram")
    )


@pytest.mark.parametrize("kind", ["unigram", "lower", "char"])
def test_what_looks_like_a_piece_is_text(kind, tmp_path):
    vocabulary = like_pieces(kind)
    vocabulary.save_pretrained(tmp_path / "once")
    loaded = Vocabulary.from_pretrained(tmp_path / "once")
    loaded.save_pretrained(tmp_path / "twice")
    names = ("once", "twice")
    assert len({(tmp_path / name / "tokenizer.json").read_bytes() for name in names}) == 1
    for text in [*LIKE_PIECES, " x ".join(LIKE_PIECES)]:
        ids = vocabulary.encode(text)
        assert ids == loaded.encode(text)
        assert not set(ids) & set(vocabulary.tokenizer.all_special_ids)
        found = vocabulary.decode(ids)
        assert found.casefold() == normalize(text).casefold()
        assert kind == "lower" or found == normalize(text)


def test_vowel_signs_are_no_punctuation():
    tokenizer = Vocabulary.train(["กิน ข้าว, हिन्दी !"] * 30, 400).tokenizer
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    silent = {piece for piece, flag in zip(pieces, punctuation_pieces(tokenizer), strict=True) if flag}
    assert silent == {"▁", ",", "!"} & set(pieces) | {piece for piece in silent if piece.strip("▁,!") == ""}


def test_saving_what_was_loaded_changes_nothing(vocabulary, tmp_path):
    vocabulary.save_pretrained(tmp_path / "a")
    Vocabulary.from_pretrained(tmp_path / "a").save_pretrained(tmp_path / "b")
    Vocabulary.from_pretrained(tmp_path / "b").save_pretrained(tmp_path / "c")
    for path in (tmp_path / "b").iterdir():
        assert path.read_bytes() == (tmp_path / "c" / path.name).read_bytes(), path.name
        assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes(), path.name


def test_documents_are_ended_and_cut(vocabulary, documents):
    rows = vocabulary.encode_documents(documents[:9])
    assert rows == [[*vocabulary.encode(text), vocabulary.end_id] for text in documents[:9]]
    cut = vocabulary.encode_documents(documents[:9], 5)
    assert all(len(row) == 5 and row[-1] == vocabulary.end_id for row in cut)
    assert [row[:4] for row in cut] == [row[:4] for row in rows]
    assert vocabulary.encode_documents(documents[:9], len(rows[0]))[0] == rows[0]
    assert vocabulary.decode_all(rows) == [normalize(text) for text in documents[:9]]


def test_what_is_known_of_pieces_is_read_once(vocabulary, tokenizer):
    assert vocabulary.lengths is vocabulary.lengths and vocabulary.boundaries is vocabulary.boundaries
    assert vocabulary.lengths.units.tolist() == length_table(tokenizer).units.tolist()
    assert vocabulary.lengths_for(len(vocabulary)) is vocabulary.lengths
    assert not vocabulary.lengths_for(len(vocabulary) + 5).writable[-5:].any()
    assert vocabulary.punctuation == punctuation_pieces(tokenizer)
    assert vocabulary.spellings("english") == spellings(tokenizer, "english")
    assert vocabulary.pieces_of_words(["that"]) == pieces_of_words(tokenizer, ["that"])


def test_nothing_is_hidden_in_the_tokenizer(documents, tmp_path):
    made = Vocabulary.train(documents, 400, do_lower_case=True)
    made.save_pretrained(tmp_path)
    plain = AutoTokenizer.from_pretrained(tmp_path)
    assert vars(made.tokenizer).keys() - vars(plain).keys() <= {"split_special_tokens"}


def test_reconstructions_are_one_line_with_marks_in_pairs(vocabulary):
    ids = vocabulary.encode("Anna (opens\nhalls")
    line_break = vocabulary.tokenizer.convert_tokens_to_ids("<0x0A>")
    text = vocabulary.decode([*ids[:2], line_break, *ids[2:]])
    assert "\n" in text
    assert vocabulary.finish(text) == "Anna opens halls"


def test_a_finished_text_has_the_units_that_it_had(vocabulary):
    rng = random.Random(0)
    for _ in range(300):
        text = normalize("".join(rng.choice("aÉ あ「」(“”\"'.<>-") for _ in range(rng.randint(1, 12))))
        assert count_units(vocabulary.finish(text, text)) == count_units(text)
