"""Where the words of human sentences stand in the documents: an index from a unit to its contexts.

Used by `noise.bury` to hide a human sentence in what might be a document about it.
"""

from __future__ import annotations

import random
from functools import lru_cache

import numpy as np
from datasets import Dataset

from summgan.noise import Unit, UnitBoundaries, split_into_units

_MOST_DOCUMENTS = 20_000
_TRIES = 4


class ContextIndex:
    """Occurrences of every unit in (a sample of) the documents.

    Args:
        documents: Rows with ``input_ids``, the end piece included.
        boundaries: Where units begin.
    """

    def __init__(self, documents: Dataset, boundaries: UnitBoundaries):
        count = min(len(documents), _MOST_DOCUMENTS)
        rows = np.linspace(0, len(documents) - 1, count, dtype=int)
        texts = [ids[:-1] for ids in documents.select(rows)["input_ids"]]
        self._pieces = np.concatenate([np.asarray(text, dtype=np.int32) for text in texts])
        self._starts = np.cumsum([0, *map(len, texts)])
        # Positions ordered by piece: those of piece p are order[first[p] : first[p + 1]].
        self._order = np.argsort(self._pieces, kind="stable").astype(np.int32)
        size = len(boundaries.units)
        self._first = np.searchsorted(self._pieces[self._order], np.arange(size + 1))
        self._boundaries = boundaries
        self._units = lru_cache(maxsize=4096)(self._split)

    def _split(self, document: int) -> tuple[list[Unit], np.ndarray]:
        """Units of a document and the place of the first piece of each."""
        start, end = self._starts[document : document + 2]
        units = split_into_units(self._pieces[start:end].tolist(), self._boundaries)
        return units, start + np.cumsum([0, *map(len, units[:-1])])

    def before(self, unit: Unit, count: int, rng: random.Random) -> list[Unit]:
        """Up to ``count`` units that stand before a unit in a random document; none where none has it."""
        units, place = self._find(unit, rng) if count else ([], 0)
        return units[max(0, place - count) : place]

    def after(self, unit: Unit, count: int, rng: random.Random) -> list[Unit]:
        """The same of those that stand after it."""
        units, place = self._find(unit, rng) if count else ([], 0)
        return units[place + 1 : place + 1 + count]

    def _find(self, unit: Unit, rng: random.Random) -> tuple[list[Unit], int]:
        """A document that has the unit, and its place there."""
        first, last = self._first[unit[0]], self._first[unit[0] + 1]
        for _ in range(_TRIES if last > first else 0):
            position = self._order[rng.randrange(first, last)]
            document = int(np.searchsorted(self._starts, position, side="right")) - 1
            units, places = self._units(document)
            place = int(np.searchsorted(places, position))
            if place < len(units) and units[place] == unit:
                return units, place
        return [], 0
