import math
import re

from tests_support import WellFormed

from summgan.evaluation.report import Sample, render_report, write_report

SAMPLES = [
    Sample("The <script>alert(1)</script> bridge & more", "bridge closes", "a <b> text", "ref", "x"),
    Sample("台湾大学今天开放", "台大开门"),
]


def report():
    curves = {
        "loss": [(1, 3.0), (2, math.nan), (3, 1.0)],
        "two <systems>": {"a": [(1, 1.0)], "b": [(1, 2.0), (9, math.inf)]},
        "nothing": [],
    }
    table = [{"system": "a & b", "rouge1": 31.234}]
    return render_report("A <title>", curves, SAMPLES, table, ["note <1>"])


def test_the_page_is_well_formed_and_needs_nothing_else():
    page, checker = report(), WellFormed()
    checker.feed(page)
    assert not checker.open
    assert "script" not in checker.tags
    assert not re.search(r"https?:|src=|href=|@import|url\(", page)


def test_everything_from_outside_is_escaped():
    page = report()
    assert "<script>" not in page and "&lt;script&gt;" in page
    for text in (
        "A &lt;title&gt;",
        "two &lt;systems&gt;",
        "a &amp; b",
        "note &lt;1&gt;",
        "a &lt;b&gt; text",
    ):
        assert text in page
    assert "nan" not in page and "inf" not in page.replace("information", "")


def test_copied_and_new_words_are_marked():
    page = report()
    assert '<mark class="copied">bridge</mark>' in page
    assert '<mark class="novel">closes</mark>' in page
    assert page.count('<mark class="copied">台</mark>') == 2
    assert '<mark class="novel">门</mark>' in page
    assert "台</mark><mark" in page  # no blanks between characters


def test_a_report_replaces_an_older_one_at_once(tmp_path):
    path = tmp_path / "report.html"
    for title in ("one", "two"):
        write_report(path, title)
    assert "two" in path.read_text() and [p.name for p in tmp_path.iterdir()] == ["report.html"]
