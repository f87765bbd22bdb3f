"""Inverse document frequencies and n-grams, checked against counts by hand."""

import math

import pytest

from summgan.text.counts import NgramCounts, document_frequency, inverse_document_frequency


def test_words_are_counted_once_in_each_text():
    assert document_frequency(["a b, A", "b c"]) == {"a": 1, "b": 2, "c": 1}


def test_rarity_is_the_logarithm_of_texts_over_those_that_have_the_word():
    found = inverse_document_frequency([1, 3], 3)
    assert found.tolist() == pytest.approx([math.log(2), 0])
    assert inverse_document_frequency(0, 3, smoothing=0.5) == pytest.approx(math.log(8))


def test_pairs_are_counted_by_occurrences_and_words_by_what_they_follow():
    counts = NgramCounts(["ab", "ab", "cb"], 2, "<", ">")
    assert counts.following[1]["<",] == {"a": 2, "c": 1}
    assert counts.following[0][()] == {"a": 1, "c": 1, "b": 2, ">": 1}
    assert counts.share("a", ("<",)) == pytest.approx(2 / 3)
    assert counts.share("b", ()) == pytest.approx(2 / 5)
    assert counts.discounted("a", ("<",)) == pytest.approx(((2 - 0.75) / 3, 2 * 0.75 / 3))
    assert counts.discounted("a", ("z",)) == (0, 1) and counts.share("a", ("z",)) == 0


def test_every_word_and_the_end_have_their_context():
    counts = NgramCounts([], 3, "<", ">")
    assert [*counts.steps("ab")] == [(("<", "<"), "a"), (("<", "a"), "b"), (("a", "b"), ">")]
