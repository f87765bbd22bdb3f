"""Nested summaries as a self-contained HTML page on which a slider unfolds each document.

The page is made from plain data, without any model, and all texts are escaped. Without scripts it shows all
levels and no slider.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

SIGN = '<meta name="generator" content="summgan outline">'
"""Tag by which `summgan outline` knows its own pages."""

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1f24; --soft: #69707c; --line: #d8dce3; --paper: #fff;
  --deep: #1d4f9c; --pale: #dbe8fb; --on-deep: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e9ee; --soft: #9aa2af; --line: #3a404a;
  --paper: #15181d; --deep: #9cc2fb; --pale: #22334d; --on-deep: #10151d; } }
body { font: 17px/1.7 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } article { border-top: 1px solid var(--line); padding: 1rem 0 1.5rem; }
ol { list-style: none; padding: 0; margin: .4rem 0; font-weight: 600; }
small { color: var(--soft); font-weight: 400; margin-left: .4rem; }
input { width: 100%; accent-color: var(--deep); } .document { color: var(--soft); }
mark { color: var(--ink); border-radius: .2rem; padding: 0 .15rem;
  background: color-mix(in srgb, var(--deep) calc(var(--share) * 1%), var(--pale)); }
mark.first { color: var(--on-deep); } mark.off { background: none; color: inherit; }
article.whole .document { color: var(--ink); }
"""
_SCRIPT = """
for (const article of document.querySelectorAll("article")) {
  const slider = article.querySelector("input"), levels = article.querySelectorAll("li");
  const marks = article.querySelectorAll("mark");
  const unfold = () => {
    const chosen = Number(slider.value);
    levels.forEach((level, index) => { level.hidden = index !== chosen; });
    marks.forEach(mark => mark.classList.toggle("off", Number(mark.dataset.level) > chosen));
    article.classList.toggle("whole", chosen === levels.length);
  };
  slider.addEventListener("input", unfold);
  slider.hidden = false;
  unfold();
}
"""


@dataclass(frozen=True)
class Level:
    """One of the nested summaries of a document.

    Attributes:
        text: Text of the summary.
        spans: Begin and end of each of its words in the document, in characters.
    """

    text: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Unfolding:
    """A document and its nested summaries.

    Attributes:
        document: Text of the document, to which spans refer.
        levels: Summaries from the shortest to the longest, each with the words of the one before.
    """

    document: str
    levels: tuple[Level, ...]


def render_outlines(title: str, documents: Sequence[Unfolding]) -> str:
    """Render documents as an HTML page with a slider for each.

    Args:
        title: Heading of the page.
        documents: Documents in the order of the page.
    """
    escaped = html.escape(title)
    body = "".join(map(_article, documents))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{SIGN}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escaped}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escaped}</h1>{body}<script>{_SCRIPT}</script></body></html>\n"
    )


def _article(one: Unfolding) -> str:
    """Render the slider, the levels, and the document with their words marked."""
    items = "".join(
        f"<li>{html.escape(level.text)}<small>{len(level.spans)}</small></li>" for level in one.levels
    )
    slider = f'<input type="range" min="0" max="{len(one.levels)}" value="0" aria-label="Level" hidden>'
    return f'<article>{slider}<ol>{items}</ol><p class="document">{_marked(one)}</p></article>'


def _marked(one: Unfolding) -> str:
    """Mark each word of the document that a level keeps with the first such level."""
    first: dict[tuple[int, int], int] = {}
    for depth, level in enumerate(one.levels):
        for span in level.spans:
            first.setdefault(span, depth)
    parts, place = [], 0
    for (begin, end), depth in sorted(first.items()):
        share = round(100 * (1 - depth / len(one.levels)))
        kind = ' class="first"' if depth == 0 else ""
        parts.append(html.escape(one.document[place:begin]))
        parts.append(f'<mark{kind} data-level="{depth}" style="--share:{share}">')
        parts.append(html.escape(one.document[begin:end]) + "</mark>")
        place = end
    return "".join(parts) + html.escape(one.document[place:])
