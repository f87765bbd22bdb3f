"""Salience, compared with the tables' entries."""

import pytest
import torch

from summgan.networks.salience import POSITION_BIN, POSITION_BINS, REPETITIONS, Salience

END = 0


def test_salience_is_the_sum_of_what_is_true_of_a_place():
    salience = Salience(vocabulary_size=10)
    salience.piece.copy_(torch.arange(10))
    salience.position.copy_(-1e-3 * torch.arange(POSITION_BINS))
    salience.repetition.copy_(1e6 * torch.arange(REPETITIONS))
    found = salience(torch.tensor([[4, 5, 4, END]]))[0].tolist()
    assert found[:3] == pytest.approx([4 + 1e6, 5, 4 + 1e6])
    # Places beyond the last position, and more than the last number of repetitions, share its entry.
    long = salience(torch.full((1, POSITION_BIN * (POSITION_BINS + 3)), 5))[0]
    expected = 5 - 1e-3 * (POSITION_BINS - 1) + 1e6 * (REPETITIONS - 1)
    assert long[-2].item() == pytest.approx(expected)
