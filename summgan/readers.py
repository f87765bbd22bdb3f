"""Files to rows: txt, jsonl, csv, tsv, parquet (each also gzipped), folders, patterns, saved datasets.

Rows stream in order with constant memory. Everything that is wrong with a row is one `SummGANError` that
names file and line; a caller may collect such errors instead of stopping.
"""

from __future__ import annotations

import csv
import glob
import gzip
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from summgan.errors import SummGANError
from summgan.text import normalize

COLUMNS = {
    "document": ("document", "text", "article", "content", "body"),
    "sentence": ("sentence", "summary", "text", "headline", "title"),
    "summary": ("summary", "summary_text", "prediction", "text", "headline", "title"),
    "reference": ("references", "summary", "reference", "text", "headline", "title"),
}
"""Names under which a column is found by itself, by the role that its text plays."""

_FORMATS = (".txt", ".jsonl", ".json", ".csv", ".tsv", ".parquet")
_SAVED = ("dataset_info.json", "dataset_dict.json")
_STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Row:
    """One text.

    Attributes:
        text: Normalized.
        file: Where it stands.
        line: Line number from 1; the row number in formats without lines.
        fields: All columns of the row, unchanged.
    """

    text: str
    file: str
    line: int
    fields: dict[str, Any] = field(default_factory=dict)


OnBadRow = Callable[[SummGANError], None]
_Raw = tuple[int, dict[str, Any] | SummGANError]


def resolve_files(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """Files behind names, patterns and folders, in a fixed order.

    A folder of text files stands for one document per file, a saved dataset for its rows; both are
    answered as the folder itself. Any other folder stands for its data files.

    Raises:
        SummGANError: Nothing is there, or of no known format.
    """
    if isinstance(paths, str | Path):
        paths = [paths]
    found: list[Path] = []
    for name in map(str, paths):
        path = Path(name)
        if name == _STANDARD_INPUT or path.exists():
            matches = [path]
        else:
            matches = [Path(match) for match in sorted(glob.glob(name, recursive=True))]
        if not matches:
            raise SummGANError(f"{name}: no such file, folder, or pattern that matches one.")
        for match in matches:
            found += _expand(match)
    return found


def _expand(path: Path) -> list[Path]:
    if str(path) == _STANDARD_INPUT:
        return [path]
    if not path.is_dir():
        _format(path)
        return [path]
    if any((path / name).is_file() for name in _SAVED):
        return [path]
    files = sorted(p for p in path.iterdir() if p.is_file() and _suffix(p) in _FORMATS)
    if not files:
        raise SummGANError(f"{path}: the folder holds no file of {', '.join(_FORMATS)}.")
    if all(_suffix(file) == ".txt" for file in files):
        return [path]
    return files


def _suffix(path: Path) -> str:
    """The extension, without a final .gz."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _format(path: Path) -> str:
    if _suffix(path) not in _FORMATS:
        raise SummGANError(f"{path}: the extension must be one of {', '.join(_FORMATS)}, also with .gz.")
    return _suffix(path)


def read_rows(
    paths: str | Path | Sequence[str | Path],
    column: str | None = None,
    role: str = "document",
    on_bad_row: OnBadRow | None = None,
) -> Iterator[Row]:
    """Rows of files in order.

    Args:
        paths: Files, folders, patterns; ``-`` is standard input, one text a line.
        column: Of the text; None finds it by the usual names of its role.
        role: ``document``, ``sentence`` or ``summary``.
        on_bad_row: Told of every row that cannot be used, which is then skipped.

    Raises:
        SummGANError: A file cannot be read, or (without ``on_bad_row``) a row cannot be used.
    """
    for path in resolve_files(paths):
        for line, values in _raw_rows(path):
            try:
                if isinstance(values, SummGANError):
                    raise values
                name = column or _find_column(path, line, values, role)
                yield Row(_text(path, line, values, name), str(path), line, values)
            except SummGANError as error:
                if on_bad_row is None:
                    raise SummGANError(f"{error} Mend it, or skip such rows.") from None
                on_bad_row(error)


def _find_column(path: Path, line: int, values: dict[str, Any], role: str) -> str:
    for name in COLUMNS[role]:
        if name in values:
            return name
    if len(values) == 1:
        return next(iter(values))
    raise SummGANError(
        f"{path}:{line}: no column of {', '.join(COLUMNS[role])}; there are "
        f"{', '.join(map(str, values))}. Name one with the option {role}_column."
    )


def _text(path: Path, line: int, values: dict[str, Any], column: str) -> str:
    if column not in values:
        raise SummGANError(
            f"{path}:{line}: there is no column {column!r}, only {', '.join(map(str, values))}."
        )
    value = values[column]
    if isinstance(value, list) and column == "references" and value:
        value = value[0]  # several texts of equal standing; callers read all from `fields`
    if not isinstance(value, str):
        raise SummGANError(f"{path}:{line}: {column} is {_describe(value)}, not a text.")
    text = normalize(value)
    if not text:
        raise SummGANError(f"{path}:{line}: {column} is empty.")
    return text


def _describe(value: Any) -> str:
    if value is None:
        return "null"
    return f"a {type(value).__name__} ({str(value)[:40]})"


def _raw_rows(path: Path) -> Iterator[_Raw]:
    if str(path) == _STANDARD_INPUT:
        yield from _text_lines(path, sys.stdin.buffer)
    elif path.is_dir():
        yield from _from_folder(path)
    else:
        try:
            yield from _READERS[_format(path)](path)
        except (EOFError, gzip.BadGzipFile) as error:
            raise SummGANError(f"{path}: the gzip file is damaged or cut off ({error}).") from error
        except PermissionError as error:
            raise SummGANError(f"{path}: may not be read ({error.strerror}).") from error


def _from_folder(folder: Path) -> Iterator[_Raw]:
    if any((folder / name).is_file() for name in _SAVED):
        yield from _from_saved(folder)
        return
    files = (p for p in sorted(folder.iterdir()) if p.is_file() and _suffix(p) == ".txt")
    for number, path in enumerate(files, 1):
        with _open(path) as file:
            text = _decode(path, 1, file.read())
        yield number, text if isinstance(text, SummGANError) else {"text": text, "id": path.name}


def _from_saved(folder: Path) -> Iterator[_Raw]:
    from datasets import DatasetDict, load_from_disk

    try:
        data = load_from_disk(str(folder))
    except Exception as error:
        raise SummGANError(f"{folder}: the saved dataset cannot be read ({error}).") from error
    if isinstance(data, DatasetDict):
        if "train" not in data and len(data) != 1:
            raise SummGANError(f"{folder}: name the folder of one split of {', '.join(data)}.")
        data = data["train"] if "train" in data else next(iter(data.values()))
    yield from enumerate(data, 1)


def _open(path: Path) -> io.BufferedIOBase:
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")


def _decode(path: Path, line: int, data: bytes) -> str | SummGANError:
    if line == 1:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise SummGANError(f"{path}: is UTF-16; save it as UTF-8.")
        data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        return SummGANError(f"{path}:{line}: byte {error.start + 1} is not UTF-8; save the file as UTF-8.")


def _lines(path: Path, file: Iterable[bytes]) -> Iterator[tuple[int, str | SummGANError]]:
    """Lines that are not blank, decoded one by one so that a bad one is known by its number."""
    for number, data in enumerate(file, 1):
        text = _decode(path, number, data)
        if isinstance(text, SummGANError) or text.strip():
            yield number, text


def _text_lines(path: Path, file: Iterable[bytes]) -> Iterator[_Raw]:
    for number, text in _lines(path, file):
        yield number, text if isinstance(text, SummGANError) else {"text": text}


def _read_txt(path: Path) -> Iterator[_Raw]:
    with _open(path) as file:
        yield from _text_lines(path, file)


def _read_json(path: Path) -> Iterator[_Raw]:
    with _open(path) as file:
        start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
        file.seek(0)
        if start.startswith(b"["):
            yield from _json_array(path, file)
            return
        for number, text in _lines(path, file):
            yield number, text if isinstance(text, SummGANError) else _json(path, number, text)


def _json_array(path: Path, file: io.BufferedIOBase) -> Iterator[_Raw]:
    text = _decode(path, 1, file.read())
    if isinstance(text, SummGANError):
        raise text
    try:
        values = json.loads(text)
    except ValueError as error:
        raise SummGANError(f"{path}: broken JSON ({error}).") from error
    for number, value in enumerate(values, 1):
        yield number, _json_row(path, number, value)


def _json(path: Path, line: int, text: str) -> dict[str, Any] | SummGANError:
    try:
        return _json_row(path, line, json.loads(text))
    except ValueError as error:
        return SummGANError(f"{path}:{line}: broken JSON ({error}).")


def _json_row(path: Path, line: int, value: Any) -> dict[str, Any] | SummGANError:
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, dict):
        return value
    return SummGANError(f"{path}:{line}: is {_describe(value)}, not an object or a text.")


def _read_table(path: Path, delimiter: str) -> Iterator[_Raw]:
    csv.field_size_limit(2**31 - 1)
    bad: dict[int, SummGANError] = {}

    def decoded() -> Iterator[str]:
        with _open(path) as file:
            for number, data in enumerate(file, 1):
                text = _decode(path, number, data)
                if isinstance(text, SummGANError):
                    bad[number] = text
                    text = data.decode("utf-8", "replace")
                yield text

    reader = csv.reader(decoded(), delimiter=delimiter)
    try:
        header = next(reader, None)
        if bad:
            raise next(iter(bad.values()))
        first = reader.line_num + 1
        for cells in reader:
            line, first = first, reader.line_num + 1
            spoiled = [error for number, error in bad.items() if line <= number < first]
            bad.clear()
            if spoiled:
                yield line, spoiled[0]
            elif cells and len(cells) != len(header):
                yield (
                    line,
                    SummGANError(
                        f"{path}:{line}: has {len(cells)} columns where the header has {len(header)}."
                    ),
                )
            elif cells:
                yield line, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise SummGANError(f"{path}:{reader.line_num}: not a readable table ({error}).") from error


def _read_parquet(path: Path) -> Iterator[_Raw]:
    import pyarrow
    import pyarrow.parquet

    try:
        source = io.BytesIO(gzip.open(path).read()) if path.name.endswith(".gz") else path
        number = 0
        for batch in pyarrow.parquet.ParquetFile(source).iter_batches(1000):
            for values in batch.to_pylist():
                number += 1
                yield number, values
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, gzip.BadGzipFile | PermissionError):
            raise
        raise SummGANError(f"{path}: not a readable parquet file ({error}).") from error


_READERS: dict[str, Callable[[Path], Iterator[_Raw]]] = {
    ".txt": _read_txt,
    ".jsonl": _read_json,
    ".json": _read_json,
    ".csv": lambda path: _read_table(path, ","),
    ".tsv": lambda path: _read_table(path, "\t"),
    ".parquet": _read_parquet,
}
