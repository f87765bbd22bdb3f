r"""How a discrete draw gets a gradient.

Every estimator sees words that were already drawn from :math:`p = \mathrm{softmax}(\theta)` and
answers with vectors over the vocabulary whose forward value is what the reconstructor reads and whose
backward pass is the estimator. The Gumbel noise is drawn *given* the word (Maddison 2014; Paulus
2021, section 3), so that the pair (noise, word) has the law of ordinary Gumbel-max sampling while
words may be drawn earlier, quickly and without a graph.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from summgan.randomness import RandomStream

_RAO_SAMPLES = 8


def sample_categorical(log_probs: Tensor, uniform: Tensor) -> Tensor:
    """Draw ids ``[...]`` from ``log_probs`` ``[..., vocabulary]`` by inverting the distribution.

    Args:
        log_probs: Normalised log-probabilities; ``-inf`` is never drawn.
        uniform: Numbers in [0, 1), ``[...]``.
    """
    cumulative = log_probs.exp().cumsum(-1)
    # Scaled by the rounded total, so that a threshold never lies beyond the last possible word.
    threshold = uniform.unsqueeze(-1) * cumulative[..., -1:]
    return (cumulative <= threshold).sum(-1).clamp_max(log_probs.shape[-1] - 1)


def conditional_gumbel(log_probs: Tensor, words: Tensor, exponential: Tensor) -> Tensor:
    """Gumbel-perturbed log-probabilities whose maximum stands at the given words.

    With unit exponentials E, the chosen entry is ``-log E_w`` and every other one
    ``-log(E_j / p_j + E_w)`` (Paulus 2021, equation 10, for normalised p).

    Args:
        log_probs: ``[..., vocabulary]``.
        words: ``[...]`` ids that were drawn.
        exponential: Unit exponential noise, ``[..., vocabulary]``.
    """
    chosen = words.unsqueeze(-1)
    at_maximum = exponential.gather(-1, chosen)
    others = -torch.log(exponential * torch.exp(-log_probs.clamp_min(-60.0)) + at_maximum)
    return others.scatter(-1, chosen, -torch.log(at_maximum))


def _perturbed(log_probs: Tensor, words: Tensor, stream: RandomStream) -> Tensor:
    """``log_probs`` plus noise: the noise is a constant, the log-probabilities carry gradient."""
    with torch.no_grad():
        shape = log_probs.shape[1:]
        exponential = stream.exponential(*shape).to(log_probs.dtype)
        noise = conditional_gumbel(log_probs, words, exponential) - log_probs
        # A word of probability zero stays out: its noise would be undefined.
        noise = torch.where(torch.isfinite(log_probs), noise, torch.zeros_like(noise))
    return log_probs + noise


def _hard(words: Tensor, like: Tensor) -> Tensor:
    """One-hot vectors ``[..., vocabulary]`` in the type of ``like``."""
    return F.one_hot(words, like.shape[-1]).to(like.dtype)


def straight_through(log_probs: Tensor, words: Tensor, stream: RandomStream, temperature: float) -> Tensor:
    """One-hot forward, Gumbel-softmax backward (Jang 2017, section 2.2)."""
    soft = torch.softmax(_perturbed(log_probs, words, stream) / temperature, dim=-1)
    return _hard(words, soft) + (soft - soft.detach())


def soft_gumbel(log_probs: Tensor, words: Tensor, stream: RandomStream, temperature: float) -> Tensor:
    """The relaxed sample itself, forward and backward (Jang 2017; Maddison 2017)."""
    return torch.softmax(_perturbed(log_probs, words, stream) / temperature, dim=-1)


def gumbel_rao(log_probs: Tensor, words: Tensor, stream: RandomStream, temperature: float) -> Tensor:
    """Straight-through with the backward pass averaged over noise given the word (Paulus 2021)."""
    soft = torch.zeros_like(log_probs)
    for k in range(_RAO_SAMPLES):
        soft = soft + torch.softmax(_perturbed(log_probs, words, stream.fork("rao", k)) / temperature, dim=-1)
    soft = soft / _RAO_SAMPLES
    return _hard(words, soft) + (soft - soft.detach())


def reinmax(log_probs: Tensor, words: Tensor, stream: RandomStream, temperature: float) -> Tensor:
    """Straight-through of second order, by Heun's method (Liu 2023, algorithm 2); without noise."""
    logits = log_probs.clamp_min(-60.0)  # a word of probability zero would give inf - inf
    with torch.no_grad():
        hard = _hard(words, logits)
        between = ((hard + torch.softmax(logits / temperature, dim=-1)) / 2).clamp_min(1e-30).log()
    moved = torch.softmax((between - logits).detach() + logits, dim=-1)
    soft = 2 * moved - torch.softmax(logits, dim=-1) / 2
    return hard + (soft - soft.detach())


def score_function(log_probs: Tensor, words: Tensor, stream: RandomStream, temperature: float) -> Tensor:
    """One-hot words without gradient; the gradient comes from their log-probability (REINFORCE)."""
    return _hard(words, log_probs).detach()


def draw_classes(
    log_probs: Tensor, stream: RandomStream | None, name: str, estimator: str, temperature: float
) -> tuple[Tensor, Tensor]:
    """Classes of a code, and what stands for them with a gradient.

    Args:
        log_probs: ``[batch, length, classes]``.
        stream: Noise of the rows; the likeliest classes are taken without it.
        name: Names the noise of the draw.
        estimator: A key of `ESTIMATORS`.
        temperature: Temperature of the relaxation.

    Returns:
        Ids ``[batch, length]``, and ``[batch, length, classes]``.
    """
    if stream is None:
        ids = log_probs.argmax(-1)
        return ids, _hard(ids, log_probs)
    with torch.no_grad():
        ids = sample_categorical(log_probs, stream.fork(name).uniform(log_probs.shape[1]))
    return ids, ESTIMATORS[estimator](log_probs, ids, stream, temperature)


def leave_one_out(costs: Tensor) -> Tensor:
    """Advantage of each sample over the mean of its siblings (Kool 2019; Ahmadian 2024).

    Args:
        costs: ``[documents, samples]`` with at least two samples, lower is better.

    Returns:
        ``[documents, samples]``, detached; times the gradient of the log-probability this is an
        unbiased gradient of the expected cost.
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
"""Terms that reach the generator as costs of the words drawn, by estimator (None for all of them); the others
reach it through the words themselves."""
