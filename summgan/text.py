"""Text of any script: normalisation, length units, words for scoring, sentences.

Two views of a text are used everywhere:

- **units** measure length. A unit is a white-space-separated token, or one character in scripts
  that are written without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar).
- **words** are for counting overlap (ROUGE, copy rates): lower-cased letters and digits, one word
  per character in scripts without spaces; punctuation is dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Code-point ranges of scripts written without spaces, with their full-width punctuation.
_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u3000-\u30ff"  # CJK punctuation, Hiragana, Katakana
    "\u31f0-\u31ff"  # Katakana extensions
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\uff00-\uffef"  # full-width and half-width forms
)
_UNSPACED_CHARACTER = re.compile(f"[{_UNSPACED}]")
_UNIT = re.compile(f"[{_UNSPACED}]|[^\\s{_UNSPACED}]+")
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}]+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\u200b\u00ad]")
_SENTENCE_END = re.compile("(?<=[.!?])[\"'\u201d\u2019)\\]]*\\s+(?=\\S)|(?<=[。！？])(?![」』”’）])")


def normalize(text: str) -> str:
    """Compose characters (NFC), drop control characters, make every run of white space one blank."""
    return " ".join(_CONTROL.sub("", unicodedata.normalize("NFC", text)).split())


def is_unspaced(character: str) -> bool:
    """Whether the character belongs to a script that is written without spaces."""
    return _UNSPACED_CHARACTER.match(character) is not None


def split_units(text: str) -> list[str]:
    """The length units of a text, in order; ``len(split_units(text))`` is its length."""
    return _UNIT.findall(text)


def count_units(text: str) -> int:
    """The length of a text in units: words where there are spaces, else characters."""
    return len(split_units(text))


def join_units(units: Iterable[str]) -> str:
    """Write units as text again: a blank between them unless one of the two needs none."""
    text = ""
    for unit in units:
        if text and not is_unspaced(text[-1]) and not is_unspaced(unit[0]):
            text += " "
        text += unit
    return text


def split_words(text: str) -> list[str]:
    """The lower-cased words of a text for overlap counts, without punctuation, in any script."""
    return [word for word in _WORD.findall(text.lower()) if word.isalnum() or len(word) > 1]


def split_sentences(text: str) -> list[str]:
    """Cut a text after sentence-final punctuation; a text without any is one sentence."""
    pieces, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        pieces.append(text[start : match.end()].strip())
        start = match.end()
    pieces.append(text[start:].strip())
    return [piece for piece in pieces if piece]
