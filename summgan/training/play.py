"""The summaries of one step as decisions of the generator: their learned scores and the rewards of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from summgan.networks.lattice import Lattice
from summgan.networks.path_generator import Drawn, PathScores
from summgan.networks.paths import Path, Scores, step_scores


@dataclass(frozen=True)
class Play:
    """Sampled summaries of a batch, and the generator's decisions.

    Attributes:
        lattice: The documents.
        scores: Scores of the lattice, with gradients.
        path: Paths ``[batch, samples, units]``.
        inserted: ``[batch, samples, units]`` index of the word inserted before each vertex, -1 for none.
        drawn: The words of the summaries.
        relaxed: ``[batch, samples, units, vertices]`` one-hot vertices with the gradient of a softmax
            (`Paths.relaxed_sample`); None if no estimator needs them.
    """

    lattice: Lattice
    scores: PathScores
    path: Path
    inserted: Tensor
    drawn: Drawn
    relaxed: Tensor | None = None


def relaxed_reward(play: Play, critics: Iterable[tuple[nn.Module, Callable[[Tensor], Tensor]]]) -> Tensor:
    """Approximate the mean reward of summaries linearly around them, as a function of the generator.

    Its gradient is the straight-through one: that of the reward with respect to the words' embeddings, and
    from there, by the relaxed samples, to the scores. The critics' own weights get no gradient.

    Args:
        play: Summaries, with `Play.relaxed`.
        critics: See `PathGame.differentiable`.
    """
    assert play.relaxed is not None
    shape, position = play.path.vertices.shape, play.drawn.position.clamp_min(0)
    total = play.relaxed.new_zeros(())
    for critic, reward in critics:
        with torch.enable_grad():
            embedded = cast(Any, critic).embed(play.lattice.words).detach()
            more = embedded.new_zeros(*play.drawn.words.shape, embedded.shape[2], requires_grad=True)
            (slope,) = torch.autograd.grad(reward(more), more)
        slope = slope.view(*shape[:2], *slope.shape[1:])
        slope = slope.gather(2, position[..., None].expand(-1, -1, -1, slope.shape[3]))
        towards = torch.einsum("bsuw,bvw->bsuv", slope, embedded)
        total = total + (towards * play.relaxed).sum() / (shape[0] * shape[1])
    return total


def learned_steps(play: Play) -> tuple[Tensor, Tensor]:
    """Return the learned scores along the paths; differentiable.

    Returns:
        ``[batch, samples, units]`` of the vertices; and ``[batch, samples, units + 1]`` of the beginning and
        the edges, inserted words included, padded with 0, with the end in the last column.
    """
    path, learned, table = play.path, play.scores.learned, play.scores.edges.table
    nodes, edges, ends = step_scores(
        Scores(learned.begin, learned.node, table(learned.edge), learned.end), path
    )
    if learned.inserted.shape[1]:
        chosen = play.inserted[..., 1:]
        more = learned.inserted[play.scores.edges.between(path), chosen.clamp_min(0)]
        edges = torch.cat([edges[..., :1], torch.where(chosen >= 0, more, edges[..., 1:])], 2)
    return nodes, torch.cat([edges, ends[..., None]], 2)


def edge_rewards(gaps: Tensor, play: Play) -> Tensor:
    """Convert rewards of gaps to rewards of the generator's decisions.

    Args:
        gaps: ``[batch, samples, units + 1]`` reward of the gap before each word and before the end.
        play: The summaries.

    Returns:
        ``[batch, samples, units + 1]`` reward of the beginning and of each edge, with that of the end in the
        last column. An edge with an inserted word has the sum of the gaps on both sides of the word.
    """
    position = play.drawn.position
    own = gaps.gather(2, position.clamp_min(0))
    before = gaps.gather(2, (position - 1).clamp_min(0))
    own = own + torch.where(play.inserted >= 0, before, 0.0)
    total = (play.drawn.words >= 0).sum(1).view(gaps.shape[:2])
    return torch.cat([own, gaps.gather(2, total[..., None])], 2)
