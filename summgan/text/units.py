"""Units of length, counted piece by piece as a text is written.

`script.split_units` defines the units of a text. How many a piece adds depends on the text before it: "day"
adds none to "Tues", but one after a blank or "は"; a vowel sign adds none to its letter. So counting is an
automaton with a few states, and the effect of each piece in each state is computed with `split_units`. A
character that is written as bytes counts with its last byte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import regex
import torch
from torch import Tensor
from torch.nn import functional as F

from summgan.text.script import count_units, is_unspaced

BLANK, WORD, CLUSTER = 0, 1, 2
"""States: a text is empty or ends with a blank; it ends inside a word; it ends with a character as unit."""
_TEXTS = ("", "a", "\u3042", "\u1780\u17d2", "\u0928\u094d", "\u0600", "\u1780", "\u0928")
"""A text in each state. Three end with signs that attach the next consonant or character. The last two end
with consonants, which are like other letters if such a sign attaches after any letter, as in new Unicode.
"""
UNFINISHED = len(_TEXTS)
"""Added to a state while bytes of a character are missing."""
LITERAL_BLANK = "\u2581"
"""Mark for a blank in pieces, and in bytes of vocabularies that have no piece for it."""
STAND_IN = "\x1a"
"""Replaces that mark where a text contains it: a control character, which no text contains."""

# Ranges of code points with the same effect, and other ranges.
_UNIFORM = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xAC00, 0xD7A4), (0x17000, 0x18B00), (0x20000, 0x323B0))
_VARIED = (
    (0x80, 0x3400),
    (0x4DC0, 0x4E00),
    (0xA000, 0xAC00),
    (0xD7A4, 0xD800),
    (0xF900, 0x17000),
    (0x18B00, 0x20000),
    (0xE0000, 0xE01F0),
)


def following(byte: int) -> int:
    """Return the number of bytes that follow a byte in its character; -1 if it does not begin one."""
    if byte < 0x80:
        return 0 if byte >= 0 else -1
    return -1 if byte < 0xC2 or byte > 0xF4 else 1 if byte < 0xE0 else 2 if byte < 0xF0 else 3


def _bits(byte: int) -> int:
    """Bits of the code point in a byte of its character."""
    return byte & (0x7F, 0x1F, 0x0F, 0x07)[following(byte)] if following(byte) >= 0 else byte & 0x3F


@dataclass(frozen=True)
class Effect:
    """Effect of a piece in each state.

    Attributes:
        costs: ``[states]`` number of units that the piece adds.
        states: ``[states]`` next state.
    """

    costs: tuple[int, ...]
    states: tuple[int, ...]


NOTHING = Effect((0,) * UNFINISHED, tuple(range(UNFINISHED)))
"""Effect of special pieces, and of bytes before the last one of a character."""


def effect_of(text: str) -> Effect:
    """Compute the effect of a piece with this text."""
    return _effect_of(_UNITS.sub("\u3042", _LETTERS.sub("a", text)))


@cache
def _effect_of(text: str) -> Effect:
    counts = [(count_units(before), count_units(before + text)) for before in _TEXTS]
    states = (_state_after(before + text) for before in _TEXTS)
    return Effect(tuple(after - before for before, after in counts), tuple(states))


def _state_after(text: str) -> int:
    """State of a text."""
    follows = _what_follows(text)
    return _STATES[follows if follows in _STATES else follows[:-1]]


def _what_follows(text: str) -> tuple[int, ...]:
    """Units that some continuations add to a text; texts with the same numbers have the same state."""
    units = count_units(text)
    return tuple(count_units(text + after) - units for after in _PROBES)


# Characters with the same effect, which are replaced by one of them, so that few texts have to be counted.
_LETTERS = re.compile("[!-~\u00c0-\u02af\u0370-\u0482\u048a-\u0556\uac00-\ud7a3]+")
_UNITS = re.compile("[\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff]")
_PROBES = ("a", "\u3042", "\u1780", "\u0301", "\u17d2\u1780")
_STATES: dict[tuple[int, ...], int] = {}
for _state, _text in enumerate(_TEXTS):
    _STATES.setdefault(_what_follows(_text), _state)
    _STATES.setdefault(_what_follows(_text)[:-1], _state)  # for control characters, which no text has


# Characters that form clusters with others; all of one kind have the same effect.
_JOINING = regex.compile(
    r"(\p{InCB=Linker})|(\p{InCB=Extend})|(\p{GCB=Extend})|(\p{GCB=ZWJ})|(\p{GCB=SpacingMark})"
    r"|(\p{GCB=Prepend})|(\p{InCB=Consonant})"
)


@cache
def character_effects() -> tuple[tuple[Effect, ...], Tensor]:
    """Compute the possible effects of characters, and the index of each code point's effect.

    Returns:
        The effects, and their indices as uint8 ``[0x110000]``.
    """
    effects = {effect_of("a"): 0, effect_of("\u3042"): 1, effect_of(" "): 2}
    kinds = torch.zeros(0x110000, dtype=torch.uint8)
    for start, end in _UNIFORM:
        kinds[start:end] = int(is_unspaced(chr(start)))
    codes = [code for start, end in _VARIED for code in range(start, end)]
    kinds[codes] = torch.tensor([is_unspaced(chr(code)) for code in codes], dtype=torch.uint8)
    known: dict[tuple[int, int], int] = {}
    for match in _JOINING.finditer("".join(map(chr, codes))):
        code = ord(match[0])
        key = (int(kinds[code]), match.lastindex)
        if key not in known:
            known[key] = effects.setdefault(effect_of(match[0]), len(effects))
        kinds[code] = known[key]
    kinds[[ord(" "), ord(LITERAL_BLANK)]] = 2
    return tuple(effects), kinds


class UnitCounter:
    """Counts the units of pieces, with tensors.

    Args:
        effects: Effect of each piece.
        values: Byte of each piece, or -1.

    Attributes:
        costs: int64 ``[states, effects]``, units that each effect adds in each state. The effects are those
            of the pieces, in order, then `NOTHING`, then those of characters that are written as bytes.
        states: int64 ``[states, effects]``, next state.
        values: int64 ``[pieces]``, byte of each piece, or -1.
    """

    def __init__(self, effects: Sequence[Effect], values: Sequence[int]):
        characters, self._kinds = character_effects()
        every = [*effects, NOTHING, *characters]
        self.costs = torch.tensor([effect.costs for effect in every]).T.contiguous()
        self.states = torch.tensor([effect.states for effect in every]).T.contiguous()
        self.values = torch.tensor(values)
        # The last entry is for pieces that are not bytes.
        self._following = torch.tensor([*map(following, range(256)), -1])
        self._bits = torch.tensor([*map(_bits, range(256)), 0])

    def to(self, device: torch.device) -> UnitCounter:
        """Copy the counter to a device."""
        moved = UnitCounter.__new__(UnitCounter)
        moved.__dict__ = {name: tensor.to(device) for name, tensor in self.__dict__.items()}
        return moved

    def effect_of_character(self, spelled: bytes) -> int:
        """Return the index of the effect of a character's bytes; that of `NOTHING` for other bytes."""
        try:
            return len(self.values) + 1 + int(self._kinds[ord(spelled.decode())])
        except (UnicodeDecodeError, TypeError):
            return len(self.values)

    def effects(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Return effects of pieces ``[batch, length]``, and whether more bytes must follow each."""
        values = self.values[words]
        following, bits = self._following[values], self._bits[values]
        tail = (values >= 0x80) & (values < 0xC0)
        code, left, chain = bits, following, tail
        for back in (1, 2, 3):  # a byte inside a character looks for the first one
            earlier = _later(following, back, -1)
            bits = bits + (_later(self._bits[values], back, 0) << 6 * back)
            found = chain & (earlier >= back)
            code, left = torch.where(found, bits, code), torch.where(found, earlier - back, left)
            chain = chain & _later(tail, back, False)
        nothing = len(self.values)
        written = nothing + 1 + self._kinds[code.clamp_max(0x10FFFF)].long()
        return torch.where(values < 0, words, torch.where(left == 0, written, nothing)), left > 0

    def count(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Count the units of pieces ``[batch, length]``.

        Returns:
            Units that each piece adds ``[batch, length]``, and the states before each piece and after the
            last ``[batch, length + 1]``.
        """
        effects, unfinished = self.effects(words)
        maps = self.states[:, effects]
        span = 1
        while span < words.shape[1]:  # compose each map with those before it, twice as many each time
            maps = torch.cat([maps[:, :, :span], maps[:, :, span:].gather(0, maps[:, :, :-span])], 2)
            span *= 2
        after = maps[BLANK]
        costs = self.costs[_later(after, 1, BLANK), effects]
        return costs, F.pad(after + UNFINISHED * unfinished, (1, 0), value=BLANK)

    def step(self, words: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Count the units that the last piece of a text adds.

        Args:
            words: ``[batch, length]`` pieces, of which the last four suffice.
            state: ``[batch]`` state before the last piece.

        Returns:
            Units ``[batch]``, and the state after the last piece ``[batch]``.
        """
        effects, unfinished = (column[:, -1] for column in self.effects(words))
        state = state % UNFINISHED
        return self.costs[state, effects], self.states[state, effects] + UNFINISHED * unfinished

    def characters(self, words: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Find the characters to which pieces ``[batch, length]`` belong as bytes.

        Returns:
            Effect of the whole character, number of pieces to its end, and whether it begins here, each
            ``[batch, length]``.
        """
        effects, unfinished = self.effects(words)
        whole, pieces = effects, torch.ones_like(words)
        for _ in range(3):
            whole = torch.where(unfinished, F.pad(whole[:, 1:], (0, 1), value=len(self.values)), effects)
            pieces = torch.where(unfinished, F.pad(pieces[:, 1:], (0, 1)) + 1, 1)
        return whole, pieces, ~_later(unfinished, 1, False)


def _later(tensor: Tensor, steps: int, value: int | bool) -> Tensor:
    """Shift ``[batch, length]`` to the right by ``steps``, and fill with ``value``."""
    return F.pad(tensor, (steps, 0), value=value)[:, : tensor.shape[1]]


@dataclass(frozen=True)
class LengthTable:
    """What each piece adds to the length of a text; all tensors are ``[vocabulary]``.

    The first three columns, which are saved with the weights, suffice if no piece begins with a combining
    mark and no character is written as bytes. ``counter`` covers all cases.

    A piece costs ``units`` after a blank. Directly after a piece that ends inside a word (``ends_inside``), a
    piece that continues the word (``continues``) costs one unit less.

    Attributes:
        units: int64, number of units of the piece alone.
        continues: bool, whether the piece begins with a word character and no blank.
        ends_inside: bool, whether the piece ends inside a word.
        writable: bool, whether a summary may contain the piece anywhere (no special token, no lone byte).
        glues: bool, whether the piece begins with a letter, digit or hyphen that belongs to the word before.
        bytes: bool, whether the piece is a lone byte, which is written only where the document has it.
        counter: Counts the units of sequences of pieces.
        parts: One piece, or its bytes, per unit of each piece with several units, which a search may cut.
    """

    units: Tensor
    continues: Tensor
    ends_inside: Tensor
    writable: Tensor
    glues: Tensor
    bytes: Tensor
    counter: UnitCounter
    parts: dict[int, list[int]]


def counter_of_columns(units: Tensor, continues: Tensor, ends_inside: Tensor, lone: Tensor) -> UnitCounter:
    """Make the counter of a saved table from its columns, all ``[vocabulary]``; see `LengthTable`."""
    columns = zip(units.tolist(), continues.tolist(), ends_inside.tolist(), strict=True)
    effects = []
    for cost, goes_on, inside in columns:
        after = WORD if inside else CLUSTER if cost else BLANK
        effects.append(Effect((cost, cost - goes_on, *[cost] * (UNFINISHED - 2)), (after,) * UNFINISHED))
    values = [-1] * len(effects)
    places = lone.nonzero().flatten().tolist()
    if len(places) == 256:  # SentencePiece vocabularies have them in order
        for value, place in enumerate(places):
            values[place] = value
    return UnitCounter(effects, values)
