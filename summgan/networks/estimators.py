r"""Gradient estimators for discrete draws: Gumbel-softmax and others.

An estimator takes words already drawn from :math:`p = \mathrm{softmax}(\theta)` and returns vectors over the
vocabulary: their forward value is what the reconstructor reads, their backward pass is the estimate. Gumbel
noise is drawn *given* the word (Maddison 2014; Paulus 2021, section 3): the pair of noise and word has the
same distribution as in Gumbel-max sampling, but words can be drawn beforehand, fast and without a graph.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from summgan.randomness import RandomStream

_RAO_SAMPLES = 8


def sample_categorical(log_probs: Tensor, uniform: Tensor) -> Tensor:
    """Draw ids ``[...]`` by inverting the cumulative distribution.

    Args:
        log_probs: Normalized log-probabilities ``[..., vocabulary]``; ``-inf`` is never drawn.
        uniform: Uniform numbers ``[...]`` in [0, 1).
    """
    cumulative = log_probs.exp().cumsum(-1)
    # Scale by the rounded total, so that the threshold never exceeds the last possible word.
    threshold = uniform.unsqueeze(-1) * cumulative[..., -1:]
    return (cumulative <= threshold).sum(-1).clamp_max(log_probs.shape[-1] - 1)


def conditional_gumbel(log_probs: Tensor, words: Tensor, exponential: Tensor) -> Tensor:
    """Draw Gumbel-perturbed log-probabilities ``[..., vocabulary]`` whose maximum is at the given words.

    With unit exponentials E, the entry of word w is ``-log E_w`` and that of any other word j is
    ``-log(E_j / p_j + E_w)`` (Paulus 2021, equation 10, for normalized p).

    Args:
        log_probs: ``[..., vocabulary]``.
        words: ``[...]`` ids that were drawn.
        exponential: Unit exponential noise ``[..., vocabulary]``.
    """
    chosen = words.unsqueeze(-1)
    at_maximum = exponential.gather(-1, chosen)
    others = -torch.log(exponential * torch.exp(-log_probs.clamp_min(-60.0)) + at_maximum)
    return others.scatter(-1, chosen, -torch.log(at_maximum))


def _perturbed(log_probs: Tensor, words: Tensor, stream: RandomStream) -> Tensor:
    """Add constant noise to ``log_probs``, which carry the gradient."""
    with torch.no_grad():
        shape = log_probs.shape[1:]
        exponential = stream.exponential(*shape).to(log_probs.dtype)
        noise = conditional_gumbel(log_probs, words, exponential) - log_probs
        # The noise of a word of probability zero is undefined.
        noise = torch.where(torch.isfinite(log_probs), noise, torch.zeros_like(noise))
    return log_probs + noise


def _hard(words: Tensor, like: Tensor) -> Tensor:
    """One-hot vectors ``[..., vocabulary]`` of words, of the dtype of ``like``."""
    return F.one_hot(words, like.shape[-1]).to(like.dtype)


def straight_through(log_probs: Tensor, words: Tensor, stream: RandomStream, temperature: float) -> Tensor:
    """One-hot in the forward pass, Gumbel-softmax in the backward pass (Jang 2017, section 2.2)."""
    soft = torch.softmax(_perturbed(log_probs, words, stream) / temperature, dim=-1)
    return _hard(words, soft) + (soft - soft.detach())


def soft_gumbel(log_probs: Tensor, words: Tensor, stream: RandomStream, temperature: float) -> Tensor:
    """The Gumbel-softmax sample itself in both passes (Jang 2017; Maddison 2017)."""
    return torch.softmax(_perturbed(log_probs, words, stream) / temperature, dim=-1)


def gumbel_rao(log_probs: Tensor, words: Tensor, stream: RandomStream, temperature: float) -> Tensor:
    """Straight-through, with the backward pass averaged over several draws of noise (Paulus 2021)."""
    soft = torch.zeros_like(log_probs)
    for k in range(_RAO_SAMPLES):
        soft = soft + torch.softmax(_perturbed(log_probs, words, stream.fork("rao", k)) / temperature, dim=-1)
    soft = soft / _RAO_SAMPLES
    return _hard(words, soft) + (soft - soft.detach())


def reinmax(log_probs: Tensor, words: Tensor, stream: RandomStream, temperature: float) -> Tensor:
    """Second-order straight-through by Heun's method (Liu 2023, algorithm 2), without noise."""
    logits = log_probs.clamp_min(-60.0)  # a word of probability zero would give inf - inf
    with torch.no_grad():
        hard = _hard(words, logits)
        between = ((hard + torch.softmax(logits / temperature, dim=-1)) / 2).clamp_min(1e-30).log()
    moved = torch.softmax((between - logits).detach() + logits, dim=-1)
    soft = 2 * moved - torch.softmax(logits, dim=-1) / 2
    return hard + (soft - soft.detach())


def score_function(log_probs: Tensor, words: Tensor, stream: RandomStream, temperature: float) -> Tensor:
    """One-hot words without a gradient; REINFORCE takes it from their log-probabilities (Williams 1992)."""
    return _hard(words, log_probs).detach()


def draw_classes(
    log_probs: Tensor, stream: RandomStream | None, name: str, estimator: str, temperature: float
) -> tuple[Tensor, Tensor]:
    """Draw the classes of a code, with a gradient.

    Args:
        log_probs: ``[batch, length, classes]``.
        stream: Noise of the rows; None takes the likeliest classes.
        name: Name of the draw's part of the noise.
        estimator: A key of `ESTIMATORS`.
        temperature: Temperature of the relaxation.

    Returns:
        Ids ``[batch, length]``, and the result of the estimator ``[batch, length, classes]``.
    """
    if stream is None:
        ids = log_probs.argmax(-1)
        return ids, _hard(ids, log_probs)
    with torch.no_grad():
        ids = sample_categorical(log_probs, stream.fork(name).uniform(log_probs.shape[1]))
    return ids, ESTIMATORS[estimator](log_probs, ids, stream, temperature)


def leave_one_out(costs: Tensor) -> Tensor:
    """Cost of each sample minus the mean cost of the document's other samples (Kool 2019; Ahmadian 2024).

    Args:
        costs: ``[documents, samples]``, at least two samples; lower is better.

    Returns:
        ``[documents, samples]``, detached. Multiplied by the gradient of the log-probability, it is an
        unbiased estimate of the gradient of the expected cost.
    """
    costs = costs.detach()
    samples = costs.shape[1]
    return (costs - costs.mean(1, keepdim=True)) * samples / (samples - 1)


Estimator = Callable[[Tensor, Tensor, RandomStream, float], Tensor]

ESTIMATORS: dict[str, Estimator] = {
    "straight-through": straight_through,
    "soft-gumbel": soft_gumbel,
    "gumbel-rao": gumbel_rao,
    "reinmax": reinmax,
    "reinforce": score_function,
    "hybrid": straight_through,
}

REWARDED: dict[str, tuple[str, ...] | None] = {"reinforce": None, "hybrid": ("adversarial",)}
"""By estimator, the loss terms whose gradient is that of REINFORCE (None for all terms); the gradient of the
others passes through the words."""
