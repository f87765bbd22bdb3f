"""`WordTable`: the words of both piles, and all that was counted of them; and texts as rows of it.

It knows how salient each word is, which follow each other in human sentences, which have the same stem
(*forms*), which join so many others that they may be inserted, and which neighbours people never part: a
number and its unit, "on Wednesday", "Hong Kong". `summgan.data.word_counts` counts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import regex
import torch
from torch import Tensor

from summgan.errors import SummGANError
from summgan.text.script import join_units
from summgan.text.words import NOTHING, Words

BEGIN, END = 0, 1
"""Rows of the table that stand for the begin and the end of a sentence."""

SPREAD = 2**32
"""Keys of pairs of rows are ``first * SPREAD + second``."""

NUMBER = "0"
"""The word that stands for all numbers."""

_DIGITS = regex.compile(r"[^\p{L}]*\p{N}[^\p{L}]*")
_UNKNOWN = 2.0  # nats of salience of a word that stands in neither pile
WORDS_FILE = "words.npz"
"""Name of the file of a table in the folder of a model."""


def class_of(string: str) -> str:
    """Words that count as one: without case, and all numbers as one."""
    return NUMBER if _DIGITS.fullmatch(string) else string.lower()


@dataclass(frozen=True)
class WordTable:
    """All words of both piles, `BEGIN` and `END` first.

    Attributes:
        strings: ``[words]`` as they are written in lower case; numbers too are words of their own.
        classes: ``[words]`` the row that stands for each in `pairs` and `together`: one for all numbers; -1
            for words about which nothing was counted.
        worth: ``[words]`` nats of salience.
        unseen: ``[words]`` nats of going on after each to a word that never followed it.
        pairs: ``[pairs]`` sorted keys (see `SPREAD`) of what followed what in sentences.
        gains: ``[pairs]`` how much likelier than elsewhere, in nats.
        together: Pairs of classes of which neither is said without the other: rows of (first, second, first
            holds second, second needs first).
        names: ``[words]`` whether each is usually written with a capital letter.
        forms: ``[words, forms]`` other words of the human sentences with the same stem, -1 beyond the last.
        inserted: Rows of the words that may be inserted.
        lengths: ``[longest + 1]`` share of the human sentences with each number of words.
        added: Number of words at the end about which nothing was counted; they are not saved.
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
    added: int = 0

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each word."""
        return {string: row for row, string in enumerate(self.strings)}

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

    def only(self, rows: Iterable[int]) -> WordTable:
        """The table of some words, with what was counted of pairs of them.

        Args:
            rows: Of the words that stay; `BEGIN`, `END`, `NUMBER` and `inserted` do anyway.
        """
        kept = np.unique([BEGIN, END, self.rows[NUMBER], *self.inserted.tolist(), *rows])
        first, second = (_renumbered(side, kept) for side in (self.pairs // SPREAD, self.pairs % SPREAD))
        both = (first >= 0) & (second >= 0)
        new = dict(zip(kept.tolist(), range(len(kept)), strict=True))
        together = {
            (new[a], new[b]): flags for (a, b), flags in self.together.items() if a in new and b in new
        }
        return replace(
            self._picked(kept),
            classes=_renumbered(self.classes[kept], kept),
            pairs=(first * SPREAD + second)[both],
            gains=self.gains[both],
            together=together,
        )

    def _picked(self, rows: np.ndarray) -> WordTable:
        """The table of these rows, sorted; classes, and what was counted of them, stay."""
        return replace(
            self,
            strings=[self.strings[row] for row in rows.tolist()],
            classes=self.classes[rows],
            worth=self.worth[rows],
            unseen=self.unseen[rows],
            names=self.names[rows],
            forms=_renumbered(self.forms[rows], rows),
            inserted=_renumbered(self.inserted, rows),
        )

    def about(self, texts: Iterable[Words]) -> WordTable:
        """The words of texts, what they may become and what may be inserted: a table as small as the texts.

        `classes` are the rows of this table, so that `pairs` and `together` are shared.
        """
        known = self.rows
        said = dict.fromkeys(string.lower() for words in texts for string in words.strings)
        rows = np.array([known[string] for string in said if string in known], dtype=np.int64)
        forms = self.forms[rows].flatten()
        always = [BEGIN, END, known[NUMBER], *self.inserted.tolist()]
        return self._picked(np.unique([*always, *rows, *forms[forms >= 0]])).with_strings(said)

    def with_words(self, texts: Iterable[Words]) -> WordTable:
        """The table with all words of further texts, about which nothing was counted."""
        return self.with_strings(dict.fromkeys(string.lower() for words in texts for string in words.strings))

    def with_strings(self, said: Iterable[str]) -> WordTable:
        """The table with further words in lower case, about which nothing was counted."""
        new = [string for string in said if string not in self.rows]
        if not new:
            return self
        number = self.rows[NUMBER]
        numbers = np.array([class_of(string) == NUMBER for string in new])
        return replace(
            self,
            strings=self.strings + new,
            classes=np.append(self.classes, np.where(numbers, self.classes[number], -1)),
            worth=np.append(self.worth, np.full(len(new), _UNKNOWN, dtype=np.float32)),
            unseen=np.append(self.unseen, np.where(numbers, self.unseen[number], np.float32(0))),
            names=np.append(self.names, np.ones(len(new), dtype=bool)),
            forms=np.concatenate([self.forms, np.full((len(new), self.forms.shape[1]), -1)]),
            added=self.added + len(new),
        )

    def surface(self, words: Words, ids: Sequence[int], places: Sequence[int]) -> list[str]:
        """The words of a summary as a reader gets them.

        Args:
            words: The document.
            ids: Rows of what is said.
            places: Place of each in the document, -1 for words that are inserted.
        """
        said: list[str] = []
        for row, place in zip(ids, places, strict=True):
            own = words.strings[place] if place >= 0 else ""
            if own.lower() != self.strings[row]:
                own = self.strings[row]
            elif words.begins_sentence(place) and not self.names[row] and said:
                own = own[:1].lower() + own[1:]
            said.append(own)
        said[:1] = [word[:1].upper() + word[1:] for word in said[:1]]
        return said

    @staticmethod
    def joined(surface: Sequence[str]) -> str:
        """Words as one text."""
        return join_units(surface)

    def save(self, folder: Path) -> None:
        """Write what was counted into a folder."""
        counted = self._picked(np.arange(len(self.strings) - self.added))
        arrays = {name: getattr(counted, name) for name in _SAVED}
        arrays["strings"] = np.frombuffer("\n".join(counted.strings).encode(), dtype=np.uint8)
        rows = [(*pair, *flags) for pair, flags in self.together.items()]
        arrays["together"] = np.array(rows, dtype=np.int64).reshape(-1, 4)
        np.savez_compressed(folder / WORDS_FILE, **arrays)

    @classmethod
    def load(cls, file: Path) -> WordTable:
        """Read the file that `save` wrote.

        Raises:
            SummGANError: It is missing or damaged.
        """
        try:
            with np.load(file, allow_pickle=False) as arrays:
                found = {name: arrays[name] for name in _SAVED}
            strings = found.pop("strings").tobytes().decode().split("\n")
            rows = found.pop("together").tolist()
            together = {(a, b): (bool(holds), bool(needs)) for a, b, holds, needs in rows}
            table = cls(strings=strings, together=together, **found)
            table.check()
        except (OSError, KeyError, ValueError, TypeError, AttributeError, BadZipFile) as error:
            raise SummGANError(f"{file} is no table of words: {error}") from error
        return table

    def check(self) -> None:
        """Refuse a table whose columns do not belong together.

        Raises:
            ValueError: Naming the column.
        """
        size = len(self.strings)
        columns = {"classes": "i", "worth": "f", "unseen": "f", "names": "b"}
        for name, kind in columns.items():
            column = getattr(self, name)
            if column.shape != (size,) or column.dtype.kind != kind:
                raise ValueError(f"{name} does not fit {size} words")
        if self.forms.ndim != 2 or len(self.forms) != size or self.pairs.shape != self.gains.shape:
            raise ValueError("forms or pairs do not fit the words")
        for name in ("classes", "forms", "inserted"):
            rows = getattr(self, name)
            if rows.size and (rows.dtype.kind != "i" or rows.min() < -1 or rows.max() >= size):
                raise ValueError(f"{name} names rows that are not there")
        if not self.rows.keys() >= {NUMBER} or not self.lengths.size or not np.isfinite(self.lengths).all():
            raise ValueError("numbers or lengths are missing")


_SAVED = [field.name for field in fields(WordTable) if field.name != "added"]


def _renumbered(old: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Places among sorted ``rows`` of some of them, -1 of what is not there."""
    places = np.searchsorted(rows, old).clip(max=len(rows) - 1)
    return np.where(rows[places] == old, places, -1)


@dataclass(frozen=True)
class TextRows:
    """Many texts as rows of a word table, end to end.

    Attributes:
        sizes: ``[texts]`` words of each.
        ids: ``[all words]`` rows of the word table.
        after: ``[all words]`` punctuation after each, by kind.
        hold: ``[all words]`` whether each, if said, is followed by the next one.
        need: ``[all words]`` whether each, if said, follows the one before.
    """

    sizes: np.ndarray
    ids: np.ndarray
    after: np.ndarray
    hold: np.ndarray
    need: np.ndarray

    def __len__(self) -> int:
        return len(self.sizes)

    def take(self, texts: Sequence[int]) -> dict[str, Tensor]:
        """Some of the texts as tables ``[texts, words]``; ids are -1 beyond the last word, the others 0."""
        chosen = np.asarray(texts)
        sizes = self.sizes[chosen]
        places = np.arange(sizes.max(initial=1))
        there = places < sizes[:, None]
        starts = (np.cumsum(self.sizes) - self.sizes)[chosen]
        index = np.where(there, starts[:, None] + places, 0)
        kinds = {"ids": (self.ids, -1), "after": (self.after, 0)}
        kinds |= {"hold": (self.hold, False), "need": (self.need, False)}
        return {
            name: torch.as_tensor(np.where(there, column[index], filling))
            for name, (column, filling) in kinds.items()
        }


def rows_of(table: WordTable, texts: Sequence[Words], longest: int) -> TextRows:
    """Look the words of texts up.

    Args:
        table: Knows all words of the texts.
        texts: Split by `words_of`.
        longest: Words of a text that are read; what follows is left out.
    """
    rows = table.rows
    ids: list[int] = []
    after: list[int] = []
    sizes, holds, needs = [], [np.zeros(0, dtype=bool)], [np.zeros(0, dtype=bool)]
    for text in texts:
        words = Words(
            text.strings[:longest], text.after[:longest], text.holds[:longest], text.begins[:longest]
        )
        own = [rows[string.lower()] for string in words.strings]
        hold, need = table.holds(words, own)
        hold[-1:] = False  # what would follow is not there
        ids += own
        after += words.after
        sizes.append(len(own))
        holds.append(hold)
        needs.append(need)
    return TextRows(
        np.array(sizes, dtype=np.int64),
        np.array(ids, dtype=np.int64),
        np.array(after, dtype=np.int64),
        np.concatenate(holds),
        np.concatenate(needs),
    )


def of_length(rows: TextRows, shortest: int, longest: int) -> TextRows:
    """The texts with ``shortest`` to ``longest`` words."""
    fits = (rows.sizes >= shortest) & (rows.sizes <= longest)
    each = np.repeat(fits, rows.sizes)
    return TextRows(rows.sizes[fits], rows.ids[each], rows.after[each], rows.hold[each], rows.need[each])
