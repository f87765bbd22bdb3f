"""The command ``summgan outline``: nested summaries of documents, from a title to their words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser

from summgan.cli.shared import add_options
from summgan.options.parsing import new_parser
from summgan.options.ranges import UpTo256

if TYPE_CHECKING:
    from summgan.evaluation.outline_page import Unfolding
    from summgan.writing.summary import Summary

LENGTHS = [3, 6, 12, 24]
_INDENT = "  "


def outline_parser() -> ArgumentParser:
    """Make the parser of ``summgan outline``."""
    parser = new_parser(
        "outline",
        "Write nested summaries of the documents of files or standard input (one document per line). Each "
        "contains all words of the one before; they are printed as indented lines.",
    )
    output = "File to write (.jsonl); by default the screen."
    add_options(parser, "files", "model", "document_column", "device", "resume", output=output)
    parser.add_argument(
        "--lengths", nargs="+", type=UpTo256, default=LENGTHS, help="Number of words of each level, rising."
    )
    parser.add_argument(
        "--page",
        type=str | None,
        help="HTML page to write, on which a slider unfolds each document from its title to the text.",
    )
    return parser


def outline(options: dict[str, Any], say: Callable[[str], None]) -> int:
    """Write nested summaries of files or standard input; unusable rows are reported and counted."""
    from transformers.utils import logging as transformers_logging

    from summgan.arguments import one_text
    from summgan.cli.commands import Progress, extend_records, open_output
    from summgan.data.readers import Row, count_rows, resolve_files
    from summgan.errors import SummGANError
    from summgan.evaluation.outline_page import render_outlines
    from summgan.files import write_text
    from summgan.writing.output import PrintedRecords
    from summgan.writing.records import Record, failed_record, in_order, read_items, record
    from summgan.writing.summarizer import Summarizer, check_levels

    check_levels(options["lengths"])
    page = options.pop("page")  # the records do not depend on it
    if page:
        _check_page(page, options)
    transformers_logging.disable_progress_bar()  # the bar of loading weights, which takes no time

    class Printed(PrintedRecords):
        """Prints levels as indented lines, and a blank line after each document; nothing with a page."""

        def extend(self, records: Iterable[Record]) -> None:
            for values in records:
                if not page:
                    for depth, line in enumerate(values["outline"] or ()):
                        print(_INDENT * depth + line)
                    print(flush=True)
                self.done += 1
                self.failed += "error" in values

    unfolded: list[Unfolding] = []
    with open_output(options, Printed(None), formats=(".jsonl",)) as output:
        rows = read_items(options["files"], options["document_column"], "document", "--document_column")
        for _ in range(output.done):
            next(rows, None)
        summarizer = Summarizer.from_pretrained(options["model"], options["device"])

        def make(rows: list[Row]) -> Iterator[Record]:
            for row in rows:
                try:
                    text = one_text(row.text, "The document")
                    levels = summarizer.outline(text, options["lengths"])
                except SummGANError as error:
                    yield failed_record(error, {"outline": None})
                    continue
                if page:
                    unfolded.append(_unfolding(text, levels))
                yield record(row, {"outline": [level.summary_text for level in levels]})

        progress = Progress(output.done, count_rows(resolve_files(options["files"])))
        records = in_order(rows, 1, make, {"outline": None}, lambda: True)
        status = extend_records(output, records, progress, "outlined", say)
        output.finish()
    if page:
        write_text(page, render_outlines("Outlines", unfolded))
        say(f"Wrote {page} with {len(unfolded):,} of {output.done:,} documents.")
    return status


def _unfolding(text: str, levels: list[Summary]) -> Unfolding:
    """Convert a document and its levels for `render_outlines`."""
    from summgan.evaluation.outline_page import Level, Unfolding

    found = []
    for level in levels:
        spans = [
            (word.start, word.end)
            for word in level.sources or ()
            if word.start is not None and word.end is not None
        ]
        found.append(Level(level.summary_text, tuple(spans)))
    return Unfolding(text, tuple(found))


def _check_page(page: str, options: dict[str, Any]) -> None:
    """Check that ``--page`` can be written and replaces nothing but another page of outlines.

    Raises:
        SummGANError: The page cannot be written, or must not be replaced.
    """
    from summgan.data.readers import resolve_files
    from summgan.errors import SummGANError
    from summgan.evaluation.outline_page import SIGN
    from summgan.files import check_output, writing

    path = Path(page)
    if options["resume"]:
        raise SummGANError("--page needs all documents in one call; leave --resume out.")
    if path.suffix not in (".html", ".htm"):
        raise SummGANError(f"--page {page}: the extension must be .html or .htm.")
    if not path.parent.is_dir():
        raise SummGANError(f"--page {page}: the folder does not exist.")
    check_output(path, resolve_files(options["files"]), "--page")
    if not path.exists():
        return
    with writing(path):
        if not path.is_file() or SIGN.encode() not in path.read_bytes():
            raise SummGANError(
                f"--page {page} already exists and is not a page of outlines; name another, or move it away."
            )
