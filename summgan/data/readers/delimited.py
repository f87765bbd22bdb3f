"""Delimited text (csv, tsv) to rows.

The delimiter of a .csv is the one that clearly splits header and rows, or that a first line ``sep=;`` names;
if it is ambiguous, the file is refused. A quoted cell may contain line breaks. One that is never closed
spoils only its own row: reading continues in the line after the one in which the cell begins.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Set
from itertools import chain
from pathlib import Path

from summgan.data.readers.columns import fold
from summgan.data.readers.lines import UNREADABLE, Broken, decoded_lines, open_bytes, other_unicode
from summgan.data.readers.values import name_some, shown
from summgan.errors import RowError, SummGANError

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_SAMPLE = 100
_SEPARATOR_LINE = re.compile('"?sep=([,;\t|])"?')


class _Lines:
    """Lines with their ends, which can be looked at before they are taken, and given back afterwards."""

    def __init__(self, lines: Iterable[tuple[int, str | RowError]]):
        self._lines = iter(lines)
        self._again: deque[tuple[int, str | RowError]] = deque()
        self.taken: list[tuple[int, str | RowError]] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        return _text(line)

    def peek(self, count: int) -> list[tuple[int, str | RowError]]:
        try:
            while len(self._again) < count and (line := next(self._lines, None)):
                self._again.append(line)
        except UNREADABLE as error:
            self._lines = _raising(error)  # raised in its turn, after the lines before it
        return list(self._again)

    def give_back(self, kept: int) -> None:
        """Give back the lines taken after the first ``kept``."""
        self._again.extendleft(reversed(self.taken[kept:]))
        del self.taken[kept:]

    def bad(self) -> RowError | None:
        """Error of the first taken line that could not be decoded."""
        return next((text for _, text in self.taken if isinstance(text, RowError)), None)


def _raising(error: Exception) -> Iterator[tuple[int, str | RowError]]:
    raise error
    yield


def _text(line: tuple[int, str | RowError]) -> str:
    # A line that could not be decoded still separates its neighbours, and \r alone does not end a line.
    return "\ufffd\n" if isinstance(line[1], RowError) else line[1].replace("\r", " ") + "\n"


def read_delimited(
    path: Path, delimiters: Collection[str], known: Set[str]
) -> Iterator[tuple[int, dict[str, str] | RowError]]:
    """Read the rows of a table with a header.

    Args:
        path: Path of the file.
        delimiters: Members of `DELIMITERS` that the file may use, the usual one of its extension first.
        known: Names, as `fold` returns them, by which a header is known.

    Yields:
        Line number, and the row or what is wrong with it.

    Raises:
        SummGANError: The delimiter is ambiguous, or the header is unusable.
        Broken: The rest of the file cannot be read.
    """
    file = shown(path)
    csv.field_size_limit(2**31 - 1)
    with open_bytes(path) as source:
        lines = _Lines(_decoded(file, source))
        records = _records(file, lines, _delimiter(file, lines, delimiters, known))
        names: list[str] = []
        for line, header in records:
            if isinstance(header, RowError):
                raise SummGANError(f"{header} This line is the header, without which no row can be read.")
            names = [name.strip() for name in header]
            _check_header(file, line, names)
            break
        rows = iter(records)
        first = next(rows, None)
        if names and first is None and not known & set(map(fold, names)):
            raise SummGANError(
                f"{file}:1: is the only line, and not a header: none of its columns has a usual name ("
                f"{name_some(names)}). Put a header above it, such as: id,text"
            )
        for line, cells in chain([first] if first else [], rows):
            if isinstance(cells, RowError):
                yield line, cells
            elif len(cells) != len(names):
                yield line, RowError(_wrong_count(len(cells), len(names)), file, line)
            else:
                # A column without a name, such as an index or a blank one at the end, cannot be asked for.
                yield line, {name: cell for name, cell in zip(names, cells, strict=True) if name}


def _decoded(file: str, source: io.BufferedIOBase) -> Iterator[tuple[int, str | RowError]]:
    """Lines of UTF-8, or of UTF-16 if the byte order mark says so, as in Excel's "Unicode text"."""
    start = source.read1(4)
    source.seek(0)
    if other_unicode(start) != "UTF-16":
        yield from decoded_lines(file, source)
        return
    for number, line in enumerate(_utf16_lines(source), 1):
        yield number, line.removesuffix("\r")


def _utf16_lines(source: io.BufferedIOBase) -> Iterator[str]:
    # Lone surrogates pass here; the check of their cell finds them.
    decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
    rest = ""
    while data := source.read1():
        *whole, rest = (rest + decoder.decode(data)).split("\n")
        yield from whole
    if rest:
        yield rest
    if decoder.getstate()[0]:
        raise Broken("the UTF-16 text ends within a character.")


def _check_header(file: str, line: int, names: list[str]) -> None:
    if not any(names):
        raise SummGANError(
            f"{file}:{line}: no column has a name. Put a header above the rows, such as: id,text"
        )
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise SummGANError(
            f"{file}:{line}: the column {twice[0]!r} is twice in the header; give each column its own name."
        )


def _wrong_count(cells: int, names: int) -> str:
    return (
        f"has {cells} columns where the header has {names}; put cells that contain the delimiter in double "
        "quotes."
    )


def _records(file: str, lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str] | RowError]]:
    """Records with the line in which each begins, or what is wrong with them."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            kept = 1 + _spoiled_line([_text(line) for line in lines.taken], delimiter)
            lines.give_back(kept)
            number = lines.taken[-1][0]
            yield number, lines.bad() or RowError(_quoting(str(error)), file, number)
            continue
        number = lines.taken[0][0]
        if bad := lines.bad():
            yield number, bad
        elif cells:
            yield number, cells


def _quoting(error: str) -> str:
    if "unexpected end" in error:
        return "a quoted cell begins here and is never closed; close it with a double quote."
    if "expected after" in error:
        return (
            "a quoted cell begins here and continues after its closing double quote; double every double "
            "quote within a quoted cell."
        )
    return f"not a readable row ({error})."


def _spoiled_line(texts: list[str], delimiter: str) -> int:
    """Index of the line, from 0, in which the first wrongly quoted cell begins."""
    other = f"[^{re.escape(delimiter)}\r\n]"
    cell = re.compile(rf'(?:"[^"]*(?:""[^"]*)*"|(?!"){other}*)(?:{re.escape(delimiter)}|\r?\n)')
    text, at = "".join(texts), 0
    while match := cell.match(text, at):
        at = match.end()
    return text.count("\n", 0, at) if at < len(text) else 0


def _rows_agree(rows: list[list[str] | RowError]) -> bool:
    """Tell whether some row has as many cells as the header, or there is only the header."""
    header, *others = rows
    cells = [len(row) for row in others if isinstance(row, list)]
    return not others or (isinstance(header, list) and len(header) in cells)


def _delimiter(file: str, lines: _Lines, delimiters: Collection[str], known: Set[str]) -> str:
    """Find the delimiter on which header and rows agree."""
    sample = lines.peek(_SAMPLE)
    own = next(iter(delimiters))
    if sample and (said := _SEPARATOR_LINE.fullmatch(_text(sample[0]).strip("\n"))):
        next(lines)
        return said[1]
    tables = {d: [cells for _, cells in _records(file, _Lines(sample), d)] for d in DELIMITERS}
    headers = {d: rows[0] for d, rows in tables.items() if rows and isinstance(rows[0], list)}
    splitting = [d for d, cells in headers.items() if len(cells) > 1]
    if not splitting or splitting == [own] or (own in splitting and len(delimiters) == 1):
        return own
    possible = [d for d in splitting if d in delimiters]
    agreeing = [d for d in possible if _rows_agree(tables[d])]
    named = [d for d in agreeing or possible if known & set(map(fold, headers[d]))]
    for sure in (agreeing, named):
        if len(sure) == 1:
            return sure[0]
    names = " or ".join(DELIMITERS[d] for d in splitting)
    raise SummGANError(
        f"{file}:1: the delimiter may be {names}. Put a line such as sep=; above the header of a .csv, or "
        "save the file with commas, and with double quotes around cells that contain them."
    )
