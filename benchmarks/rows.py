"""Common code of the benchmarks: options, the loop over seeds and rows, the results file and the table."""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from summgan.evaluation.scoring import format_table
from summgan.files import write_text

Figures = dict[str, Any]


def new_parser(
    description: str,
    rows: Sequence[str],
    folder: str,
    *,
    chosen: Sequence[str] = (),
    seeds: str | None = "runs of every row",
    work: bool = False,
) -> argparse.ArgumentParser:
    """Make a parser with the common options of the benchmarks.

    Args:
        description: Text above the options.
        rows: Names of all rows.
        folder: Default folder of the results and models.
        chosen: Rows measured by default; all if empty.
        seeds: What the number of seeds counts, for the help text; None for no option ``--seeds``.
        work: Whether to add an option for the folder of models.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = list(chosen or rows)
    parser.add_argument(
        "--rows", nargs="+", choices=rows, default=names, metavar="NAME", help=" ".join(names)
    )
    if seeds:
        parser.add_argument("--seeds", type=int, default=1, help=f"number of {seeds}")
    if work:
        parser.add_argument("--work", type=Path, default=Path(folder), help="folder for models")
    parser.add_argument(
        "--output", type=Path, default=Path(folder) / "results.json", help="JSON file of all figures"
    )
    return parser


def measure(
    rows: Sequence[str],
    seeds: Iterable[int],
    output: Path,
    figures_of: Callable[[str, int], Figures],
    shown: Sequence[str],
    resume: bool = False,
    **fixed: str,
) -> list[Figures]:
    """Measure every row for every seed, and write the figures into a file as they come.

    Args:
        rows: Names of the rows, in order.
        seeds: The seeds, in order.
        output: JSON file to write.
        figures_of: Measures a row with a seed and returns its figures.
        shown: Names of the figures to print after each row.
        resume: Keep the results in the file, and measure only the missing ones.
        **fixed: Fields of all results, such as the split that is scored.

    Returns:
        The figures of each row and seed, with ``row``, ``seed`` and the fixed fields.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    kept: list[Figures] = []
    if resume and output.is_file():
        kept = json.loads(output.read_text(encoding="utf-8"))
    results = []
    for seed in seeds:
        for row in rows:
            key = {"row": row, "seed": seed} | fixed
            found = next((result for result in kept if key.items() <= result.items()), None)
            if found is None:
                say(f"\n== {row}, seed {seed}")
                found = key | figures_of(row, seed)
                kept.append(found)
                write_text(output, json.dumps(kept, indent=1, ensure_ascii=False, default=float) + "\n")
            results.append(found)
            figures = (f"{name} {found[name]:.2f}" for name in shown if found.get(name) is not None)
            say(f"{row}, seed {seed}: {', '.join(figures)}")
    return results


def mean_table(results: Sequence[Figures], columns: Sequence[str], chief: Sequence[str] = ()) -> str:
    """Format a table with a line for each row and the means over its seeds.

    Args:
        results: Results of `measure`.
        columns: Figures to show; a row may lack some.
        chief: The last column is the standard deviation of the first of these figures that a row has.
    """
    table: dict[str, Figures] = {}
    for name in dict.fromkeys(result["row"] for result in results):
        mine = [result for result in results if result["row"] == name]
        found = {column: [r[column] for r in mine if r.get(column) is not None] for column in columns}
        table[name] = {
            column: statistics.mean(values) if values else None for column, values in found.items()
        }
        values = next((found[column] for column in chief if found.get(column)), [])
        table[name]["±"] = statistics.stdev(values) if len(values) > 1 else 0.0
    return format_table(table, [*columns, "±"] if chief else [*columns])


def read_rows(path: Path) -> list[Any]:
    """Read the rows of a ``*.jsonl.gz`` file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def say(text: str) -> None:
    """Print a line and flush."""
    print(text, flush=True)
