"""Losses of a path generator by numbers, and that they are smallest where they should be."""

import pytest
import torch

from summgan.training.path_losses import edge_regression, gap_loss, log_variance, struck_out


def test_edges_regress_on_their_rewards_alone():
    learned, reward = torch.tensor([[1.0, 5.0]]), torch.tensor([[3.0, 0.0]])
    assert edge_regression(learned, reward, torch.tensor([[1.0, 0.0]])) == 4.0


def test_log_variance_is_zero_where_the_score_is_the_reward_but_for_a_constant():
    reward = torch.tensor([[1.0, 2.0, 4.0], [0.0, 1.0, 0.0]])
    assert log_variance(reward, reward + torch.tensor([[7.0], [-3.0]]), 0.5) == 0
    learned = torch.zeros(2, 3, requires_grad=True)
    log_variance(reward, learned, 1.0).backward()
    baseline = (reward.sum(1, keepdim=True) - reward) / 2  # leave one out
    assert torch.allclose(-learned.grad, (reward - baseline) * 2 / 3 / 2, atol=1e-6)


def test_gap_loss_counts_gaps_only():
    logits = torch.tensor([[0.0, 50.0]])
    assert float(gap_loss(logits, torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))) == pytest.approx(
        0.6931, abs=1e-4
    )


def test_a_span_is_struck_out_and_its_gap_is_known():
    words = torch.tensor([[10, 11, 12, 13, 14, 15, -1], [20, 21, 22, 23, -1, -1, -1]])
    found, gaps = struck_out(words, torch.tensor([[0.5, 0.5], [0.9, 0.0]]))
    assert found[0].tolist() == [10, 11, 14, 15, -1, -1, -1]
    assert gaps[0].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    assert found[1].tolist() == [21, 22, 23, -1, -1, -1, -1]
    assert gaps[1].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
