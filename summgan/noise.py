"""Corruptions of text for learning without pairs, on texts cut into units of pieces.

- `bury`: a human sentence among foreign words, from which the generator learns to find it again
  (denoising in the line of Févry & Phang 2018 and MSRP, Liu 2022);
- `damage`: a human sentence with wrong words, which the discriminator learns to point at;
- `pick_content`: words of a document that serve as its code before there is a summary.

A *unit* here is the list of its piece ids; every function takes a `random.Random` of its own.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

Unit = list[int]


class UnitBoundaries:
    """`tokenization.LengthTable` as lists, which Python reads faster than tensors."""

    def __init__(self, table):
        self.units = table.units.tolist()
        self.continues = table.continues.tolist()
        self.ends_inside = table.ends_inside.tolist()


def split_into_units(ids: Sequence[int], lengths: UnitBoundaries) -> list[Unit]:
    """Cut pieces into units; a lone blank goes with the unit after it."""
    units: list[Unit] = []
    inside = after_blank = False
    for piece in ids:
        blank = lengths.units[piece] == 0 and not lengths.ends_inside[piece]
        starts = blank or lengths.units[piece] > (lengths.continues[piece] and inside)
        if not units or (starts and not after_blank):
            units.append([])
        units[-1].append(piece)
        inside, after_blank = lengths.ends_inside[piece], blank
    return units


def join(units: Sequence[Unit]) -> list[int]:
    """The pieces of units."""
    return [piece for unit in units for piece in unit]


def bury(sentence: list[Unit], foreign: Sequence[list[Unit]], length: int, rng: random.Random) -> list[Unit]:
    """Hide a sentence among spans of foreign documents.

    About a tenth of its words is dropped, the rest is cut into chunks of a few words, some of which
    change places, and put between foreign spans until the text has about ``length`` units.

    Args:
        sentence: Its units.
        foreign: Other documents; spans are taken from each in turn.
        length: Units that the result should have.
        rng: Source of randomness.
    """
    kept = [unit for unit in sentence if rng.random() > 0.1] or list(sentence)
    chunks = _chunks(kept, rng)
    if rng.random() < 0.5:
        rng.shuffle(chunks)
    filler = _chunks_of(foreign, max(0, length - len(kept)), rng)
    places = sorted(rng.randint(0, len(filler)) for _ in chunks)
    result: list[Unit] = []
    start = 0
    for place, chunk in zip(places, chunks, strict=True):
        result += [unit for span in filler[start:place] for unit in span] + chunk
        start = place
    return result + [unit for span in filler[start:] for unit in span]


def _chunks(units: list[Unit], rng: random.Random) -> list[list[Unit]]:
    chunks, start = [], 0
    while start < len(units):
        size = rng.randint(1, 4)
        chunks.append(units[start : start + size])
        start += size
    return chunks


def _chunks_of(documents: Sequence[list[Unit]], length: int, rng: random.Random) -> list[list[Unit]]:
    """Spans of 1 to 6 units from documents in turn, in reading order, ``length`` units in all."""
    starts = [rng.randrange(max(1, len(document) - 6)) for document in documents]
    spans: list[list[Unit]] = []
    while length > 0 and documents:
        which = len(spans) % len(documents)
        size = min(length, rng.randint(1, 6))
        span = documents[which][starts[which] : starts[which] + size]
        starts[which] = (starts[which] + size) % max(1, len(documents[which]))
        spans.append(span)
        length -= max(1, len(span))
    return spans


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
