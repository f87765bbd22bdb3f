"""Texts as words, with the punctuation between them.

A word is a token between blanks without its punctuation, or one character in scripts without blanks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import regex

from summgan.text.punctuation import AT_EDGES, OPENING_AT_EDGES
from summgan.text.script import is_unspaced, sentence_ends

NOTHING, CLAUSE, SENTENCE = 0, 1, 2
"""Kinds of punctuation between a word and the next one: none, some, or the end of a sentence."""

_WORD = regex.compile(r"[$£€¥#+\-]*[\p{L}\p{N}](?:.*[\p{L}\p{N}%°])?|[\p{L}\p{N}]")
_INITIALS = regex.compile(r"(?:\p{L}\.){2,}")
_LONGEST_QUOTE = 8  # largest number of words between quotation marks or brackets that stay together


@dataclass(frozen=True)
class Words:
    """A text as words.

    Attributes:
        strings: ``[words]`` the words.
        after: ``[words]`` punctuation after each word: `NOTHING`, `CLAUSE` or `SENTENCE`.
        holds: ``[words]`` whether each word, if kept, requires the next one, within quotation marks or
            brackets.
        begins: ``[words]`` index in the text of the first character of each word.
        text: The text.
    """

    strings: list[str]
    after: list[int]
    holds: list[bool]
    begins: list[int]
    text: str

    def begins_sentence(self, place: int) -> bool:
        """Tell whether the word at an index is the first of a sentence."""
        return place == 0 or self.after[place - 1] == SENTENCE

    def before(self, place: int) -> str:
        """Return the signs that are attached to a word in front."""
        start = self.begins[place - 1] + len(self.strings[place - 1]) if place else 0
        return regex.split(r"\s", self.text[start : self.begins[place]])[-1]

    def following(self, place: int) -> str:
        """Return the signs and the blanks between a word and the next one, or the end."""
        end = self.begins[place + 1] if place + 1 < len(self.strings) else len(self.text)
        return self.text[self.begins[place] + len(self.strings[place]) : end]


@dataclass(frozen=True)
class Source:
    """A word of a summary, with its place in the document.

    Attributes:
        word: The word as the summary has it; the document may have another form of it.
        start: Index of its first character in the document, as normalized by `summgan.text.script.normalize`;
            None for an inserted word.
        end: Index after its last character; None for an inserted word.
        probability: Probability, from 0 to 1, that a summary of this length has this word.
    """

    word: str
    start: int | None
    end: int | None
    probability: float


def words_of(text: str) -> Words:
    """Split a normalized text into words and the punctuation between them."""
    strings: list[str] = []
    after: list[int] = []
    begins: list[int] = []
    opened: list[int] = []
    holds: set[int] = set()
    for match in regex.finditer(r"\S+", text):
        for offset, part in _parts(match.group()):
            if part.isalnum():  # most parts are just a word
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
            if any(sign in OPENING_AT_EDGES for sign in before):
                opened.append(len(strings))
            strings.append(string)
            begins.append(match.start() + offset + found.start())
            after.append(CLAUSE if rest and rest != "." else NOTHING)  # a full stop may abbreviate: "Oct. 3"
            if opened and any(sign in AT_EDGES for sign in rest):
                first = opened.pop()
                if len(strings) - first <= _LONGEST_QUOTE:
                    holds.update(range(first, len(strings) - 1))
    for end in sentence_ends(text):
        if place := bisect_left(begins, end):
            after[place - 1] = SENTENCE
    return Words(strings, after, [place in holds for place in range(len(strings))], begins, text)


def _parts(token: str) -> Iterable[tuple[int, str]]:
    """Split a token into characters, each with what follows it, if its script has no blanks."""
    if token.isascii() or not any(map(is_unspaced, token)):
        return [(0, token)]
    starts = [0]
    for place, sign in enumerate(token[1:], 1):
        spaced = not is_unspaced(sign) and not is_unspaced(token[place - 1])
        if regex.match(r"[\p{L}\p{N}]", sign) and not spaced:
            starts.append(place)
    return [(a, token[a:b]) for a, b in pairwise([*starts, len(token)])]
