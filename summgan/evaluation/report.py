"""A report as a self-contained HTML file: scores, curves, a tree, and samples with coloured words.

The report is made from plain data, without any model, and all texts are escaped.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from summgan.files import write_text
from summgan.text.script import is_unspaced, split_units, split_words

Curve = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 420, 180, 46, 22, 10
_SMOOTHING = 0.9
_COLOURS = ("#2f6fdf", "#d9622b", "#2a9d62", "#9a5bd0")

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1f24; --soft: #69707c; --line: #d8dce3; --paper: #fff;
  --card: #f6f7f9; --copied: #d6e7ff; --novel: #ffe1c9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e9ee; --soft: #9aa2af; --line: #3a404a;
  --paper: #15181d; --card: #1e2229; --copied: #1f3d66; --novel: #6b3d1a; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; } h3 { font-size: .85rem;
  margin: 0; font-weight: 600; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: 1rem; }
.chart, .sample { background: var(--card); border-radius: .6rem; padding: .8rem 1rem; }
.sample { margin: .8rem 0; } .sample p { margin: .25rem 0; }
.role { color: var(--soft); font-size: .8rem; display: block; }
.tree { list-style: none; padding-left: 1.1rem; border-left: 1px solid var(--line); margin: .2rem 0; }
.tree p { margin: .25rem 0 .25rem 1.1rem; } .tree summary { cursor: pointer; }
.summary { font-weight: 600; } svg { width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 11px; } .axis { stroke: var(--line); }
mark { color: inherit; border-radius: .2rem; padding: 0 .1rem; }
mark.copied { background: var(--copied); } mark.novel { background: var(--novel); }
"""


@dataclass(frozen=True)
class Sample:
    """A document with its summary.

    Attributes:
        document: Text of the document.
        summary: Summary that the generator writes.
        reconstruction: Document that the reconstructor writes from the summary.
        reference: Summary by people.
        system: Name of the model, if the report has several.
    """

    document: str
    summary: str
    reconstruction: str | None = None
    reference: str | None = None
    system: str = ""


@dataclass(frozen=True)
class Branch:
    """A node of a tree, with all nodes below it.

    Attributes:
        path: Branches from the root to the node, such as 0.1.
        label: Name of the node among its siblings.
        documents: Number of documents below the node.
        words: Words that distinguish the node from its siblings.
        examples: Documents that distinguish the node from its siblings.
        branches: Children of the node.
    """

    path: str
    label: str
    documents: int
    words: tuple[str, ...]
    examples: tuple[str, ...]
    branches: tuple[Branch, ...] = ()


def render_report(
    title: str,
    curves: Mapping[str, Mapping[str, Curve] | Curve] = MappingProxyType({}),
    samples: Sequence[Sample] = (),
    table: Sequence[Mapping[str, float | str]] = (),
    notes: Sequence[str] = (),
    tree: Sequence[Branch] = (),
) -> str:
    """Render a report as HTML.

    Args:
        title: Heading.
        curves: Curves of each chart, by its name: points ``(step, value)``, or several curves by name.
        samples: Documents with summaries.
        table: Rows of scores with the same columns.
        notes: Paragraphs under the heading.
        tree: Children of the root of a tree; each can be unfolded.
    """
    body = [f"<h1>{html.escape(title)}</h1>"]
    body += [f"<p>{html.escape(note)}</p>" for note in notes]
    if table:
        body += ["<h2>Scores</h2>", _table(table)]
    if tree:
        body += ["<h2>Tree</h2>", _tree(tree, " open")]
    if samples:
        body += [
            "<h2>Samples</h2>",
            '<p class="role">In a summary <mark class="copied">blue</mark> words are in the document, '
            '<mark class="novel">orange</mark> ones are not.</p>',
        ]
        body += map(_sample, samples)
    charts = [_chart(name, curve) for name, curve in curves.items()]
    if any(charts):
        body += ["<h2>Curves</h2>", f'<div class="charts">{"".join(charts)}</div>']
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def write_report(path: str | Path, title: str, **content) -> None:
    """Write the report of `render_report` to a file, completely or not at all."""
    write_text(path, render_report(title, **content))


def _table(rows: Sequence[Mapping[str, float | str]]) -> str:
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in rows[0])
    lines = (
        "<tr>" + "".join(f"<td>{_cell(row.get(name, ''))}</td>" for name in rows[0]) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _cell(value: float | str) -> str:
    if isinstance(value, str):
        return html.escape(value)
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _tree(branches: Sequence[Branch], state: str = "") -> str:
    """Render branches as nested lists that unfold without a script."""
    items = []
    for branch in branches:
        words = f"<p>{html.escape(', '.join(branch.words))}</p>" if branch.words else ""
        examples = "".join(f'<p class="role">{html.escape(text)}</p>' for text in branch.examples)
        below = _tree(branch.branches) if branch.branches else ""
        items.append(
            f"<li><details{state}><summary>{html.escape(branch.path)} <b>{html.escape(branch.label)}</b> "
            f"({branch.documents:,})</summary>"
            f"{words}{examples}{below}</details></li>"
        )
    return f'<ul class="tree">{"".join(items)}</ul>'


def _sample(sample: Sample) -> str:
    copied = set(split_words(sample.document)) & set(split_words(sample.summary))
    parts = [
        ("document", _coloured(sample.document, copied, False), ""),
        (f"summary {sample.system}".strip(), _coloured(sample.summary, copied, True), "summary"),
    ]
    if sample.reference:
        parts.append(("written by people", html.escape(sample.reference), ""))
    if sample.reconstruction:
        parts.append(("rebuilt from the summary", html.escape(sample.reconstruction), ""))
    lines = (
        f'<p class="{kind}"><span class="role">{html.escape(role)}</span>{text}</p>'
        for role, text, kind in parts
    )
    return f'<div class="sample">{"".join(lines)}</div>'


def _coloured(text: str, copied: set[str], mark_novel: bool) -> str:
    """Mark the words of a text that summary and document share, and optionally the novel ones."""
    result = ""
    for unit in split_units(text):
        words = split_words(unit)
        kind = "copied" if words and set(words) <= copied else "novel" if words and mark_novel else ""
        piece = html.escape(unit)
        if result and not is_unspaced(unit[0]):
            result += " "
        result += f'<mark class="{kind}">{piece}</mark>' if kind else piece
    return result


def _chart(name: str, curve: Mapping[str, Curve] | Curve) -> str:
    """Draw curves as SVG: the values faint, their running mean strong."""
    series = dict(curve) if isinstance(curve, Mapping) else {"": curve}
    series = {key: [(x, y) for x, y in points if math.isfinite(y)] for key, points in series.items()}
    values = [point for points in series.values() for point in points]
    if not values:
        return ""
    x0, x1 = min(x for x, _ in values), max(x for x, _ in values)
    y0, y1 = min(y for _, y in values), max(y for _, y in values)

    def place(x: float, y: float) -> str:
        across = _LEFT + (x - x0) / ((x1 - x0) or 1) * (_WIDTH - _LEFT - 8)
        up = _TOP + (1 - (y - y0) / ((y1 - y0) or 1)) * (_HEIGHT - _TOP - _BOTTOM)
        return f"{across:.1f},{up:.1f}"

    lines, legend = [], []
    for index, (key, points) in enumerate(series.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        for data, opacity, width in ((points, 0.35, 1), (_smooth(points), 1, 2)):
            path = " ".join(place(*point) for point in data)
            lines.append(
                f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" '
                f'opacity="{opacity}"/>'
            )
        if key:
            legend.append(f'<span style="color:{colour}">{html.escape(key)}</span>')
    low, right = _HEIGHT - _BOTTOM, _WIDTH - 8
    return (
        f'<div class="chart"><h3>{html.escape(name)}</h3>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(name)}">'
        f'<path class="axis" fill="none" d="M{_LEFT},{_TOP}V{low}H{right}"/>'
        f'<text x="{_LEFT - 4}" y="{_TOP + 8}" text-anchor="end">{y1:.3g}</text>'
        f'<text x="{_LEFT - 4}" y="{low}" text-anchor="end">{y0:.3g}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">{x0:g}</text>'
        f'<text x="{right}" y="{_HEIGHT - 6}" text-anchor="end">{x1:g}</text>'
        f"{''.join(lines)}</svg>{' '.join(legend)}</div>"
    )


def _smooth(points: Curve) -> list[tuple[float, float]]:
    """Compute the exponential running mean of a curve, corrected for the bias of its start."""
    mean = weight = 0.0
    result = []
    for x, y in points:
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * y
        weight = _SMOOTHING * weight + (1 - _SMOOTHING)
        result.append((x, mean / weight))
    return result
