"""Single values of rows: texts, lists of texts and ids out of whatever a file holds."""

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
    """What is wrong with a row, said before it is known where the row stands."""


@dataclass(frozen=True)
class BadCell:
    """Stands where a table holds something that cannot be read; harmless unless it is wanted."""

    reason: str


def shown(path: Path | str) -> str:
    """A path as text that can be printed and written, also when its bytes are no UTF-8."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def text_of(value: Any, column: str, lines: bool = False) -> str:
    """The normalized text in a cell, which keeps its lines if these count.

    Raises:
        Problem: There is none, or it cannot be written as UTF-8.
    """
    text = (normalize_lines if lines else normalize)(_encodable(value, column))
    if not text:
        raise Problem(f"{column} is empty.")
    return text


def texts_of(value: Any, column: str) -> list[str]:
    """The texts in a cell that holds one or a list of them, each line normalized; empty ones are left out.

    A list may also be written as a JSON array, as formats without lists need it.

    Raises:
        Problem: There is none, or one of them is no text.
    """
    value = _listed(value) if isinstance(value, str) else value
    values = value if isinstance(value, list) else [value]
    for text in values:
        if not isinstance(text, str | bytes):
            raise Problem(f"{column} holds no text but {describe(text)}.")
    texts = [normalize_lines(_encodable(text, column)) for text in values]
    if not any(texts):
        raise Problem(f"{column} holds no text.")
    return [text for text in texts if text]


def _listed(cell: str) -> str | list[str]:
    """The texts of a cell that is a JSON array of nothing else; any other cell as it is."""
    if not cell.lstrip().startswith("["):
        return cell
    try:
        values = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    return values if all(isinstance(value, str) for value in values) else cell


def id_of(value: Any) -> str | int | float | None:
    """An id as every output can hold it.

    Dates and decimals become text; bytes that are no UTF-8 become hexadecimal; not-a-number is no id.

    Raises:
        Problem: It cannot be written as UTF-8.
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
    """A text that can be written as UTF-8; bytes without a stated encoding are UTF-8, as files are."""
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Problem(
                f"{column} is bytes of which byte {error.start + 1} is not UTF-8; store it as text."
            ) from None
    if not isinstance(value, str):
        raise Problem(f"{column} is {describe(value)}, not a text.")
    if _ESCAPED_BYTE.search(value):
        raise Problem(f"{column} holds bytes that are not UTF-8; save the file as UTF-8.")
    if found := _SURROGATE.search(value):
        raise Problem(
            f"{column} holds half a character (the lone surrogate U+{ord(found[0]):04X}), which no file "
            "can hold; write the whole character."
        )
    if "\0" in value and not nul:
        raise Problem(f"{column} holds a NUL character (U+0000), which no text has; take it out.")
    return value


def describe(value: Any) -> str:
    """What a value is, for messages; nested ones may be too deep to be shown."""
    if value is None:
        return "null"
    if isinstance(value, BadCell):
        return value.reason
    kind = type(value).__name__
    if isinstance(value, list | dict | tuple):
        return f"a {kind}"
    return f"a {kind} ({str(value)[:_SHOWN].encode('utf-8', 'backslashreplace').decode('utf-8')})"


def name_some(names: Any) -> str:
    """Names for a message, shortened where they are many or long, as those of a missing header are."""
    names = [str(name).encode("utf-8", "backslashreplace").decode("utf-8") for name in names]
    short = [name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..." for name in names[:10]]
    return ", ".join([*short, *([f"and {len(names) - 10} more"] if len(names) > 10 else [])]) or "none"
