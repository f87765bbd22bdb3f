"""The page of outlines: what it contains, and that no text becomes markup."""

import re
from html import unescape

from tests_support import WellFormed

from summgan.evaluation.outline_page import Level, Unfolding, render_outlines

TEXT = 'A <script>alert("1")</script> bridge & its pier, closed.'


def unfolding():
    def spans(*words):
        return tuple((TEXT.index(word), TEXT.index(word) + len(word)) for word in words)

    levels = (
        Level("Bridge closed", spans("bridge", "closed")),
        Level("Bridge <its> pier closed", spans("bridge", "its", "pier", "closed")),
    )
    return Unfolding(TEXT, levels)


def test_the_page_is_well_formed_and_needs_nothing_else():
    page, checker = render_outlines("Out & lines", [unfolding()] * 3), WellFormed()
    checker.feed(page)
    assert not checker.open
    for tag, count in {"article": 3, "input": 3, "li": 6, "mark": 12, "script": 1}.items():
        assert checker.tags.count(tag) == count, tag
    assert not re.search(r"https?:|src=|href=|@import|url\(", page)


def test_everything_from_outside_is_escaped():
    page = render_outlines("<i>", [unfolding()])
    body = page[: page.rindex("<script>")]
    assert "<script>" not in body and "<its>" not in body and "<i>" not in body
    assert "<title>&lt;i&gt;</title>" in page and "Bridge &lt;its&gt; pier closed" in page


def test_words_are_marked_with_their_first_level_and_the_document_stays_whole():
    page = render_outlines("", [unfolding()])
    document = re.search('<p class="document">(.*?)</p>', page)[1]
    marks = re.findall(r'<mark[^>]* data-level="(\d)"[^>]*>(.*?)</mark>', document)
    assert marks == [("0", "bridge"), ("1", "its"), ("1", "pier"), ("0", "closed")]
    assert unescape(re.sub("<[^>]*>", "", document)) == TEXT


def test_the_slider_goes_from_the_shortest_level_to_the_whole_text_and_is_hidden_without_scripts():
    page = render_outlines("", [unfolding()])
    slider = re.search("<input[^>]*>", page)[0]
    assert 'min="0" max="2" value="0"' in slider and slider.endswith("hidden>")
    assert "<li hidden" not in page  # all levels are shown until the script hides them
