"""What critics say of words, by numbers."""

import pytest
import torch

from summgan.networks.critics import gap_rewards


def test_rewards_are_costs_of_what_looks_struck_out():
    logits, gaps = torch.tensor([[0.0, 9.0, 3.0]]), torch.tensor([[True, True, False]])
    found = gap_rewards(logits, gaps, 2.0)
    assert found[0].tolist() == pytest.approx([-1.3863, -18.0002, 0.0], abs=1e-3)
