from summgan.evaluation.reading import SCALES, make_sheet
from summgan.evaluation.reading_page import render_sheet


def test_the_page_asks_every_question_of_every_summary_and_names_no_system():
    sheet = make_sheet(["One text.", "Two texts."], {"secret": ["a", "b"], "other": ["c", "d"]})
    page = render_sheet(sheet)
    assert "secret" not in page and page.count("<form") == 4 and page.count("<article>") == 2
    for name, highest in SCALES.items():
        assert page.count(f'type="radio" name="{name}"') == 4 * (highest + 1)


def test_what_comes_from_outside_is_escaped():
    page = render_sheet(make_sheet(["<script>alert(1)</script>"], {"s": ['"><img src=x>']}))
    assert "<script>alert" not in page and "<img" not in page and "&lt;script&gt;" in page
