"""Blind reading: people mark summaries without knowing which system wrote them.

`make_sheet` shuffles the summaries of several systems for each document, `read_marks` reads the marks of one
reader, and `compare_systems` computes which system is better, how significantly, and how far readers agree.
The marks are usual ones of human evaluation: grammar, faithfulness and usefulness from 0 to 2, and whether
the reader would send the summary unchanged (0 or 1).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from random import Random

import numpy as np
from nltk.metrics.agreement import AnnotationTask
from nltk.metrics.distance import interval_distance

from summgan.errors import SummGANError
from summgan.evaluation.scoring import format_table
from summgan.evaluation.significance import PairedTest, bootstrap_interval, paired_bootstrap
from summgan.text.script import normalize

SCALES = {"grammar": 2, "faithful": 2, "useful": 2, "accepted": 1}
"""Highest mark of each question; the lowest is 0."""
COLUMNS = ("item", "label", "document", "summary", *SCALES, "note")


@dataclass(frozen=True)
class Candidate:
    """A summary of a document, by one system or by several that wrote the same.

    Attributes:
        item: Number of the document on the sheet, from 1.
        label: Letter of the summary among those of the document.
        document: Text of the document.
        summary: Summary to mark.
        systems: Names of the systems that wrote it, which are in the key but not on the sheet.
    """

    item: int
    label: str
    document: str
    summary: str
    systems: tuple[str, ...]


def make_sheet(
    documents: Sequence[str], systems: Mapping[str, Sequence[str]], count: int = 50, seed: int = 0
) -> list[Candidate]:
    """Draw documents and shuffle the summaries of each.

    Args:
        documents: Texts; empty ones are not drawn.
        systems: Summaries of all documents, in order, by name of the system.
        count: Number of documents to draw; if there are fewer, all are taken.
        seed: Seed of the draw and of the order.

    Raises:
        SummGANError: There are no documents or systems, or a system has a different number of summaries.
    """
    known = [row for row, document in enumerate(documents) if document]
    if not known or not systems:
        raise SummGANError("A sheet needs at least one document and one system.")
    for name, summaries in systems.items():
        if len(summaries) != len(documents):
            raise SummGANError(
                f"There are {len(documents)} documents but {len(summaries)} summaries of {name}; give one "
                "for each document, in order."
            )
    rng = Random(seed)
    rows = sorted(rng.sample(known, min(count, len(known))))
    sheet = []
    for item, row in enumerate(rows, 1):
        writers: dict[str, list[str]] = {}
        for name, summaries in systems.items():
            writers.setdefault(normalize(summaries[row]), []).append(name)
        texts = sorted(writers)
        rng.shuffle(texts)
        for number, text in enumerate(texts):
            label = chr(ord("A") + number) if number < 26 else f"Z{number}"
            sheet.append(Candidate(item, label, normalize(documents[row]), text, tuple(writers[text])))
    return sheet


def sheet_as_tsv(sheet: Sequence[Candidate]) -> str:
    """Render the sheet as a table with empty cells for the marks."""
    rows = [[c.item, c.label, c.document, c.summary, *[""] * (len(SCALES) + 1)] for c in sheet]
    return _as_tsv([COLUMNS, *rows])


def _as_tsv(rows: Sequence[Sequence[object]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter="\t", lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def key_as_json(sheet: Sequence[Candidate]) -> str:
    """Render the key, which tells which system wrote what and which readers must not see."""
    return (
        json.dumps({"sheet": [asdict(candidate) for candidate in sheet]}, ensure_ascii=False, indent=1) + "\n"
    )


def read_key(path: Path) -> list[Candidate]:
    """Read a sheet, with the names of the systems, from its key; see `key_as_json`.

    Raises:
        SummGANError: The file is not a key.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["sheet"]
        return [Candidate(**{**row, "systems": tuple(row["systems"])}) for row in rows]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SummGANError(
            f"{path} is not the key of a blind reading; name the file key.json of the sheet."
        ) from error


Marks = dict[tuple[int, str], dict[str, float]]
"""Marks of one reader by item and label, then by question."""


def read_marks(path: Path, sheet: Sequence[Candidate]) -> Marks:
    """Read the marks of one reader from a table.

    Rows without any mark are left out, because a reader may stop early.

    Args:
        path: Table, separated by tabs, with the columns ``item``, ``label`` and those of `SCALES`.
        sheet: Sheet that the reader has marked.

    Raises:
        SummGANError: A column or mark is missing, a mark is out of range, or a row is not on the sheet.
    """
    known = {(candidate.item, candidate.label) for candidate in sheet}
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")), delimiter="\t"))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SummGANError(
            f"{path} is not a table of marks ({error}); save it as UTF-8 text with tabs."
        ) from error
    marks: Marks = {}
    for line, row in enumerate(rows, 2):
        missing = {"item", "label", *SCALES} - row.keys()
        if missing:
            raise SummGANError(
                f"{path} has no column {min(missing)!r}; name a sheet.tsv that a reader has filled in."
            )
        if not any((row[name] or "").strip() for name in SCALES):
            continue
        place = (int(row["item"]) if (row["item"] or "").isdigit() else -1, row["label"])
        if place not in known:
            raise SummGANError(
                f"{path}: row {line} is of item {row['item']} {row['label']}, which is not on the sheet; "
                "restore it."
            )
        if place in marks:
            raise SummGANError(
                f"{path}: row {line} marks item {row['item']} {row['label']} a second time; delete one."
            )
        marks[place] = {name: _mark(path, line, name, row[name]) for name in SCALES}
    if not marks:
        raise SummGANError(f"{path} has no marks; name a table that a reader has filled in.")
    return marks


def _mark(path: Path, line: int, name: str, cell: str | None) -> float:
    text = (cell or "").strip()
    if text not in map(str, range(SCALES[name] + 1)):
        allowed = ", ".join(map(str, range(SCALES[name] + 1)))
        raise SummGANError(f"{path}: row {line}: {name} is {text!r}; it must be one of {allowed}.")
    return float(text)


@dataclass(frozen=True)
class Pair:
    """Comparison of two systems on the documents for which both have marks.

    Attributes:
        wins: Number of documents for which the first system has higher marks.
        ties: Number of documents with the same marks.
        losses: Number of documents for which the first system has lower marks.
        test: Paired bootstrap test of ``accepted``, in percentage points.
    """

    wins: int
    ties: int
    losses: int
    test: PairedTest


@dataclass(frozen=True)
class Comparison:
    """Result of a blind reading.

    Attributes:
        items: Number of documents with marks of at least one reader.
        systems: Figures of each system: the mean of each question (``accepted`` in percent, with the ends
            ``accepted_low`` and ``accepted_high`` of its 95 % bootstrap interval over documents), and ``n``,
            the number of documents.
        pairs: Comparison of each pair of systems.
        agreement: Krippendorff's alpha of the readers, by question; empty for one reader.
    """

    items: int
    systems: dict[str, dict[str, float]]
    pairs: dict[tuple[str, str], Pair]
    agreement: dict[str, float]


def compare_systems(sheet: Sequence[Candidate], readers: Mapping[str, Marks], seed: int = 0) -> Comparison:
    """Compare systems by the marks of all readers.

    A summary has the mean marks of its readers; systems that wrote the same summary share them.

    Args:
        sheet: Sheet with the names of the systems.
        readers: Marks of each reader, by name.
        seed: Seed of the bootstrap.
    """
    by_system: dict[str, dict[int, dict[str, float]]] = {}
    for candidate in sheet:
        place = (candidate.item, candidate.label)
        found = [marks[place] for marks in readers.values() if place in marks]
        if not found:
            continue
        mean = {name: float(np.mean([marks[name] for marks in found])) for name in SCALES}
        for system in candidate.systems:
            by_system.setdefault(system, {})[candidate.item] = mean
    systems = {name: _figures(list(items.values()), seed) for name, items in by_system.items()}
    systems = dict(sorted(systems.items(), key=lambda pair: -pair[1]["accepted"]))
    pairs = {
        (a, b): _pair(by_system[a], by_system[b], seed)
        for a, b in combinations(systems, 2)
        if by_system[a].keys() & by_system[b].keys()
    }
    items = {item for marked in by_system.values() for item in marked}
    return Comparison(len(items), systems, pairs, _agreement(readers))


def _figures(marks: list[dict[str, float]], seed: int) -> dict[str, float]:
    figures = {name: float(np.mean([mark[name] for mark in marks])) for name in SCALES}
    accepted = np.array([100 * mark["accepted"] for mark in marks])
    low, high = bootstrap_interval(accepted, seed=seed)
    return figures | {
        "accepted": float(accepted.mean()),
        "accepted_low": low,
        "accepted_high": high,
        "n": float(len(marks)),
    }


def _pair(first: dict[int, dict[str, float]], second: dict[int, dict[str, float]], seed: int) -> Pair:
    both = sorted(first.keys() & second.keys())
    totals = [(_total(first[item]), _total(second[item])) for item in both]
    accepted = np.array([[100 * marks[item]["accepted"] for item in both] for marks in (first, second)])
    return Pair(
        wins=sum(a > b for a, b in totals),
        ties=sum(a == b for a, b in totals),
        losses=sum(a < b for a, b in totals),
        test=paired_bootstrap(accepted[0], accepted[1], seed=seed),
    )


def _total(marks: Mapping[str, float]) -> float:
    """Rank accepted summaries before all others, and then by the sum of the marks."""
    most = sum(SCALES.values())
    return marks["accepted"] * most + sum(marks.values())


def _agreement(readers: Mapping[str, Marks]) -> dict[str, float]:
    """Compute Krippendorff's alpha (2004) for interval data on the summaries with at least two readers."""
    places = [place for marks in readers.values() for place in marks]
    shared = {place for place in places if places.count(place) > 1}
    alphas = {}
    for name in SCALES if shared else ():
        data = [(r, p, marks[p][name]) for r, marks in readers.items() for p in sorted(shared & marks.keys())]
        if len({value for _, _, value in data}) > 1:
            alphas[name] = float(AnnotationTask(data, distance=interval_distance).alpha())
    return alphas


def describe_comparison(comparison: Comparison) -> str:
    """Render a comparison as text: the table of systems, all pairs, and the agreement of the readers."""
    columns = ["n", *SCALES, "accepted_low", "accepted_high"]
    lines = [f"{comparison.items} documents", format_table(comparison.systems, columns), ""]
    for (first, second), pair in comparison.pairs.items():
        test = pair.test
        lines.append(
            f"{first} against {second}: better {pair.wins}, same {pair.ties}, worse "
            f"{pair.losses}; accepted {test.difference:+.0f} points ({test.low:+.0f} to "
            f"{test.high:+.0f}, p = {test.p_value:.3g})"
        )
    if comparison.agreement:
        alphas = ", ".join(f"{name} {alpha:.2f}" for name, alpha in comparison.agreement.items())
        lines += ["", f"Agreement of readers (Krippendorff's alpha): {alphas}"]
    return "\n".join(lines)
