"""The document nearest to a sentence, checked against counts by hand."""

import math

import pytest

from summgan.data.neighbours import find_neighbours

DOCUMENTS = [
    "The council of Porto closes the old library because of mould.",
    "A cat sat on the old mat in Porto.",
    "The old library of Graz opens again on Monday after years of repairs and much talk.",
]


def test_the_document_that_says_most_of_a_sentence_is_found():
    found = find_neighbours(DOCUMENTS, ["Porto closes library", "Library opens in Graz", "Zebra"])
    assert found.documents.tolist() == [0, 2, -1]
    assert found.coverage[0] == pytest.approx(1.0) and found.coverage[2] == 0.0
    # "in" is in one other document too, the other words only in this one; weights are log(4 / documents).
    said = math.log(4 / 2) + 2 * math.log(4 / 1)
    assert found.coverage[1] == pytest.approx(said / (said + math.log(4 / 1)))


def test_of_equals_the_shortest_is_taken():
    longer = "Porto closes library and museum and theatre."
    assert find_neighbours([longer, "Porto closes library."], ["Porto library"]).documents.tolist() == [1]


def test_scripts_without_spaces_are_compared_by_character():
    assert find_neighbours(["北京大学", "台湾大学"], ["台大"]).documents.tolist() == [1]


def test_words_with_marks_are_compared_whole():
    documents = ["काम अच्छा है", "कम अच्छा है", "שָׁם", "שֵׁם"]
    found = find_neighbours(documents, ["काम", "कम", "שֵׁם", "क"])
    assert found.documents.tolist() == [0, 1, 3, -1]
    assert found.coverage.tolist() == [1, 1, 1, 0]
