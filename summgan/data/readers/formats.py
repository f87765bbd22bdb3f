"""Files of each format to raw rows: a dict of columns, an error, or None for a blank line of plain text."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from summgan.data.readers.columns import KNOWN, fold
from summgan.data.readers.delimited import DELIMITERS, read_delimited
from summgan.data.readers.json_rows import read_json
from summgan.data.readers.lines import UNREADABLE, Broken, check_start, decoded_lines, open_bytes
from summgan.data.readers.paths import STANDARD_INPUT, data_files, file_format, is_saved
from summgan.data.readers.standard_input import standard_input
from summgan.data.readers.tables import read_parquet, read_saved
from summgan.data.readers.values import shown
from summgan.errors import RowError, SummGANError

Raw = tuple[int, dict[str, Any] | RowError | None]


def raw_rows(path: Path, column: str | None = None) -> Iterator[Raw]:
    """Read the rows of one entry of `resolve_files`, with their numbers.

    If the rest of a file cannot be read, one error follows the rows before it.

    Args:
        path: Path of the file or folder.
        column: Column that the user names, by which a header is known too.

    Raises:
        SummGANError: Nothing of the file can be read.
    """
    rows = _reader(path)(path, KNOWN | {fold(column)} if column else KNOWN)
    number, some = 0, False
    try:
        for number, values in rows:
            some = some or isinstance(values, dict)
            yield number, values
    except UNREADABLE as error:
        reason = _reason(error)
        if not some:
            raise SummGANError(f"{shown(path)}: {reason}") from error
        yield number + 1, RowError(f"{reason} The rows before this one are read.", shown(path), number + 1)


def _reason(error: Exception) -> str:
    if isinstance(error, Broken):
        return str(error)
    if isinstance(error, EOFError | gzip.BadGzipFile | zlib.error):
        return f"the gzip file is damaged or cut off ({error})."
    if isinstance(error, PermissionError):
        return f"may not be read ({error.strerror})."
    reason = error.strerror if isinstance(error, OSError) else None
    return f"cannot be read ({reason or error})."


def _reader(path: Path) -> Callable[[Path, frozenset[str]], Iterator[Raw]]:
    if str(path) == STANDARD_INPUT:
        return _read_standard_input
    if path.is_dir():
        return _read_folder
    return _READERS[file_format(path)]


def _text_lines(file: str, lines: Iterable[bytes]) -> Iterator[Raw]:
    for number, text in decoded_lines(file, lines):
        if isinstance(text, RowError):
            yield number, text
        else:
            yield number, {"text": text} if text.strip() else None


def _read_txt(path: Path, known: frozenset[str]) -> Iterator[Raw]:
    with open_bytes(path) as source:
        yield from _text_lines(shown(path), source)


def _read_standard_input(path: Path, known: frozenset[str]) -> Iterator[Raw]:
    yield from _text_lines(str(path), standard_input())


def _read_folder(folder: Path, known: frozenset[str]) -> Iterator[Raw]:
    """Rows of a saved dataset, or one document of each text file."""
    if is_saved(folder):
        yield from read_saved(folder)
        return
    for number, path in enumerate(data_files(folder), 1):
        yield number, _document(shown(folder), number, path)


def _document(folder: str, number: int, path: Path) -> dict[str, Any] | RowError:
    name = shown(Path(path.name))
    try:
        with open_bytes(path) as source:
            data = source.read()
        check_start(name, data)
        return {"text": data.decode("utf-8-sig"), "id": name}
    except UnicodeDecodeError as error:
        return RowError(f"{name}: byte {error.start + 1} is not UTF-8; save it as UTF-8.", folder, number)
    except SummGANError as error:
        return RowError(str(error), folder, number)
    except UNREADABLE as error:
        return RowError(f"{name}: {_reason(error)}", folder, number)


_READERS: dict[str, Callable[[Path, frozenset[str]], Iterator[Raw]]] = {
    ".txt": _read_txt,
    ".jsonl": lambda path, known: read_json(path),
    ".json": lambda path, known: read_json(path),
    ".csv": lambda path, known: read_delimited(path, list(DELIMITERS), known),
    ".tsv": lambda path, known: read_delimited(path, ["\t"], known),
    ".parquet": lambda path, known: read_parquet(path),
}
