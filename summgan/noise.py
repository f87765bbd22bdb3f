"""Corruptions of text for learning without pairs, on texts cut into units of pieces.

- `bury`: a human sentence among the contexts that its words have in the documents, from which the
  generator learns to find it again (in the line of Févry & Phang 2018 and MSRP, Liu 2022, who put it
  among foreign words);
- `damage`: a human sentence with wrong words, which the discriminator learns to point at;
- `pick_content`: words of a document that serve as its code before there is a summary.

A *unit* here is the list of its piece ids; every function takes a `random.Random` of its own.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Protocol

import torch

from summgan.salience import POSITION_BIN
from summgan.units import BLANK, LITERAL_BLANK, WORD, following

Unit = list[int]


class Contexts(Protocol):
    """What stands around a unit in some document; see `contexts.ContextIndex`."""

    def before(self, unit: Unit, count: int, rng: random.Random) -> list[Unit]:
        """Up to ``count`` units before it."""

    def after(self, unit: Unit, count: int, rng: random.Random) -> list[Unit]:
        """Up to ``count`` units after it."""


class UnitBoundaries:
    """`units.LengthTable` as lists, which Python reads faster than tensors.

    Args:
        table: A table, or a bottleneck that knows the same.

    Attributes:
        pieces: How many there are.
        parts: As of the table.
        moves: By state and effect the units that are added, the state that is left, and whether what is
            written is no part of a unit before it.
        blank: Pieces that are a blank alone, none where the vocabulary cannot say it.
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
        """Pieces one by one, bytes of a character together, with the effect of each."""
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
        """The state that pieces leave a text in."""
        for _, effect in self.characters(ids):
            _, state, _ = self.moves[state][effect]
        return state

    def length(self, ids: Sequence[int], state: int = BLANK) -> int:
        """Units that pieces add after a text of this state."""
        units = 0
        for _, effect in self.characters(ids):
            cost, state, _ = self.moves[state][effect]
            units += cost
        return units

    def _end(self, ids: Sequence[int], start: int) -> int:
        """Where the character ends that begins with this piece, if it is a byte; else after the piece."""
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
        spelled = [places.get(byte) for byte in LITERAL_BLANK.encode()]
        return [] if None in spelled else spelled


def split_into_units(ids: Sequence[int], lengths: UnitBoundaries) -> list[Unit]:
    """Cut pieces into units; a lone blank goes with the unit after it, and what has several units is one."""
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
    """The pieces of units."""
    return [piece for unit in units for piece in unit]


def bury(
    sentence: list[Unit],
    contexts: Contexts,
    foreign: Sequence[list[Unit]],
    length: int,
    rng: random.Random,
    position_salience: Sequence[float] = (0.0,),
) -> list[Unit]:
    """Hide a sentence in a text of about ``length`` units that people might have written around it.

    A twentieth of its words is dropped and the rest cut into chunks of one or a few words. Around each
    chunk comes what stands before its first and after its last word in some document; between them, less
    often, a foreign span. So what is to be found looks like what will have to be summarized.

    Args:
        sentence: Its units.
        contexts: Where its words stand in the documents.
        foreign: Other documents, for what stands between.
        length: Units that the result should have, if there are as many contexts.
        rng: Source of randomness.
        position_salience: See `salience.Salience.position`; where little is said, more stands around it.
    """
    kept = [unit for unit in sentence if rng.random() > 0.05] or list(sentence)
    chunks = _chunks(kept, max(1, len(kept) // 3), rng)
    before, after, between = ([0] * len(chunks) for _ in range(3))
    # A unit is a piece or two, and positions are coarse, so that pieces stand for units here.
    positions = (index * length // len(chunks) // POSITION_BIN for index in range(len(chunks)))
    last = len(position_salience) - 1
    room = [math.exp(-position_salience[min(position, last)]) for position in positions]
    for _ in range(length - len(kept)):
        (place,) = rng.choices((before, after, between), (2, 2, 1))
        (chunk,) = rng.choices(range(len(chunks)), room)
        place[chunk] += 1
    result: list[Unit] = []
    for chunk, left, right, gap in zip(chunks, before, after, between, strict=True):
        result += contexts.before(chunk[0], left, rng) + chunk + contexts.after(chunk[-1], right, rng)
        if foreign and gap:
            other = rng.choice(foreign)
            start = rng.randrange(max(1, len(other) - gap + 1))
            result += other[start : start + gap]
    return result


def _chunks(units: list[Unit], longest: int, rng: random.Random) -> list[list[Unit]]:
    """Units in order, cut into runs of 1 to ``longest``."""
    chunks, start = [], 0
    while start < len(units):
        size = rng.randint(1, longest)
        chunks.append(units[start : start + size])
        start += size
    return chunks


def damage(sentence: list[Unit], foreign: list[Unit], rng: random.Random) -> tuple[list[Unit], list[bool]]:
    """Spoil a human sentence in one to three places.

    Words are exchanged with a neighbour, replaced by a foreign word, dropped, or said twice.

    Returns:
        The units, and for each whether it still is where a human would have it.
    """
    units, human = list(sentence), [True] * len(sentence)
    for _ in range(rng.randint(1, max(1, min(3, len(units) // 2)))):
        place = rng.randrange(len(units))
        kind = rng.choice(("swap", "replace", "drop", "repeat"))
        if kind == "swap" and place + 1 < len(units):
            units[place], units[place + 1] = units[place + 1], units[place]
            human[place] = human[place + 1] = False
        elif kind == "drop" and place + 1 < len(units) and len(units) > 2:
            del units[place], human[place]
            human[place] = False  # what now stands here has lost its neighbour
        elif kind == "repeat":
            units.insert(place + 1, units[place])
            human.insert(place + 1, False)
        elif foreign:
            units[place] = rng.choice(foreign)
            human[place] = False
    return units, human


def pick_content(
    document: list[Unit], weights: Sequence[float], count: int, rng: random.Random
) -> list[Unit]:
    """Choose ``count`` units of a document in reading order, rare ones more often.

    Args:
        document: Its units.
        weights: Weight of every piece of the vocabulary; a unit weighs as its heaviest piece.
        count: Units wanted.
        rng: Source of randomness.
    """
    # The order of random() ** (1 / weight) draws without replacement (Efraimidis & Spirakis 2006).
    keys = [rng.random() ** (1 / max(weights[p] for p in unit) ** 2) for unit in document]
    order = sorted(range(len(document)), key=keys.__getitem__, reverse=True)
    chosen = sorted(order[:count])
    return [document[index] for index in chosen]
