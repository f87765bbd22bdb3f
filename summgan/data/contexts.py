"""An index from each unit to its contexts in the documents.

`noise.bury` uses it to hide a human sentence in a text that resembles a document about it.
"""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
from datasets import Dataset

from summgan.text.boundaries import Unit, UnitBoundaries, split_into_units

_MOST_DOCUMENTS = 20_000
_TRIES = 4


class ContextIndex:
    """Occurrences of each unit in the documents, or in 20,000 of them, evenly spread.

    Args:
        documents: Rows with ``input_ids``, the end piece included.
        boundaries: Boundaries of units.
    """

    def __init__(self, documents: Dataset, boundaries: UnitBoundaries):
        count = min(len(documents), _MOST_DOCUMENTS)
        rows = np.linspace(0, len(documents) - 1, count, dtype=int)
        texts = (split_into_units(ids[:-1], boundaries) for ids in documents.select(rows)["input_ids"])
        pieces: list[int] = []
        starts: list[int] = []
        first_units: list[int] = []
        for units in texts:
            first_units.append(len(starts))
            for unit in units:
                starts.append(len(pieces))
                pieces += unit
        # Unit u has the pieces starts[u] : starts[u + 1], document d the units first_units[d] : ... [d + 1].
        self._pieces = np.array(pieces, dtype=np.int32)
        self._starts = np.array([*starts, len(pieces)])
        self._first_units = np.array([*first_units, len(starts)])
        # Units sorted by their first piece: those with first piece p are order[first[p] : first[p + 1]].
        heads = self._pieces[self._starts[:-1]]
        self._order = np.argsort(heads, kind="stable")
        self._first = np.searchsorted(heads[self._order], np.arange(boundaries.pieces + 1))

    def before(self, unit: Unit, count: int, rng: random.Random) -> list[Unit]:
        """Return up to ``count`` units before a random occurrence of a unit; none if none is found."""
        place, begin, _ = self._find(unit, rng) if count else (0, 0, 0)
        return self._units(max(begin, place - count), place)

    def after(self, unit: Unit, count: int, rng: random.Random) -> list[Unit]:
        """Return up to ``count`` units after a random occurrence of a unit; none if none is found."""
        place, _, end = self._find(unit, rng) if count else (-1, 0, 0)
        return self._units(place + 1, min(end, place + 1 + count))

    def _find(self, unit: Unit, rng: random.Random) -> tuple[int, int, int]:
        """Indices of a random occurrence of a unit, and of the begin and end of its document, in units."""
        first, last = int(self._first[unit[0]]), int(self._first[unit[0] + 1])
        for _ in range(_TRIES if last > first else 0):
            place = int(self._order[rng.randrange(first, last)])
            start, stop = self._starts[place : place + 2]
            if stop - start == len(unit) and self._pieces[start:stop].tolist() == unit:
                document = int(np.searchsorted(self._first_units, place, side="right")) - 1
                begin, end = self._first_units[document : document + 2]
                return place, int(begin), int(end)
        return -1, 0, 0

    def _units(self, begin: int, end: int) -> list[Unit]:
        """Units ``begin`` to ``end`` of all documents."""
        if end <= begin:
            return []
        starts = self._starts[begin : end + 1]
        pieces, first = self._pieces[starts[0] : starts[-1]].tolist(), starts[0]
        cuts = (starts - first).tolist()
        return [pieces[a:b] for a, b in pairwise(cuts)]
