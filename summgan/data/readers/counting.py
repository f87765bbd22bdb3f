"""How many rows there are, where that can be known without reading them twice over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from summgan.data.readers.paths import STANDARD_INPUT, data_files, file_format, is_saved


def count_rows(paths: Sequence[Path]) -> int | None:
    """Rows of the entries of `resolve_files`; None where only reading them tells."""
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
            with path.open("rb") as file:  # blank lines are rows in a txt alone
                return sum(1 for line in file if file_format(path) == ".txt" or line.strip())
    except (OSError, ValueError):  # what is wrong is said when it is read
        return None
    return None
