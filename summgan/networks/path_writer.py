"""Writes with a trained path generator: finds the best path of each length, then chooses the length.

Scores of paths of different lengths are not comparable, and none reflects its path as a whole. A reranker,
if one was trained, predicts the log-likelihoods that a language model would give each best path. The sum of
their mean over the words, a fifth of that of the end, a fifth of that of the least likely word (`worth_of`)
and a tenth of the log frequency of the length among human sentences decides. Without a reranker, it is the
score of the best path, less the mean score of best paths of its length, plus the log frequency.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from summgan.networks.lattice import Lattice
from summgan.networks.path_generator import (
    PathGenerator,
    PathScores,
    chances_of,
    inserted_words,
    write,
)
from summgan.networks.paths import FORBIDDEN, Path, Paths
from summgan.networks.reranker import Reranker, worth_of
from summgan.networks.visits import visits

_LENGTHS = 257  # number of different lengths, from 0; longer ones count as the longest
_LEAST_SHARE = 1e-5  # share of a length that no human sentence has
_FREQUENCY = 0.1  # weight of the log frequency of a length, in relation to nats per word
_RERANKED = 16  # largest number of lengths that the reranker compares: the best by score


@dataclass(frozen=True)
class Written:
    """One summary of each document.

    Attributes:
        lengths: ``[batch]`` number of words of each summary.
        words: ``[batch, units]`` rows of the word table, padded with -1.
        places: ``[batch, units]`` place of each word in the document, -1 for inserted words.
        probabilities: ``[batch, units]`` marginal probability of each word in summaries of this length: that
            of its vertex, or of its insertion between its two neighbours; padded with 0.
    """

    lengths: Tensor
    words: Tensor
    places: Tensor
    probabilities: Tensor


class PathWriter(nn.Module):
    """Writes the best path of the best length.

    Args:
        generator: Scores lattices.
        temperature: Temperature of the distribution that the generator learned, and of
            `Written.probabilities`.
        reranker: Network that chooses the length; None if none was trained.
    """

    log_shares: Tensor
    usual: Tensor

    def __init__(
        self,
        generator: PathGenerator,
        temperature: float = 0.6,
        reranker: Reranker | None = None,
    ):
        super().__init__()
        self.generator, self.temperature, self.reranker = generator, temperature, reranker
        self.register_buffer("log_shares", torch.zeros(_LENGTHS), persistent=False)
        self.register_buffer("usual", torch.zeros(_LENGTHS))

    def know(self, length_shares: Tensor) -> None:
        """Set the shares ``[lengths]`` of human sentences with 0, 1, 2, ... words."""
        shares = torch.full_like(self.log_shares, _LEAST_SHARE)
        shares[: len(length_shares)] += length_shares[:_LENGTHS].float()
        self.log_shares = (shares / shares.max()).log()

    def of(self, generator: PathGenerator) -> PathWriter:
        """Make a writer with these measurements for a generator with another word table."""
        writer = PathWriter(generator, self.temperature, self.reranker)
        writer.log_shares, writer.usual = self.log_shares, self.usual
        return writer

    @torch.no_grad()
    def forward(self, lattice: Lattice, lengths: Tensor) -> Written:
        """Write a summary of each document.

        Args:
            lattice: The documents.
            lengths: ``[lengths]`` numbers of words to choose from, in ascending order. For a document with
                fewer words, its own number of words replaces greater ones. Call `measure` before choosing
                among several lengths.
        """
        scores = self.generator(lattice)
        each = _at_most(lengths, lattice)
        paths = Paths(scores.total, int(each.max()))
        values = self.by_score(each, paths.best_scores().gather(1, each))
        again = F.pad(each[:, 1:] == each[:, :-1], (1, 0))  # duplicates, in short documents
        kept = 1 if self.reranker is None else min(_RERANKED, len(lengths))
        each = each.gather(1, values.masked_fill(again, FORBIDDEN).topk(kept, 1).indices)
        path, best = paths.best_of_each(each)
        rows, chosen = torch.arange(len(each), device=each.device), torch.zeros_like(each[:, 0])
        if self.reranker is not None and kept > 1:
            chosen = self.by_foresight(lattice, scores, path, each, self.reranker).argmax(1)
        units = each[rows, chosen]
        within = slice(int(units.max()))
        one = Path(path.vertices[rows, chosen, within], path.inserted[rows, chosen, within])
        return self._written(lattice, scores, one, units, best[rows, chosen])

    def by_score(self, lengths: Tensor, scores: Tensor) -> Tensor:
        """Compare lengths by the scores of their best paths.

        Args:
            lengths: ``[batch, lengths]`` numbers of words.
            scores: ``[batch, lengths]`` score of the best path of each length, in nats.

        Returns:
            ``[batch, lengths]``: score, less the mean score for the length, plus its log frequency, in nats.
        """
        index = lengths.clamp_max(len(self.usual) - 1)  # longer ones count as the longest
        return scores - self.usual[index] + self.log_shares[index]

    def by_foresight(
        self, lattice: Lattice, scores: PathScores, path: Path, lengths: Tensor, reranker: Reranker
    ) -> Tensor:
        """Compare lengths by what the reranker predicts for their best paths.

        Args:
            lattice: The documents.
            scores: Scores of the lattice.
            path: Best path ``[batch, lengths, units]`` of each length.
            lengths: ``[batch, lengths]`` numbers of words.
            reranker: Reads the paths.

        Returns:
            ``[batch, lengths]``: predicted worth (`worth_of`) plus a tenth of the log frequency, in nats.
        """
        assert scores.states is not None
        inserted = inserted_words(scores, path, 1.0, None)
        drawn = write(lattice, self.generator.prior.inserted, path, inserted)
        nats = reranker(drawn, lattice, scores.states).unflatten(0, lengths.shape)
        index = lengths.clamp_max(len(self.log_shares) - 1)
        return worth_of(nats, lengths) + _FREQUENCY * self.log_shares[index]

    @torch.no_grad()
    def measure(self, lattices: list[Lattice], lengths: Tensor) -> None:
        """Measure the mean score, over documents, of the best path of each length.

        Beyond the greatest length, the mean is extrapolated linearly from the last two.

        Args:
            lattices: Batches of documents, each with at least as many words as the greatest length.
            lengths: ``[lengths]`` all numbers of words from 1 to the greatest, which is at least 2.
        """
        scores = []
        for batch in lattices:
            each = _at_most(lengths, batch)
            scores.append(Paths(self.generator(batch).total, int(each.max())).best_scores().gather(1, each))
        means = torch.cat(scores).mean(0)
        beyond = torch.arange(1, len(self.usual) - len(means), device=means.device)
        more = means[-1] + beyond * (means[-1] - means[-2])
        self.usual[1:] = torch.cat([means, more])

    def _written(
        self, lattice: Lattice, scores: PathScores, path: Path, lengths: Tensor, best: Tensor
    ) -> Written:
        """Write the words of one path ``[batch, units]`` of each document, with their probabilities."""
        one = Path(path.vertices[:, None], path.inserted[:, None])
        inserted = inserted_words(scores, one, 1.0, None)
        drawn = write(lattice, self.generator.prior.inserted, one, inserted)
        visited, between = visits(scores.at(self.temperature), path, lengths, best / self.temperature)
        if len(self.generator.prior.inserted):
            between = between * chances_of(scores, one, inserted, self.temperature).squeeze(1)
        position, more = drawn.position.squeeze(1), path.inserted
        beyond = drawn.words.shape[1]
        table = visited.new_zeros(len(visited), beyond + 1)
        table.scatter_(1, torch.where(path.mask, position, beyond), visited)
        table.scatter_(1, torch.where(more, position - 1, beyond), between)
        return Written(lengths, drawn.words, drawn.places, table[:, :beyond])


def _at_most(lengths: Tensor, lattice: Lattice) -> Tensor:
    """Limit the lengths ``[lengths]`` to the number of words of each document, as ``[batch, lengths]``."""
    return torch.minimum(lengths, (lattice.source >= 0).sum(1)[:, None])
