"""Salience against the formula on counts that can be done by hand."""

import math

import pytest
from datasets import Dataset

from summgan.salience import salience_of


def test_rare_pieces_that_people_write_into_sentences_are_salient():
    documents = Dataset.from_dict({"input_ids": [[1, 1, 2], [1, 3], [1, 2]]})
    sentences = Dataset.from_dict({"input_ids": [[2, 3], [3], [4]]})
    found = salience_of(documents, sentences, 5)
    written = 2 * 4 / 7  # two occurrences of piece 2, scaled to the size of the other pile
    expected = math.log((3 + 1) / (2 + 1)) / 2 + math.log((1 + 5) / (written + 5))
    assert found[2].item() == pytest.approx(expected, rel=1e-5)
    assert found[3] > found[2] > found[1]
    assert found.min() >= -2.0
