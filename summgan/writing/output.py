"""Writing of records to files (txt, jsonl, csv or parquet): streamed, resumable, and never half written.

Records go to ``<output>.partial`` (jsonl) as they are made; at the end it becomes the output. Its first line
says what the records are made from: the options, and the size and hash of all files read. Only the same call
can continue it. An existing output is replaced only if it contains nothing but records of summgan.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from summgan.errors import SummGANError
from summgan.files import check_output, locked, write_file, writing

SUMMARY_FORMATS = (".jsonl", ".txt", ".csv", ".parquet")
CODE_FORMATS = (".jsonl", ".csv", ".parquet")
_NAMES = frozenset(
    "file line id error summary_text reconstruction reconstruction_loss human_likeness "
    "outline bits cluster probabilities codes".split()
)
"""Names of all columns that records may have."""
_SIGNS = frozenset("summary_text outline bits cluster codes error".split())
"""Names of columns by which records of summgan are known."""
_ROWS = 1000  # records in memory at a time
_FORMULA = re.compile(r"[=+\-@\t\r]")
_SURROGATE = re.compile("[\ud800-\udfff]")
# Allowed in JSON strings, but a program that splits lines at them would see two records.
_LINE_ENDS = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"})


def describe_files(paths: Iterable[str | Path]) -> dict[str, list]:
    """Return size in bytes and SHA-256 of each file, and of each file in a folder, by name."""
    found = {}
    for path in map(Path, paths):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found[str(file)] = [file.stat().st_size, _hash(file)]
    return found


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with writing(path), path.open("rb") as file:
        while data := file.read(2**20):
            digest.update(data)
    return digest.hexdigest()


class RecordFile:
    """An unfinished output file; a context manager in which no other process may write it.

    Args:
        path: Final name; the extension says the format.
        settings: What the records are made from; a call that resumes must have the same settings.
        resume: Whether to continue an interrupted file, if there is one.
        inputs: Files and folders that are read and must not be replaced.
        formats: Allowed extensions.

    Attributes:
        done: Number of records written.
        failed: Number of records with an error.

    Raises:
        SummGANError: The format is unknown, the folder is missing, an existing file must not be replaced, or
            an interrupted file has other settings.
    """

    def __init__(
        self,
        path: str | Path,
        settings: dict[str, Any],
        resume: bool = False,
        inputs: Iterable[str | Path] = (),
        formats: tuple[str, ...] = SUMMARY_FORMATS,
    ):
        self.path = Path(path)
        if self.path.suffix not in formats:
            raise SummGANError(f"--output {self.path}: the extension must be one of {', '.join(formats)}.")
        if not self.path.parent.is_dir():
            raise SummGANError(f"--output {self.path}: the folder does not exist.")
        self.partial = self.path.with_name(self.path.name + ".partial")
        for file in (self.path, self.partial):
            check_output(file, inputs)
        _check_replaceable(self.path)
        self.settings = {"made_by": "summgan", **json.loads(json.dumps(settings, default=str))}
        self.done = self.failed = 0
        self._context = ExitStack()
        self._handle: int | None = None
        if self.partial.exists():
            self._go_on(resume)

    def __enter__(self) -> RecordFile:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._handle is not None:
            os.close(self._handle)
            # A call that fails before its first record leaves nothing behind.
            if not self.done and self.partial.exists():
                self.partial.unlink()
        self._context.close()

    def _go_on(self, resume: bool) -> None:
        """Continue an interrupted file: check what it was made from, and count its records."""
        with writing(self.partial), self.partial.open("rb") as file:
            settings, whole = _parsed(file.readline()), file.tell()
            if not isinstance(settings, dict) or settings.get("made_by") != "summgan":
                raise SummGANError(
                    f"{self.partial} is in the way of the output, and summgan has not made it; move it away."
                )
            if not resume:
                raise SummGANError(
                    f"{self.partial} is left from an interrupted call; pass --resume to continue it, or "
                    "delete it."
                )
            self._compare(settings)
            self._context.enter_context(locked(self.partial))
            # The last line may be half written, and a crash of the machine may leave garbage.
            while isinstance(values := _parsed(line := file.readline()), dict) and line.endswith(b"\n"):
                self.done += 1
                self.failed += "error" in values
                whole = file.tell()
        with writing(self.partial):
            self._handle = os.open(self.partial, os.O_WRONLY | os.O_APPEND)
            os.ftruncate(self._handle, whole)

    def _compare(self, settings: dict[str, Any]) -> None:
        """Check that an interrupted file was made with the same settings."""
        names = [
            name for name in {**settings, **self.settings} if settings.get(name) != self.settings.get(name)
        ]
        if "read" in names and settings.get("read"):
            old, new = settings["read"], self.settings["read"]
            files = [file for file in {**old, **new} if old.get(file) != new.get(file)]
            raise SummGANError(
                f"{files[0]} has changed since {self.partial} was made, so the rows would not fit together; "
                f"delete {self.partial} to start again, or restore the file."
            )
        if names:
            raise SummGANError(
                f"{self.partial} was made with other files or options ({', '.join(sorted(names))}); use the "
                "same, or delete it."
            )

    def extend(self, records: Iterable[dict[str, Any]]) -> None:
        """Add records; each is written before the next one is made, and so survives a crash of the process.

        Raises:
            SummGANError: A record cannot be written; those before it are kept.
        """
        for values in records:
            if self._handle is None:
                self._create()
            self._write(values)
            self.done += 1
            self.failed += "error" in values

    def _create(self) -> None:
        try:
            with writing(self.partial):
                # The first process creates the file; a second one finds that it exists.
                self._handle = os.open(
                    self.partial, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o666
                )
        except SummGANError as error:
            if isinstance(error.__cause__, FileExistsError):
                raise SummGANError(f"{self.partial} is being written by another process.") from None
            raise
        self._context.enter_context(locked(self.partial))
        self._write(self.settings)

    def _write(self, values: dict[str, Any]) -> None:
        if self._handle is None:
            raise ValueError("the file of records is not open")
        data = _json_line(values)
        with writing(self.partial):
            while data:
                data = data[os.write(self._handle, data) :]

    def records(self) -> Iterator[dict[str, Any]]:
        """Iterate over the records written so far, in order."""
        if not self.partial.exists():
            return
        with self.partial.open("rb") as file:  # in binary mode, only \n ends a line
            next(file)
            yield from map(json.loads, islice(file, self.done))

    def finish(self) -> None:
        """Convert the file to its format and give it its final name.

        Raises:
            SummGANError: The file cannot be written; a call with ``--resume`` tries again.
        """
        convert = _CONVERT[self.path.suffix]
        write_file(self.path, lambda temporary: convert(self, temporary))
        if self._handle is not None:
            self.partial.unlink()


class PrintedRecords:
    """Replaces a `RecordFile` in a call without one: prints a column of the records, or nothing.

    Args:
        column: Column to print, one line per record; None prints nothing.
    """

    def __init__(self, column: str | None):
        self.column = column
        self.done = self.failed = 0

    def __enter__(self) -> PrintedRecords:
        return self

    def __exit__(self, *exception: object) -> None:
        """Do nothing, as there is nothing to close."""

    def extend(self, records: Iterable[dict[str, Any]]) -> None:
        """Print each record as soon as it is made."""
        for values in records:
            if self.column:
                print(values[self.column], flush=True)
            self.done += 1
            self.failed += "error" in values

    def records(self) -> Iterator[dict[str, Any]]:
        """Return no records, as none are kept."""
        return iter(())

    def finish(self) -> None:
        """Do nothing, as everything is printed."""


def _parsed(line: bytes) -> Any:
    """Parse a line of JSON; None if it is not valid."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _json_line(values: dict[str, Any]) -> bytes:
    text = json.dumps(values, ensure_ascii=False).translate(_LINE_ENDS) + "\n"
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate, in an id or in the name of a file
        return json.dumps(values).encode("ascii") + b"\n"


def _whole_characters(value: Any) -> Any:
    """Replace lone surrogates in a text, which UTF-8 cannot store."""
    return _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else value


def _to_jsonl(made: RecordFile, path: Path) -> None:
    with path.open("wb") as file:
        file.writelines(map(_json_line, made.records()))


def _to_txt(made: RecordFile, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(values["summary_text"] + "\n" for values in made.records())


def _to_csv(made: RecordFile, path: Path) -> None:
    columns = dict.fromkeys(name for values in made.records() for name in values)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if columns:
            writer.writeheader()
        for values in made.records():
            writer.writerow({name: _harmless(value) for name, value in values.items()})


def _harmless(value: Any) -> Any:
    """Return a cell with an apostrophe before a text that a spreadsheet would take for a formula (OWASP)."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    value = _whole_characters(value)
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _to_parquet(made: RecordFile, path: Path) -> None:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    def tables(schema: pyarrow.Schema | None = None) -> Iterator[pyarrow.Table]:
        records = made.records()
        while rows := list(islice(records, _ROWS)):
            columns = (
                dict.fromkeys(name for values in rows for name in values) if schema is None else schema.names
            )
            cells = {name: [_cell(name, values.get(name)) for values in rows] for name in columns}
            yield pyarrow.table(cells, schema=schema)

    schema = pyarrow.schema([])
    for table in tables():
        schema = pyarrow.unify_schemas([schema, table.schema], promote_options="permissive")
    with ParquetWriter(path, schema) as writer:
        for table in tables(schema):
            writer.write_table(table)


def _cell(name: str, value: Any) -> Any:
    # Ids may be numbers in one file and text in another.
    if name == "id" and value is not None:
        value = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _whole_characters(value)


_CONVERT = {".jsonl": _to_jsonl, ".txt": _to_txt, ".csv": _to_csv, ".parquet": _to_parquet}


def _check_replaceable(path: Path) -> None:
    """Check that a path is free, or is an output of summgan."""
    if not path.exists() and not path.is_symlink():
        return
    if not path.is_file():
        raise SummGANError(f"--output {path} exists and is not a file; name another output.")
    with writing(path):
        if path.stat().st_size and not _is_ours(path):
            raise SummGANError(
                f"--output {path} already exists, and nothing in it says that summgan made it; name another "
                "output, or move that file away."
            )


def _is_ours(path: Path) -> bool:
    """Tell whether all columns of a file are those of records; False for a txt, which has no columns."""
    if path.suffix == ".jsonl":
        with path.open("rb") as file:
            return all(_has_our_names(_parsed(line)) for line in file)
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            try:
                return _has_our_names(next(csv.reader(file), []))
            except csv.Error:
                return False
    if path.suffix == ".parquet":
        import pyarrow
        import pyarrow.parquet

        try:
            return _has_our_names(pyarrow.parquet.read_schema(path).names)
        except pyarrow.ArrowException:
            return False
    return False


def _has_our_names(names: Any) -> bool:
    return isinstance(names, dict | list) and bool(_SIGNS & {*names}) and {*names} <= _NAMES
