"""Number of rows of files, where it can be known without parsing them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from summgan.data.readers.paths import STANDARD_INPUT, data_files, file_format, is_saved


def count_rows(paths: Sequence[Path]) -> int | None:
    """Count the rows of the entries of `resolve_files`; None if that requires reading the rows."""
    total = 0
    for path in paths:
        count = _count(path)
        if count is None:
            return None
        total += count
    return total


def _count(path: Path) -> int | None:
    try:
        if str(path) == STANDARD_INPUT or (path.is_dir() and is_saved(path)):
            return None
        if path.is_dir():
            return len(data_files(path))
        if path.name.lower().endswith(".gz"):
            return None
        if file_format(path) == ".parquet":
            from pyarrow.parquet import read_metadata

            return read_metadata(path).num_rows
        if file_format(path) in (".txt", ".jsonl"):
            with path.open("rb") as file:  # blank lines are rows only in a txt
                return sum(1 for line in file if file_format(path) == ".txt" or line.strip())
    except (OSError, ValueError):  # reading the file reports what is wrong with it
        return None
    return None
