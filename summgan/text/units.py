"""Units of length, counted piece by piece as a text is written.

`text.split_units` says what the units of a text are. What a piece adds to their number depends on what stands
before it: "day" adds nothing to "Tues" and one to a blank or to "は"; a vowel sign adds nothing to the letter
that it belongs to. So counting is an automaton of a few states, and what every piece does in each of them is
read off `split_units` itself. A character that is written as bytes counts when its last byte is there.
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
"""States: a text is empty or ends with a blank, ends inside a word, or with a character that is a unit."""
_TEXTS = ("", "a", "\u3042", "\u1780\u17d2", "\u0928\u094d", "\u0600", "\u1780", "\u0928")
"""A text in each state. Three end with signs that draw the next consonant or character to them; the last two
with consonants, which are as other letters where such a sign draws after any letter, as in new Unicode.
"""
UNFINISHED = len(_TEXTS)
"""Added to a state while bytes of a character are to come."""
LITERAL_BLANK = "\u2581"
"""What stands for a blank in pieces, and in bytes of vocabularies that have no piece for it."""
STAND_IN = "\x1a"
"""What stands in pieces for this mark where a text itself has it: a control character, which no text has."""

# Code points that are alike from first to last, and others.
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
    """How many bytes follow one in its character; -1 where it begins none."""
    if byte < 0x80:
        return 0 if byte >= 0 else -1
    return -1 if byte < 0xC2 or byte > 0xF4 else 1 if byte < 0xE0 else 2 if byte < 0xF0 else 3


def _bits(byte: int) -> int:
    """What a byte says of the number of its character."""
    return byte & (0x7F, 0x1F, 0x0F, 0x07)[following(byte)] if following(byte) >= 0 else byte & 0x3F


@dataclass(frozen=True)
class Effect:
    """What a piece does in each state: the units that it adds, and the state that it leaves."""

    costs: tuple[int, ...]
    states: tuple[int, ...]


NOTHING = Effect((0,) * UNFINISHED, tuple(range(UNFINISHED)))
"""The effect of what is not written: special pieces, and bytes until the last one of a character."""


def effect_of(text: str) -> Effect:
    """The effect of a piece of this text."""
    return _effect_of(_UNITS.sub("\u3042", _LETTERS.sub("a", text)))


@cache
def _effect_of(text: str) -> Effect:
    counts = [(count_units(before), count_units(before + text)) for before in _TEXTS]
    states = (_state_after(before + text) for before in _TEXTS)
    return Effect(tuple(after - before for before, after in counts), tuple(states))


def _state_after(text: str) -> int:
    """The state that a text leaves."""
    follows = _what_follows(text)
    return _STATES[follows if follows in _STATES else follows[:-1]]


def _what_follows(text: str) -> tuple[int, ...]:
    """What texts of some kinds add to the units of a text; where it is the same, the state is."""
    units = count_units(text)
    return tuple(count_units(text + after) - units for after in _PROBES)


# Characters that are all alike, so that few texts have to be looked at.
_LETTERS = re.compile("[!-~\u00c0-\u02af\u0370-\u0482\u048a-\u0556\uac00-\ud7a3]+")
_UNITS = re.compile("[\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff]")
_PROBES = ("a", "\u3042", "\u1780", "\u0301", "\u17d2\u1780")
_STATES: dict[tuple[int, ...], int] = {}
for _state, _text in enumerate(_TEXTS):
    _STATES.setdefault(_what_follows(_text), _state)
    _STATES.setdefault(_what_follows(_text)[:-1], _state)  # of control characters, which no text has


# Characters that make clusters with others; all of a kind do the same.
_JOINING = regex.compile(
    r"(\p{InCB=Linker})|(\p{InCB=Extend})|(\p{GCB=Extend})|(\p{GCB=ZWJ})|(\p{GCB=SpacingMark})"
    r"|(\p{GCB=Prepend})|(\p{InCB=Consonant})"
)


@cache
def character_effects() -> tuple[tuple[Effect, ...], Tensor]:
    """The effects that characters may have, and which one each code point has, uint8 ``[0x110000]``."""
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
    """Counts the units of pieces, as tensors.

    Attributes:
        costs: int64 ``[states, effects]``, units that each effect adds in each state. Effects are those of
            the pieces, in order, then `NOTHING`, then those of characters that are written as bytes.
        states: int64 ``[states, effects]``, the state that it leaves.
        values: int64 ``[pieces]``, the byte that a piece stands for, or -1.

    Args:
        effects: Effect of every piece.
        values: Byte of every piece, or -1.
    """

    def __init__(self, effects: Sequence[Effect], values: Sequence[int]):
        characters, self._kinds = character_effects()
        every = [*effects, NOTHING, *characters]
        self.costs = torch.tensor([effect.costs for effect in every]).T.contiguous()
        self.states = torch.tensor([effect.states for effect in every]).T.contiguous()
        self.values = torch.tensor(values)
        self._following = torch.tensor([*map(following, range(256)), -1])  # the last one for what is no byte
        self._bits = torch.tensor([*map(_bits, range(256)), 0])

    def to(self, device: torch.device) -> UnitCounter:
        """This counter on a device."""
        moved = UnitCounter.__new__(UnitCounter)
        moved.__dict__ = {name: tensor.to(device) for name, tensor in self.__dict__.items()}
        return moved

    def effect_of_character(self, spelled: bytes) -> int:
        """The effect of a character's bytes; nothing where they are of none."""
        try:
            return len(self.values) + 1 + int(self._kinds[ord(spelled.decode())])
        except (UnicodeDecodeError, TypeError):
            return len(self.values)

    def effects(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Effects of pieces ``[batch, length]``, and whether each is a byte that others have to follow."""
        values = self.values[words]
        following, bits = self._following[values], self._bits[values]
        tail = (values >= 0x80) & (values < 0xC0)
        code, left, chain = bits, following, tail
        for back in (1, 2, 3):  # a byte inside of a character looks for the first one
            earlier = _later(following, back, -1)
            bits = bits + (_later(self._bits[values], back, 0) << 6 * back)
            found = chain & (earlier >= back)
            code, left = torch.where(found, bits, code), torch.where(found, earlier - back, left)
            chain = chain & _later(tail, back, False)
        nothing = len(self.values)
        written = nothing + 1 + self._kinds[code.clamp_max(0x10FFFF)].long()
        return torch.where(values < 0, words, torch.where(left == 0, written, nothing)), left > 0

    def count(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Units that each of the pieces ``[batch, length]`` adds, and states ``[batch, length + 1]`` before
        each and after the last.
        """
        effects, unfinished = self.effects(words)
        maps = self.states[:, effects]
        span = 1
        while span < words.shape[1]:  # every map after those before it, twice as many each time
            maps = torch.cat([maps[:, :, :span], maps[:, :, span:].gather(0, maps[:, :, :-span])], 2)
            span *= 2
        after = maps[BLANK]
        costs = self.costs[_later(after, 1, BLANK), effects]
        return costs, F.pad(after + UNFINISHED * unfinished, (1, 0), value=BLANK)

    def step(self, words: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Units that the last one of pieces ``[batch, length]`` adds, and the state after it.

        Args:
            words: The last four pieces are enough.
            state: ``[batch]`` before the last one.
        """
        effects, unfinished = (column[:, -1] for column in self.effects(words))
        state = state % UNFINISHED
        return self.costs[state, effects], self.states[state, effects] + UNFINISHED * unfinished

    def characters(self, words: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The characters that pieces ``[batch, length]`` are bytes of: the effect of the whole character, the
        number of pieces to its end, and whether it begins here.
        """
        effects, unfinished = self.effects(words)
        whole, pieces = effects, torch.ones_like(words)
        for _ in range(3):
            whole = torch.where(unfinished, F.pad(whole[:, 1:], (0, 1), value=len(self.values)), effects)
            pieces = torch.where(unfinished, F.pad(pieces[:, 1:], (0, 1)) + 1, 1)
        return whole, pieces, ~_later(unfinished, 1, False)


def _later(tensor: Tensor, steps: int, value: int | bool) -> Tensor:
    """``[batch, length]`` moved to the right."""
    return F.pad(tensor, (steps, 0), value=value)[:, : tensor.shape[1]]


@dataclass(frozen=True)
class LengthTable:
    """What every vocabulary entry adds to the length of a text; all tensors are ``[vocabulary]``.

    The first three columns are enough where no piece begins with a mark that belongs to the letter before it
    and no character is written as bytes; they travel with the weights. ``counter`` knows all.

    A piece costs its units when it stands after a blank. Directly after a piece that ends inside a
    word (``ends_inside``), one that goes on with it (``continues``) costs one unit less.

    Attributes:
        units: int64, units of the piece on its own.
        continues: bool, the piece starts with a word character and no blank.
        ends_inside: bool, the piece ends inside a word.
        writable: bool, the piece may stand anywhere in a summary (no special token, no lone byte).
        glues: bool, the piece starts with a letter, digit or hyphen that belongs to the word before it.
        bytes: bool, the piece is a lone byte, which is only written where the document has it.
        counter: Counts units of pieces in a row.
        parts: A piece or bytes for each unit of a piece with several units, which a search may have to cut.
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
    """The counter for the columns of a table that has been saved, all ``[vocabulary]``."""
    columns = zip(units.tolist(), continues.tolist(), ends_inside.tolist(), strict=True)
    effects = []
    for cost, goes_on, inside in columns:
        after = WORD if inside else CLUSTER if cost else BLANK
        effects.append(Effect((cost, cost - goes_on, *[cost] * (UNFINISHED - 2)), (after,) * UNFINISHED))
    values = [-1] * len(effects)
    places = lone.nonzero().flatten().tolist()
    if len(places) == 256:  # in their order in every vocabulary of SentencePiece
        for value, place in enumerate(places):
            values[place] = value
    return UnitCounter(effects, values)
