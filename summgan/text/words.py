"""Texts as words, and what stands between them.

A word is a token between blanks without its punctuation, or one character in scripts without blanks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import regex

from summgan.text.script import is_unspaced

NOTHING, CLAUSE, SENTENCE = 0, 1, 2
"""What stands between a word and the next one: no punctuation, some, or the end of a sentence."""

_OPENING, _CLOSING = "\"“‘'([«„", "\"”’')]»“"
_WORD = regex.compile(r"[$£€¥#+\-]*[\p{L}\p{N}](?:.*[\p{L}\p{N}%°])?|[\p{L}\p{N}]")
_INITIALS = regex.compile(r"(?:\p{L}\.){2,}")
_LONGEST_QUOTE = 8  # words between quotation marks or brackets that stay together


@dataclass(frozen=True)
class Words:
    """A text as words.

    Attributes:
        strings: The words.
        after: Of each what follows it: `NOTHING`, `CLAUSE` or `SENTENCE`.
        holds: Whether each, if said, is followed by the next one; within quotation marks, brackets and names.
        begins: Places in the text where each begins.
    """

    strings: list[str]
    after: list[int]
    holds: list[bool]
    begins: list[int]

    def begins_sentence(self, place: int) -> bool:
        """Whether the word at a place is the first of a sentence."""
        return place == 0 or self.after[place - 1] == SENTENCE


@dataclass(frozen=True)
class Source:
    """A word of a summary, and where it comes from.

    Attributes:
        word: As the summary has it.
        start: Place of its first character in the document (as `summgan.text.script.normalize` gives it),
            where it may stand in another form; None for an inserted word.
        end: Place after its last character; None for an inserted word.
        probability: How likely the model says this word in a summary of this length.
    """

    word: str
    start: int | None
    end: int | None
    probability: float


def words_of(text: str) -> Words:
    """Split a text into words and what stands between them."""
    strings: list[str] = []
    after: list[int] = []
    begins: list[int] = []
    opened: list[int] = []
    holds: set[int] = set()
    for match in regex.finditer(r"\S+", text):
        for offset, part in _parts(match.group()):
            if part.isalnum():  # most are no more than a word
                strings.append(part)
                begins.append(match.start() + offset)
                after.append(NOTHING)
                continue
            found = _WORD.search(part)
            before = part if found is None else part[: found.start()]
            if strings and before:
                after[-1] = max(after[-1], CLAUSE)
            if found is None:
                continue
            initials = _INITIALS.match(part, found.start())
            string = initials.group() if initials else found.group()
            rest = part[found.start() + len(string) :]
            if any(sign in _OPENING for sign in before):
                opened.append(len(strings))
            strings.append(string)
            begins.append(match.start() + offset + found.start())
            sentence = any(sign in ".!?。！？" for sign in rest)
            after.append(SENTENCE if sentence else CLAUSE if rest else NOTHING)
            if opened and any(sign in _CLOSING for sign in rest):
                first = opened.pop()
                if len(strings) - first <= _LONGEST_QUOTE:
                    holds.update(range(first, len(strings) - 1))
    return Words(strings, after, [place in holds for place in range(len(strings))], begins)


def _parts(token: str) -> Iterable[tuple[int, str]]:
    """A token, or its characters with what follows them where its script has no blanks."""
    if token.isascii() or not any(map(is_unspaced, token)):
        return [(0, token)]
    starts = [0]
    for place, sign in enumerate(token[1:], 1):
        spaced = not is_unspaced(sign) and not is_unspaced(token[place - 1])
        if regex.match(r"[\p{L}\p{N}]", sign) and not spaced:
            starts.append(place)
    return [(a, token[a:b]) for a, b in pairwise([*starts, len(token)])]
