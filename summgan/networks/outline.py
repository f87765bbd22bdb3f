"""Nested summaries: the words of each level are among those of the next, finer one.

The best outline is sought in two ways, each exact at every level given the one before it: from the finest
level down, each coarser path going through vertices of the finer one alone; and from the coarsest level up,
each finer path going through all vertices of the coarser one. The better one by the sum of scores is kept.
Words are said as the lattice has them; nothing is inserted, for an inserted word has no place.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from summgan.networks.paths import FORBIDDEN, Path, Paths, Scores

_BOUND = 1e4  # nats, more than any path has, for every vertex that must be visited


def outline(scores: Scores, lengths: Tensor) -> tuple[list[Path], Tensor]:
    """Nested paths of every document.

    Args:
        scores: Of a batch of lattices.
        lengths: ``[batch, levels]`` units of each level, none less than that of the level before.

    Returns:
        A path ``[batch, units]`` for each level, and ``[batch, levels]`` their scores.
    """
    down, up = from_finest(scores, lengths), from_coarsest(scores, lengths)
    better = (up[1].sum(1) > down[1].sum(1))[:, None]
    paths = [
        Path(torch.where(better, b.vertices, a.vertices), torch.where(better, b.inserted, a.inserted))
        for a, b in zip(down[0], up[0], strict=True)
    ]
    return paths, torch.where(better, up[1], down[1])


def from_finest(scores: Scores, lengths: Tensor) -> tuple[list[Path], Tensor]:
    """As `outline`: the finest path is the best there is, coarser ones are the best of its vertices."""
    scores = replace(scores, inserted=None)
    paths: list[Path] = []
    values: list[Tensor] = []
    for level in reversed(range(lengths.shape[1])):
        path, value = Paths(scores, int(lengths[:, level].max())).best(lengths[:, level])
        paths.insert(0, path)
        values.insert(0, value)
        scores = replace(scores, node=scores.node.masked_fill(~visited(path, scores), FORBIDDEN))
    return paths, torch.stack(values, 1)


def from_coarsest(scores: Scores, lengths: Tensor) -> tuple[list[Path], Tensor]:
    """As `outline`: the coarsest path is the best there is, finer ones are the best through its vertices."""
    scores = replace(scores, inserted=None)
    required = torch.zeros_like(scores.node, dtype=torch.bool)
    paths, values = [], []
    for level in range(lengths.shape[1]):
        bound = replace(scores, node=scores.node.double() + _BOUND * required)
        bound = bound.map(torch.Tensor.double)  # float32 would lose the score beside the bound
        path, value = Paths(bound, int(lengths[:, level].max())).best(lengths[:, level])
        paths.append(path)
        values.append((value - _BOUND * required.sum(1)).float())
        required = visited(path, scores)
    return paths, torch.stack(values, 1)


def visited(path: Path, scores: Scores) -> Tensor:
    """``[batch, vertices]`` which vertices paths ``[batch, units]`` visit."""
    found = torch.zeros_like(scores.node, dtype=torch.bool)
    rows = torch.arange(len(found), device=found.device)[:, None].expand_as(path.vertices)
    found[rows[path.mask], path.vertices[path.mask]] = True
    return found
