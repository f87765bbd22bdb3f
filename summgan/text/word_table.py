"""`WordTable`: the words of both piles with their statistics; and texts as rows of the table.

The table has the salience of each word, the pairs of words in human sentences, the words with the same stem
(*forms*), the words that may be inserted because they join many others, and the neighbours that stay
together: a number and its unit, "on Wednesday", "Hong Kong". `summgan.data.word_counts` makes it.
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
from summgan.text.words import NOTHING, Words

BEGIN, END = 0, 1
"""Rows of the table for the beginning and the end of a sentence."""

SPREAD = 2**32
"""Factor in the keys of pairs of rows, which are ``first * SPREAD + second``."""

NUMBER = "0"
"""The word that represents all numbers."""

_DIGITS = regex.compile(r"[^\p{L}]*\p{N}[^\p{L}]*")
_UNKNOWN = 2.0  # nats: salience of a word that is in neither pile
WORDS_FILE = "words.npz"
"""Name of a table's file in a model folder."""


def class_of(string: str) -> str:
    """Return the class of a word: its lower case, or `NUMBER` for all numbers."""
    return NUMBER if _DIGITS.fullmatch(string) else string.lower()


@dataclass(frozen=True)
class WordTable:
    """All words of both piles, `BEGIN` and `END` first.

    Attributes:
        strings: ``[words]`` words in lower case; each number is a word of its own.
        classes: ``[words]`` row that represents each word in `pairs` and `together`: the same one for all
            numbers, and -1 for words without counts.
        worth: ``[words]`` salience, in nats.
        unseen: ``[words]`` gain (see `counts.pair_gains`) of a word that never follows this one, in nats.
        pairs: ``[pairs]`` sorted keys (see `SPREAD`) of pairs of words in human sentences.
        gains: ``[pairs]`` gain of each pair, in nats.
        together: Pairs of classes that stay together, with whether the first requires the second, and whether
            the second requires the first.
        names: ``[words]`` whether the word is usually capitalized.
        forms: ``[words, forms]`` other words of the human sentences with the same stem, -1 beyond the last.
        inserted: Rows of the words that may be inserted.
        lengths: ``[longest + 1]`` share of the human sentences with each number of words.
        added: Number of words at the end without counts, which are not saved.
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
        """Row of each word, by the word in lower case."""
        return {string: row for row, string in enumerate(self.strings)}

    def holds(self, words: Words, ids: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Tell which words of a text stay together.

        Args:
            words: The text.
            ids: Row of each word.

        Returns:
            ``[words]`` whether each word, if kept, requires the next one; and ``[words]`` whether it requires
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
        """Make a table of some of the words, with the counts of their pairs.

        Args:
            rows: Rows of the words to keep; `BEGIN`, `END`, `NUMBER` and `inserted` are always kept.
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
        """Table of these sorted rows; classes and counts of pairs stay as they are."""
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
        """Make a small table of the words of texts, their forms, and the words that may be inserted.

        Its `classes` are rows of this table, so that both share `pairs` and `together`.
        """
        known = self.rows
        strings = dict.fromkeys(string.lower() for words in texts for string in words.strings)
        rows = np.array([known[string] for string in strings if string in known], dtype=np.int64)
        forms = self.forms[rows].flatten()
        always = [BEGIN, END, known[NUMBER], *self.inserted.tolist()]
        return self._picked(np.unique([*always, *rows, *forms[forms >= 0]])).with_strings(strings)

    def with_words(self, texts: Iterable[Words]) -> WordTable:
        """Make a table with the words of further texts, without counts for new ones."""
        return self.with_strings(dict.fromkeys(string.lower() for words in texts for string in words.strings))

    def with_strings(self, said: Iterable[str]) -> WordTable:
        """Make a table with further words, given in lower case, without counts for new ones."""
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
        """Return the words of a summary as they are shown to a reader.

        Args:
            words: The document.
            ids: Row of each word of the summary.
            places: Index of each in the words of the document, -1 for an inserted word.
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

    def save(self, folder: Path) -> None:
        """Write the table, without added words, to a folder."""
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
            SummGANError: The file is missing or damaged.
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
            raise SummGANError(f"{file} is not a valid word table: {error}") from error
        return table

    def check(self) -> None:
        """Check that the columns of the table fit together.

        Raises:
            ValueError: A column does not fit; the message names it.
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
                raise ValueError(f"{name} has rows that do not exist")
        if not self.rows.keys() >= {NUMBER} or not self.lengths.size or not np.isfinite(self.lengths).all():
            raise ValueError("numbers or lengths are missing")


_SAVED = [field.name for field in fields(WordTable) if field.name != "added"]


def _renumbered(old: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Indices of ``old`` in sorted ``rows``, -1 for those that are not there."""
    places = np.searchsorted(rows, old).clip(max=len(rows) - 1)
    return np.where(rows[places] == old, places, -1)


@dataclass(frozen=True)
class TextRows:
    """Many texts as rows of a word table, end to end.

    Attributes:
        sizes: ``[texts]`` number of words of each text.
        ids: ``[all words]`` rows of the word table.
        after: ``[all words]`` kind of punctuation after each word; see `words.Words.after`.
        hold: ``[all words]`` whether each word, if kept, requires the next one.
        need: ``[all words]`` whether each word, if kept, requires the one before.
    """

    sizes: np.ndarray
    ids: np.ndarray
    after: np.ndarray
    hold: np.ndarray
    need: np.ndarray

    def __len__(self) -> int:
        return len(self.sizes)

    def take(self, texts: Sequence[int]) -> dict[str, Tensor]:
        """Return some of the texts as padded tensors ``[texts, words]`` by name.

        Beyond the last word, ``ids`` are -1 and the others 0.
        """
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
    """Look up the words of texts in a table.

    Args:
        table: Table with all words of the texts.
        texts: Texts, split by `words_of`.
        longest: Largest number of words of a text; the rest is cut off.
    """
    rows = table.rows
    ids: list[int] = []
    after: list[int] = []
    sizes, holds, needs = [], [np.zeros(0, dtype=bool)], [np.zeros(0, dtype=bool)]
    for text in texts:
        words = replace(
            text,
            strings=text.strings[:longest],
            after=text.after[:longest],
            holds=text.holds[:longest],
            begins=text.begins[:longest],
        )
        own = [rows[string.lower()] for string in words.strings]
        hold, need = table.holds(words, own)
        hold[-1:] = False  # no word follows the last one
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
    """Select the texts with ``shortest`` to ``longest`` words."""
    fits = (rows.sizes >= shortest) & (rows.sizes <= longest)
    each = np.repeat(fits, rows.sizes)
    return TextRows(rows.sizes[fits], rows.ids[each], rows.after[each], rows.hold[each], rows.need[each])
