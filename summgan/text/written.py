"""Writes words of a document as text again, with the punctuation that still belongs to them.

Words that stand side by side in the document keep the comma or dash between them. Quotation marks and
brackets stay where both of a pair do, with all words between them.
"""

from __future__ import annotations

from collections.abc import Sequence

from summgan.text.punctuation import AT_EDGES, OPENING_AT_EDGES
from summgan.text.script import join_units
from summgan.text.words import SENTENCE, Words

_BETWEEN = ",;:，；：、"
_DASHES = {"-", "--", "–", "—", "——"}


def written(words: Words, surface: Sequence[str], places: Sequence[int]) -> str:
    """Join the words of a summary.

    Args:
        words: The document.
        surface: Words of the summary.
        places: Index of each in the words of the document, -1 for an inserted word.
    """
    units = list(surface)
    opened: list[tuple[str, int]] = []
    for unit, place in enumerate(places):
        if place < 0 or unit and places[unit - 1] != place - 1:
            opened.clear()
        if place < 0:
            continue
        goes_on = unit + 1 < len(places) and places[unit + 1] == place + 1
        opened += [(sign, unit) for sign in words.before(place) if sign in OPENING_AT_EDGES]
        after = words.following(place)
        for sign in after.split(" ", 1)[0]:
            if opened and opened[-1][0] in AT_EDGES.get(sign, ""):
                opening, first = opened.pop()
                units[first] = opening + units[first]
                units[unit] += sign
            elif (sign in _BETWEEN and goes_on) or (sign in "'’" and units[unit][-1] in "sS"):
                units[unit] += sign
            elif sign == ")" and units[unit].count("(") > units[unit].count(")"):  # 401(k)
                units[unit] += sign
            elif sign == "." and goes_on and _abbreviated(words, place):
                units[unit] += sign
        if goes_on and after.strip() in _DASHES:
            units[unit] += f" {after.strip()}"
    return join_units(units)


def _abbreviated(words: Words, place: int) -> bool:
    """Tell whether the full stop after a word belongs to the word."""
    return len(words.strings[place]) == 1 or words.after[place] != SENTENCE
