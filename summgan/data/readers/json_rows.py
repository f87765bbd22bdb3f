"""JSON lines and JSON arrays to rows; a value that is not strict JSON, or has a key twice, is an error."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from io import BufferedIOBase
from itertools import chain
from pathlib import Path
from typing import Any

from summgan.data.readers.lines import (
    BYTE_ORDER_MARK,
    UNREADABLE,
    Broken,
    check_start,
    decoded_lines,
    open_bytes,
)
from summgan.data.readers.values import describe, shown
from summgan.errors import RowError, SummGANError

_SPACE = " \t\r\n"
_DIGITS = 1000
_PIECE = 1 << 16
_LONGEST_LINE = 1 << 24
_OPEN = (b"[", b"{", b",", b":")
"""Ends of a line after which an array continues in the next line."""
# An error in the last characters of the text read may be a word (`-Infinity`) or escape that is cut in two.
_CUT = 16


class _Decoder:
    """Decodes JSON and notes what is not strict JSON, so that it spoils only the value that contains it.

    Attributes:
        problem: What is wrong with the last value, or None.
    """

    def __init__(self) -> None:
        self._json = json.JSONDecoder(
            object_pairs_hook=self._object, parse_constant=self._constant, parse_int=self._integer
        )
        self.problem: str | None = None

    def decode(self, text: str) -> Any:
        """Decode a whole text."""
        self.problem = None
        return self._json.decode(text)

    def raw_decode(self, text: str, at: int) -> tuple[Any, int]:
        """Decode the value that begins at index ``at``; return it and the index of its end."""
        self.problem = None
        return self._json.raw_decode(text, at)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            self.problem = f"the key {twice!r} appears twice"
        return values

    def _constant(self, name: str) -> None:
        self.problem = f"{name} is not a JSON value; write null"

    def _integer(self, digits: str) -> int:
        if len(digits) > _DIGITS:
            self.problem = f"a number of {len(digits):,} digits"
            return 0
        return int(digits)


def read_json(path: Path) -> Iterator[tuple[int, dict[str, Any] | RowError]]:
    """Read the rows of a file of JSON lines or of one JSON array; a row is an object or a text.

    Yields:
        Number of the line or array item, and the row or what is wrong with it.

    Raises:
        SummGANError: The file is one object over many lines, or not UTF-8 text.
        Broken: The rest of the array cannot be read.
    """
    file = shown(path)
    with open_bytes(path) as source:
        start = source.read1(_PIECE).removeprefix(BYTE_ORDER_MARK)
        check_start(file, start)
        source.seek(0)
        is_array = start.lstrip().startswith(b"[") and not _is_line(source)
        source.seek(0)
        if is_array:
            decoder = _Decoder()
            for number, value in enumerate(_array(source, decoder), 1):
                yield number, _row(file, number, value, decoder.problem)
            return
        yield from _json_lines(file, source)


def _is_line(source: BufferedIOBase) -> bool:
    """Tell whether a file that begins like an array has JSON lines: its second line continues no array."""
    lines = (line for line in iter(lambda: source.readline(_LONGEST_LINE), b"") if line.strip())
    try:
        first, second = next(lines), next(lines, b"").lstrip()
    except UNREADABLE:
        return False  # what is readable is read as an array
    if not first.endswith(b"\n") or not second:
        return False
    goes_on = first.rstrip().endswith(_OPEN) or second.startswith((b",", b"]", b"}"))
    return first.lstrip().startswith(b"[[") or not goes_on  # an array cannot be a row


def _json_lines(file: str, source: BufferedIOBase) -> Iterator[tuple[int, dict[str, Any] | RowError]]:
    lines = ((number, text) for number, text in decoded_lines(file, source) if not _is_blank(text))
    first, second = next(lines, None), None
    if first and first[1] == "{":
        second = next(lines, None)
        if second and isinstance(second[1], str) and _is_key(second[1]):
            raise SummGANError(
                f"{file}:{first[0]}: is one JSON object over many lines; write each row as an object on its "
                "own line, or all rows as an array [...]."
            )
    decoder = _Decoder()
    for number, text in chain(filter(None, (first, second)), lines):
        yield number, text if isinstance(text, RowError) else _line(file, number, text, decoder)


def _is_blank(text: str | RowError) -> bool:
    return isinstance(text, str) and not text.strip()


def _is_key(text: str) -> bool:
    """Tell whether a line continues an object that begins in the line before."""
    if not text.lstrip().startswith(('"', "}")):
        return False
    try:
        _Decoder().decode(text)
    except (ValueError, RecursionError):
        return True
    return False


def _line(file: str, number: int, text: str, decoder: _Decoder) -> dict[str, Any] | RowError:
    try:
        return _row(file, number, decoder.decode(text), decoder.problem)
    except ValueError as error:
        return RowError(f"broken JSON ({_printable(error)}).", file, number)
    except RecursionError:
        return RowError("broken JSON (nested too deeply).", file, number)


def _printable(error: ValueError) -> str:
    reason = f"{error.msg}, character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else error
    return str(reason).encode("utf-8", "backslashreplace").decode("utf-8")


def _row(file: str, number: int, value: Any, problem: str | None) -> dict[str, Any] | RowError:
    if problem:
        return RowError(f"broken JSON ({_printable(ValueError(problem))}).", file, number)
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, dict):
        return value
    return RowError(f"is {describe(value)}, not an object or a text.", file, number)


class _Pieces:
    """Text of a file, read as far as it is needed.

    Bytes that are not UTF-8 become lone surrogates, so that they spoil only the value that contains them.
    """

    def __init__(self, source: BufferedIOBase, decoder: _Decoder):
        self._source, self._json = source, decoder
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.text, self.at, self.ended = "", 0, False
        self.error: Exception | None = None  # what ended the text; raised after all text before it is used

    def read(self, size: int = _PIECE) -> None:
        """Drop the text that is used, and read at least ``size`` more bytes."""
        pieces, left = [self.text[self.at :]], size
        while left > 0 and not self.ended:
            try:
                data = self._source.read1(_PIECE)
            except UNREADABLE as error:
                data, self.error = b"", error
            self.ended = not data
            pieces.append(self._decoder.decode(data, self.ended))
            left -= len(data)
        self.text, self.at = "".join(pieces), 0

    def sign(self) -> str:
        """Return the next character that is not white space, without passing it; empty at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in _SPACE:
                self.at += 1
            if self.at < len(self.text):
                return self.text[self.at]
            if self.error:
                raise self.error
            if self.ended:
                return ""
            self.read()

    def value(self) -> Any:
        """Return the next JSON value and pass it."""
        while True:
            try:
                value, end = self._json.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos > len(self.text) - _CUT
                if self.error and cut:
                    raise self.error from None
                if self.ended or not cut:
                    raise
            else:
                if end < len(self.text) or self.ended:  # otherwise the value may be a number that continues
                    self.at = end
                    return value
            self.read(max(_PIECE, len(self.text) - self.at))  # doubled, so that few attempts are needed


def _array(source: BufferedIOBase, decoder: _Decoder) -> Iterator[Any]:
    pieces = _Pieces(source, decoder)
    number, wanted = 0, "["
    try:
        if pieces.sign() == "\ufeff":
            pieces.at += 1
        while True:
            sign = pieces.sign()
            if sign == "]" and wanted == ",":
                break
            if sign != wanted:
                raise ValueError(f"{sign!r} where {wanted!r} should be" if sign else "the array has no end")
            pieces.at += 1
            if wanted == "[" and pieces.sign() == "]":
                break
            wanted = ","
            pieces.sign()
            value = pieces.value()
            number += 1
            yield value
        pieces.at += 1
        if pieces.sign():
            raise ValueError("there is text after the end of the array")
    except json.JSONDecodeError as error:
        raise Broken(f"broken JSON ({error.msg}); the array cannot be read from here on.") from error
    except ValueError as error:
        raise Broken(f"broken JSON ({_printable(error)}); the array cannot be read from here on.") from error
    except RecursionError:
        raise Broken("broken JSON (nested too deeply); the array cannot be read from here on.") from None
