"""Options of ``summgan compare``."""

from __future__ import annotations

from jsonargparse import ArgumentParser

from summgan.cli.shared import add_options
from summgan.options.parsing import new_parser
from summgan.options.ranges import PositiveInt


def compare_parser() -> ArgumentParser:
    """Make the parser of ``summgan compare``."""
    parser = new_parser(
        "compare",
        "Compare systems by blind reading. First make a sheet with --documents, --summaries and --output; "
        "when people have marked the sheet, evaluate their marks with --key and --marks.",
    )
    parser.add_argument("--documents", type=str | None, help="File of documents.")
    parser.add_argument(
        "--summaries",
        nargs="+",
        type=str,
        default=[],
        metavar="NAME=FILE",
        help="Name of each system, and file of its summaries of all documents, in order.",
    )
    add_options(parser, output="Folder of a new sheet, or .json file of the evaluated marks.")
    parser.add_argument("--count", type=PositiveInt, default=50, help="Number of documents on the sheet.")
    add_options(parser, "document_column", "prediction_column", seed="Seed of the draw and the bootstrap.")
    parser.add_argument("--key", type=str | None, help="File key.json that was made with the sheet.")
    parser.add_argument(
        "--marks", nargs="+", type=str, default=[], help="Tables that readers have filled in, one per reader."
    )
    parser.add_argument(
        "--language_model",
        type=str | None,
        help="Folder or hub name of a causal language model that scores the fluency of the summaries.",
    )
    return parser
