"""Counts and weights of pieces, checked against counts by hand."""

import math

import numpy as np
import pytest
from datasets import Dataset

from summgan.data.piece_counts import count_pieces, evenly_spread, word_weights

ROWS = Dataset.from_dict({"input_ids": [[1, 1, 2], [1, 3], [1, 2]]})


def test_pieces_are_counted_in_texts_and_as_what_they_are_spelled_like():
    counts = count_pieces(ROWS, np.arange(5))
    assert counts.occurrences.tolist() == [0, 4, 2, 1, 0]
    assert counts.having.tolist() == [0, 3, 2, 1, 0] and counts.texts == 3
    together = count_pieces(ROWS, np.array([0, 1, 1, 3, 4]))
    assert together.occurrences.tolist() == [0, 6, 0, 1, 0]
    assert together.having.tolist() == [0, 3, 0, 1, 0]
    assert counts.rarity[1:3].tolist() == pytest.approx([0, math.log(4 / 3)])


def test_weights_are_one_on_average_over_the_running_text():
    weights = word_weights(ROWS, 5)
    assert (4 * weights[1] + 2 * weights[2] + weights[3]).item() / 7 == pytest.approx(1)
    # Nothing weighs less than 0.3 nats, and rare pieces weigh their rarity.
    assert (weights[3] / weights[1]).item() == pytest.approx(math.log(4 / 2) / 0.3)
    assert weights[1] == weights[2]


@pytest.mark.parametrize("most", [1, 4, 10, 99])
def test_a_sample_is_evenly_spread(most):
    rows = evenly_spread(Dataset.from_dict({"row": list(range(10))}), most)["row"][:]
    assert len(rows) == min(most, 10) and rows == sorted(set(rows)) and rows[0] == 0
    assert most == 1 or rows[-1] == 9
