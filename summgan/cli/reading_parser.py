"""Options of ``summgan compare``."""

from __future__ import annotations

from jsonargparse import ArgumentParser

from summgan.options.parsing import new_parser
from summgan.options.ranges import PositiveInt, Seed


def compare_parser() -> ArgumentParser:
    """Make the parser of ``summgan compare``."""
    parser = new_parser(
        "compare",
        "Compare systems by blind reading. First make a sheet with --documents, --summaries and --output; "
        "when people have marked it, read their marks back with --key and --marks.",
    )
    parser.add_argument("--documents", type=str | None, help="File of documents.")
    parser.add_argument(
        "--summaries",
        nargs="+",
        type=str,
        default=[],
        metavar="NAME=FILE",
        help="Name of each system and file of its summaries of all documents, in order.",
    )
    parser.add_argument(
        "--output", type=str | None, help="Folder for the sheet, or file .json for the result."
    )
    parser.add_argument("--count", type=PositiveInt, default=50, help="Number of documents on the sheet.")
    parser.add_argument("--seed", type=Seed, default=0, help="Seed of the draw and of the bootstrap.")
    parser.add_argument("--document_column", type=str | None, help="Name of the column with the document.")
    parser.add_argument("--prediction_column", type=str | None, help="Name of the column with the summary.")
    parser.add_argument("--key", type=str | None, help="File key.json of a sheet.")
    parser.add_argument(
        "--marks", nargs="+", type=str, default=[], help="Tables that readers have filled in."
    )
    parser.add_argument(
        "--language_model",
        type=str | None,
        help="Folder or hub name of a causal language model that judges how fluent the summaries are.",
    )
    return parser
