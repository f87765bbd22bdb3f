"""The command ``compare``: make a sheet for blind reading of several systems, or evaluate its marks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from summgan.data.readers import read_rows, resolve_files
from summgan.errors import SummGANError
from summgan.evaluation.grammar import has_parser, parse_figures
from summgan.evaluation.metrics import describe
from summgan.evaluation.reading import (
    Candidate,
    compare_systems,
    describe_comparison,
    key_as_json,
    make_sheet,
    read_key,
    read_marks,
    sheet_as_tsv,
)
from summgan.evaluation.reading_page import render_sheet
from summgan.evaluation.scoring import format_table
from summgan.files import check_output, write_folder, write_text
from summgan.writing.records import read_summaries

Say = Callable[[str], None]


def compare(options: dict[str, Any], say: Say) -> int:
    """Make a sheet of ``--documents`` and ``--summaries``, or evaluate ``--marks`` with ``--key``."""
    if options["marks"]:
        return _read_back(options, say)
    for name in ("documents", "summaries", "output"):
        if not options[name]:
            raise SummGANError(f"A sheet needs --{name}; to evaluate marks, give --key and --marks.")
    folder = Path(options["output"])
    systems = dict(_named(system) for system in options["summaries"])
    if len(systems) < len(options["summaries"]):
        raise SummGANError("--summaries: two systems have the same name; give each its own as NAME=FILE.")
    check_output(folder, resolve_files([options["documents"], *systems.values()]))
    if folder.exists():
        raise SummGANError(f"--output {folder} already exists, perhaps with marks in it; name another.")
    # Blank lines keep their places, as they do among the summaries.
    rows = read_rows(
        options["documents"],
        options["document_column"],
        "document",
        option="--document_column",
        keep_blank=True,
    )
    documents = [row.text for row in rows]
    column, fate = options["prediction_column"], "stayed empty on the sheet"
    summaries = {name: read_summaries(file, column, fate, say) for name, file in systems.items()}
    sheet = make_sheet(documents, summaries, options["count"], options["seed"])
    write_folder(folder, lambda path: _write_sheet(path, sheet))
    say(
        f"{folder} has {sheet[-1].item} documents with {len(sheet)} summaries of {len(systems)} systems. "
        "Give readers only sheet.html or sheet.tsv: key.json tells which system wrote what."
    )
    return 0


def _named(system: str) -> tuple[str, str]:
    """Split ``NAME=FILE``; a file without a name is named after itself."""
    name, sign, file = system.partition("=")
    return (name, file) if sign and name and file else (Path(system).stem, system)


def _write_sheet(folder: Path, sheet: list[Candidate]) -> None:
    (folder / "sheet.html").write_text(render_sheet(sheet), encoding="utf-8")
    (folder / "sheet.tsv").write_text(sheet_as_tsv(sheet), encoding="utf-8")
    (folder / "key.json").write_text(key_as_json(sheet), encoding="utf-8")


def _read_back(options: dict[str, Any], say: Say) -> int:
    if not options["key"]:
        raise SummGANError("--marks needs --key: name the file key.json that was made with the sheet.")
    sheet = read_key(Path(options["key"]))
    paths = [Path(path) for path in options["marks"]]
    if options["output"]:
        check_output(Path(options["output"]), [*paths, Path(options["key"])])
        if Path(options["output"]).exists():
            raise SummGANError(f"--output {options['output']} already exists; name another.")
    readers = {str(path): read_marks(path, sheet) for path in paths}
    for path, marks in readers.items():
        if len(marks) < len(sheet):
            say(f"{path}: {len(marks)} of {len(sheet)} summaries have marks; the others do not count.")
    comparison = compare_systems(sheet, readers, options["seed"])
    automatic = _automatic_figures(sheet, options["language_model"])
    print(describe_comparison(comparison))
    print("\nAutomatic figures of the whole sheet:")
    print(format_table(automatic, list(next(iter(automatic.values())))))
    if not has_parser():
        say("Figures of parses need the program link-parser (Debian's package link-grammar).")
    if options["output"]:
        found = asdict(comparison)
        found["pairs"] = [{"first": a, "second": b} | pair for (a, b), pair in found["pairs"].items()]
        write_text(Path(options["output"]), json.dumps(found | {"automatic": automatic}, indent=1) + "\n")
    return 0


def _automatic_figures(sheet: list[Candidate], language_model: str | None) -> dict[str, dict[str, float]]:
    """Figures of each system that need no reader."""
    parsed = parse_figures([candidate.summary for candidate in sheet]) if has_parser() else []
    fluency = []
    if language_model:
        from summgan.evaluation.language_model import log_prob_per_word  # transformers takes seconds to load

        fluency = log_prob_per_word([candidate.summary for candidate in sheet], language_model)
    figures = {}
    for system in sorted({name for candidate in sheet for name in candidate.systems}):
        own = [index for index, candidate in enumerate(sheet) if system in candidate.systems]
        texts = [sheet[index].summary for index in own]
        described = describe([sheet[index].document for index in own], texts)
        figures[system] = {name: described[name] for name in ("words", "novel_words", "repeated_words")}
        if fluency:
            figures[system]["log_prob_per_word"] = float(np.mean([fluency[index] for index in own]))
        if parsed:
            for name in ("parsed", "verbless"):
                figures[system][name] = float(np.mean([parsed[index][name] for index in own]))
    return figures
