"""The blind sheet as a self-contained HTML page, on which a reader marks summaries and saves a table.

The marks stay in the page until they are saved, and nothing is sent anywhere. All texts are escaped.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import groupby

from summgan.evaluation.reading import SCALES, Candidate

_QUESTIONS = {
    "grammar": "Is the summary grammatical, as a headline or sentence? 0 no, 1 with a slip, 2 yes",
    "faithful": "Does the text say all that the summary says? 0 no, it is false, 1 misleading, 2 yes",
    "useful": "Does the summary say what matters? 0 no, 1 in part, 2 yes",
    "accepted": "Would you send the summary unchanged? 0 no, 1 yes",
}
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 54rem; margin: 2rem auto; padding: 0 1rem; }
article { border-top: 1px solid #bbb; margin-top: 2rem; } .document { color: #444; }
fieldset { border: 1px solid #ccc; border-radius: .5rem; margin: .8rem 0; } legend { font-weight: 600; }
label { margin-right: .5rem; } .question { display: inline-block; min-width: 6.5rem; }
button { position: fixed; right: 1rem; bottom: 1rem; font-size: 1rem; padding: .6rem 1rem; }
"""
_SCRIPT = """
function save() {
  const names = NAMES, clean = text => text.replace(/[\\t\\n\\r]/g, " ");
  const rows = [["item", "label", ...names, "note"]];
  for (const form of document.querySelectorAll("form")) {
    const data = new FormData(form);
    const marks = names.map(name => data.get(name) || "");
    rows.push([form.dataset.item, form.dataset.label, ...marks, clean(data.get("note"))]);
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([rows.map(r => r.join("\\t")).join("\\n") + "\\n"]));
  link.download = "marks.tsv";
  link.click();
}
window.addEventListener("beforeunload", event => event.preventDefault());
"""


def render_sheet(sheet: Sequence[Candidate]) -> str:
    """Render the sheet as a page with a form for each summary; the page names no system."""
    questions = "".join(f"<li><b>{name}</b>: {text}</li>" for name, text in _QUESTIONS.items())
    body = [
        "<h1>Blind reading</h1>",
        f"<p>Read each text, then mark its summaries one by one.</p><ul>{questions}</ul>",
    ]
    for item, candidates in groupby(sheet, key=lambda candidate: candidate.item):
        rows = list(candidates)
        body.append(f'<article><h2>{item}</h2><p class="document">{html.escape(rows[0].document)}</p>')
        body += [_form(candidate) for candidate in rows]
        body.append("</article>")
    body.append('<button type="button" onclick="save()">Save the marks</button>')
    script = _SCRIPT.replace("NAMES", str(list(SCALES)))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Blind reading</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(body)}<script>{script}</script></body></html>\n"
    )


def _form(candidate: Candidate) -> str:
    lines = [_question(name, highest) for name, highest in SCALES.items()]
    return (
        f'<form data-item="{candidate.item}" data-label="{html.escape(candidate.label)}"><fieldset>'
        f"<legend>{html.escape(candidate.label)}: {html.escape(candidate.summary)}</legend>{''.join(lines)}"
        '<div><span class="question">note</span><input name="note" size="50"></div></fieldset></form>'
    )


def _question(name: str, highest: int) -> str:
    choices = "".join(
        f'<label><input type="radio" name="{name}" value="{mark}"> {mark}</label>'
        for mark in range(highest + 1)
    )
    return f'<div><span class="question">{name}</span>{choices}</div>'
