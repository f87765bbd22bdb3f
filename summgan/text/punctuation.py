"""Removal of quotation marks and brackets that have lost their partner.

A summary drops words of a document, and with them perhaps one of two quotation marks; the other one would
mislead the reader.
"""

from __future__ import annotations

import re

from summgan.text.script import count_units, is_unspaced

OPENINGS_OF = {
    ")": "(",
    "]": "[",
    "}": "{",
    "」": "「",
    "』": "『",
    "）": "（",
    "】": "【",
    "》": "《",
    "”": "“„”",
    "“": "„",
    "’": "‘‚",
    "‘": "‚",
    "»": "«»",
    "«": "»",
    "›": "‹›",
    "‹": "›",
    '"': '"',
}
"""Opening marks of each closing one; languages differ: “English”, „deutsch“, ”svenska”, »Deutsch«."""
OPENING = frozenset("".join(OPENINGS_OF.values()))
AT_EDGES = OPENINGS_OF | {"'": "'"}
"""The same with straight single ones, which are no apostrophes if they stand before a word."""
OPENING_AT_EDGES = OPENING | {"'"}
_QUOTES = frozenset('“”„‘’‚«»‹›"')
_EMOTICON = re.compile(r"(?<!\S)[:;=8][-o^']?[()\[\]{}](?!\w)")
_BEFORE = frozenset("([{「『（【《“„‘‚-–—/=")
_AFTER = frozenset(")]}」』）】》”’-–—/.,;:!?…")
# These replace a mark that is a unit of its own, so that the length stays the same.
_PAUSE, _UNSPACED_PAUSE = "–", "、"


def balanced(text: str) -> str:
    """Remove quotation marks and brackets without a partner from a text.

    The length in units stays the same: a mark that is a unit, between blanks or as in Chinese, becomes a dash
    or a comma. Apostrophes ("don’t", "’90s", "students’"), signs of feet and inches (5’10”) and emoticons
    are kept, and so are straight single quotation marks, which are mostly apostrophes.
    """
    while unpaired := _unpaired(text):  # a removal may leave another mark alone
        for place in reversed(unpaired):
            without = text[:place] + text[place + 1 :]
            if count_units(without) != count_units(text):
                unspaced = any(map(is_unspaced, text[max(0, place - 1) : place + 2]))
                pause = _UNSPACED_PAUSE if unspaced else _PAUSE
                without = text[:place] + pause + text[place + 1 :]
            text = without
    return text


def _unpaired(text: str) -> list[int]:
    """Indices of marks without a partner, in order."""
    emoticons = {match.end() - 1 for match in _EMOTICON.finditer(text)}
    open_places: list[int] = []
    alone = []
    for place, mark in enumerate(text):
        if place in emoticons or (mark == "’" and _inside_word(text, place)):
            continue
        opening, closing = _directions(text, place)
        partner = None if opening else _nearest(text, open_places, OPENINGS_OF.get(mark, ""))
        if partner is not None:
            alone += open_places[partner + 1 :]
            del open_places[partner:]
        elif mark in OPENING and not closing:
            open_places.append(place)
        elif mark in OPENINGS_OF and not _is_apostrophe_or_inch(text, place):
            alone.append(place)
    return sorted(alone + open_places)


def _directions(text: str, place: int) -> tuple[bool, bool]:
    """Tell whether a mark can only open, and whether it can only close, by its neighbours on both sides."""
    if text[place] not in _QUOTES:
        return False, False
    before, after = text[place - 1 : place] or " ", text[place + 1 : place + 2] or " "
    left = before.isspace() or before in _BEFORE
    right = after.isspace() or after in _AFTER
    return left and not right, right and not left


def _nearest(text: str, open_places: list[int], partners: str) -> int | None:
    """Index in ``open_places`` of the last open mark that is one of the partners."""
    for index in range(len(open_places) - 1, -1, -1):
        if text[open_places[index]] in partners:
            return index
    return None


def _inside_word(text: str, place: int) -> bool:
    return text[place - 1 : place].isalnum() and text[place + 1 : place + 2].isalnum()


def _is_apostrophe_or_inch(text: str, place: int) -> bool:
    """Tell whether a mark that closes nothing is an apostrophe or a sign of inches."""
    before, after = text[max(0, place - 1) : place], text[place + 1 : place + 2]
    if text[place] == "’":
        return before.isalnum() or after.isalnum()
    return text[place] in '"”' and before.isdigit()
