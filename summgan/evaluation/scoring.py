"""Scores of summaries, and of simple baselines at equal length, as ``summgan score`` prints them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from tempfile import TemporaryDirectory

import numpy as np

from summgan.errors import SummGANError
from summgan.evaluation.baselines import lead, rule
from summgan.evaluation.metrics import describe
from summgan.evaluation.rouge import TYPES, check_counts
from summgan.evaluation.significance import PairedTest, bootstrap_interval, paired_bootstrap
from summgan.text.script import count_units, normalize, normalize_lines

Figures = dict[str, float]


@dataclass(frozen=True)
class ScoreReport:
    """Scores of one or more systems.

    Attributes:
        items: Number of documents.
        systems: Figures of each system. ROUGE is from 0 to 100; ``<name>_low`` and ``<name>_high`` are the
            ends of its 95 % interval. For the others see `describe`.
        tests: Paired tests of the predictions against each other system, by system and ROUGE type.
    """

    items: int
    systems: dict[str, Figures]
    tests: dict[str, dict[str, PairedTest]] = field(default_factory=dict)

    def to_dict(self) -> dict:
        """Convert the report to a dict for JSON."""
        return asdict(self)


def evaluate_summaries(
    predictions: Sequence[str],
    references: Sequence[str | Sequence[str]],
    documents: Sequence[str] | None = None,
    *,
    compare: Mapping[str, Sequence[str]] | None = None,
    stemmer: bool = False,
    seed: int = 0,
) -> ScoreReport:
    """Score summaries, and the systems and baselines to compare them with.

    Texts are normalized here. Keep the line breaks in summaries and references, which end sentences in
    ROUGE-Lsum.

    Args:
        predictions: Summaries.
        references: One text or several texts for each summary.
        documents: Documents, if known. They add the baselines ``lead`` and ``rule``, each as long as the
            prediction, and figures of copying for all systems.
        compare: Summaries of other systems, by name.
        stemmer: Whether to compare Porter stems, for English.
        seed: Seed of the bootstrap.

    Raises:
        SummGANError: The numbers of texts differ.
    """
    check_counts(predictions, references)
    texts = {"predictions": predictions, **(compare or {})}
    for name, rows in {**texts, "documents": documents}.items():
        if rows is not None and len(rows) != len(predictions):
            raise SummGANError(
                f"There are {len(predictions)} predictions but {len(rows)} {name}; give as many of each."
            )
    texts = {name: [normalize_lines(text) for text in rows] for name, rows in texts.items()}
    if documents is not None:
        documents = [normalize(text) for text in documents]
        pairs = [(d, max(1, count_units(p))) for d, p in zip(documents, texts["predictions"], strict=True)]
        texts["lead"] = [lead(*pair) for pair in pairs]
        texts["rule"] = [rule(*pair) for pair in pairs]
    scores = _rouge(texts, references, stemmer)
    systems = {name: _with_intervals(values, seed) for name, values in scores.items()}
    for name, rows in texts.items():
        systems[name] |= describe(documents, rows) if documents is not None else {}
    tests = {
        name: {kind: paired_bootstrap(scores["predictions"][kind], values[kind], seed=seed) for kind in TYPES}
        for name, values in scores.items()
        if name != "predictions"
    }
    return ScoreReport(len(predictions), systems, tests)


def _rouge(
    texts: Mapping[str, Sequence[str]], references: Sequence[str | Sequence[str]], stemmer: bool
) -> dict[str, dict[str, np.ndarray]]:
    """Scores of all items by system and ROUGE type."""
    from summgan.evaluation.rouge_metric import Rouge  # evaluate takes seconds to import

    several = [[one] if isinstance(one, str) else list(one) for one in references]
    with TemporaryDirectory() as folder:  # evaluate creates a folder even if it writes nothing
        metric = Rouge(cache_dir=folder)
        return {
            name: metric.compute(predictions=rows, references=several, stemmer=stemmer, use_aggregator=False)
            for name, rows in texts.items()
        }


def _with_intervals(values: Mapping, seed: int) -> Figures:
    figures: Figures = {}
    for name, scores in values.items():
        figures[name] = float(scores.mean())
        figures[f"{name}_low"], figures[f"{name}_high"] = bootstrap_interval(scores, seed=seed)
    return figures


_COPYING = ("words", "novel_words", "lead_copy4", "lead_copy8", "repeated_bigrams", "distinct")


def describe_report(report: ScoreReport) -> str:
    """Render a report as text: scores, figures of copying, intervals and tests."""
    table = format_table(report.systems, [*TYPES, *(c for c in _COPYING if _has(report, c))])
    lines = [f"{report.items} items, F1 x 100", table, "", "95 % intervals (bootstrap):"]
    for name, figures in report.systems.items():
        spans = (f"{k} {figures[f'{k}_low']:.1f} to {figures[f'{k}_high']:.1f}" for k in TYPES[:3])
        lines.append(f"  {name}: {', '.join(spans)}")
    for other, tests in report.tests.items():
        test = tests["rouge1"]
        lines.append(
            f"ROUGE-1 against {other}: {test.difference:+.2f} ({test.low:+.2f} to {test.high:+.2f}, "
            f"paired bootstrap p = {test.p_value:.3g})"
        )
    return "\n".join(lines)


def _has(report: ScoreReport, column: str) -> bool:
    return any(column in figures for figures in report.systems.values())


def format_table(rows: Mapping[str, Mapping[str, float]], columns: Sequence[str]) -> str:
    """Render figures as an aligned table with one row per system; a missing figure is a dash."""
    table = [["", *columns]]
    for name, figures in rows.items():
        table.append([name, *(_number(figures.get(column)) for column in columns)])
    widths = [max(len(row[index]) for row in table) for index in range(len(table[0]))]
    lines = [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in table
    ]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
