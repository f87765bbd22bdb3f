"""Documents as lattices: each vertex has a word, and edges lead from a vertex to later ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from summgan.networks.paths import FORBIDDEN, Path
from summgan.text.words import CLAUSE, SENTENCE

LEAPS = 4
"""Number of kinds of edges, by what they leap over: nothing, words, the end of a clause or of a sentence."""
OVER_SENTENCE = 3


@dataclass(frozen=True)
class Lattice:
    """The vertices of a batch of documents: every word, followed by its other forms.

    Attributes:
        source: ``[batch, words]`` each word's row in the word table, padded with -1.
        after: ``[batch, words]`` kind of the punctuation after each word.
        hold: ``[batch, words]`` whether a path through the word must continue with the next word.
        need: ``[batch, words]`` whether a path through the word must come from the word before it.
        words: ``[batch, vertices]`` row of the word of each vertex, padded with -1.
        places: ``[batch, vertices]`` place of each vertex in the document, in ascending order.
    """

    source: Tensor
    after: Tensor
    hold: Tensor
    need: Tensor
    words: Tensor
    places: Tensor

    @property
    def changed(self) -> Tensor:
        """``[batch, vertices]`` whether the vertex has another form of the document's word."""
        return (self.words != self.source.gather(1, self.places)) & (self.words >= 0)


def lattice_of(source: Tensor, after: Tensor, hold: Tensor, need: Tensor, forms: Tensor) -> Lattice:
    """Build the lattices of documents.

    Args:
        source: ``[batch, words]``; see `Lattice` for this and the next three.
        after: ``[batch, words]``.
        hold: ``[batch, words]``.
        need: ``[batch, words]``.
        forms: ``[table, forms]`` rows of the other forms of each word in the table, padded with -1.
    """
    batch, length = source.shape
    others = forms[source.clamp_min(0)].masked_fill((source < 0)[..., None], -1)
    words = torch.cat([source[..., None], others], 2).flatten(1)
    places = torch.arange(length, device=source.device).repeat_interleave(1 + forms.shape[1])
    order = (words < 0).long().argsort(dim=1, stable=True)[:, : int((words >= 0).sum(1).max())]
    places = places.expand(batch, -1).gather(1, order)
    return Lattice(source, after, hold, need, words.gather(1, order), places)


@dataclass(frozen=True)
class Edges:
    """All edges of a batch of lattices, in one list.

    Attributes:
        there: ``[batch, vertices, band]``; ``[:, i, d]`` tells whether there is an edge from vertex ``i`` to
            vertex ``i + 1 + d``.
        here: ``[edges]`` index of the vertex where each edge begins, among all vertices of the batch.
        to: ``[edges]`` index of the vertex where each edge ends.
    """

    there: Tensor
    here: Tensor
    to: Tensor

    def table(self, values: Tensor) -> Tensor:
        """Arrange values ``[edges]`` like ``there``, with `FORBIDDEN` where there is no edge."""
        return values.new_full(self.there.shape, FORBIDDEN).masked_scatter(self.there, values)

    def between(self, path: Path) -> Tensor:
        """Indices ``[batch, samples, units - 1]`` of the edges on paths; arbitrary beyond a path's end."""
        here, to = path.vertices.clamp_min(0)[..., :-1], path.vertices.clamp_min(0)[..., 1:]
        numbers = self.there.flatten().cumsum(0).view_as(self.there) - 1
        rows = torch.arange(len(here), device=here.device)[:, None, None]
        return numbers[rows, here, (to - here - 1).clamp_min(0)].clamp_min(0)


def edges_of(lattice: Lattice, band: int) -> Edges:
    """List the edges from each word to every later one at most ``band`` vertices ahead."""
    batch, vertices = lattice.words.shape
    steps = torch.arange(1, min(band, max(1, vertices - 1)) + 1, device=lattice.words.device)
    to = torch.arange(vertices, device=steps.device)[:, None] + steps
    beyond, to = to >= vertices, to.clamp_max(vertices - 1)
    later = lattice.places[:, to] > lattice.places[:, :, None]
    there = later & (lattice.words >= 0)[:, to] & ~beyond
    row, here, step = there.nonzero(as_tuple=True)
    here = row * vertices + here
    return Edges(there, here, here + 1 + step)


def leaps_over(lattice: Lattice, edges: Edges) -> Tensor:
    """``[edges]`` kind of each edge, by what it leaps over; see `LEAPS`."""

    def between(counts: Tensor) -> Tensor:
        return counts.flatten()[edges.to] - counts.flatten()[edges.here]

    before = [F.pad((lattice.after == kind).long().cumsum(1), (1, 0))[:, :-1] for kind in (CLAUSE, SENTENCE)]
    clause, sentence = (between(table.gather(1, lattice.places)) > 0 for table in before)
    words = (between(lattice.places) > 1).long()
    return torch.where(sentence, OVER_SENTENCE, torch.where(clause, 2, words))
