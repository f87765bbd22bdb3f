"""Salience against the formula on counts that can be done by hand."""

import math

import pytest
from datasets import Dataset

from summgan.salience import POSITION_BIN, POSITION_BINS, position_salience_of, salience_of


def test_rare_pieces_that_people_write_into_sentences_are_salient():
    documents = Dataset.from_dict({"input_ids": [[1, 1, 2], [1, 3], [1, 2]]})
    sentences = Dataset.from_dict({"input_ids": [[2, 3], [3], [4]]})
    found = salience_of(documents, sentences, 5)
    written = 2 * 4 / 7  # two occurrences of piece 2, scaled to the size of the other pile
    expected = math.log((3 + 1) / (2 + 1)) / 2 + math.log((1 + 5) / (written + 5))
    assert found[2].item() == pytest.approx(expected, rel=1e-5)
    assert found[3] > found[2] > found[1]
    assert found.min() >= -2.0


def test_positions_count_as_much_as_sentences_say_of_them():
    # Of the first bin of 100 documents of two bins everything is said, of the second nothing.
    early, late = list(range(1, POSITION_BIN + 1)), list(range(11, POSITION_BIN + 11))
    documents = Dataset.from_dict({"input_ids": [[*early, *late, 0]] * 100})
    sentences = Dataset.from_dict({"input_ids": [early] * 100, "neighbour": list(range(100))})
    spellings = list(range(30))
    found = position_salience_of(documents, sentences, [False] * 30, spellings)
    seen, mean = 100 * POSITION_BIN, 0.5
    assert found[0].item() == pytest.approx(math.log((seen + 50 * mean) / (seen + 50) / mean), rel=1e-5)
    assert found[1].item() == pytest.approx(math.log(50 * mean / (seen + 50) / mean), rel=1e-5)
    # Where no document is that long, the last position that is known counts.
    assert (found[2:] == found[1]).all()


def test_positions_are_alike_where_nothing_is_known():
    documents = Dataset.from_dict({"input_ids": [[1, 2, 0]]})
    sentences = Dataset.from_dict({"input_ids": [[3]], "neighbour": [0]})
    for rows in (sentences, sentences.select([])):
        found = position_salience_of(documents, rows, [False] * 4, list(range(4)))
        assert found.tolist() == [0.0] * POSITION_BINS
    frequent = position_salience_of(documents, sentences, [True] * 4, [1] * 4)
    assert frequent.tolist() == [0.0] * POSITION_BINS
