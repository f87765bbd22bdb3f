"""One-hot and binary codes: the simplest discrete representations of a document.

A one-hot code is one of K classes, drawn with the same estimators as words (Gumbel-softmax and the others). A
binary code is a vector of bits: probabilities thresholded at 0.5 with a straight-through gradient (Bengio
2013), or Bernoulli draws for REINFORCE. People cannot read either, so neither has a discriminator.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from summgan.networks.code import Bottleneck, Code, Source
from summgan.networks.estimators import draw_classes
from summgan.randomness import RandomStream


class _LinearBottleneck(Bottleneck):
    """A linear layer from states to logits, and a table with a vector for each class or bit.

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
    """Round probabilities to 0 or 1 (0.5 to 0); the gradient passes straight through (Bengio 2013)."""
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

        With noise, the estimator ``reinforce`` draws them instead, and the temperature divides the logits: at
        a low temperature the probabilities are near 0 and 1.
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
