"""Every estimator compared with the exact gradient, by summing over all outcomes."""

import pytest
import torch

from summgan.networks.estimators import (
    ESTIMATORS,
    conditional_gumbel,
    gumbel_rao,
    leave_one_out,
    reinmax,
    sample_categorical,
    soft_gumbel,
    straight_through,
)
from summgan.randomness import RandomStream

LOGITS = torch.tensor([0.8, -0.3, 0.1, -1.2], dtype=torch.float64)
COSTS = torch.tensor([0.3, 1.0, -0.6, 2.0], dtype=torch.float64)
ROWS, DRAWS = 8, 25_000


@pytest.fixture
def stream():
    return RandomStream.of(torch.arange(ROWS), 11)


def logits():
    return LOGITS.clone().requires_grad_()


def exact_gradient():
    parameter = logits()
    (torch.softmax(parameter, 0) @ COSTS).backward()
    return parameter.grad


def many(parameter):
    return torch.log_softmax(parameter, 0).expand(ROWS, DRAWS, -1)


def drawn(stream):
    return sample_categorical(many(LOGITS), stream.fork("draw").uniform(DRAWS).double())


def gradients(estimator, stream, temperature, cost=lambda one_hot: one_hot @ COSTS):
    """Estimates ``[draws, 4]`` of single draws."""
    log_probs = many(LOGITS).clone().requires_grad_()
    cost(estimator(log_probs, drawn(stream), stream.fork("noise"), temperature)).sum().backward()
    # Differentiate the log-softmax by hand, so that every draw keeps its own estimate.
    each = log_probs.grad.flatten(0, 1)
    return each - each.sum(1, keepdim=True) * torch.softmax(LOGITS, 0)


def relaxed_gradient(temperature):
    """Gradient of E[c . softmax((logits + Gumbel noise) / temperature)], with noise of another source."""
    parameter = logits()
    generator = torch.Generator().manual_seed(5)
    uniform = torch.rand(400_000, 4, generator=generator, dtype=torch.float64)
    noise = -torch.log(-torch.log(uniform.clamp_min(1e-12)))
    (torch.softmax((parameter + noise) / temperature, 1) @ COSTS).mean().backward()
    return parameter.grad


def assert_within(estimates, expected, errors=4.5):
    standard_error = estimates.std(0) / len(estimates) ** 0.5
    assert ((estimates.mean(0) - expected).abs() < errors * standard_error + 1e-9).all()


def test_draws_have_the_right_frequencies(stream):
    frequency = torch.bincount(drawn(stream).flatten(), minlength=4) / (ROWS * DRAWS)
    assert (frequency - torch.softmax(LOGITS, 0)).abs().max() < 0.005


def test_impossible_words_are_never_drawn():
    log_probs = torch.log(torch.tensor([0.0, 0.4, 0.6, 0.0]))
    for uniform, word in ((0.0, 1), (0.39, 1), (0.41, 2), (0.9999999, 2)):
        assert sample_categorical(log_probs, torch.tensor(uniform)) == word


def test_likely_words_are_drawn_at_both_ends_of_the_noise():
    log_probs = torch.log_softmax(torch.tensor([1.0, 0.0, -30.0]), 0)
    assert sample_categorical(log_probs, torch.tensor(0.0)) == 0
    assert sample_categorical(log_probs, torch.tensor(0.9999999)) in (1, 2)
    # In float32, the probabilities of many words do not add up to exactly one.
    many_words = torch.log_softmax(torch.randn(50_000, generator=torch.Generator().manual_seed(0)), 0)
    many_words[-100:] = float("-inf")
    assert sample_categorical(many_words, torch.tensor(1 - 2**-24)) < 49_900


def test_conditional_noise_peaks_at_the_word_and_has_the_law_of_gumbel_noise(stream):
    words = drawn(stream)
    noisy = conditional_gumbel(many(LOGITS), words, stream.exponential(DRAWS, 4).double())
    assert torch.equal(noisy.argmax(-1), words)
    noise = (noisy - many(LOGITS)).flatten(0, 1)
    assert (noise.mean(0) - 0.5772).abs().max() < 0.02
    assert (noise.var(0) - 1.6449).abs().max() < 0.04
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        gumbel = -torch.log(-torch.log(torch.tensor(share)))
        below = (noise < gumbel).double().mean(0)
        assert (below - share).abs().max() < 4.5 * (share * (1 - share) / len(noise)) ** 0.5
    # Independent between words, like the noise of Gumbel-max sampling.
    assert (torch.corrcoef(noise.T) - torch.eye(4)).abs().max() < 0.015


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_the_forward_value_is_the_word_except_for_the_soft_one(name, stream):
    words = drawn(stream)
    hard = torch.nn.functional.one_hot(words, 4)
    for dtype in (torch.float32, torch.float64):
        value = ESTIMATORS[name](many(LOGITS.to(dtype)), words, stream, 0.7)
        assert torch.equal(value.argmax(-1), words)
        assert torch.allclose(value.sum(-1), torch.ones((), dtype=dtype))
        # Exactly: a discriminator of human words would see any difference.
        assert torch.equal(value, hard.to(dtype)) != (name == "soft-gumbel")


def test_reinforce_with_leave_one_out_is_unbiased(stream):
    words = drawn(stream).view(-1, 4)
    advantage = leave_one_out(COSTS[words])
    score = torch.eye(4).double()[words] - torch.softmax(LOGITS, 0)
    assert_within((advantage[..., None] * score).mean(1), exact_gradient())


def test_an_advantage_is_the_cost_over_the_mean_of_the_siblings():
    costs = torch.tensor([[1.0, 2.0, 6.0], [0.0, 0.0, 0.0]], requires_grad=True)
    advantage = leave_one_out(costs)
    assert torch.allclose(advantage, torch.tensor([[-3.0, -1.5, 4.5], [0.0, 0.0, 0.0]]))
    assert not advantage.requires_grad


def test_leave_one_out_lowers_the_variance(stream):
    words = drawn(stream).view(-1, 4)
    score = torch.eye(4).double()[words] - torch.softmax(LOGITS, 0)
    plain = ((COSTS[words] + 5)[..., None] * score).mean(1)
    better = (leave_one_out(COSTS[words] + 5)[..., None] * score).mean(1)
    assert_within(plain, exact_gradient())
    assert (better.var(0) < 0.2 * plain.var(0)).all()


def test_reinforce_gives_no_gradient_through_the_words():
    parameter = logits()
    log_probs = torch.log_softmax(parameter, 0)[None, None]
    row = RandomStream.of(torch.arange(1), 0)
    assert not ESTIMATORS["reinforce"](log_probs, torch.tensor([[2]]), row, 1.0).requires_grad


def test_straight_through_is_the_gradient_of_the_relaxation_for_a_linear_cost(stream):
    for temperature in (0.5, 1.5):
        assert_within(gradients(straight_through, stream, temperature), relaxed_gradient(temperature), 6)


def test_the_bias_of_straight_through_falls_with_the_temperature(stream):
    exact = exact_gradient()
    bias = [float((gradients(straight_through, stream, t).mean(0) - exact).norm()) for t in (2.0, 0.5, 0.1)]
    assert bias[0] > 3 * bias[1] > 3 * bias[2]


def test_straight_through_is_biased_for_a_curved_cost(stream):
    def cost(one_hot):
        return (one_hot @ COSTS - 0.4) ** 2

    parameter = logits()
    (torch.softmax(parameter, 0) @ (COSTS - 0.4) ** 2).backward()
    estimate = gradients(straight_through, stream, 0.5, cost)
    error = (estimate.mean(0) - parameter.grad).abs() / (estimate.std(0) / len(estimate) ** 0.5)
    assert error.max() > 10


def test_reinmax_is_unbiased_for_costs_up_to_the_second_order(stream):
    for cost, exact in (
        (lambda one_hot: one_hot @ COSTS, COSTS),
        (lambda one_hot: (one_hot @ COSTS - 0.4) ** 2, (COSTS - 0.4) ** 2),
    ):
        parameter = logits()
        (torch.softmax(parameter, 0) @ exact).backward()
        assert_within(gradients(reinmax, stream, 1.0, cost), parameter.grad)


def test_reinmax_is_biased_for_a_cost_of_the_fourth_order(stream):
    parameter = logits()
    (torch.softmax(parameter, 0) @ COSTS**4).backward()
    estimate = gradients(reinmax, stream, 1.0, lambda one_hot: (one_hot @ COSTS) ** 4)
    error = (estimate.mean(0) - parameter.grad).abs() / (estimate.std(0) / len(estimate) ** 0.5)
    assert error.max() > 10


def test_soft_gumbel_agrees_with_finite_differences_under_common_noise():
    row = RandomStream.of(torch.arange(1), 3)
    word = torch.tensor([[2]])
    with torch.no_grad():
        base = torch.log_softmax(LOGITS, 0)[None, None]
        noise = conditional_gumbel(base, word, row.exponential(1, 4).double()) - base

    def value(parameter):
        soft = torch.softmax((torch.log_softmax(parameter, 0) + noise) / 0.6, -1)
        return ((soft @ COSTS) ** 2).sum()

    parameter = logits()
    soft = soft_gumbel(torch.log_softmax(parameter, 0)[None, None], word, row, 0.6)
    ((soft @ COSTS) ** 2).sum().backward()
    steps = 1e-6 * torch.eye(4).double()
    differences = [(value(LOGITS + s) - value(LOGITS - s)) / 2e-6 for s in steps]
    assert torch.allclose(parameter.grad, torch.stack(differences), atol=1e-6)


def test_gumbel_rao_has_the_same_mean_as_straight_through_and_less_variance(stream):
    simple = gradients(straight_through, stream, 0.5)
    averaged = gradients(gumbel_rao, stream.fork("other"), 0.5)
    spread = (simple.var(0) + averaged.var(0)) / len(simple)
    assert ((simple.mean(0) - averaged.mean(0)).abs() < 4.5 * spread.sqrt()).all()
    assert (averaged.var(0) < 0.8 * simple.var(0)).all()


def test_words_of_probability_zero_get_no_gradient_and_make_no_nan():
    log_probs = torch.tensor([[[0.5, 0.5, 0.0]]]).log().requires_grad_()
    row = RandomStream.of(torch.arange(1), 0)
    for name in ("straight-through", "soft-gumbel", "gumbel-rao", "reinmax"):
        value = ESTIMATORS[name](log_probs, torch.tensor([[1]]), row, 0.5)
        (gradient,) = torch.autograd.grad((value * torch.tensor([1.0, 2.0, 3.0])).sum(), log_probs)
        assert torch.isfinite(gradient).all()
        assert value[0, 0, 2] == 0 and gradient[0, 0, 2] == 0
