"""The distribution over paths of exactly k units through a lattice of words, computed exactly.

The vertices of a lattice are ordered, and an edge goes to a vertex at most ``band`` further on. The score of
a path is the sum of the scores of its beginning, vertices, edges and end; `p(path | k units) ∝ exp(score)`.
One pass of messages from the end (`Paths`) gives the log-partition function for every k. They also give
samples, drawn from the beginning (each choice is a Gumbel-max, which Gumbel-CRF relaxes straight-through;
Fu et al. 2020), and best paths (Viterbi 1967; `k_best.py` for more than one). Marginals are gradients of the
log-partition function. Time and memory grow with k times vertices times band.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

FORBIDDEN = -1e6
"""Score of what no path may contain. It is finite, to keep gradients finite; see `possible`."""


@dataclass(frozen=True)
class Scores:
    """Scores of a batch of lattices, in nats; `FORBIDDEN` where there is no vertex or edge.

    Attributes:
        begin: ``[batch, vertices]`` score of beginning with each vertex.
        node: ``[batch, vertices]`` score of each vertex.
        edge: ``[batch, vertices, band]``; ``[:, i, d]`` is the score of the edge from vertex ``i`` to vertex
            ``i + 1 + d``.
        end: ``[batch, vertices]`` score of ending after each vertex.
        inserted: ``[batch, vertices, band]`` score of each edge with an inserted word, which costs one more
            unit; None if no words can be inserted.
        costs: ``[batch, vertices]`` units of each vertex, at least 1; None if each vertex costs 1.
    """

    begin: Tensor
    node: Tensor
    edge: Tensor
    end: Tensor
    inserted: Tensor | None = None
    costs: Tensor | None = None

    def map(self, change: Callable[[Tensor], Tensor]) -> Scores:
        """Apply a function to each table of scores, not to the costs."""
        inserted = None if self.inserted is None else change(self.inserted)
        tables = (change(self.begin), change(self.node), change(self.edge), change(self.end))
        return Scores(*tables, inserted, self.costs)

    def repeat(self, times: int) -> Scores:
        """Repeat each lattice in consecutive rows of the batch."""
        costs = self.costs if self.costs is None else self.costs.repeat_interleave(times, 0)
        changed = self.map(lambda table: table.repeat_interleave(times, 0))
        return Scores(changed.begin, changed.node, changed.edge, changed.end, changed.inserted, costs)


def banded(full: Tensor, band: int) -> Tensor:
    """Convert a square table of edges to the shape that `Scores` requires.

    Args:
        full: ``[batch, vertices, vertices]`` score of the edge from row to column.
        band: Largest number of vertices that an edge goes ahead.

    Returns:
        ``[batch, vertices, band]``, `FORBIDDEN` beyond the last vertex.
    """
    vertices = full.shape[1]
    onward = torch.arange(vertices, device=full.device)[:, None] + 1 + torch.arange(band, device=full.device)
    rows = full.gather(2, onward.clamp_max(vertices - 1).expand(full.shape[0], -1, -1))
    return rows.masked_fill(onward >= vertices, FORBIDDEN)


def possible(log_partition: Tensor) -> Tensor:
    """Tell, from log-partitions or best scores, whether there is any such path."""
    return log_partition > FORBIDDEN / 2


@dataclass(frozen=True)
class Path:
    """Paths, padded to the same number of steps.

    Attributes:
        vertices: ``[..., steps]`` vertices in order, padded with -1.
        inserted: ``[..., steps]`` whether a word is inserted before each vertex.
    """

    vertices: Tensor
    inserted: Tensor

    @property
    def mask(self) -> Tensor:
        """``[..., steps]`` whether there is a vertex at each step."""
        return self.vertices >= 0

    @property
    def last(self) -> Tensor:
        """``[...]`` last vertex of each path, 0 for paths without vertices."""
        return self.vertices.amax(-1).clamp_min(0)


class Paths:
    """The distribution over paths of 1 to ``longest`` units.

    Args:
        scores: Scores of a batch of lattices.
        longest: Number of units of the longest paths.
    """

    def __init__(self, scores: Scores, longest: int):
        self.scores, self.longest = scores, longest

    @cached_property
    def entered(self) -> Tensor:
        """``[longest + 1, batch, vertices]`` log-sum-exp of the scores of all ways to the end, by units."""
        return _messages(self.scores, self.longest, lambda table, dim: torch.logsumexp(table, dim))

    @cached_property
    def greatest(self) -> Tensor:
        """``[longest + 1, batch, vertices]`` score of the best way to the end, by units."""
        return _messages(self.scores, self.longest, lambda table, dim: table.amax(dim))

    @property
    def log_partition(self) -> Tensor:
        """``[batch, longest + 1]`` log-partition function of the paths of each length; see `possible`."""
        whole = torch.logsumexp(self.scores.begin + self.entered, 2).T
        return whole.clamp_min(FORBIDDEN * (self.longest + 2))

    def log_partition_of(self, lengths: Tensor) -> Tensor:
        """Return the log-partition ``[batch]`` of the paths of ``lengths`` ``[batch]`` units."""
        return self.log_partition.gather(1, lengths[:, None]).squeeze(1)

    def marginals(self, lengths: Tensor) -> Scores:
        """Compute marginals of the paths of ``lengths`` ``[batch]`` units.

        Returns:
            Tables with the shapes of the scores: the probability that a path contains each beginning,
            vertex, edge and end.
        """
        return _marginals(self.scores, lengths, self.longest)

    def entropy(self, lengths: Tensor) -> Tensor:
        """Compute the entropy ``[batch]``, in nats, of the paths of ``lengths`` units; differentiable."""
        shares = _marginals(self.scores, lengths, self.longest)
        return self.log_partition_of(lengths) - expected_score(shares, self.scores)

    def divergence(self, other: Scores, lengths: Tensor) -> Tensor:
        """Compute the Kullback-Leibler divergence KL(this ‖ other), ``[batch]``, in nats.

        Args:
            other: Scores of the other distribution over paths through the same lattices.
            lengths: ``[batch]`` number of units.
        """
        shares = _marginals(self.scores, lengths, self.longest)
        here, there = self.log_partition_of(lengths), Paths(other, self.longest).log_partition_of(lengths)
        return expected_score(shares, self.scores) - expected_score(shares, other) - here + there

    @property
    def choices(self) -> int:
        """Number of random numbers that a sample needs for each unit."""
        kinds = 1 if self.scores.inserted is None else 2
        return max(self.scores.node.shape[1], kinds * self.scores.edge.shape[2])

    def sample(self, lengths: Tensor, uniforms: Tensor) -> Path:
        """Draw exact samples, which depend only on the scores and the random numbers.

        Args:
            lengths: ``[batch]`` number of units of each lattice's samples, or ``[batch, samples]`` of each
                sample; there must be such paths.
            uniforms: ``[batch, samples, lengths.max(), choices]`` random numbers in [0, 1).

        Returns:
            Paths ``[batch, samples, units]``.
        """
        noise = _gumbel(uniforms.flatten(0, 1))
        with torch.no_grad():
            return _follow(self.scores, self.entered, _each(lengths, uniforms), noise)

    def relaxed_sample(self, lengths: Tensor, uniforms: Tensor, temperature: float) -> tuple[Path, Tensor]:
        """Draw exact samples with gradients (straight-through Gumbel-CRF).

        Args:
            lengths: Number of units, as in `sample`.
            uniforms: Random numbers, as in `sample`.
            temperature: Temperature of the softmax whose gradient replaces that of the choice.

        Returns:
            The samples, and one-hot vertices ``[batch, samples, units, vertices]`` with the gradient of the
            softmax over the possible choices of each step.
        """
        noise = _gumbel(uniforms.flatten(0, 1))
        logits: list[Tensor] = []
        path = _follow(self.scores, self.entered, _each(lengths, uniforms), noise, logits)
        vertices = self.scores.node.shape[1]
        soft = torch.stack([torch.softmax(table / temperature, 1) for table in logits], 1)
        soft = soft.unflatten(0, uniforms.shape[:2])
        hard = F.one_hot(path.vertices.clamp_min(0), vertices) * path.mask[..., None]
        return path, hard + (soft - soft.detach()) * path.mask[..., None]

    def best(self, lengths: Tensor) -> tuple[Path, Tensor]:
        """Find the best paths ``[batch, units]`` of ``lengths`` ``[batch]`` units, and scores ``[batch]``."""
        path, values = self.best_of_each(lengths[:, None])
        return Path(path.vertices.squeeze(1), path.inserted.squeeze(1)), values.squeeze(1)

    def best_of_each(self, lengths: Tensor) -> tuple[Path, Tensor]:
        """Find the best paths ``[batch, lengths, units]`` of ``lengths`` ``[batch, lengths]``, and scores."""
        with torch.no_grad():
            path = _follow(self.scores, self.greatest, lengths, None)
            values = self.best_scores().gather(1, lengths)
        return path, values

    def best_scores(self) -> Tensor:
        """Return the score ``[batch, longest + 1]`` of the best path of each length, from 0 units."""
        return (self.scores.begin + self.greatest).amax(2).T

    def log_probability(self, path: Path, lengths: Tensor) -> Tensor:
        """Compute the log-probability ``[batch, samples]`` of paths of ``lengths`` ``[batch]`` units."""
        return score_of(self.scores, path) - self.log_partition_of(lengths)[:, None]


def _gumbel(uniforms: Tensor) -> Tensor:
    return -(-torch.log1p(-uniforms.float())).clamp_min(1e-20).log()


def _each(lengths: Tensor, uniforms: Tensor) -> Tensor:
    """Return the number of units of each sample, as ``[batch, samples]``."""
    return lengths if lengths.ndim == 2 else lengths[:, None].expand(-1, uniforms.shape[1])


def _windows(table: Tensor, band: int) -> Tensor:
    """View ``[batch, vertices, band]`` of the entries 1 to ``band`` vertices ahead."""
    return F.pad(table, (0, band), value=FORBIDDEN)[:, 1:].unfold(1, band, 1)


@torch.enable_grad()  # messages are cached, and may be first read under no_grad
def _messages(scores: Scores, longest: int, total: Callable[[Tensor, int], Tensor]) -> Tensor:
    """Combine the scores of all ways from a vertex, itself included, to the end, by their number of units.

    Args:
        scores: Scores of the lattices.
        longest: Largest number of units.
        total: Reduction over ways, of a table and a dimension: ``logsumexp`` or ``amax``.

    Returns:
        ``[longest + 1, batch, vertices]``.
    """
    band = scores.edge.shape[2]
    nothing = torch.full_like(scores.node, FORBIDDEN)
    entered, left = [nothing], [scores.end]
    kinds = [1] if scores.costs is None else scores.costs.unique().tolist()
    for units in range(1, longest + 1):
        enter = nothing
        for cost in kinds:
            if cost <= units:
                onward = scores.node + left[units - cost]
                enter = onward if scores.costs is None else torch.where(scores.costs == cost, onward, enter)
        entered.append(enter.clamp_min(2 * FORBIDDEN))
        if units < longest:
            ways = scores.edge + _windows(entered[units], band)
            if scores.inserted is not None:
                ways = torch.cat([ways, scores.inserted + _windows(entered[units - 1], band)], 2)
            left.append(total(ways, 2))
    return torch.stack(entered)


def _follow(
    scores: Scores, entered: Tensor, lengths: Tensor, noise: Tensor | None, tables: list[Tensor] | None = None
) -> Path:
    """Choose vertices one after another, each with the greatest score plus message plus noise.

    Args:
        scores: Scores of the lattices.
        entered: Messages from `_messages`.
        lengths: ``[batch, samples]`` number of units.
        noise: ``[batch * samples, units, choices]`` Gumbel noise; None for the best path.
        tables: List for the logits ``[batch * samples, vertices]``, noise included, of each unit's choice.

    Returns:
        Paths ``[batch, samples, units]``.
    """
    vertices, (batch, samples) = scores.node.shape[1], lengths.shape
    band, steps = scores.edge.shape[2], int(lengths.max())
    rows = torch.arange(batch, device=lengths.device).repeat_interleave(samples)
    left = lengths.flatten()
    padded = F.pad(entered, (0, band), value=FORBIDDEN)
    onward = torch.arange(1, band + 1, device=lengths.device)
    logits = scores.begin[rows] + entered[left, rows]
    chosen, between = [], []
    place = left
    for step in range(steps):
        if step:
            places = place[:, None] + onward
            logits = scores.edge[rows, place] + padded[left[:, None], rows[:, None], places]
            if scores.inserted is not None:
                fewer = (left - 1).clamp_min(0)[:, None]
                more = scores.inserted[rows, place] + padded[fewer, rows[:, None], places]
                logits = torch.cat([logits, more], 1)
        if noise is not None:
            logits = logits + noise[:, step, : logits.shape[1]]
        active = left > 0
        best = logits.argmax(1)
        insert = (best >= band) & active if step else torch.zeros_like(active)
        target = place + 1 + best % band if step else best
        if tables is not None:
            tables.append(logits if not step else _at_vertices(logits, places, vertices))
        place = torch.where(active, target.clamp_max(vertices - 1), place.clamp_max(vertices - 1))
        cost = 1 if scores.costs is None else scores.costs[rows, place]
        left = torch.where(active, left - cost - insert.long(), left)
        chosen.append(torch.where(active, place, -1))
        between.append(insert)
    shape = (batch, samples, steps)
    return Path(torch.stack(chosen, 1).view(shape), torch.stack(between, 1).view(shape))


def _at_vertices(logits: Tensor, places: Tensor, vertices: int) -> Tensor:
    """Arrange logits of edges ``[rows, band]``, or of plain and inserted ones, as ``[rows, vertices]``."""
    band = places.shape[1]
    if logits.shape[1] > band:
        logits = torch.logaddexp(logits[:, :band], logits[:, band:])
    table = logits.new_full((len(logits), vertices + band + 1), 2 * FORBIDDEN)
    return table.scatter(1, places, logits)[:, :vertices]


def score_of(scores: Scores, path: Path) -> Tensor:
    """Compute the scores ``[batch, samples]`` of paths ``[batch, samples, units]``; differentiable."""
    nodes, edges, ends = step_scores(scores, path)
    return nodes.sum(2) + edges.sum(2) + ends


def step_scores(scores: Scores, path: Path) -> tuple[Tensor, Tensor, Tensor]:
    """Return the scores of the vertices, edges and end of paths ``[batch, samples, units]``.

    Returns:
        Scores ``[batch, samples, units]`` of the vertices, and of the edge to each (for the first, of the
        beginning), both padded with 0; and scores ``[batch, samples]`` of the ends.
    """
    vertices, mask = path.vertices.clamp_min(0), path.mask
    rows = torch.arange(len(vertices), device=vertices.device)[:, None]
    nodes = scores.node[rows[:, :, None], vertices] * mask
    here, there = vertices[..., :-1], vertices[..., 1:]
    distance = (there - here - 1).clamp_min(0)
    edges = scores.edge[rows[:, :, None], here, distance]
    if scores.inserted is not None:
        more = scores.inserted[rows[:, :, None], here, distance]
        edges = torch.where(path.inserted[..., 1:], more, edges)
    first = scores.begin[rows, vertices[..., 0]][..., None]
    return nodes, torch.cat([first, edges], 2) * mask, scores.end[rows, path.last]


def expected_score(shares: Scores, scores: Scores) -> Tensor:
    """Compute the expected score ``[batch]``, in nats, of paths with the marginals ``shares``."""
    total = (shares.begin * scores.begin + shares.node * scores.node + shares.end * scores.end).sum(1)
    total = total + (shares.edge * scores.edge).sum((1, 2))
    if shares.inserted is not None and scores.inserted is not None:
        total = total + (shares.inserted * scores.inserted).sum((1, 2))
    return total


def _marginals(scores: Scores, lengths: Tensor, longest: int) -> Scores:
    """Compute the gradient of the log-partition function; differentiable where the scores are."""
    tables = ("begin", "node", "edge", "end") + (() if scores.inserted is None else ("inserted",))
    with torch.enable_grad():
        learned = any(getattr(scores, name).requires_grad for name in tables)
        free = scores if learned else scores.map(lambda table: table.detach().requires_grad_())
        if learned:
            free = scores.map(lambda table: table if table.requires_grad else table.detach().requires_grad_())
        whole = Paths(free, longest).log_partition_of(lengths).sum()
        shares = torch.autograd.grad(whole, [getattr(free, name) for name in tables], create_graph=learned)
    return Scores(**dict(zip(tables, shares, strict=True)), costs=scores.costs)


def log_sum_of_alignments(
    scores: Scores, says: Tensor, lengths: Tensor, says_between: Tensor | None = None
) -> Tensor:
    """Compute the log-sum-exp of the scores of all paths whose words are a given sentence.

    Args:
        scores: Scores of lattices whose vertices have one word each.
        says: ``[batch, units, vertices]`` whether the vertex has this word of the sentence.
        lengths: ``[batch]`` number of words of each sentence, at least 1.
        says_between: ``[batch, units, vertices, band]`` scores of the edges with this word of the sentence
            inserted, `FORBIDDEN` where it cannot be; None if no words can be inserted.

    Returns:
        ``[batch]``, not `possible` if no path gives the sentence; less the log-partition, a log-likelihood.
    """
    band, units = scores.edge.shape[2], says.shape[1]
    nothing = torch.full_like(scores.node, FORBIDDEN)
    # suffixes: log-sum-exp of all ways to say the rest from the next word on, and from the one after it.
    suffixes = [nothing, nothing]
    for unit in reversed(range(units)):
        ways = scores.edge + _windows(suffixes[0], band)
        if says_between is not None and unit + 1 < units:
            ways = torch.cat([ways, says_between[:, unit + 1] + _windows(suffixes[1], band)], 2)
        onward = torch.where((lengths == unit + 1)[:, None], scores.end, torch.logsumexp(ways, 2))
        entered = (scores.node + onward).masked_fill(~says[:, unit].bool(), FORBIDDEN)
        suffixes = [entered.clamp_min(2 * FORBIDDEN), suffixes[0]]
    return torch.logsumexp(scores.begin + suffixes[0], 1)
