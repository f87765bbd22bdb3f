"""Writes with a trained path generator: the best path of every length, and the choice among the lengths.

Scores of paths of different lengths cannot be compared as they stand, and know nothing of a path as a whole.
A reranker, where one was trained, foresees how likely a language model would find each best path, per word;
the log frequency of its length among human sentences counts a little too. Without a reranker paths are
compared by how much better each is than is usual for its length, plus the log frequency.
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

_LENGTHS = 257  # lengths that are told apart, from 0 on
_LEAST_SHARE = 1e-5  # of a length that no human sentence has
_FREQUENCY = 0.1  # weight of the log frequency of a length beside nats per word
_RERANKED = 16  # lengths that the reranker compares at most: the best by score


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
        reranker: Chooses among lengths, where one was trained.
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
        """Take over the share ``[lengths]`` of human sentences with each number of words, from 0 on."""
        shares = torch.full_like(self.log_shares, _LEAST_SHARE)
        shares[: len(length_shares)] += length_shares[:_LENGTHS].float()
        self.log_shares = (shares / shares.max()).log()

    def of(self, generator: PathGenerator) -> PathWriter:
        """A writer with what was measured here, for a generator that knows other words."""
        writer = PathWriter(generator, self.temperature, self.reranker)
        writer.log_shares, writer.usual = self.log_shares, self.usual
        return writer

    @torch.no_grad()
    def forward(self, lattice: Lattice, lengths: Tensor) -> Written:
        """Write a summary of each document.

        Args:
            lattice: The documents.
            lengths: ``[lengths]`` rising numbers of words; a single one is exact. A document with
                fewer words is summarized in as many as it has. Where there are several, `measure` must have
                been called.
        """
        scores = self.generator(lattice)
        each = _at_most(lengths, lattice)
        paths = Paths(scores.total, int(each.max()))
        values = self.by_score(each, paths.best_scores().gather(1, each))
        if self.reranker is not None and len(lengths) > 1:
            again = F.pad(each[:, 1:] == each[:, :-1], (1, 0))  # of short documents, said whole
            values = values.masked_fill(again, FORBIDDEN)
            each = each.gather(1, values.topk(min(_RERANKED, len(lengths)), 1).indices)
            values = self.by_foresight(lattice, scores, paths, each, self.reranker)
        units = each.gather(1, values.argmax(1, keepdim=True)).squeeze(1)
        path, best = paths.best(units)
        return self._written(lattice, scores, path, units, best)

    def by_score(self, lengths: Tensor, scores: Tensor) -> Tensor:
        """How good the best path of each length is.

        Args:
            lengths: ``[batch, lengths]`` words.
            scores: ``[batch, lengths]`` score of the best path of each length.

        Returns:
            ``[batch, lengths]``: score above what is usual for the length, plus the log frequency.
        """
        index = lengths.clamp_max(len(self.usual) - 1)  # what is longer counts as the longest
        return scores - self.usual[index] + self.log_shares[index]

    def by_foresight(
        self, lattice: Lattice, scores: PathScores, paths: Paths, lengths: Tensor, reranker: Reranker
    ) -> Tensor:
        """How good the best path of each length is as a whole.

        Args:
            lattice: The documents.
            scores: Their scores.
            paths: Their paths.
            lengths: ``[batch, lengths]`` words.
            reranker: Reads the paths.

        Returns:
            ``[batch, lengths]``: foreseen worth, plus a share of the log frequency.
        """
        assert scores.states is not None
        path, _ = paths.best_of_each(lengths)
        inserted = inserted_words(scores, path, 1.0, None)
        drawn = write(lattice, self.generator.prior.inserted, path, inserted)
        nats = reranker(drawn, lattice, scores.states).unflatten(0, lengths.shape)
        index = lengths.clamp_max(len(self.log_shares) - 1)
        return worth_of(nats, lengths) + _FREQUENCY * self.log_shares[index]

    @torch.no_grad()
    def measure(self, lattices: list[Lattice], lengths: Tensor) -> None:
        """Set the usual score of the best path of each length to its mean over documents.

        Beyond the longest length it grows as between the last two.

        Args:
            lattices: Batches of documents, each with as many words as the longest length.
            lengths: ``[lengths]`` numbers of words from 1 on, two or more.
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
        """The words of one path ``[batch, units]`` for each document, with their probabilities."""
        one = Path(path.vertices[:, None], path.inserted[:, None])
        inserted = inserted_words(scores, one, 1.0, None)
        drawn = write(lattice, self.generator.prior.inserted, one, inserted)
        said, between = visits(scores.at(self.temperature), path, lengths, best / self.temperature)
        if len(self.generator.prior.inserted):
            between = between * chances_of(scores, one, inserted, self.temperature).squeeze(1)
        position, more = drawn.position.squeeze(1), path.inserted
        beyond = drawn.words.shape[1]
        table = said.new_zeros(len(said), beyond + 1)
        table.scatter_(1, torch.where(path.mask, position, beyond), said)
        table.scatter_(1, torch.where(more, position - 1, beyond), between)
        return Written(lengths, drawn.words, drawn.places, table[:, :beyond])


def _at_most(lengths: Tensor, lattice: Lattice) -> Tensor:
    """``[batch, lengths]`` the lengths ``[lengths]``, or where a document has fewer words their number."""
    return torch.minimum(lengths, (lattice.source >= 0).sum(1)[:, None])
