import pytest

from summgan.evaluation.metrics import describe


def test_every_figure_on_a_case_counted_by_hand():
    documents = ["The old bridge in Porto is closed now", "Rain fell on Lyon all day long"]
    summaries = ["The old bridge in ruins", "Rain rain on Lyon rain on"]
    figures = describe(documents, summaries)
    assert figures["words"] == pytest.approx(5.5)
    assert figures["novel_words"] == pytest.approx((1 / 5 + 0) / 2)
    assert figures["lead_copy4"] == pytest.approx(0.5)
    assert figures["lead_copy8"] == 0
    assert figures["repeated_words"] == 0.5
    assert figures["repeated_bigrams"] == 0.5
    assert figures["distinct"] == 1
    assert describe(["a b"] * 2, ["a", "a"])["distinct"] == 0.5
    assert describe(["台湾大学"], ["台大新"])["novel_words"] == pytest.approx(1 / 3)


def test_words_are_compared_whole_and_folded():
    figures = describe(["İstanbul’da काम"], ["istanbul'da कम"])
    assert figures["novel_words"] == pytest.approx(1 / 3) and figures["words"] == 2
    assert describe(["ที่นี่ดี"], ["ที่ดี"])["words"] == 2
