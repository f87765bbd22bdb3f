"""One-hot and binary codes: the simplest discrete representations of a document.

One-hot is one of K clusters, drawn by the estimators of the words (Gumbel-softmax and the others). Binary
is a vector of bits: thresholded at 0.5 with a straight-through gradient (Bengio 2013), or drawn from
Bernoulli distributions for REINFORCE. Neither can be read, so there is nothing for a discriminator.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from summgan.networks.code import Bottleneck, Code, Source
from summgan.networks.estimators import draw_classes
from summgan.randomness import RandomStream


class _LinearBottleneck(Bottleneck):
    """A linear layer to the logits of a draw, and a table of vectors for what is drawn.

    Args:
        hidden: Width of the states and of the vectors.
        size: Number of classes or bits.
    """

    def __init__(self, hidden: int, size: int):
        super().__init__()
        self.logits = nn.Linear(hidden, size)
        self.table = nn.Linear(size, hidden, bias=False)


class OneHotBottleneck(_LinearBottleneck):
    """One of ``size`` classes."""

    def forward(
        self,
        source: Source,
        stream: RandomStream | None = None,
        estimator: str = "straight-through",
        temperature: float = 1.0,
        units: Tensor | None = None,
    ) -> Code:
        """Draw a class from states ``[batch, 1, hidden]``; see `Bottleneck.forward`."""
        log_probs = self.logits(source.states).float().log_softmax(-1)
        ids, drawn = draw_classes(log_probs, stream, "class", estimator, temperature)
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


class BinaryBottleneck(_LinearBottleneck):
    """``size`` bits."""

    def forward(
        self,
        source: Source,
        stream: RandomStream | None = None,
        estimator: str = "straight-through",
        temperature: float = 1.0,
        units: Tensor | None = None,
    ) -> Code:
        """Threshold bits at 0.5, from states ``[batch, 1, hidden]``; see `Bottleneck.forward`.

        With noise, the estimator ``reinforce`` draws them, and the temperature divides their logits: a lower
        one makes harder bits.
        """
        scale = 1.0 if stream is None else temperature
        logits = self.logits(source.states).float().squeeze(1) / scale
        probabilities = logits.sigmoid()
        if stream is not None and estimator == "reinforce":
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
