"""Rows of files to records: exactly one for each row, in order, also where a row is unusable.

The commands share this step between the readers and `output.py`.
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
"""A row, or the error that says why it is unusable."""


def read_items(
    files: str | Path | Sequence[str | Path], column: str | None, role: str, option: str
) -> Iterator[Item]:
    """Read rows in order, with an error in the place of each unusable row.

    Args:
        files: Files as in `read_rows`; a blank line of a txt becomes a row without text.
        column: Column of the text, or None to find it by its name.
        role: Role of the text as in `read_rows`.
        option: Option that names the column, for messages.
    """
    bad: list[SummGANError] = []
    for row in read_rows(files, column, role, bad.append, option=option, keep_blank=True):
        yield from bad
        bad.clear()
        yield row
    yield from bad


def read_summaries(path: str, column: str | None, fate: str, say: Callable[[str], None]) -> list[str]:
    """Read summaries in order; a row without a summary becomes an empty one.

    Args:
        path: File of summaries.
        column: Column of the summary, or None to find it by its name.
        fate: What happened to rows without a summary, such as ``scored 0``, for the message about them.
        say: Receives the message, which counts these rows.
    """
    items = list(read_items(path, column, "summary", "--prediction_column"))
    missing = [item for item in items if isinstance(item, SummGANError) or not item.text]
    if missing:
        first = missing[0] if isinstance(missing[0], SummGANError) else f"{path}:{missing[0].line}: is blank."
        say(f"{len(missing):,} of {len(items):,} rows of {path} had no summary and {fate}: {first}")
    return [item.text if isinstance(item, Row) else "" for item in items]


def in_order(
    items: Iterable[Item],
    size: int,
    make: Callable[[list[Row]], Iterable[Record]],
    empty: Record,
    ready: Callable[[], bool] = lambda: True,
) -> Iterator[Record]:
    """Make one record for each item, in order.

    Args:
        items: Items from `read_items`.
        size: Largest number of items that are taken at a time.
        make: Turns rows with a text into one record each.
        empty: Columns of a record without a result, such as a summary.
        ready: Tells whether another item can be read without waiting. If not, the items read so far are
            processed at once.
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
    """Take the next item, and more up to ``size`` as long as none has to be waited for."""
    for item in islice(items, size):
        yield item
        if not ready():
            return


def record(row: Row, values: Record) -> Record:
    """Make the record of a document: its file and line, its id if it has one, and the results.

    Args:
        row: Row of the document.
        values: Further columns.
    """
    place: Record = {"file": row.file, "line": row.line}
    if "id" in row.fields:
        place["id"] = row.fields["id"]
    return place | values


def failed_record(error: SummGANError, empty: Record) -> Record:
    """Make the record of an unusable row, so that all rows keep their places.

    Args:
        error: Says what is wrong with the row.
        empty: Columns of a record without a result.
    """
    place = {"file": error.file, "line": error.line} if isinstance(error, RowError) else {}
    return place | empty | {"error": str(error)}
