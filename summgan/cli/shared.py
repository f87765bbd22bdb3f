"""Options that several commands share, each declared once."""

from __future__ import annotations

from typing import Any

from jsonargparse import ArgumentParser

from summgan.options.configuration import DEFAULT_MODEL
from summgan.options.ranges import Seed

_OPTIONS: dict[str, dict[str, Any]] = {
    "files": {
        "nargs": "*",
        "default": ["-"],
        "help": "Files of documents; - or no file reads standard input.",
    },
    "model": {"type": str, "default": DEFAULT_MODEL, "help": "Folder or hub name of a trained model."},
    "document_column": {"type": str | None, "help": "Name of the column with the document."},
    "prediction_column": {"type": str | None, "help": "Name of the column with the summary."},
    "device": {"type": str | None, "help": "Device such as cpu or cuda; by default a GPU if there is one."},
    "resume": {"action": "store_true", "help": "Continue an interrupted output."},
    "output": {"type": str | None, "help": "File to write."},
    "seed": {"type": Seed, "default": 0, "help": "Seed of the bootstrap resampling."},
}


def add_options(parser: ArgumentParser, *names: str, **helps: str) -> None:
    """Add options to the parser of a command.

    Args:
        parser: Parser of the command.
        *names: Names of options with their usual help.
        **helps: Help of options that need another one in this command, by name.
    """
    for name in (*names, *helps):
        option = _OPTIONS[name] | ({"help": helps[name]} if name in helps else {})
        parser.add_argument(name if name == "files" else f"--{name}", **option)
