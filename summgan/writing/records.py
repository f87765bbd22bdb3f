"""Rows of files to records, one for every row in its place, whatever is wrong with single ones.

What ``summarize`` and ``encode`` share, between `readers.py` and `output.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from summgan.data.readers import Row, read_rows
from summgan.errors import RowError, SummGANError

Record = dict[str, Any]
Item = Row | SummGANError
"""A row, or what is wrong with the one that stands there."""


def read_items(
    files: str | Path | Sequence[str | Path], column: str | None, role: str, option: str
) -> Iterator[Item]:
    """Rows in order, with the error in the place of a row that cannot be used.

    Args:
        files: Files as in `read_rows`; a blank line of a txt keeps its place as a row without text.
        column: Column of the text, or None to find it.
        role: Role of the text as in `read_rows`.
        option: Option that names the column, for hints.
    """
    bad: list[SummGANError] = []
    for row in read_rows(files, column, role, bad.append, option=option, keep_blank=True):
        yield from bad
        bad.clear()
        yield row
    yield from bad


def read_summaries(path: str, column: str | None, fate: str, say: Callable[[str], None]) -> list[str]:
    """Summaries in order; a row without one is an empty one, and they are counted.

    Args:
        path: File of summaries.
        column: Column of the summary, or None.
        fate: What becomes of rows without a summary, for the sentence about them.
        say: Receives that sentence.
    """
    items = list(read_items(path, column, "summary", "--prediction_column"))
    missing = [item for item in items if isinstance(item, SummGANError) or not item.text]
    if missing:
        first = missing[0] if isinstance(missing[0], SummGANError) else f"{path}:{missing[0].line}: is blank."
        say(f"{len(missing):,} rows of {path} hold no summary and {fate}: {first}")
    return [item.text if isinstance(item, Row) else "" for item in items]


def in_order(
    items: Iterable[Item],
    size: int,
    make: Callable[[list[Row]], Iterable[Record]],
    empty: Record,
    ready: Callable[[], bool] = lambda: True,
) -> Iterator[Record]:
    """One record for every item, in order.

    Args:
        items: From `read_items`.
        size: Items that are taken at a time.
        make: Rows with a text to a record each.
        empty: Columns of a row without a summary.
        ready: Whether another item can be had without waiting; what is there is not kept waiting.
    """
    items = iter(items)
    while chunk := list(_taken(items, size, ready)):
        made = iter(make([item for item in chunk if isinstance(item, Row) and item.text]))
        for item in chunk:
            if isinstance(item, SummGANError):
                yield failed_record(item, empty)
            elif item.text:
                yield next(made)
            else:
                yield record(item, empty)


def _taken(items: Iterator[Item], size: int, ready: Callable[[], bool]) -> Iterator[Item]:
    """The next item, and up to ``size`` as long as they are there."""
    for item in islice(items, size):
        yield item
        if not ready():
            return


def record(row: Row, values: Record) -> Record:
    """What is written of a document: where it stands, its id if it has one, and what was made of it.

    Args:
        row: The document.
        values: Further columns.
    """
    place: Record = {"file": row.file, "line": row.line}
    if "id" in row.fields:
        place["id"] = row.fields["id"]
    return place | values


def failed_record(error: SummGANError, empty: Record) -> Record:
    """What stands in the place of a row that could not be used, so that rows keep their number.

    Args:
        error: What is wrong with it.
        empty: Columns of a row without a summary.
    """
    place = {"file": error.file, "line": error.line} if isinstance(error, RowError) else {}
    return place | empty | {"error": str(error)}
