"""Losses of a path generator on small examples, and where they are smallest."""

import pytest
import torch

from summgan.networks.paths import Paths, Scores
from summgan.training.path_losses import (
    edge_regression,
    free_log_partition,
    gap_loss,
    hidden_surprise,
    log_variance,
    reinforce,
    struck_out,
    suspicion,
)


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


def test_suspicion_is_the_mean_over_each_kind_of_gap():
    logits = torch.tensor([[9.0, 9.0], [0.0, 0.0], [2.0, -2.0]])
    labels, gaps = torch.tensor([[1.0, 0], [0, 0], [1, 0]]), torch.ones(3, 2, dtype=torch.bool)
    found = suspicion(logits, gaps, labels, 1, 2)
    expected = {"doubt_human": 0.5, "doubt_leap": 0.8808, "doubt_other": 0.1192}
    assert {name: float(value) for name, value in found.items()} == pytest.approx(expected, abs=1e-4)


def test_reinforce_has_the_gradient_of_the_expected_reward():
    torch.manual_seed(0)
    logits, values = torch.randn(5, requires_grad=True), torch.randn(5)
    (expected,) = torch.autograd.grad(-(logits.softmax(0) * values).sum(), logits)
    drawn = torch.multinomial(logits.detach().softmax(0), 40_000, replacement=True).view(-1, 4)
    found = reinforce(values[drawn], logits.log_softmax(0)[drawn])
    (gradient,) = torch.autograd.grad(found, logits)
    assert torch.allclose(gradient, expected, atol=0.02)


def lattice(batch, vertices):
    """Random scores of words, with an edge from each word to every later one."""
    torch.manual_seed(1)
    edge = torch.randn(batch, vertices, vertices - 1)
    onward = torch.arange(vertices)[:, None] + 1 + torch.arange(vertices - 1)
    begin, node, end = torch.randn(3, batch, vertices)
    return Scores(begin, node, edge.masked_fill(onward >= vertices, -1e6), end)


def test_a_hidden_sentence_is_as_likely_as_all_its_paths_in_the_mean_of_its_texts():
    paths = Paths(lattice(2, 3), 2)
    log_shares = torch.tensor([-1e6, 0.25, 0.75]).clamp_max(1.0)
    log_shares[1:] = log_shares[1:].log()
    says = torch.tensor([[[1, 0, 1], [0, 1, 0]], [[1, 0, 0], [0, 1, 1]]])
    likelihoods = []
    for row, wanted in enumerate([[(0, 1)], [(0, 1), (0, 2)]]):  # the paths that give the sentence
        s = paths.scores

        def score(path, row=row, s=s):
            inner = sum(s.edge[row, a, b - a - 1] for a, b in zip(path, path[1:], strict=False))
            return s.begin[row, path[0]] + sum(s.node[row, v] for v in path) + inner + s.end[row, path[-1]]

        ones, twos = [(0,), (1,), (2,)], [(0, 1), (0, 2), (1, 2)]
        whole = sum(0.25 * score(p).exp() for p in ones) + sum(0.75 * score(p).exp() for p in twos)
        likelihoods.append(sum(0.75 * score(p).exp() for p in wanted) / whole)
        assert float(free_log_partition(paths, log_shares)[row].logsumexp(0)) == pytest.approx(
            float(whole.log()), abs=1e-4
        )
    found = hidden_surprise(paths, log_shares, says, torch.tensor([2, 2]), 2)
    assert float(found) == pytest.approx(-float((sum(likelihoods) / 2).log()), abs=1e-4)
