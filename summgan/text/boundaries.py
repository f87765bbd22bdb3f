"""Cutting of pieces into units: words, or characters of a script without blanks.

A *unit* is the list of its piece ids. `units` counts with tensors while a text is written; this module cuts a
finished text with lists, which are faster in Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from summgan.text.units import BLANK, LITERAL_BLANK, WORD, following

Unit = list[int]


class UnitBoundaries:
    """`units.LengthTable` as lists, which are faster in Python than tensors.

    Args:
        table: A `LengthTable`, or a bottleneck with its counter and parts.

    Attributes:
        pieces: Number of pieces.
        parts: Parts of pieces with several units, as in `LengthTable`.
        moves: By state and effect: the units added, the next state, and whether the piece begins a new unit.
        blank: Pieces that write a single blank; empty if the vocabulary cannot write one.
    """

    def __init__(self, table):
        counter, self.parts = table.counter, table.parts
        self._values, self.pieces = counter.values.tolist(), len(counter.values)
        self._bytes = {piece for piece, value in enumerate(self._values) if value >= 0}
        self._character = counter.effect_of_character
        costs, states = counter.costs, counter.states
        begins = torch.where(costs[BLANK] > 0, costs == costs[BLANK], states[WORD] == BLANK)
        self.moves = [
            list(zip(*rows, strict=True))
            for rows in zip(costs.tolist(), states.tolist(), begins.tolist(), strict=True)
        ]
        self.blank = self._blank()

    def characters(self, ids: Sequence[int]) -> Iterator[tuple[Sequence[int], int]]:
        """Iterate over the pieces, with the bytes of a character together, and the effect of each."""
        if self._bytes.isdisjoint(ids):
            return zip(zip(ids, strict=True), ids, strict=True)
        return self._with_bytes(ids)

    def _with_bytes(self, ids: Sequence[int]) -> Iterator[tuple[Sequence[int], int]]:
        start = 0
        while start < len(ids):
            end = self._end(ids, start)
            yield ids[start:end], self._effect(ids[start:end])
            start = end

    def state_after(self, ids: Sequence[int], state: int = BLANK) -> int:
        """Return the state of a text after these pieces."""
        for _, effect in self.characters(ids):
            _, state, _ = self.moves[state][effect]
        return state

    def length(self, ids: Sequence[int], state: int = BLANK) -> int:
        """Return the number of units that pieces add to a text in this state."""
        units = 0
        for _, effect in self.characters(ids):
            cost, state, _ = self.moves[state][effect]
            units += cost
        return units

    def _end(self, ids: Sequence[int], start: int) -> int:
        """Index after the character that a byte piece begins; after the piece if it begins none."""
        end = start + 1 + max(0, following(self._values[ids[start]]))
        tail = (self._values[piece] for piece in ids[start + 1 : end])
        whole = end <= len(ids) and all(0x80 <= value < 0xC0 for value in tail)
        return end if whole else start + 1

    def _effect(self, pieces: Sequence[int]) -> int:
        values = [self._values[piece] for piece in pieces]
        return pieces[0] if values[0] < 0 else self._character(bytes(values))

    def _blank(self) -> Unit:
        for piece in range(self.pieces):
            if self.moves[WORD][piece] == self.moves[BLANK][piece] == (0, BLANK, True):
                return [piece]
        places = {value: piece for piece, value in enumerate(self._values)}
        spelled = LITERAL_BLANK.encode()
        return [places[byte] for byte in spelled] if places.keys() >= set(spelled) else []


def split_into_units(ids: Sequence[int], lengths: UnitBoundaries) -> list[Unit]:
    """Cut pieces into units.

    A blank piece belongs to the unit after it, and a piece with several units is one unit.
    """
    units: list[Unit] = []
    state, after_blank = BLANK, False
    for pieces, effect in lengths.characters(ids):
        cost, state, begins = lengths.moves[state][effect]
        if not units or (begins and not after_blank):
            units.append([])
        units[-1] += pieces
        after_blank = begins and not cost
    return units


def join(units: Sequence[Unit]) -> list[int]:
    """Join units to a list of pieces."""
    return [piece for unit in units for piece in unit]
