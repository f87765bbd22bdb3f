"""Losses of a path generator: what critics say of drawn paths, as gradients of its scores.

Where a critic judges every gap, each edge regresses on its own reward: a dense signal. Where it judges the
whole summary, the log-variance over the samples of a document is made small: at its minimum the learned score
is the reward but for a constant, and its gradient is that of the reward with the leave-one-out baseline.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from summgan.networks.estimators import leave_one_out
from summgan.networks.paths import Paths, log_sum_of_alignments


def edge_regression(learned: Tensor, reward: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of learned edge scores from their rewards, over the edges of ``mask``."""
    return ((learned - reward).square() * mask).sum() / mask.sum()


def log_variance(reward: Tensor, learned: Tensor, temperature: float) -> Tensor:
    """Variance over samples of reward less learned score, mean over documents.

    Args:
        reward: ``[batch, samples]`` of each summary.
        learned: ``[batch, samples]`` score that the generator adds to its prior on it.
        temperature: Temperature of the distribution that the samples are from.
    """
    return ((reward - learned) / temperature).var(1).mean()


def reinforce(reward: Tensor, log_probability: Tensor) -> Tensor:
    """REINFORCE with the mean of the other samples as the baseline (Kool 2019), mean over samples.

    Args:
        reward: ``[batch, samples]`` of each summary.
        log_probability: ``[batch, samples]`` of each summary under the generator.
    """
    return -(leave_one_out(reward) * log_probability).mean()


def free_log_partition(paths: Paths, log_shares: Tensor) -> Tensor:
    """``[batch, longest]`` log of the sum over the paths of 1, 2, ... units, each length with its log share.

    Args:
        paths: Paths of the documents.
        log_shares: ``[longest + 1 or more]`` of each number of units.
    """
    return (paths.log_partition + log_shares[: paths.longest + 1])[:, 1:]


def hidden_surprise(paths: Paths, log_shares: Tensor, says: Tensor, lengths: Tensor, texts: int) -> Tensor:
    """Negative log-likelihood of sentences, each summed over what it might summarize; mean over sentences.

    `-log mean_x p(sentence | x)` over texts *x* that hide the sentence, of all alignments and among paths of
    all lengths. Its gradient trusts those texts most of which the generator finds the sentence likeliest.

    Args:
        paths: Paths of the texts, those of a sentence in a row.
        log_shares: Logarithms of shares as in `free_log_partition`.
        says: ``[sentences * texts, units, vertices]`` whether each vertex says each word of its sentence.
        lengths: ``[sentences * texts]`` words of each sentence.
        texts: Number of texts of each sentence.
    """
    told = log_sum_of_alignments(paths.scores, says, lengths) + log_shares[lengths]
    likelihood = told - free_log_partition(paths, log_shares).logsumexp(1)
    return math.log(texts) - likelihood.view(-1, texts).logsumexp(1).mean()


def gap_loss(logits: Tensor, struck: Tensor, gaps: Tensor) -> Tensor:
    """Binary cross-entropy of a discriminator of gaps, mean over all gaps.

    Args:
        logits: ``[batch, gaps]``.
        struck: ``[batch, gaps]`` 1 where something was struck out.
        gaps: ``[batch, gaps]`` which are gaps.
    """
    each = F.binary_cross_entropy_with_logits(logits, struck, reduction="none")
    return (each * gaps).sum() / gaps.sum()


def struck_out(words: Tensor, uniforms: Tensor, most: int = 3) -> tuple[Tensor, Tensor]:
    """Human sentences with a span struck out, for a discriminator to find.

    Args:
        words: ``[batch, words]``, -1 beyond the last; at least 4 words each.
        uniforms: ``[batch, 2]`` numbers in [0, 1) for length and place.
        most: Words of the longest span.

    Returns:
        The sentences, and ``[batch, words + 1]`` 1 at the gap.
    """
    lengths = (words >= 0).sum(1)
    size = (uniforms[:, 0] * torch.minimum(lengths - 3, lengths.new_tensor(most))).long() + 1
    start = (uniforms[:, 1] * (lengths - size + 1)).long()
    places = torch.arange(words.shape[1], device=words.device)
    source = places + size[:, None] * (places >= start[:, None])
    padded = F.pad(words, (0, most), value=-1)
    gaps = torch.arange(words.shape[1] + 1, device=words.device) == start[:, None]
    return padded.gather(1, source), gaps.float()


def suspicion(logits: Tensor, gaps: Tensor, labels: Tensor, spoiled: int, bound: int) -> dict[str, Tensor]:
    """Mean probability, by kind of gap, that the discriminator takes it for a leap.

    Args:
        logits: ``[batch, gaps]``: spoiled human sentences, whole ones, then summaries.
        gaps: ``[batch, gaps]`` which are gaps.
        labels: ``[batch, gaps]`` 1 where something was struck out.
        spoiled: Number of spoiled human sentences.
        bound: Number of human sentences, spoiled ones included.
    """
    doubt = torch.sigmoid(logits.detach())
    every = gaps.float()
    leaps = every * labels
    kinds = {
        "doubt_human": (slice(spoiled, bound), every),
        "doubt_leap": (slice(bound, None), leaps),
        "doubt_other": (slice(bound, None), every - leaps),
    }
    return {
        name: (doubt[rows] * kind[rows]).sum() / kind[rows].sum().clamp_min(1.0)
        for name, (rows, kind) in kinds.items()
    }
