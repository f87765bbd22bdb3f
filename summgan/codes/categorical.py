"""One-hot and binary codes: the simplest discrete representations of a document.

One-hot is one of K clusters, drawn by the estimators of the words (Gumbel-softmax and the others). Binary
is a vector of bits: thresholded at 0.5 with a straight-through gradient (Bengio 2013), or drawn from
Bernoulli distributions for REINFORCE. Neither can be read, so there is nothing for a discriminator.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from summgan.networks.code import Code, Source
from summgan.networks.estimators import ESTIMATORS, sample_categorical
from summgan.randomness import RandomStream


class OneHotBottleneck(nn.Module):
    """One of ``size`` classes.

    Args:
        hidden: Width of the states and of the vectors.
        size: Number of classes.
        estimator: A key of `ESTIMATORS`.
    """

    def __init__(self, hidden: int, size: int, estimator: str = "straight-through"):
        super().__init__()
        self.logits = nn.Linear(hidden, size)
        self.table = nn.Linear(size, hidden, bias=False)
        self.estimator = estimator

    def forward(self, source: Source, stream: RandomStream | None = None, temperature: float = 1.0) -> Code:
        """Draw a class with noise; without a stream take the likeliest.

        Args:
            source: With states ``[batch, 1, hidden]``.
            stream: Noise of the rows.
            temperature: Of Gumbel-softmax.
        """
        log_probs = self.logits(source.states).float().log_softmax(-1)
        if stream is None:
            ids = log_probs.argmax(-1)
            drawn = F.one_hot(ids, log_probs.shape[-1]).to(log_probs.dtype)
        else:
            with torch.no_grad():
                ids = sample_categorical(log_probs, stream.fork("class").uniform(1))
            drawn = ESTIMATORS[self.estimator](log_probs, ids, stream, temperature)
        return Code(
            vectors=self.table(drawn),
            mask=torch.ones_like(ids),
            codes=ids,
            probabilities=log_probs.exp(),
            log_probs=log_probs.gather(-1, ids.unsqueeze(-1)).squeeze(-1),
        )


def threshold(probabilities: Tensor) -> Tensor:
    """1 where a probability is more than 0.5, else 0; its gradient is that of the probability."""
    hard = (probabilities > 0.5).to(probabilities.dtype)
    return hard + (probabilities - probabilities.detach())


class BinaryBottleneck(nn.Module):
    """``size`` bits.

    Args:
        hidden: Width of the states and of the vectors.
        size: Number of bits.
        estimator: ``straight-through`` or ``reinforce``.
    """

    def __init__(self, hidden: int, size: int, estimator: str = "straight-through"):
        super().__init__()
        self.logits = nn.Linear(hidden, size)
        self.table = nn.Linear(size, hidden, bias=False)
        self.estimator = estimator

    def forward(self, source: Source, stream: RandomStream | None = None, temperature: float = 1.0) -> Code:
        """Threshold the bits at 0.5; draw them where REINFORCE has a stream of noise.

        Args:
            source: With states ``[batch, 1, hidden]``.
            stream: Noise of the rows.
            temperature: Divides the logits in training: the lower, the harder the bits.
        """
        scale = 1.0 if stream is None else temperature
        logits = self.logits(source.states).float().squeeze(1) / scale
        probabilities = logits.sigmoid()
        if stream is not None and self.estimator == "reinforce":
            bits = (stream.uniform(logits.shape[-1]) < probabilities).to(logits.dtype)
        else:
            bits = threshold(probabilities)
        ids = (bits > 0.5).long()
        return Code(
            vectors=self.table(2 * bits - 1).unsqueeze(1),
            mask=torch.ones_like(ids[:, :1]),
            codes=ids,
            probabilities=probabilities,
            log_probs=-F.binary_cross_entropy_with_logits(logits, ids.to(logits.dtype), reduction="none"),
        )
