import pytest

from summgan.text import (
    count_units,
    join_units,
    normalize,
    split_sentences,
    split_units,
    split_words,
)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("Porto council to close bridge", 5),
        ("台湾大学", 4),
        ("在MIT学习", 4),
        ("U.S. gives $10,000 , twice", 5),
        ("今天 3 点", 4),
        ("สวัสดี", 6),
        ("안녕하세요 여러분", 2),
        ("", 0),
    ],
)
def test_units_are_words_or_unspaced_characters(text, units):
    assert count_units(text) == units


def test_joining_units_gives_the_text_back():
    for text in ("A b c.", "台湾大学，今天", "在MIT学习 Python 语言"):
        assert split_units(join_units(split_units(text))) == split_units(text)
    assert join_units(["台", "湾"]) == "台湾"
    assert join_units(["New", "York"]) == "New York"


def test_normalizing_composes_and_cleans():
    assert normalize(" cafe\u0301\t\n au\u00a0lait\u200b\x00 ") == "café au lait"
    assert normalize("\u3000 ") == ""


def test_words_drop_case_and_punctuation():
    assert split_words("\"U.S. Don't-stop, café 3.5!") == [
        "u",
        "s",
        "don",
        "t",
        "stop",
        "café",
        "3",
        "5",
    ]
    assert split_words("今天，天气。") == list("今天天气")


def test_sentences_of_both_kinds_of_script():
    assert split_sentences('He said "no." Then he left! Why? ok') == [
        'He said "no."',
        "Then he left!",
        "Why?",
        "ok",
    ]
    assert split_sentences("今天下雨。明天呢？好！") == ["今天下雨。", "明天呢？", "好！"]
    assert split_sentences("no end") == ["no end"]


def test_normalizing_twice_changes_nothing():
    for text in (
        "e\u0301a\u0300 \u1100\u1161",
        "\ufeffa\u00ad\u200bb",
        "中\u3000文\r\n\u2028x",
        "👨\u200d👩",
    ):
        once = normalize(text)
        assert normalize(once) == once
        assert once == once.strip() and "  " not in once


def test_blanks_of_every_kind_separate_and_never_count():
    for blank in (" ", "\t", "\n", "\u00a0", "\u3000", "\u2028"):
        assert normalize(f"{blank}a{blank}{blank}b{blank}") == "a b"
        assert count_units(normalize(f"a{blank}b")) == 2


def test_joined_units_have_the_length_of_their_number():
    units = split_units("在MIT学习 Python 语言，a b")
    for count in range(len(units) + 1):
        assert count_units(join_units(units[:count])) == count
