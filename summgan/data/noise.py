"""Corruptions of text for learning without pairs, on texts cut into units of pieces.

- `bury`: a human sentence among the contexts that its words have in the documents, from which the
  generator learns to find it again (in the line of Févry & Phang 2018 and MSRP, Liu 2022, who put it
  among foreign words);
- `damage`: a human sentence with wrong words, which the discriminator learns to point at;
- `pick_content`: words of a document that serve as its code before there is a summary.

Every function takes a `random.Random` of its own.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Protocol

from summgan.networks.salience import POSITION_BIN
from summgan.text.boundaries import Unit


class Contexts(Protocol):
    """What stands around a unit in some document; see `contexts.ContextIndex`."""

    def before(self, unit: Unit, count: int, rng: random.Random) -> list[Unit]:
        """Up to ``count`` units before it."""

    def after(self, unit: Unit, count: int, rng: random.Random) -> list[Unit]:
        """Up to ``count`` units after it."""


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
        sentence: Units of the sentence.
        contexts: Where its words stand in the documents.
        foreign: Other documents, for what stands between.
        length: Units that the result should have, if there are as many contexts.
        rng: Source of randomness.
        position_salience: See `salience.Salience.position`; where little is said, more stands around it.
    """
    kept = [unit for unit in sentence if rng.random() > 0.05] or list(sentence)
    chunks = _chunks(kept, max(1, len(kept) // 3), rng)
    before, after, between = rooms = [[0] * len(chunks) for _ in range(3)]
    # A unit is a piece or two, and positions are coarse, so that pieces stand for units here.
    positions = (index * length // len(chunks) // POSITION_BIN for index in range(len(chunks)))
    last = len(position_salience) - 1
    room = [math.exp(-position_salience[min(position, last)]) for position in positions]
    for _ in range(length - len(kept)):
        (place,) = rng.choices(rooms, (2, 2, 1))
        (chunk,) = rng.choices(range(len(chunks)), room)
        place[chunk] += 1
    result: list[Unit] = []
    for units, left, right, gap in zip(chunks, before, after, between, strict=True):
        result += contexts.before(units[0], left, rng) + units + contexts.after(units[-1], right, rng)
        if foreign and gap:
            other = rng.choice(foreign)
            first = rng.randrange(max(1, len(other) - gap + 1))
            result += other[first : first + gap]
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
        document: Units of the document.
        weights: Weight of every piece of the vocabulary; a unit weighs as its heaviest piece.
        count: Units wanted.
        rng: Source of randomness.
    """
    # The order of random() ** (1 / weight) draws without replacement (Efraimidis & Spirakis 2006).
    keys = [rng.random() ** (1 / max(weights[p] for p in unit) ** 2) for unit in document]
    order = sorted(range(len(document)), key=keys.__getitem__, reverse=True)
    chosen = sorted(order[:count])
    return [document[index] for index in chosen]
