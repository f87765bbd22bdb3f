"""Documents as lattices: vertices that say words, and edges from each to later ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from summgan.networks.paths import FORBIDDEN, Path
from summgan.text.words import CLAUSE, SENTENCE

LEAPS = 4
"""Kinds of what an edge leaps over: nothing, words, the end of a clause, the end of a sentence."""
OVER_SENTENCE = 3


@dataclass(frozen=True)
class Lattice:
    """A batch of documents as vertices: every word, followed by its other forms.

    Attributes:
        source: ``[batch, words]`` rows of the words in the word table, -1 beyond the last.
        after: ``[batch, words]`` punctuation after each, by kind.
        hold: ``[batch, words]`` whether each, if said, is followed by the next one.
        need: ``[batch, words]`` whether each, if said, follows the one before.
        words: ``[batch, vertices]`` rows of what each vertex says, -1 beyond the last.
        places: ``[batch, vertices]`` place of each in the document, not falling.
    """

    source: Tensor
    after: Tensor
    hold: Tensor
    need: Tensor
    words: Tensor
    places: Tensor

    @property
    def changed(self) -> Tensor:
        """``[batch, vertices]`` whether the vertex says another form than the document."""
        return (self.words != self.source.gather(1, self.places)) & (self.words >= 0)


def lattice_of(source: Tensor, after: Tensor, hold: Tensor, need: Tensor, forms: Tensor) -> Lattice:
    """Documents as lattices.

    Args:
        source: ``[batch, words]`` as of `Lattice`, as are the next three.
        after: ``[batch, words]``.
        hold: ``[batch, words]``.
        need: ``[batch, words]``.
        forms: ``[table, forms]`` rows of other forms of every word of the table, -1 beyond the last.
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
    """All edges of a batch of lattices, one after the other.

    Attributes:
        there: ``[batch, vertices, band]`` whether there is an edge, at ``[:, i, d]`` from ``i`` to
            ``i + 1 + d``.
        here: ``[edges]`` place of the vertex that each comes from, among all vertices of the batch.
        to: ``[edges]`` place of the vertex that each goes to.
    """

    there: Tensor
    here: Tensor
    to: Tensor

    def table(self, values: Tensor) -> Tensor:
        """Values ``[edges]`` as the table that `Scores` wants, `FORBIDDEN` where there is no edge."""
        return values.new_full(self.there.shape, FORBIDDEN).masked_scatter(self.there, values)

    def between(self, path: Path) -> Tensor:
        """``[batch, samples, units - 1]`` number of each edge of paths, anything beyond the last."""
        here, to = path.vertices.clamp_min(0)[..., :-1], path.vertices.clamp_min(0)[..., 1:]
        numbers = self.there.flatten().cumsum(0).view_as(self.there) - 1
        rows = torch.arange(len(here), device=here.device)[:, None, None]
        return numbers[rows, here, (to - here - 1).clamp_min(0)].clamp_min(0)


def edges_of(lattice: Lattice, band: int) -> Edges:
    """All leaps from a word to a later one, at most ``band`` vertices far."""
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
    """``[edges]`` kind of what each leaps over."""

    def between(counts: Tensor) -> Tensor:
        return counts.flatten()[edges.to] - counts.flatten()[edges.here]

    before = [F.pad((lattice.after == kind).long().cumsum(1), (1, 0))[:, :-1] for kind in (CLAUSE, SENTENCE)]
    clause, sentence = (between(table.gather(1, lattice.places)) > 0 for table in before)
    words = (between(lattice.places) > 1).long()
    return torch.where(sentence, OVER_SENTENCE, torch.where(clause, 2, words))
