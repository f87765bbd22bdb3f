"""Summaries to files: txt, jsonl, csv or parquet, resumable and never half written.

Rows go to ``<output>.partial`` (jsonl) as they are made, which becomes the output at the end. Its first
line says what it was made from; only the same call goes on with it.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from summgan.errors import SummGANError
from summgan.readers import Row
from summgan.summary import Summary

FORMATS = (".jsonl", ".txt", ".csv", ".parquet")
_EMPTY = {"summary_text": "", "reconstruction": None, "reconstruction_loss": None}


def record(row: Row, summary: Summary) -> dict[str, Any]:
    """What is written of a summary: where its document stands, its id if it has one, the rest."""
    head = {"file": row.file, "line": row.line}
    if "id" in row.fields:
        head["id"] = row.fields["id"]
    return head | asdict(summary)


def failed_record(error: SummGANError) -> dict[str, Any]:
    """What stands in the place of a row that could not be used, so that rows keep their number."""
    return _EMPTY | {"error": str(error)}


class SummaryFile:
    """An output file in the making.

    Args:
        path: Its final name; the extension says the format.
        settings: What the summaries are made from, to be repeated when going on.
        resume: Go on with an interrupted file, if there is one.

    Raises:
        SummGANError: The format is unknown, the folder is missing, or there is an interrupted file
            that must not be overwritten or was made otherwise.
    """

    def __init__(self, path: str | Path, settings: dict[str, Any], resume: bool = False):
        self.path = Path(path)
        if self.path.suffix not in FORMATS:
            raise SummGANError(f"--output {self.path}: the extension must be one of {', '.join(FORMATS)}.")
        if not self.path.parent.is_dir():
            raise SummGANError(f"--output {self.path}: the folder does not exist.")
        self.partial = self.path.with_name(self.path.name + ".partial")
        self.settings = settings
        self.done = 0
        if self.partial.exists():
            self._go_on(resume)
        else:
            self.partial.write_text(json.dumps(settings) + "\n", encoding="utf-8")

    def _go_on(self, resume: bool) -> None:
        if not resume:
            raise SummGANError(
                f"{self.partial} is left of an interrupted call: pass --resume to go on with it, or "
                "delete it."
            )
        text = self.partial.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]  # a last line may be half written
        lines = whole.decode("utf-8").splitlines()
        if not lines or json.loads(lines[0]) != self.settings:
            raise SummGANError(
                f"{self.partial} was made with other files or options; repeat those, or delete it."
            )
        with self.partial.open("r+b") as file:
            file.truncate(len(whole))
        self.done = len(lines) - 1

    def extend(self, records: Iterable[dict[str, Any]]) -> None:
        """Add records, each safe on disk before the next is made."""
        with self.partial.open("a", encoding="utf-8") as file:
            for values in records:
                file.write(json.dumps(values, ensure_ascii=False) + "\n")
                file.flush()

    def finish(self) -> None:
        """Give the file its format and its name."""
        temporary = self.path.with_name(f".{self.path.name}.incomplete")
        _CONVERT[self.path.suffix](self._records(), temporary)
        os.replace(temporary, self.path)
        self.partial.unlink()

    def _records(self) -> Iterator[dict[str, Any]]:
        with self.partial.open(encoding="utf-8") as file:
            next(file)
            for line in file:
                yield json.loads(line)


def _to_jsonl(records: Iterator[dict[str, Any]], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(values, ensure_ascii=False) + "\n" for values in records)


def _to_txt(records: Iterator[dict[str, Any]], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(values["summary_text"] + "\n" for values in records)


def _columns(records: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for values in records for name in values))


def _to_csv(records: Iterator[dict[str, Any]], path: Path) -> None:
    rows = list(records)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _columns(rows))
        writer.writeheader()
        writer.writerows(rows)


def _to_parquet(records: Iterator[dict[str, Any]], path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    rows = list(records)
    # Ids may be numbers in one file and text in another.
    for values in rows:
        if "id" in values:
            values["id"] = str(values["id"])
    columns = {name: [values.get(name) for values in rows] for name in _columns(rows)}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


_CONVERT = {".jsonl": _to_jsonl, ".txt": _to_txt, ".csv": _to_csv, ".parquet": _to_parquet}
