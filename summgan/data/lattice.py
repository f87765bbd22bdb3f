"""Documents as lattices of words, and what can be counted over both piles before anything is learned.

A word is a token between blanks without its punctuation, or one character in scripts without blanks.
`WordTable` knows the words of the piles: how salient each is, which follow each other in human sentences,
which have the same stem (*forms*), which join so many others that they may be inserted, and which neighbours
people never part: a number and its unit, "on Wednesday", "Hong Kong". All is counted; no word is listed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import regex

from summgan.data.piece_counts import FREQUENT, PieceCounts, counted_salience
from summgan.errors import SummGANError
from summgan.text.counts import NgramCounts, pair_gains
from summgan.text.script import is_unspaced, join_units

NOTHING, CLAUSE, SENTENCE = 0, 1, 2
"""What stands between a word and the next one: no punctuation, some, or the end of a sentence."""

BEGIN, END = 0, 1
"""Rows of the table that stand for the begin and the end of a sentence."""

_OPENING, _CLOSING = "\"“‘'([«„", "\"”’')]»“"
_WORD = regex.compile(r"[$£€¥#+\-]*[\p{L}\p{N}](?:.*[\p{L}\p{N}%°])?|[\p{L}\p{N}]")
_INITIALS = regex.compile(r"(?:\p{L}\.){2,}")
_DIGITS = regex.compile(r"[^\p{L}]*\p{N}[^\p{L}]*")
_NUMBER = "0"
_LONGEST_QUOTE = 8  # words between quotation marks or brackets that stay together
_TOGETHER = 0.75  # share of a word's sentences with the same neighbour
_COUNTED_ON = 12  # such sentences at least
_UNKNOWN = 2.0  # nats of salience of a word that stands in neither pile
_FILE = "words.npz"
_LEAST_FORM = 20  # sentences that have a form without which it is not offered


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


def words_of(text: str) -> Words:
    """Split a text into words and what stands between them."""
    strings: list[str] = []
    after: list[int] = []
    begins: list[int] = []
    opened: list[int] = []
    holds: set[int] = set()
    for match in regex.finditer(r"\S+", text):
        for offset, part in _parts(match.group()):
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
    if not any(map(is_unspaced, token)):
        return [(0, token)]
    starts = [0]
    for place, sign in enumerate(token[1:], 1):
        spaced = not is_unspaced(sign) and not is_unspaced(token[place - 1])
        if regex.match(r"[\p{L}\p{N}]", sign) and not spaced:
            starts.append(place)
    return [(a, token[a:b]) for a, b in pairwise([*starts, len(token)])]


def _class_of(string: str) -> str:
    """Words that count as one: without case, and all numbers as one."""
    return _NUMBER if _DIGITS.fullmatch(string) else string.lower()


@dataclass(frozen=True)
class WordTable:
    """All words of both piles, `BEGIN` and `END` first.

    Attributes:
        strings: ``[words]`` as they are written in lower case; numbers too are words of their own.
        classes: ``[words]`` the row that stands for each in `pairs`: one for all numbers.
        worth: ``[words]`` nats of salience.
        unseen: ``[words]`` nats of going on after each to a word that never followed it.
        pairs: ``[pairs]`` sorted keys ``first * len(strings) + second`` of what followed what in sentences.
        gains: ``[pairs]`` how much likelier than elsewhere, in nats.
        together: Pairs of classes of which neither is said without the other: rows of (first, second, first
            holds second, second needs first).
        names: ``[words]`` whether each is usually written with a capital letter.
        forms: ``[words, forms]`` other words of the human sentences with the same stem, -1 beyond the last.
        inserted: Rows of the words that may be inserted.
        lengths: ``[longest + 1]`` share of the human sentences with each number of words.
    """

    strings: list[str]
    classes: np.ndarray
    worth: np.ndarray
    unseen: np.ndarray
    pairs: np.ndarray
    gains: np.ndarray
    together: dict[tuple[int, int], tuple[bool, bool]]
    names: np.ndarray
    forms: np.ndarray
    inserted: np.ndarray
    lengths: np.ndarray

    def holds(self, words: Words, ids: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Which words are said together or not at all.

        Returns:
            ``[words]`` whether each, if said, is followed by the next one, and ``[words]`` whether it follows
            the one before.
        """
        hold, need = np.array(words.holds, dtype=bool), np.zeros(len(ids), dtype=bool)
        need[1:] |= hold[:-1]
        names = [
            bool(self.names[row]) and string[:1].isupper()
            for row, string in zip(ids, words.strings, strict=True)
        ]
        for place in range(len(ids) - 1):
            if words.after[place] != NOTHING:
                continue
            pair = int(self.classes[ids[place]]), int(self.classes[ids[place + 1]])
            holding, needing = self.together.get(pair, (False, False))
            hold[place] |= holding or (names[place] and names[place + 1])
            need[place + 1] |= needing
        return hold, need

    def with_words(self, texts: Iterable[Words]) -> WordTable:
        """The table with all words of further texts, about which nothing was counted."""
        known = set(self.strings)
        said = dict.fromkeys(string.lower() for words in texts for string in words.strings)
        new = [string for string in said if string not in known]
        if not new:
            return self
        number, old, size = self.strings.index(_NUMBER), len(self.strings), len(self.strings) + len(new)
        numbers = np.array([_class_of(string) == _NUMBER for string in new])
        none = np.full((len(new), self.forms.shape[1]), -1)
        return replace(
            self,
            strings=self.strings + new,
            classes=np.concatenate([self.classes, np.where(numbers, number, np.arange(old, size))]),
            worth=np.concatenate([self.worth, np.full(len(new), _UNKNOWN, dtype=np.float32)]),
            unseen=np.concatenate(
                [self.unseen, np.where(numbers, self.unseen[number], 0).astype(np.float32)]
            ),
            pairs=self.pairs // old * size + self.pairs % old,
            names=np.concatenate([self.names, np.ones(len(new), dtype=bool)]),
            forms=np.concatenate([self.forms, none]),
        )

    def text(self, words: Words, ids: Sequence[int], places: Sequence[int]) -> str:
        """A summary as a reader gets it.

        Args:
            words: The document.
            ids: Rows of what is said, -1 beyond the last.
            places: Place of each in the document, -1 for words that are inserted.
        """
        said = []
        for row, place in zip(ids, places, strict=True):
            if row < 0:
                break
            own = words.strings[place] if place >= 0 else ""
            said.append(own if own.lower() == self.strings[row] else self.strings[row])
        text = join_units(said)
        return text[:1].upper() + text[1:]

    def save(self, folder: Path) -> None:
        """Write the table into a folder."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays["strings"] = np.frombuffer("\n".join(self.strings).encode(), dtype=np.uint8)
        rows = [(*pair, *flags) for pair, flags in self.together.items()]
        arrays["together"] = np.array(rows, dtype=np.int64).reshape(-1, 4)
        np.savez_compressed(folder / _FILE, **arrays)

    @classmethod
    def load(cls, folder: Path) -> WordTable:
        """Read the table that `save` wrote.

        Raises:
            SummGANError: There is none, or it is damaged.
        """
        try:
            with np.load(folder / _FILE, allow_pickle=False) as file:
                arrays = {f.name: file[f.name] for f in fields(cls)}
            strings = arrays.pop("strings").tobytes().decode().split("\n")
            rows = arrays.pop("together").tolist()
        except (OSError, KeyError, ValueError, BadZipFile) as error:
            raise SummGANError(f"{folder / _FILE} is no table of words: {error}") from error
        together = {(a, b): (bool(holds), bool(needs)) for a, b, holds, needs in rows}
        return cls(strings=strings, together=together, **arrays)


def count_words(
    documents: Sequence[Words],
    sentences: Sequence[Words],
    stem: Callable[[str], str] | None = None,
    forms: int = 2,
    inserted: int = 12,
) -> WordTable:
    """Count the words of both piles.

    Args:
        documents: Texts that are to be summarized.
        sentences: Human sentences.
        stem: Of a word in lower case; None where the language has no stemmer, and then there are no forms.
        forms: Other words with the same stem that each word may be replaced by.
        inserted: Words that may be inserted: those with the most different neighbours.
    """
    written, said = (
        Counter(string.lower() for words in pile for string in words.strings)
        for pile in (documents, sentences)
    )
    strings = ["", " ", *sorted((written | said).keys() | {_NUMBER})]
    rows = {string: row for row, string in enumerate(strings)}
    classes = np.array([rows.get(_class_of(string), rows[string]) for string in strings])
    stems = [stem(string) if stem else string for string in strings]
    texts = ([int(classes[rows[string.lower()]]) for string in words.strings] for words in sentences)
    counts = NgramCounts(texts, 2, BEGIN, END)
    following = {first: seconds for (first,), seconds in counts.following[1].items()}
    names = _names(documents, rows)
    unseen, pairs, gains = _gains(counts, len(strings))
    lengths = np.bincount([min(len(words.strings), 64) for words in sentences], minlength=65)
    return WordTable(
        strings=strings,
        classes=classes,
        worth=_worth(documents, sentences, rows, stems),
        unseen=unseen[classes],
        pairs=pairs,
        gains=gains,
        together=_together(following),
        names=names,
        forms=_forms(strings, stems, said, rows, names, forms if stem else 0),
        inserted=_connecting(following, inserted),
        lengths=lengths / lengths.sum(),
    )


def _worth(
    documents: Sequence[Words], sentences: Sequence[Words], rows: dict[str, int], stems: list[str]
) -> np.ndarray:
    """Salience of all words, see `counted_salience`; words with the same stem are counted together.

    Frequent words, even if people say them, are worth nothing.
    """
    numbers = {stem: number for number, stem in enumerate(dict.fromkeys(stems))}
    kinds = np.array([numbers[stem] for stem in stems])
    occurrences, having, human = np.zeros((3, len(numbers)))
    for words in documents:
        ids = kinds[[rows[string.lower()] for string in words.strings]]
        np.add.at(occurrences, ids, 1)
        having[np.unique(ids)] += 1
    for words in sentences:
        np.add.at(human, kinds[[rows[string.lower()] for string in words.strings]], 1)
    worth, rarity = counted_salience(PieceCounts(occurrences, having, len(documents)), human)
    return np.where(rarity < FREQUENT, np.minimum(worth, 0.0), worth)[kinds].astype(np.float32)


def _gains(counts: NgramCounts[int], size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`pair_gains` as tables: of what never followed each word; keys and gains of all pairs that are seen."""
    unseen, seen = pair_gains(counts)
    table = np.zeros(size, dtype=np.float32)
    table[list(unseen)] = list(unseen.values())
    keyed = {first * size + second: gain for (first, second), gain in seen.items()}
    keys = np.array(sorted(keyed), dtype=np.int64)
    return table, keys, np.array([keyed[key] for key in keys.tolist()], dtype=np.float32)


def _connecting(following: dict[int, Counter[int]], most: int) -> np.ndarray:
    """Rows of the words that join the most different words, by the entropies before and after."""
    preceding: dict[int, Counter[int]] = defaultdict(Counter)
    for first, seconds in following.items():
        for second, count in seconds.items():
            preceding[second][first] = count

    def entropy(counts: Counter[int]) -> float:
        shares = np.array(list(counts.values())) / counts.total()
        return float(-(shares * np.log(shares)).sum())

    words = [row for row in preceding if row in following and row != END]
    words.sort(key=lambda row: -entropy(preceding[row]) - entropy(following[row]))
    return np.array(words[:most], dtype=np.int64)


def _together(following: dict[int, Counter[int]]) -> dict[tuple[int, int], tuple[bool, bool]]:
    """Pairs of which people say one hardly ever without the other."""
    before: Counter[int] = Counter()
    for seconds in following.values():
        before.update(seconds)
    found = {}
    for first, seconds in following.items():
        total = seconds.total()
        for second, count in seconds.items():
            if BEGIN == first or END == second or count < _COUNTED_ON * _TOGETHER:
                continue
            holds = total >= _COUNTED_ON and count / total >= _TOGETHER
            needs = before[second] >= _COUNTED_ON and count / before[second] >= _TOGETHER
            if holds or needs:
                found[first, second] = (holds, needs)
    return found


def _names(documents: Sequence[Words], rows: dict[str, int]) -> np.ndarray:
    """Which words are written with a capital letter in most places where a sentence does not begin."""
    capital = np.zeros((2, len(rows)))
    for words in documents:
        for place, string in enumerate(words.strings):
            if place and words.after[place - 1] != SENTENCE:
                capital[int(string[:1].isupper()), rows[string.lower()]] += 1
    return capital[1] > capital[0]


def _forms(
    strings: list[str],
    stems: list[str],
    said: Counter[str],
    rows: dict[str, int],
    names: np.ndarray,
    most: int,
) -> np.ndarray:
    """``[words, most]`` other words with the same stem, most frequent first; none of names."""
    table = np.full((len(strings), most), -1)
    families: dict[str, list[str]] = defaultdict(list)
    for string, stem in zip(strings, stems, strict=True):
        if said[string] >= _LEAST_FORM and string.isalpha() and not names[rows[string]]:
            families[stem].append(string)
    for row, (string, stem) in enumerate(zip(strings, stems, strict=True)):
        if names[row]:
            continue
        others = sorted((other for other in families[stem] if other != string), key=lambda w: -said[w])
        for column, other in enumerate(others[:most]):
            table[row, column] = rows[other]
    return table
