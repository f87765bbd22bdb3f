"""Reading of rows from files, in order and with constant memory.

Whatever is wrong with a row is one `RowError` that names file and line; a caller may collect such errors
instead of stopping. Whatever is wrong with a whole file is a plain `SummGANError`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from summgan.data.readers.columns import find_column, fold
from summgan.data.readers.formats import Raw, raw_rows
from summgan.data.readers.paths import STANDARD_INPUT, file_format, is_saved, resolve_files
from summgan.data.readers.values import Problem, id_of, shown, text_of, texts_of
from summgan.errors import RowError, SummGANError

_AHEAD = 100
_UNKNOWN = 99


@dataclass(frozen=True)
class Row:
    """One text of a file.

    Attributes:
        text: Normalized text, empty only for a blank line; of several references, the first.
        file: Path of the file.
        line: Line number from 1; the row number in formats without lines.
        fields: All columns of the row, unchanged except ``id``, which is a text, a number or None.
        column: Name of the column of the text.
    """

    text: str
    file: str
    line: int
    fields: dict[str, Any] = field(default_factory=dict)
    column: str = "text"


OnBadRow = Callable[[RowError], None]


def read_rows(
    paths: str | Path | Sequence[str | Path],
    column: str | None = None,
    role: str = "document",
    on_bad_row: OnBadRow | None = None,
    *,
    option: str | None = None,
    keep_blank: bool = False,
) -> Iterator[Row]:
    """Read the rows of files in order.

    Args:
        paths: Files, folders or patterns; ``-`` is standard input, one text per line.
        column: Column of the text; None finds it by the usual names of its role, see `COLUMNS`.
        role: ``document``, ``sentence``, ``summary`` or ``reference``; a reference may be a list of texts.
        on_bad_row: Receives the error of each unusable row, which is then skipped.
        option: Option that names the column, for messages; ``column`` if None.
        keep_blank: Whether blank lines of plain text are rows with an empty text, instead of being skipped.

    Raises:
        SummGANError: A file cannot be read or its column is not known; or, as a `RowError` and without
            ``on_bad_row``, a row is unusable.
    """
    if column is not None and not isinstance(column, str):
        raise SummGANError(f"{option or 'column'} must be the name of a column, not {column!r:.60}.")
    for path in resolve_files(paths):
        for row in _Reading(path, column, role, option or "column").rows():
            if isinstance(row, RowError):
                if on_bad_row is None:
                    raise row
                on_bad_row(row)
            elif row.text or keep_blank:
                yield row


class _Reading:
    """Reads the rows and errors of one file."""

    def __init__(self, path: Path, column: str | None, role: str, option: str):
        self.path, self.file = path, shown(path)
        self.column, self.role, self.option = column, role, option
        if str(path) == STANDARD_INPUT:
            self.format = ".txt"
        elif path.is_dir():
            self.format = "saved" if is_saved(path) else ".txt"
        else:
            self.format = file_format(path)
        self.rank = _UNKNOWN  # best group of column names so far, see `COLUMNS`

    def rows(self) -> Iterator[Row | RowError]:
        raw = raw_rows(self.path, self.column)
        if self.format == ".txt" and self.column and fold(self.column) != "text":
            raise SummGANError(
                f"{self.file}: plain text has no column {self.column!r}, only text; leave {self.option} out."
            )
        if self.format != ".txt":
            raw = self._with_known_column(raw)
        for line, values in raw:
            if values is None:
                yield Row("", self.file, line, {"text": ""})
            elif isinstance(values, RowError):
                yield values
            else:
                try:
                    yield self._row(line, values)
                except Problem as problem:
                    yield RowError(str(problem), self.file, line)

    def _with_known_column(self, raw: Iterator[Raw]) -> Iterator[Raw]:
        """Pass rows on after a check that the file has the column, made on its first rows."""
        ahead = list(islice(raw, _AHEAD))
        first: SummGANError | None = None
        for line, values in ahead:
            if isinstance(values, dict):
                try:
                    self.rank = min(self._find(values)[1], self.rank)
                except Problem as problem:
                    first = first or SummGANError(f"{self.file}:{line}: {problem}{self._advice()}")
        if first and self.rank == _UNKNOWN:
            raise first
        return chain(ahead, raw)

    def _advice(self) -> str:
        if self.format not in (".csv", ".tsv"):
            return ""
        return " If the first line is a row and not a header, put a header above it, such as: id,text"

    def _find(self, values: dict[str, Any]) -> tuple[str, int]:
        return find_column(tuple(values), self.role, self.option, self.column)

    def _row(self, line: int, values: dict[str, Any]) -> Row:
        column, rank = self._find(values)
        if self.role != "document" and rank > self.rank:
            # A `text` is an article if other rows have a title.
            raise Problem(
                f"the {self.role} would be {column!r} here, but other rows have it in a column with a better "
                f"name; name its column with {self.option}."
            )
        if self.role == "reference":
            text = texts_of(values[column], column)[0]
        else:
            text = text_of(values[column], column, lines=self.role == "summary")
        return Row(text, self.file, line, _with_id(values), column)


def _with_id(values: dict[str, Any]) -> dict[str, Any]:
    name = "id" if "id" in values else next((name for name in values if fold(name) == "id"), None)
    return values if name is None else values | {"id": id_of(values[name])}
