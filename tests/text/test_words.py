"""Texts as words, with the punctuation between them."""

from summgan.text.words import CLAUSE, NOTHING, SENTENCE, words_of


def test_words_are_without_punctuation_which_is_known():
    words = words_of('On Monday, the "Blue Note" paid $5.6 million (U.S. dollars). It closed.')
    expected = [
        "On",
        "Monday",
        "the",
        "Blue",
        "Note",
        "paid",
        "$5.6",
        "million",
        "U.S.",
        "dollars",
        "It",
        "closed",
    ]
    assert words.strings == expected
    assert words.after[:3] == [NOTHING, CLAUSE, CLAUSE]
    assert words.after[9] == SENTENCE
    assert [words.strings[place] for place, holds in enumerate(words.holds) if holds] == ["Blue", "U.S."]
    assert words.begins[1] == 3


def test_characters_are_the_words_of_chinese():
    words = words_of("北京大学，2024年开放。")
    assert words.strings == ["北", "京", "大", "学", "2024", "年", "开", "放"]
    assert words.after == [0, 0, 0, CLAUSE, 0, 0, 0, SENTENCE]


def test_the_full_stop_of_an_abbreviation_ends_no_sentence():
    words = words_of("Acme Inc. said on Oct. 3 it lost. Bo left. 5")
    ends = [word for word, after in zip(words.strings, words.after, strict=True) if after == SENTENCE]
    assert ends == ["lost"]
    lower = words_of("acme inc. said on oct. 3 it lost. bo left")
    assert [lower.strings[place] for place, after in enumerate(lower.after) if after] == ["lost"]
