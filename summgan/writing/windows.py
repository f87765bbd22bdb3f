"""A long text cut into windows of no more than so many pieces: between sentences, else between units, else
inside of a unit that is too long by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from summgan.text.script import split_sentences, split_units


def cut(text: str, room: int, pieces: Callable[[str], int]) -> list[str]:
    """Parts of a text, in order, which together are all of it but for blanks between them.

    Args:
        text: Normalized.
        room: Most pieces of a part. A single character may have more, and is then a part by itself.
        pieces: How many a text has.
    """
    if pieces(text) <= room:
        return [text]
    parts: list[str] = []
    start = end = 0  # of the last part
    for sentence in split_sentences(text):
        for piece in _fitting(sentence, room, pieces):
            begin = text.index(piece, end)
            if parts and pieces(text[start : begin + len(piece)]) <= room:
                parts.pop()
            else:
                start = begin
            end = begin + len(piece)
            parts.append(text[start:end])
    return parts


def _fitting(text: str, room: int, pieces: Callable[[str], int]) -> Iterator[str]:
    """A text, halved until each part fits."""
    if pieces(text) <= room or len(text) < 2:
        yield text
        return
    middle = _middle(text)
    for half in (text[:middle].strip(), text[middle:].strip()):
        yield from _fitting(half, room, pieces)


def _middle(text: str) -> int:
    """Where a text is halved: between two units, or where it has only one, between two characters."""
    units = split_units(text)
    place = 0
    for unit in units[: len(units) // 2]:
        place = text.index(unit, place) + len(unit)
    return place or len(text) // 2
