"""Summaries have the document's punctuation where it still belongs to their words."""

import pytest

from summgan.text.words import words_of
from summgan.text.written import written


def written_again(text, kept):
    """Write the words of a text that stand in a list, in its order, and those with + in front as inserted."""
    words = words_of(text)
    surface, places, place = [], [], -1
    for word in kept.split():
        if word.startswith("+"):
            surface.append(word[1:])
            places.append(-1)
        else:
            place = words.strings.index(word, place + 1)
            surface.append(word)
            places.append(place)
    return written(words, surface, places)


@pytest.mark.parametrize(
    ("text", "kept", "expected"),
    [
        ("Ann, a baker, sings; Bo reads.", "Ann a baker sings", "Ann, a baker, sings"),
        ("Ann, a baker, sings; Bo reads.", "Ann sings Bo reads", "Ann sings; Bo reads"),
        ("Ann, a baker, sings; Bo reads.", "Ann a baker", "Ann, a baker"),
        ("Ann, a baker.", "Ann +and a baker", "Ann and a baker"),
        (
            "It rose to 79 - the highest mark - in May.",
            "It rose to 79 the highest mark",
            "It rose to 79 - the highest mark",
        ),
        (
            'The "Red Hall" (built in 1900) opens.',
            "The Red Hall built in 1900 opens",
            'The "Red Hall" (built in 1900) opens',
        ),
        ('The "Red Hall" (built in 1900) opens.', "The Red Hall opens", 'The "Red Hall" opens'),
        ('The "Red Hall" (built in 1900) opens.', "The Hall built opens", "The Hall built opens"),
        ('"We lost," he said.', "We lost he said", '"We lost," he said'),
        ('"We lost," he said.', "lost he said", "lost, he said"),
        (
            "The suites' design pleased Mr. J. Fox of Acme Inc. in May.",
            "The suites' design".replace("'", ""),
            "The suites' design",
        ),
        ("The man J. Fox of Acme Inc. in May.", "J Fox of Acme Inc in May", "J. Fox of Acme Inc. in May"),
        ("He left. Then she came.", "left Then she", "left Then she"),
        ("It ends on Oct. 3 for 401(k) plans.", "on Oct 3 for 401(k plans", "on Oct. 3 for 401(k) plans"),
        ("看《守护》，人民来了。", "看 守 护 人 民", "看《守护》，人民"),
        ("看《守护》，人民来了。", "看 守 人 民", "看守人民"),
    ],
)
def test_punctuation_stays_where_it_belongs(text, kept, expected):
    assert written_again(text, kept) == expected


def test_a_text_without_punctuation_is_its_words():
    assert written_again("one two three", "one three") == "one three"
