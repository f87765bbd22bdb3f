import datetime
import decimal

import pytest

from summgan.data.readers.values import BadCell, Problem, describe, id_of, name_some, text_of, texts_of


def test_a_text_is_normalized_and_keeps_its_lines_if_they_count():
    assert text_of(" cafe\u0301\n  x ", "text") == "café x"
    assert text_of("a\nb", "text", lines=True) == "a\nb"
    assert text_of("é".encode(), "text") == "é"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "text is empty"),
        (None, "text is null, not a text"),
        (3, r"text is an int \(3\), not a text"),
        (b"caf\xe9", "byte 4 is not UTF-8"),
        ("caf\udce9", "bytes that are not UTF-8"),
        ("a\ud800", r"lone surrogate U\+D800"),
        ("a\0b", "NUL character"),
        (BadCell("a date of the year 99999"), "a date of the year 99999, not a text"),
    ],
)
def test_what_is_no_text_is_said_in_words(value, message):
    with pytest.raises(Problem, match=message):
        text_of(value, "text")


def test_lists_are_texts_and_so_are_arrays_in_a_cell():
    assert texts_of(["a", " ", "b"], "summary") == ["a", "b"]
    assert texts_of('["a", "b"]', "summary") == ["a", "b"]
    assert texts_of("[1, 2]", "summary") == ["[1, 2]"]  # not only texts, so the cell is one text
    with pytest.raises(Problem, match="has an int .* instead of a text"):
        texts_of(["a", 3], "summary")
    with pytest.raises(Problem, match="summary has no text"):
        texts_of([], "summary")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (7, 7),
        (float("nan"), None),
        (float("inf"), "inf"),
        (b"a", "a"),
        (b"\xff", "ff"),
        ({"a": 1}, '{"a": 1}'),
        (decimal.Decimal("1.50"), "1.50"),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        ("a\0b", "a\0b"),
    ],
)
def test_ids_of_every_kind_can_be_written(value, kept):
    assert id_of(value) == kept


def test_messages_are_short_whatever_they_are_about():
    assert describe([1]) == "a list"
    assert len(describe("x" * 1000)) < 60
    assert name_some(["a" * 100]) == "a" * 40 + "..."
    assert name_some(range(12)).endswith("9, and 2 more") and name_some([]) == "none"
