"""Marginals of the vertices and inserted words on one path, fast and without gradients.

`Paths.marginals` computes them for all vertices and edges, as gradients of the log-partition function. Here,
weights are multiplied as float64 matrices instead of added as logarithms; subtracting the best path's mean
score from every unit keeps them in range.
"""

from __future__ import annotations

import torch
from torch import Tensor

from summgan.networks.paths import Path, Scores


@torch.no_grad()
def visits(scores: Scores, path: Path, lengths: Tensor, best: Tensor) -> tuple[Tensor, Tensor]:
    """Compute marginals along one path through each lattice.

    Args:
        scores: Scores of a batch of lattices whose vertices cost one unit each.
        path: ``[batch, units]``.
        lengths: ``[batch]`` units of the paths in the distribution; each lattice must have such a path.
        best: ``[batch]`` approximate score of the best of these paths, in nats.

    Returns:
        Two tensors ``[batch, units]``: the probability of visiting each vertex of the path, and of reaching
        it from the previous vertex with an inserted word.
    """
    unit = (best / lengths).double()[:, None]
    node, begin, end = (scores.node - unit).exp(), scores.begin.double().exp(), scores.end.double().exp()
    kinds = [_square(scores.edge.double().exp())]
    if scores.inserted is not None:
        kinds.append(_square((scores.inserted - unit[..., None]).exp()))
    # came[u]: weight of all ways to a vertex with u + 1 units; left[u]: of all ways on with u more units.
    came, left, entered = [begin * node], [end], []
    for _ in range(1, int(lengths.max())):
        came.append(node * _onward([edges.mT for edges in kinds], came))
        entered.append(node * left[-1])
        left.append(_onward(kinds, entered))
    before, after = torch.stack(came), torch.stack(left)
    whole = (before[lengths - 1, torch.arange(len(lengths), device=lengths.device)] * end).sum(1)[:, None]
    vertices = path.vertices.clamp_min(0)
    here = vertices.expand(len(before), -1, -1)
    before, after = before.gather(2, here), after.gather(2, here)
    visited = _meeting(before, after, lengths, 1) / whole
    between = torch.zeros_like(visited)
    if len(kinds) > 1:
        rows = torch.arange(len(vertices), device=vertices.device)[:, None]
        leap = kinds[1][rows, vertices[:, :-1], vertices[:, 1:]] * node.gather(1, vertices[:, 1:])
        between[:, 1:] = leap * _meeting(before[..., :-1], after[..., 1:], lengths, 3) / whole
    return (visited * path.mask).float(), (between * path.inserted).float()


def _square(edges: Tensor) -> Tensor:
    """Turn a table ``[batch, vertices, band]`` into matrices ``[batch, from, to]`` of all vertices."""
    batch, vertices, band = edges.shape
    onward = torch.arange(vertices, device=edges.device)[:, None] + 1
    onward = (onward + torch.arange(band, device=edges.device)).expand(batch, -1, -1)
    return edges.new_zeros(batch, vertices, vertices + band).scatter_(2, onward, edges)[..., :vertices]


def _onward(kinds: list[Tensor], messages: list[Tensor]) -> Tensor:
    """Add the last message, over plain edges, and the one before it, over inserted words."""
    ways = zip(kinds, reversed(messages), strict=False)
    return torch.stack([(edges @ message[..., None]).squeeze(2) for edges, message in ways]).sum(0)


def _meeting(before: Tensor, after: Tensor, lengths: Tensor, least: int) -> Tensor:
    """Sum ``[batch, n]`` the products of two messages that together make ``lengths`` units.

    Args:
        before: ``[longest, batch, n]`` messages after ``u + 1`` units.
        after: ``[longest, batch, n]`` messages with ``u`` units left.
        lengths: ``[batch]``, in units.
        least: Total units of the two first messages.
    """
    units = torch.arange(len(before), device=before.device)[:, None]
    left = lengths - least - units
    rest = after.gather(0, left.clamp_min(0)[..., None].expand(-1, -1, after.shape[2]))
    return (before * rest * (left >= 0)[..., None]).sum(0)
