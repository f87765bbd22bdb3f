import itertools

import pytest
import torch

from summgan.codes.categorical import BinaryBottleneck, OneHotBottleneck, threshold
from summgan.networks.code import Source
from summgan.networks.estimators import leave_one_out
from summgan.randomness import RandomStream


def source(batch=6, hidden=5):
    torch.manual_seed(1)
    return Source(torch.randn(batch, 1, hidden, requires_grad=True), torch.ones(batch, 1, dtype=torch.long))


def test_one_hot_reads_one_row_of_the_table():
    torch.manual_seed(0)
    bottleneck = OneHotBottleneck(5, 4)
    code = bottleneck(source(), RandomStream.of(torch.arange(6), 0))
    assert code.codes.shape == (6, 1) and code.words is None
    rows = bottleneck.table.weight.T[code.codes[:, 0]]
    torch.testing.assert_close(code.vectors[:, 0], rows)


def test_classes_are_drawn_with_their_probabilities():
    torch.manual_seed(0)
    bottleneck = OneHotBottleneck(5, 3)
    one = source(1)
    many = one.repeat(4000)
    code = bottleneck(many, RandomStream.of(torch.arange(4000), 0))
    share = code.codes.bincount() if code.codes.ndim == 1 else code.codes[:, 0].bincount(minlength=3)
    torch.testing.assert_close(share / 4000, code.probabilities[0, 0].detach(), atol=0.03, rtol=0)


def test_the_gradient_of_a_thresholded_bit_is_that_of_its_probability():
    logits = torch.tensor([-1.0, 0.3, 2.0], dtype=torch.double, requires_grad=True)
    bits = threshold(logits.sigmoid())
    assert bits.tolist() == [0, 1, 1]
    bits.sum().backward()
    step = 1e-6
    slope = ((logits + step).sigmoid() - (logits - step).sigmoid()) / (2 * step)
    torch.testing.assert_close(logits.grad, slope.detach())


def test_reinforce_over_bits_has_the_gradient_of_the_expected_cost():
    torch.manual_seed(0)
    bottleneck = BinaryBottleneck(5, 2)
    one = source(1)

    def cost(bits):
        return (bits[..., 0] * 2 + bits[..., 1] - 3 * bits[..., 0] * bits[..., 1] + 1).float()

    probabilities = bottleneck(one).probabilities[0]
    expected = sum(
        torch.stack([p if b else 1 - p for p, b in zip(probabilities, bits, strict=True)]).prod()
        * cost(torch.tensor(bits))
        for bits in itertools.product((0, 1), repeat=2)
    )
    (exact,) = torch.autograd.grad(expected, bottleneck.logits.bias)
    draws = 20000
    many = one.repeat(draws)
    code = bottleneck(many, RandomStream.of(torch.arange(draws), 3), "reinforce")
    advantages = leave_one_out(cost(code.codes).view(-1, 2)).view(-1)
    (found,) = torch.autograd.grad((advantages * code.log_probs.sum(-1)).mean(), bottleneck.logits.bias)
    torch.testing.assert_close(found, exact, atol=0.03, rtol=0)


@pytest.mark.parametrize("kind", [OneHotBottleneck, BinaryBottleneck])
def test_every_parameter_learns(kind):
    torch.manual_seed(0)
    bottleneck = kind(5, 4)
    bottleneck(source(), RandomStream.of(torch.arange(6), 0)).vectors.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in bottleneck.parameters())
