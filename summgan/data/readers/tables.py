"""Parquet files and saved datasets to rows; nothing in them is executed."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from summgan.data.readers.lines import Broken, open_bytes
from summgan.data.readers.values import BadCell, shown
from summgan.errors import RowError, SummGANError

if TYPE_CHECKING:
    from pyarrow import Array, RecordBatch
    from pyarrow.parquet import ParquetFile

_BATCH = 1000


def read_parquet(path: Path) -> Iterator[tuple[int, dict[str, Any] | RowError]]:
    """Read the rows of a parquet file; a damaged part spoils only the rest of its row group.

    Yields:
        Number of the row from 1, and the row or what is wrong with it.

    Raises:
        SummGANError: Two columns have the same name.
        Broken: The file is not a readable parquet file.
    """
    from pyarrow.parquet import ParquetFile

    with open_bytes(path) as opened:
        source = io.BytesIO(opened.read()) if path.name.lower().endswith(".gz") else opened
        try:
            table = ParquetFile(source)
            names = table.schema_arrow.names
            sizes = [table.metadata.row_group(group).num_rows for group in range(table.num_row_groups)]
        except _unreadable() as error:
            raise Broken(f"not a readable parquet file ({_first_line(error)}).") from error
        _check_names(shown(path), names)
        first = 1
        for group, size in enumerate(sizes):
            number = first
            try:
                for number, values in enumerate(_group(table, group), first):  # noqa: B007
                    yield number, values
                    number += 1
            except Broken as error:
                rest = f"rows {number:,} to {first + size - 1:,} of this parquet file"
                yield number, RowError(f"{rest} are damaged ({error}).", shown(path), number)
            first += size


def _group(table: ParquetFile, group: int) -> Iterator[dict[str, Any]]:
    """Rows of a row group, up to the first unreadable one."""
    done = 0
    try:
        for batch in table.iter_batches(_BATCH, row_groups=[group]):
            for values in _values(batch):
                done += 1
                yield values
        return
    except _unreadable():
        pass  # the same batch may have readable rows before the damage
    try:
        for number, batch in enumerate(table.iter_batches(1, row_groups=[group])):
            if number >= done:
                yield from _values(batch)
    except _unreadable() as error:
        raise Broken(_first_line(error)) from error


def read_saved(folder: Path) -> Iterator[tuple[int, dict[str, Any] | RowError]]:
    """Read the rows of a dataset saved by `datasets`; of several splits, those of ``train``.

    Yields:
        Number of the row from 1, and the row or what is wrong with it.

    Raises:
        SummGANError: There are several splits without ``train``, or two columns have the same name.
        Broken: The folder is damaged.
    """
    from datasets import DatasetDict, load_from_disk

    file = shown(folder)
    try:
        data = load_from_disk(str(folder))
    except Exception as error:  # `datasets` raises many classes for a damaged folder
        raise Broken(f"the saved dataset cannot be read ({_first_line(error)}).") from error
    if isinstance(data, DatasetDict):
        if "train" not in data and len(data) != 1:
            raise SummGANError(f"{file}: name the folder of one split of {', '.join(data)}.")
        data = data["train"] if "train" in data else next(iter(data.values()))
    _check_names(file, data.column_names)
    try:
        # In Arrow format, images and audio are not decoded and saved formats are not applied.
        batches = (batch for table in data.with_format("arrow").iter(_BATCH) for batch in table.to_batches())
        yield from enumerate((values for batch in batches for values in _values(batch)), 1)
    except _unreadable() as error:
        raise Broken(f"the saved dataset is damaged ({_first_line(error)}).") from error


def _unreadable() -> tuple[type[Exception], ...]:
    """Exceptions that `pyarrow` raises for damaged data."""
    from pyarrow import ArrowException

    return ArrowException, OSError, ValueError, OverflowError, MemoryError


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _check_names(file: str, names: Iterable[str]) -> None:
    names = list(names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SummGANError(f"{file}: two columns have the name {twice[0]!r}; give each column its own name.")


def _values(batch: RecordBatch) -> list[dict[str, Any]]:
    """Rows of a batch; an unreadable cell becomes a `BadCell` and spoils no other."""
    try:
        batch.validate(full=True)
        return batch.to_pylist()
    except _unreadable():
        columns = {
            name: _plain(column) for name, column in zip(batch.schema.names, batch.columns, strict=True)
        }
        return [
            {name: _cell(column, row) for name, column in columns.items()} for row in range(batch.num_rows)
        ]


def _plain(column: Array) -> Array:
    """Decode a dictionary column, because one bad value in its dictionary would spoil all rows."""
    from pyarrow import types

    return column.dictionary_decode() if types.is_dictionary(column.type) else column


def _cell(column: Array, row: int) -> Any:
    try:
        cell = column.slice(row, 1)
        cell.validate(full=True)
        return cell[0].as_py()
    except _unreadable() as error:
        return BadCell(f"a {column.type} that cannot be read ({_first_line(error)})")
