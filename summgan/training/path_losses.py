"""Losses of a path generator: what critics say of drawn paths, as gradients of its scores.

Where a critic judges every gap, each edge regresses on its own reward: a dense signal. Where it judges the
whole summary, the log-variance over the samples of a document is made small: at its minimum the learned score
is the reward but for a constant, and its gradient is that of the reward with the leave-one-out baseline.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def edge_regression(learned: Tensor, reward: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of learned edge scores from their rewards, over the edges of ``mask``."""
    return ((learned - reward).square() * mask).sum() / mask.sum()


def log_variance(reward: Tensor, learned: Tensor, temperature: float) -> Tensor:
    """Variance over samples of reward less learned score, mean over documents.

    Args:
        reward: ``[batch, samples]`` of each summary.
        learned: ``[batch, samples]`` score that the generator adds to its prior on it.
        temperature: Of the distribution that the samples are from.
    """
    return ((reward - learned) / temperature).var(1).mean()


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
