"""The command ``summgan outline``: nested summaries of documents, from a title to their words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jsonargparse import ArgumentParser

from summgan.options.configuration import DEFAULT_MODEL
from summgan.options.parsing import new_parser
from summgan.options.ranges import UpTo256

LENGTHS = [3, 6, 12, 24]
_INDENT = "  "


def outline_parser() -> ArgumentParser:
    """Options of the command."""
    parser = new_parser(
        "outline",
        "Outline files or standard input, one document a line: nested summaries, each with all words of the "
        "one before, printed as indented lines.",
    )
    parser.add_argument(
        "files", nargs="*", default=["-"], help="Documents; standard input if none, or -, is given."
    )
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, type=str, help="Folder or hub name of a trained model."
    )
    parser.add_argument(
        "--lengths", nargs="+", type=UpTo256, default=LENGTHS, help="Rising numbers of words, one per level."
    )
    parser.add_argument(
        "--output", type=str | None, help="File to write (.jsonl); the screen if none is given."
    )
    parser.add_argument("--document_column", type=str | None, help="Name of the column with the document.")
    parser.add_argument(
        "--device", type=str | None, help="Device such as cpu or cuda; a GPU if there is one."
    )
    parser.add_argument("--resume", action="store_true", help="Go on with an interrupted output.")
    return parser


def outline(options: dict[str, Any], say: Callable[[str], None]) -> int:
    """Outline files or standard input; rows that cannot be used are reported and counted."""
    from transformers.utils import logging as transformers_logging

    from summgan.cli.commands import Progress, extend_records, open_output
    from summgan.data.readers import Row, count_rows, resolve_files
    from summgan.errors import SummGANError
    from summgan.writing.output import PrintedRecords
    from summgan.writing.records import Record, failed_record, in_order, read_items, record
    from summgan.writing.summarizer import Summarizer, check_levels

    check_levels(options["lengths"])
    transformers_logging.disable_progress_bar()  # of reading weights, which takes no time

    class Printed(PrintedRecords):
        """Levels as indented lines, and a blank line after each document."""

        def extend(self, records: Iterable[Record]) -> None:
            for values in records:
                for depth, line in enumerate(values["outline"] or ()):
                    print(_INDENT * depth + line)
                print(flush=True)
                self.done += 1
                self.failed += "error" in values

    with open_output(options, Printed(None), formats=(".jsonl",)) as output:
        rows = read_items(options["files"], options["document_column"], "document", "--document_column")
        for _ in range(output.done):
            next(rows, None)
        summarizer = Summarizer.from_pretrained(options["model"], options["device"])

        def make(rows: list[Row]) -> Iterator[Record]:
            for row in rows:
                try:
                    yield record(row, {"outline": summarizer.outline(row.text, options["lengths"])})
                except SummGANError as error:
                    yield failed_record(error, {"outline": None})

        progress = Progress(output.done, count_rows(resolve_files(options["files"])))
        records = in_order(rows, 1, make, {"outline": None}, lambda: True)
        status = extend_records(output, records, progress, "outlined", say)
        output.finish()
    return status
