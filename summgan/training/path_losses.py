"""Losses of a path generator and its critics.

If a critic judges each gap, the learned score of each edge is regressed on the reward of that edge, a dense
signal. If it judges the whole summary, the loss is the log-variance over the samples of a document (Richter
et al. 2020): at its minimum, learned score and reward differ by a constant, and its gradient is that of
REINFORCE with the leave-one-out baseline.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from summgan.networks.estimators import leave_one_out
from summgan.networks.paths import Paths, log_sum_of_alignments
from summgan.networks.processes import share_of


def edge_regression(learned: Tensor, reward: Tensor, mask: Tensor) -> Tensor:
    """Compute the mean squared difference of learned scores and rewards, over all processes' ``mask``."""
    return ((learned - reward).square() * mask).sum() / share_of(mask.sum())


def log_variance(reward: Tensor, learned: Tensor, temperature: float) -> Tensor:
    """Compute the variance of reward less learned score over samples, mean over documents.

    Args:
        reward: ``[batch, samples]`` reward of each summary, in nats.
        learned: ``[batch, samples]`` learned part of the score of each summary, in nats.
        temperature: Temperature of the distribution that the samples are drawn from.
    """
    return ((reward - learned) / temperature).var(1).mean()


def reinforce(reward: Tensor, log_probability: Tensor) -> Tensor:
    """Compute REINFORCE with the leave-one-out baseline (Kool et al. 2019), mean over samples.

    Args:
        reward: ``[batch, samples]`` reward of each summary.
        log_probability: ``[batch, samples]`` log-probability of each summary under the generator.
    """
    return -(leave_one_out(reward) * log_probability).mean()


def free_log_partition(paths: Paths, log_shares: Tensor) -> Tensor:
    """Weight the log-partition of each length by the share of the length.

    Args:
        paths: Distribution over paths through the documents.
        log_shares: ``[longest + 1 or more]`` log of the share of 0, 1, 2, ... units.

    Returns:
        ``[batch, longest]`` log-partition plus log share, for 1, 2, ... units.
    """
    return (paths.log_partition + log_shares[: paths.longest + 1])[:, 1:]


def hidden_surprise(paths: Paths, log_shares: Tensor, says: Tensor, lengths: Tensor, texts: int) -> Tensor:
    """Compute the negative log-likelihood of sentences that are hidden in texts, mean over sentences.

    It is `-log mean_x p(sentence | x)`, where the texts *x* hide the sentence and `p` sums over all paths
    that give it, among paths of all lengths. The gradient weights each text by its posterior.

    Args:
        paths: Distribution over paths through the texts, those of one sentence in consecutive rows.
        log_shares: Log shares of lengths, as in `free_log_partition`.
        says: ``[sentences * texts, units, vertices]`` whether the vertex has this word of the sentence.
        lengths: ``[sentences * texts]`` number of words of the sentence.
        texts: Number of texts for each sentence.
    """
    told = log_sum_of_alignments(paths.scores, says, lengths) + log_shares[lengths]
    likelihood = told - free_log_partition(paths, log_shares).logsumexp(1)
    return math.log(texts) - likelihood.view(-1, texts).logsumexp(1).mean()


def gap_loss(logits: Tensor, struck: Tensor, gaps: Tensor) -> Tensor:
    """Compute the binary cross-entropy of a discriminator of gaps, mean over the gaps of all processes.

    Args:
        logits: ``[batch, gaps]`` logit that something was struck out.
        struck: ``[batch, gaps]``, 1 where something was struck out.
        gaps: ``[batch, gaps]``, 1 for gaps and 0 for padding.
    """
    each = F.binary_cross_entropy_with_logits(logits, struck, reduction="none")
    return (each * gaps).sum() / share_of(gaps.sum())


def struck_out(words: Tensor, uniforms: Tensor, most: int = 3) -> tuple[Tensor, Tensor]:
    """Strike a span out of each human sentence, for the discriminator to find the gap.

    Args:
        words: ``[batch, words]`` sentences of at least 4 words, padded with -1.
        uniforms: ``[batch, 2]`` random numbers in [0, 1) for length and place of the span.
        most: Largest number of words of a span.

    Returns:
        The shortened sentences, of the same shape; and ``[batch, words + 1]``, 1 at the gap.
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
    """Average the discriminator's probability that something was struck out, by kind of gap.

    Args:
        logits: ``[batch, gaps]`` logits for human sentences with a span struck out, then whole ones, then
            summaries.
        gaps: ``[batch, gaps]`` whether there is such a gap.
        labels: ``[batch, gaps]``, 1 where something was struck out.
        spoiled: Number of human sentences with a span struck out.
        bound: Number of all human sentences.

    Returns:
        ``doubt_human`` for whole human sentences; ``doubt_leap`` and ``doubt_other`` for gaps of summaries,
        with label 1 and 0.
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
