"""Corruptions of texts that are cut into units of pieces, for learning without pairs.

- `bury` hides a human sentence among contexts of its words in the documents, and the generator learns to find
  it again (after Févry & Phang 2018 and MSRP, Liu 2022, who hide it among random words);
- `damage` puts wrong words into a human sentence, which the discriminator learns to find;
- `pick_content` picks content words of a document, which replace a summary in the warm start.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Protocol

from summgan.networks.salience import POSITION_BIN
from summgan.text.boundaries import Unit


class Contexts(Protocol):
    """Contexts of units in documents, as `contexts.ContextIndex` finds them."""

    def before(self, unit: Unit, count: int, rng: random.Random) -> list[Unit]:
        """Return up to ``count`` units before a unit."""

    def after(self, unit: Unit, count: int, rng: random.Random) -> list[Unit]:
        """Return up to ``count`` units after a unit."""


def bury(
    sentence: list[Unit],
    contexts: Contexts,
    foreign: Sequence[list[Unit]],
    length: int,
    rng: random.Random,
    position_salience: Sequence[float] = (0.0,),
) -> list[Unit]:
    """Hide a sentence in a text of about ``length`` units that people might have written around it.

    A twentieth of its units is dropped, and the rest is cut into chunks of one or a few units. Each chunk is
    surrounded by the contexts of its first and last unit in some document, and sometimes followed by a span
    of another document. So the result resembles a document to summarize.

    Args:
        sentence: Units of the sentence.
        contexts: Contexts of units in the documents.
        foreign: Other documents, for the spans between chunks.
        length: Number of units of the result, if the contexts are long enough.
        rng: Source of randomness.
        position_salience: See `salience.Salience.position`; less salient positions get longer contexts.
    """
    kept = [unit for unit in sentence if rng.random() > 0.05] or list(sentence)
    chunks = _chunks(kept, max(1, len(kept) // 3), rng)
    before, after, between = rooms = [[0] * len(chunks) for _ in range(3)]
    # Positions are counted in pieces; as they are coarse, units serve as well here.
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
    """Cut units into runs of 1 to ``longest``."""
    chunks, start = [], 0
    while start < len(units):
        size = rng.randint(1, longest)
        chunks.append(units[start : start + size])
        start += size
    return chunks


def damage(sentence: list[Unit], foreign: list[Unit], rng: random.Random) -> tuple[list[Unit], list[bool]]:
    """Damage a human sentence in one to three places.

    A unit is swapped with the next one, replaced by one of ``foreign``, dropped, or repeated.

    Returns:
        The units, and for each whether it is still where a human would put it.
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
            human[place] = False  # the unit that is here now has lost the one before it
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
    """Choose ``count`` units of a document at random, in their order; rare ones are more likely.

    Args:
        document: Units of the document.
        weights: ``[vocabulary]`` weight of each piece; a unit has the weight of its heaviest piece.
        count: Number of units to choose.
        rng: Source of randomness.
    """
    # Sorting by random() ** (1 / weight) draws without replacement (Efraimidis & Spirakis 2006).
    keys = [rng.random() ** (1 / max(weights[p] for p in unit) ** 2) for unit in document]
    order = sorted(range(len(document)), key=keys.__getitem__, reverse=True)
    chosen = sorted(order[:count])
    return [document[index] for index in chosen]
