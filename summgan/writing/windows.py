"""Cutting of a long text into windows of limited size.

Cuts are between sentences if possible, otherwise between units, and inside a unit only if it is too long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from summgan.text.script import split_sentences, split_units


def cut(text: str, room: int, pieces: Callable[[str], int]) -> list[str]:
    """Cut a text into parts, in order; nothing but blanks between them is lost.

    Args:
        text: Normalized text.
        room: Largest number of pieces of a part. A character that has more is a part of its own.
        pieces: Counts the pieces of a text.
    """
    if pieces(text) <= room:
        return [text]
    parts: list[str] = []
    start = end = 0  # indices in the text of the last part
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
    """Halve a text until each part fits."""
    if pieces(text) <= room or len(text) < 2:
        yield text
        return
    middle = _middle(text)
    for half in (text[:middle].strip(), text[middle:].strip()):
        yield from _fitting(half, room, pieces)


def _middle(text: str) -> int:
    """Index at which a text is halved: between two units, or between two characters of a single unit."""
    units = split_units(text)
    place = 0
    for unit in units[: len(units) // 2]:
        place = text.index(unit, place) + len(unit)
    return place or len(text) // 2
