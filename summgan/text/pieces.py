"""Properties of a tokenizer's pieces: text, length, spelling, and which are punctuation.

They are read from SentencePiece and byte-level BPE tokenizers. `length_table` says how many length units (see
`script.py`) each piece adds, by which the generator meets an exact length. `Vocabulary` stores the results.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache

import torch
from transformers import PreTrainedTokenizerBase

from summgan.text.script import is_unspaced, split_units
from summgan.text.units import (
    BLANK,
    CLUSTER,
    LITERAL_BLANK,
    NOTHING,
    Effect,
    LengthTable,
    UnitCounter,
    effect_of,
)

_BYTE = re.compile("<0x([0-9A-F]{2})>")
_SENTINEL = re.compile(r"<extra_id_\d+>")
_Columns = tuple[int, bool, bool, bool, bool, bool]
"""Columns of `LengthTable`: units, continues, ends inside, writable, glues, bytes."""
_NEVER_WRITTEN: _Columns = (0, False, False, False, False, False)


def length_table(tokenizer: PreTrainedTokenizerBase, vocabulary_size: int | None = None) -> LengthTable:
    """Read the length of each piece.

    Args:
        tokenizer: Tokenizer with SentencePiece or byte-level pieces.
        vocabulary_size: Number of entries of the model, by default the number of pieces; further entries are
            never written.
    """
    size = vocabulary_size or len(tokenizer)
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    special, texts = set(tokenizer.all_special_ids), _surfaces(tokenizer)
    columns = [_NEVER_WRITTEN] * size
    effects, values = [NOTHING] * size, [-1] * size
    for index, (piece, text) in enumerate(zip(pieces, texts, strict=True)):
        if text is None:
            columns[index] = _byte_columns(piece or "", index in special)
            values[index] = _byte_of(piece or "") if columns[index][-1] else -1
        else:
            effects[index] = effect_of(text)
            columns[index] = _text_columns(text, effects[index])
    tensors = (torch.tensor(column) for column in zip(*columns, strict=True))
    units, continues, inside, writable, glues, lone = tensors
    counter, parts = UnitCounter(effects, values), _parts(texts, values)
    return LengthTable(units, continues, inside, writable, glues, lone, counter, parts)


def _byte_columns(piece: str, special: bool) -> _Columns:
    units, continues, inside = _byte_length(piece)
    lone = not special and (units > 0 or inside)
    # A byte belongs to what is before it, unless it begins a character of a script without spaces.
    return units, continues, inside, False, inside, lone


def _text_columns(text: str, effect: Effect) -> _Columns:
    continues = not (text[0].isspace() or is_unspaced(text[0]))
    inside = not (text[-1].isspace() or is_unspaced(text[-1]))
    # Compounds and double names ("Guinea-Bissau") are one word, and accents belong to their letter.
    glues = continues and (text[0].isalnum() or text[0] == "-")
    glues |= effect.costs[CLUSTER] < effect.costs[BLANK]
    return effect.costs[BLANK], continues, inside, True, glues, False


def _parts(texts: list[str | None], values: list[int]) -> dict[int, list[int]]:
    """For each piece with several units, one piece per unit, or per character or byte of it."""
    known: dict[str, int] = {}
    for index, text in enumerate(texts):
        if text:
            known.setdefault(text, index)
    bytes_of = {value: index for index, value in enumerate(values) if value >= 0}
    found: dict[int, list[int]] = {}
    for index, text in enumerate(texts):
        if not text or len(units := split_units(text)) < 2:
            continue
        spelled: list[int | None] = []
        for unit in [" "] * text[0].isspace() + units:
            for part in [unit] if unit in known else unit:
                spelled += [known[part]] if part in known else map(bytes_of.get, part.encode())
        if None not in spelled:
            found[index] = [piece for piece in spelled if piece is not None]
    return found


def spellings(tokenizer: PreTrainedTokenizerBase, stemming: str | None = None) -> list[int]:
    """Find the first piece that is spelled like each piece, ignoring case and a blank before it.

    Args:
        tokenizer: Tokenizer with the pieces.
        stemming: Language of a Snowball stemmer, to ignore endings too, so that "kills" equals "killed".

    Returns:
        ``[vocabulary]`` ids.
    """
    stem = stemmer(stemming) or str
    first: dict[str, int] = {}
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    texts = [
        text.strip() if text else piece or ""
        for text, piece in zip(_surfaces(tokenizer), pieces, strict=True)
    ]
    return [first.setdefault(stem(text.lower()), index) for index, text in enumerate(texts)]


def stemmer(language: str | None) -> Callable[[str], str] | None:
    """Make a function that stems words in lower case by the Snowball stemmer of a language; None for None."""
    if language is None:
        return None
    from nltk.stem.snowball import SnowballStemmer  # nltk takes a second to load

    return cache(SnowballStemmer(language).stem)


def pieces_of_words(tokenizer: PreTrainedTokenizerBase, words: Iterable[str]) -> list[int]:
    """Find the pieces that are one of these words, after a blank in scripts with blanks."""
    wanted = {word.lower().strip() for word in words if word.strip()}
    wanted = {word if is_unspaced(word[0]) else f" {word}" for word in wanted}
    return [index for index, text in enumerate(_surfaces(tokenizer)) if text and text.lower() in wanted]


def punctuation_pieces(tokenizer: PreTrainedTokenizerBase) -> list[bool]:
    """Tell which pieces are punctuation ``[vocabulary]``: texts without letter, digit or combining mark."""
    texts = _surfaces(tokenizer)
    return [bool(text) and not any(unicodedata.category(c)[0] in "LMN" for c in text or "") for text in texts]


def _surfaces(tokenizer: PreTrainedTokenizerBase) -> list[str | None]:
    """Text of each piece; None for special tokens, lone bytes and incomplete characters."""
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    special = set(tokenizer.all_special_ids)
    byte_level = _byte_level_alphabet() if any(p and p.startswith("\u0120") for p in pieces) else None
    return [
        None if index in special or piece is None else _surface(piece, byte_level)
        for index, piece in enumerate(pieces)
    ]


def _surface(piece: str, byte_level: dict[str, int] | None) -> str | None:
    """Text of a piece; None for a lone byte or an incomplete character."""
    if byte_level is not None:
        try:
            return bytes(byte_level[character] for character in piece).decode() or None
        except (KeyError, UnicodeDecodeError):
            return None
    if _BYTE.fullmatch(piece) or _SENTINEL.fullmatch(piece):
        return None
    return piece.replace(LITERAL_BLANK, " ")


def _byte_length(piece: str) -> tuple[int, bool, bool]:
    """(units, continues, ends_inside) of a lone byte, as far as it tells its script."""
    byte = _byte_of(piece)
    if 0x80 <= byte < 0xC0:  # inside a character, which its first byte has counted
        return 0, False, True
    # First bytes of Thai, Kana, Han and full-width forms; Hangul, between these, has spaces.
    unspaced = byte in (0xE0, 0xEF) or 0xE3 <= byte <= 0xE9
    return int(byte >= 0), byte >= 0 and not unspaced, byte >= 0 and not unspaced


def _byte_of(piece: str) -> int:
    """Byte that a piece represents, or -1."""
    found = _BYTE.fullmatch(piece)
    return int(found[1], 16) if found else -1


def _byte_level_alphabet() -> dict[str, int]:
    """GPT-2's map from printable characters to the bytes that they represent (Radford 2019)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in printable]
    characters = {chr(byte): byte for byte in printable}
    return characters | {chr(256 + index): byte for index, byte in enumerate(hidden)}
