"""Conversion of the cells of a row to texts, lists of texts and ids."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from summgan.text.script import normalize, normalize_lines

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_SHOWN = 40


class Problem(Exception):
    """A row is wrong; the caller adds the file and line to the message."""


@dataclass(frozen=True)
class BadCell:
    """Replaces a cell that cannot be read; an error only if the cell is used.

    Attributes:
        reason: What the cell contains, for the message.
    """

    reason: str


def shown(path: Path | str) -> str:
    """Convert a path to a printable text, even if its bytes are not UTF-8."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def text_of(value: Any, column: str, lines: bool = False) -> str:
    """Return the normalized text of a cell.

    Args:
        value: Content of the cell.
        column: Name of the column, for messages.
        lines: Whether line breaks are kept.

    Raises:
        Problem: The cell has no text, or one that cannot be written as UTF-8.
    """
    text = (normalize_lines if lines else normalize)(_encodable(value, column))
    if not text:
        raise Problem(f"{column} is empty.")
    return text


def texts_of(value: Any, column: str) -> list[str]:
    """Return the texts of a cell that has one text or a list of them.

    Each line is normalized, and empty texts are left out. In formats without lists, the cell may be a JSON
    array.

    Raises:
        Problem: The cell has no text, or an item that is not a text.
    """
    value = _listed(value) if isinstance(value, str) else value
    values = value if isinstance(value, list) else [value]
    for text in values:
        if not isinstance(text, str | bytes):
            raise Problem(f"{column} has {describe(text)} instead of a text.")
    texts = [normalize_lines(_encodable(text, column)) for text in values]
    if not any(texts):
        raise Problem(f"{column} has no text.")
    return [text for text in texts if text]


def _listed(cell: str) -> str | list[str]:
    """Parse a cell that is a JSON array of texts; return any other cell unchanged."""
    if not cell.lstrip().startswith("["):
        return cell
    try:
        values = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    return values if all(isinstance(value, str) for value in values) else cell


def id_of(value: Any) -> str | int | float | None:
    """Convert an id to a value that every output format can store.

    Dates and decimals become text, bytes that are not UTF-8 become hexadecimal, and NaN becomes None.

    Raises:
        Problem: The id is nested too deeply, or cannot be written as UTF-8.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            return value.hex()
    if isinstance(value, list | dict):
        try:
            value = json.dumps(value, ensure_ascii=False, default=str)
        except RecursionError:
            raise Problem("id is nested too deeply.") from None
    return _encodable(value if isinstance(value, str | BadCell) else str(value), "id", nul=True)


def _encodable(value: Any, column: str, nul: bool = False) -> str:
    """Return a text that can be written as UTF-8; bytes are decoded as UTF-8.

    Raises:
        Problem: The value is not a text, or contains what UTF-8 cannot hold; or NUL, unless ``nul`` is true.
    """
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Problem(
                f"{column} has bytes, of which byte {error.start + 1} is not UTF-8; store it as text."
            ) from None
    if not isinstance(value, str):
        raise Problem(f"{column} is {describe(value)}, not a text.")
    if _ESCAPED_BYTE.search(value):
        raise Problem(f"{column} contains bytes that are not UTF-8; save the file as UTF-8.")
    if found := _SURROGATE.search(value):
        raise Problem(
            f"{column} contains half a character (the lone surrogate U+{ord(found[0]):04X}), which no file "
            "can store; write the whole character."
        )
    if "\0" in value and not nul:
        raise Problem(f"{column} contains a NUL character (U+0000); remove it.")
    return value


def describe(value: Any) -> str:
    """Describe a value for a message by its type, and unless it is nested, its content."""
    if value is None:
        return "null"
    if isinstance(value, BadCell):
        return value.reason
    kind = type(value).__name__
    article = "an" if kind[0] in "aeiou" else "a"
    if isinstance(value, list | dict | tuple):
        return f"a {kind}"
    return f"{article} {kind} ({str(value)[:_SHOWN].encode('utf-8', 'backslashreplace').decode('utf-8')})"


def name_some(names: Any) -> str:
    """List names for a message, shortened if they are many or long, like the cells of a missing header."""
    names = [str(name).encode("utf-8", "backslashreplace").decode("utf-8") for name in names]
    short = [name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..." for name in names[:10]]
    return ", ".join([*short, *([f"and {len(names) - 10} more"] if len(names) > 10 else [])]) or "none"
