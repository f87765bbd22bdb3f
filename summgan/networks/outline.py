"""Nested summaries: the words of each level are among those of the next, finer one.

An outline begins with the best path of one level. Each coarser level is the best path through only vertices
of the level below; each finer level is the best path through all vertices of the level above. So each level
is exact given its neighbour. Every level is tried as the first one, and the outline with the greatest sum of
scores is kept. Solving a level again between its two neighbours does not improve such an outline. No words
are inserted, since an inserted word has no place in the document.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from summgan.networks.paths import FORBIDDEN, Path, Paths, Scores

_BOUND = 1e4  # nats, more than any path's score: the bonus of each vertex that must be visited


def outline(scores: Scores, lengths: Tensor) -> tuple[list[Path], Tensor]:
    """Find nested paths of every document.

    Args:
        scores: Scores of a batch of lattices.
        lengths: ``[batch, levels]`` units of each level, in ascending order.

    Returns:
        A path ``[batch, units]`` for each level, and their scores ``[batch, levels]`` in nats.
    """
    found = [from_level(scores, lengths, first) for first in reversed(range(lengths.shape[1]))]
    values = torch.stack([each for _, each in found])
    chosen, rows = values.sum(2).argmax(0), torch.arange(len(lengths), device=lengths.device)
    paths = []
    for level in range(lengths.shape[1]):
        vertices = torch.stack([each[level].vertices for each, _ in found])
        inserted = torch.stack([each[level].inserted for each, _ in found])
        paths.append(Path(vertices[chosen, rows], inserted[chosen, rows]))
    return paths, values[chosen, rows]


def from_level(scores: Scores, lengths: Tensor, first: int) -> tuple[list[Path], Tensor]:
    """Find nested paths, beginning with the best path of one level; see `outline`.

    Args:
        scores: Scores of a batch of lattices.
        lengths: ``[batch, levels]`` units of each level.
        first: The level that is solved first.
    """
    scores = replace(scores, inserted=None)
    units = lengths.T
    start = Paths(scores, int(units[first].max())).best(units[first])
    coarser, finer = [start], [start]
    for level in reversed(range(first)):
        outside = ~visited(coarser[0][0], scores)
        within = replace(scores, node=scores.node.masked_fill(outside, FORBIDDEN))
        coarser.insert(0, Paths(within, int(units[level].max())).best(units[level]))
    for level in range(first + 1, len(units)):
        required = visited(finer[-1][0], scores)
        bound = replace(scores, node=scores.node.double() + _BOUND * required)
        bound = bound.map(torch.Tensor.double)  # float32 would lose the score beside the bound
        path, value = Paths(bound, int(units[level].max())).best(units[level])
        finer.append((path, (value - _BOUND * required.sum(1)).float()))
    paths, values = zip(*coarser, *finer[1:], strict=True)
    return list(paths), torch.stack(values, 1)


def visited(path: Path, scores: Scores) -> Tensor:
    """``[batch, vertices]`` whether a path ``[batch, units]`` visits each vertex."""
    found = torch.zeros_like(scores.node, dtype=torch.bool)
    rows = torch.arange(len(found), device=found.device)[:, None].expand_as(path.vertices)
    found[rows[path.mask], path.vertices[path.mask]] = True
    return found
