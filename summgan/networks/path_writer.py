"""Writes with a trained path generator: the best path of every length, and the choice among the lengths.

Scores of paths of different lengths cannot be compared as they stand. They are compared by how much better
the best path is than is usual for its length, plus the log frequency of the length among human sentences.
Critics are not needed for it: blind readers like what they choose no better.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from summgan.networks.path_generator import Lattice, PathGenerator, PathScores, inserted_words, write
from summgan.networks.paths import Path, Paths, Scores

_LENGTHS = 257  # lengths that are told apart, from 0 on
_LEAST_SHARE = 1e-5  # of a length that no human sentence has


@dataclass(frozen=True)
class PathCandidates:
    """The best path of every length through each document of a batch.

    Attributes:
        lengths: ``[batch, lengths]`` words of each.
        scores: ``[batch, lengths]`` score of each path in nats, comparable within a length only.
        path: ``[batch, lengths, units]``.
        inserted: ``[batch, lengths, units]`` index of the word inserted before each vertex, -1 for none.
        words: ``[batch, lengths, units]`` rows of the word table, -1 beyond the last.
        places: ``[batch, lengths, units]`` place of each word in the document, -1 for inserted ones.
    """

    lengths: Tensor
    scores: Tensor
    path: Path
    inserted: Tensor
    words: Tensor
    places: Tensor


@dataclass(frozen=True)
class Written:
    """One summary of each document.

    Attributes:
        lengths: ``[batch]`` words of each.
        words: ``[batch, units]`` rows of the word table, -1 beyond the last.
        places: ``[batch, units]`` place of each word in the document, -1 for inserted ones.
        probabilities: ``[batch, units]`` how likely the generator says each word in a summary of this length:
            the marginal of its vertex, or of its being inserted between these two; 0 beyond the last.
    """

    lengths: Tensor
    words: Tensor
    places: Tensor
    probabilities: Tensor


class PathWriter(nn.Module):
    """Writes the best path of the best length.

    Args:
        generator: Scores lattices.
        temperature: Temperature of the distribution that the generator learned; of `Written.probabilities`.
    """

    log_shares: Tensor
    usual: Tensor

    def __init__(
        self,
        generator: PathGenerator,
        temperature: float = 0.6,
    ):
        super().__init__()
        self.generator, self.temperature = generator, temperature
        self.register_buffer("log_shares", torch.zeros(_LENGTHS), persistent=False)
        self.register_buffer("usual", torch.zeros(_LENGTHS))

    def know(self, length_shares: Tensor) -> None:
        """Take over the share ``[lengths]`` of human sentences with each number of words, from 0 on."""
        shares = torch.full_like(self.log_shares, _LEAST_SHARE)
        shares[: len(length_shares)] += length_shares[:_LENGTHS].float()
        self.log_shares = (shares / shares.max()).log()

    def of(self, generator: PathGenerator) -> PathWriter:
        """A writer with what was measured here, for a generator that knows more words."""
        writer = PathWriter(generator, self.temperature)
        writer.log_shares, writer.usual = self.log_shares, self.usual
        return writer

    @torch.no_grad()
    def forward(self, lattice: Lattice, lengths: Tensor) -> Written:
        """Write a summary of each document.

        Args:
            lattice: The documents.
            lengths: ``[lengths]`` numbers of words to choose from; a single one is exact. A document with
                fewer words is summarized in as many as it has. Where there are several, `measure` must have
                been called.
        """
        scores = self.generator(lattice)
        found = self.candidates(lattice, scores, lengths)
        return self._chosen(scores, found, self.by_score(found).argmax(1))

    def candidates(self, lattice: Lattice, scores: PathScores, lengths: Tensor) -> PathCandidates:
        """The best path of every length, by one pass of messages.

        Args:
            lattice: The documents.
            scores: Their scores from the generator.
            lengths: ``[lengths]`` numbers of words.
        """
        sizes = (lattice.source >= 0).sum(1)
        each = torch.minimum(lengths, sizes[:, None])
        path, values = Paths(scores.total, int(each.max())).best_of_each(each)
        inserted = inserted_words(scores, path, 1.0, None)
        drawn = write(lattice, self.generator.prior.inserted, path, inserted)
        words, places = (table.unflatten(0, each.shape) for table in (drawn.words, drawn.places))
        return PathCandidates(each, values, path, inserted, words, places)

    def by_score(self, found: PathCandidates) -> Tensor:
        """``[batch, lengths]``: score above what is usual for the length, plus the log frequency."""
        index = found.lengths.clamp_max(len(self.usual) - 1)  # what is longer counts as the longest
        return found.scores - self.usual[index] + self.log_shares[index]

    @torch.no_grad()
    def measure(self, lattices: list[Lattice], lengths: Tensor) -> None:
        """Set the usual score of the best path of each length to its mean over documents.

        Beyond the longest length it grows as between the last two.

        Args:
            lattices: Batches of documents, each with as many words as the longest length.
            lengths: ``[lengths]`` numbers of words from 1 on, two or more.
        """
        scores = [self.candidates(batch, self.generator(batch), lengths).scores for batch in lattices]
        means = torch.cat(scores).mean(0)
        beyond = torch.arange(1, len(self.usual) - len(means), device=means.device)
        more = means[-1] + beyond * (means[-1] - means[-2])
        self.usual[1:] = torch.cat([means, more])

    def _chosen(self, scores: PathScores, found: PathCandidates, index: Tensor) -> Written:
        """The candidate of each document at ``index`` ``[batch]``, with probabilities."""
        rows = torch.arange(len(index), device=index.device)
        lengths, words, places = (t[rows, index] for t in (found.lengths, found.words, found.places))
        path = Path(found.path.vertices[rows, index], found.path.inserted[rows, index])
        inserted = found.inserted[rows, index]
        shares = Paths(scores.at(self.temperature), int(lengths.max())).marginals(lengths)
        said, between = _step_probabilities(scores, shares, path, inserted, self.temperature)
        more = inserted >= 0
        position = (path.mask.long() + more.long()).cumsum(1) - 1
        table = said.new_zeros(len(index), words.shape[1] + 1)
        beyond = words.shape[1]
        table.scatter_(1, torch.where(path.mask, position, beyond), said)
        table.scatter_(1, torch.where(more, position - 1, beyond), between)
        return Written(lengths, words, places, table[:, :beyond].masked_fill(words < 0, 0.0))


def _step_probabilities(
    scores: PathScores, shares: Scores, path: Path, inserted: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """``[batch, units]`` marginals of the vertices of paths, and of what is inserted before each."""
    vertices = path.vertices.clamp_min(0)
    said = shares.node.gather(1, vertices)
    between = torch.zeros_like(said)
    if scores.inserted is not None and shares.inserted is not None:
        rows = torch.arange(len(vertices), device=vertices.device)[:, None]
        here = vertices[:, :-1]
        distance = (vertices[:, 1:] - here - 1).clamp_min(0)
        among = torch.softmax(scores.inserted[rows, here, distance] / temperature, 2)
        chosen = among.gather(2, inserted[:, 1:, None].clamp_min(0)).squeeze(2)
        between[:, 1:] = shares.inserted[rows, here, distance] * chosen
    return said, between
