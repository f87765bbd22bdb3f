"""A mixture of von Mises-Fisher distributions: where the classes of one-hot start.

Clusters of unit vectors by expectation-maximization, with one fixed concentration and the same share for all
(Banerjee 2005). The soft assignments make it less dependent on its start than k-means, whose limit it
is; the likeliest of several k-means++ starts is taken (Arthur 2007).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

CONCENTRATION = 20.0
"""Concentration of every cluster; chosen among 5 to 40 by the labels of two training sets."""

_STEPS, _STARTS, _TINY = 60, 4, 1e-8


def spread_rows(vectors: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """``[count, width]`` rows far from each other: k-means++ by cosine distance.

    Args:
        vectors: Unit vectors ``[rows, width]``.
        count: How many.
        generator: Source of the draws.
    """
    chosen = [int(torch.randint(len(vectors), (1,), generator=generator))]
    distance = 1 - vectors @ vectors[chosen[0]]
    while len(chosen) < count:
        weights = distance.clamp_min(_TINY)
        chosen.append(int(torch.multinomial(weights, 1, generator=generator)))
        distance = torch.minimum(distance, 1 - vectors @ vectors[chosen[-1]])
    return vectors[chosen]


@torch.no_grad()
def spherical_mixture(vectors: Tensor, count: int, seed: int) -> Tensor:
    """Weights ``[count, width]`` of the classes' logits, linear in a unit vector.

    Args:
        vectors: Unit vectors ``[rows, width]``.
        count: Clusters.
        seed: Seed of the starts.
    """
    generator = torch.Generator().manual_seed(seed)
    best, best_likelihood = vectors[:count], -torch.inf
    for _ in range(_STARTS):
        means = spread_rows(vectors, count, generator)
        for _ in range(_STEPS):
            members = (CONCENTRATION * vectors @ means.T).softmax(-1)
            means = F.normalize(members.T @ vectors, dim=-1)
        likelihood = float((CONCENTRATION * vectors @ means.T).logsumexp(-1).mean())
        if likelihood > best_likelihood:
            best, best_likelihood = CONCENTRATION * means, likelihood
    return best
