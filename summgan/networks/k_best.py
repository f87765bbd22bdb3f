"""The k best paths through a lattice (`paths.py`), exactly: each step of the recursion keeps its k best."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from summgan.networks.paths import FORBIDDEN, Path, Scores


def k_best(scores: Scores, lengths: Tensor, count: int) -> tuple[Path, Tensor]:
    """Find the best paths of given lengths.

    Args:
        scores: Scores of a batch of lattices.
        lengths: ``[batch]`` units of each document's paths.
        count: Number of paths.

    Returns:
        Paths ``[batch, count, units]`` and their scores ``[batch, count]`` in nats, best first. If a lattice
        has fewer paths, the scores of the rest are not `possible`.
    """
    longest = int(lengths.max())
    entered, came = _ranked(scores, longest, count)
    batch, vertices = scores.node.shape
    rows = torch.arange(batch, device=lengths.device)
    whole = (scores.begin[..., None] + entered[lengths, rows]).flatten(1)
    values, index = whole.topk(min(count, whole.shape[1]), 1)
    rows, left = rows[:, None].expand_as(index), lengths[:, None].expand_as(index)
    place, rank = index // entered.shape[3], index % entered.shape[3]
    chosen, between = [], []
    insert = torch.zeros_like(index, dtype=torch.bool)
    for _ in range(longest):
        active = left > 0
        chosen.append(torch.where(active, place, -1))
        between.append(insert & active)
        cost = 1 if scores.costs is None else scores.costs[rows, place]
        left = torch.where(active, (left - cost).clamp_min(0), left)
        code = came[left, rows, place, rank]
        rank, step = code % count, code // count
        band = scores.edge.shape[2]
        insert, place = step >= band, (place + 1 + step % band).clamp_max(vertices - 1)
        left = torch.where((left > 0) & insert, left - 1, left)
    return Path(torch.stack(chosen, 2), torch.stack(between, 2)), values


def _ranked(scores: Scores, longest: int, count: int) -> tuple[Tensor, Tensor]:
    """Compute the best scores of entering each vertex with ``u`` units left, and how each continues.

    Returns:
        Scores ``[units + 1, batch, vertices, count]``, best first, and for each the code of the edge that
        follows and of the rank at its end, of the same shape.
    """
    batch, vertices, band = scores.edge.shape
    nothing = scores.node.new_full((batch, vertices, count), 2 * FORBIDDEN)
    end = nothing.clone()
    end[..., 0] = scores.end
    entered, left, came = [nothing], [end], [torch.zeros_like(nothing, dtype=torch.long)]
    costs = torch.ones_like(scores.node, dtype=torch.long) if scores.costs is None else scores.costs
    for units in range(1, longest + 1):
        enter = nothing
        for cost in costs.unique().tolist():
            if cost <= units:
                onward = scores.node[..., None] + left[units - cost]
                enter = torch.where((costs == cost)[..., None], onward, enter)
        entered.append(enter.clamp_min(2 * FORBIDDEN))
        ways = [scores.edge[..., None] + _ranked_windows(entered[units], band)]
        if scores.inserted is not None:
            ways.append(scores.inserted[..., None] + _ranked_windows(entered[units - 1], band))
        values, index = torch.cat(ways, 2).flatten(2).topk(count, 2)
        left.append(values)
        came.append(index)
    return torch.stack(entered), torch.stack(came)


def _ranked_windows(table: Tensor, band: int) -> Tensor:
    """View ``[batch, vertices, band, count]`` of the entries 1 to ``band`` vertices ahead."""
    return F.pad(table, (0, 0, 0, band), value=FORBIDDEN)[:, 1:].unfold(1, band, 1).transpose(2, 3)
