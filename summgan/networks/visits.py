"""How likely paths visit the vertices of one path and take its inserted words, without gradients and fast.

`Paths.marginals` finds the same, of all vertices and edges, as gradients of the log-partition, in logarithms.
Here weights are multiplied instead, as matrices in float64: with the best path's mean score taken from every
unit they stay in its range.
"""

from __future__ import annotations

import torch
from torch import Tensor

from summgan.networks.paths import Path, Scores


@torch.no_grad()
def visits(scores: Scores, path: Path, lengths: Tensor, best: Tensor) -> tuple[Tensor, Tensor]:
    """Marginals along one path through each lattice.

    Args:
        scores: Scores of a batch of lattices whose vertices cost one unit each.
        path: ``[batch, units]``.
        lengths: ``[batch]`` units of all paths that count; there must be such paths.
        best: ``[batch]`` about the score of the likeliest of them.

    Returns:
        ``[batch, units]`` probability of each vertex, and of going to it from the one before with a word
        inserted between.
    """
    unit = (best / lengths).double()[:, None]
    node, begin, end = (scores.node - unit).exp(), scores.begin.double().exp(), scores.end.double().exp()
    kinds = [_square(scores.edge.double().exp())]
    if scores.inserted is not None:
        kinds.append(_square((scores.inserted - unit[..., None]).exp()))
    # came[u]: of all ways to say u + 1 units, this vertex the last; left[u]: to say u more after it.
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
    said = _meeting(before, after, lengths, 1) / whole
    between = torch.zeros_like(said)
    if len(kinds) > 1:
        rows = torch.arange(len(vertices), device=vertices.device)[:, None]
        leap = kinds[1][rows, vertices[:, :-1], vertices[:, 1:]] * node.gather(1, vertices[:, 1:])
        between[:, 1:] = leap * _meeting(before[..., :-1], after[..., 1:], lengths, 3) / whole
    return (said * path.mask).float(), (between * path.inserted).float()


def _square(edges: Tensor) -> Tensor:
    """``[batch, vertices, vertices]`` from row to column, of a table ``[batch, vertices, band]``."""
    batch, vertices, band = edges.shape
    onward = torch.arange(vertices, device=edges.device)[:, None] + 1
    onward = (onward + torch.arange(band, device=edges.device)).expand(batch, -1, -1)
    return edges.new_zeros(batch, vertices, vertices + band).scatter_(2, onward, edges)[..., :vertices]


def _onward(kinds: list[Tensor], messages: list[Tensor]) -> Tensor:
    """``[batch, vertices]`` the last message over plain edges, the one before it over inserted words."""
    ways = zip(kinds, reversed(messages), strict=False)
    return torch.stack([(edges @ message[..., None]).squeeze(2) for edges, message in ways]).sum(0)


def _meeting(before: Tensor, after: Tensor, lengths: Tensor, least: int) -> Tensor:
    """``[batch, n]`` sum of the products of two messages that make ``lengths`` units together.

    Args:
        before: ``[longest, batch, n]`` messages after ``u + 1`` units.
        after: ``[longest, batch, n]`` messages with ``u`` units left.
        lengths: ``[batch]``.
        least: Units that are said when neither message is longer than its first.
    """
    units = torch.arange(len(before), device=before.device)[:, None]
    left = lengths - least - units
    rest = after.gather(0, left.clamp_min(0)[..., None].expand(-1, -1, after.shape[2]))
    return (before * rest * (left >= 0)[..., None]).sum(0)
