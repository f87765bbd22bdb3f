import pytest

from summgan.writing.windows import cut


def words(text):
    """Count one piece for each word, and for every ten characters of a long word."""
    return sum(-(-len(word) // 10) for word in text.split())


def test_what_fits_is_one_part():
    assert cut("One two. Three.", 3, words) == ["One two. Three."]


def test_cuts_are_between_sentences_where_possible():
    text = "One two three. Four five. Six seven eight nine. Ten."
    assert cut(text, 5, words) == ["One two three. Four five.", "Six seven eight nine. Ten."]


@pytest.mark.parametrize(
    "text",
    [
        "word " * 300,
        "x" * 5000,
        "one " + "x" * 3000 + " two. Three " + "=" * 400,
        "Mixed 中文字 and words 日本語です。 " * 40,
        "a\u0301" * 500,
        "…" * 700,
        "A. B! C? " * 100,
    ],
)
@pytest.mark.parametrize("room", [1, 2, 7, 63])
def test_nothing_is_lost_and_every_part_fits(text, room):
    text = " ".join(text.split())
    parts = cut(text, room, words)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(part and words(part) <= room for part in parts)
    # Neighbouring parts do not fit together.
    assert all(words(f"{a} {b}") > room for a, b in zip(parts, parts[1:], strict=False) if len(text) < 400)


def test_a_character_that_does_not_fit_is_a_part_by_itself():
    assert cut("abc", 1, lambda text: 3 * len(text)) == ["a", "b", "c"]
