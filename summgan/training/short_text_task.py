"""`ShortTextTask`: trains paths through short texts, such as names to be abbreviated.

The generator chooses the length of a summary. Throughout, it learns the likelihood of human sentences as
summaries of texts that an n-gram model of the documents writes around them (`surroundings.py`). The first
stage has only this loss and those of the critics. In the second stage, discriminator and reconstructor judge
whole summaries of real documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch

from summgan.data.order import IndexOrder
from summgan.data.path_batches import PathBatch
from summgan.data.surroundings import Surroundings
from summgan.networks.lattice import lattice_of
from summgan.networks.paths import Paths
from summgan.options.configuration import Options
from summgan.randomness import RandomStream, derive_seed
from summgan.text.word_table import TextRows
from summgan.training.losses import means, weigh
from summgan.training.path_game import Rules
from summgan.training.path_losses import hidden_surprise
from summgan.training.path_task import PathTask
from summgan.training.task import ForwardPass, Objective

ESTIMATED_BY = {"log-variance": "whole", "reinforce": "reinforce", "straight-through": "relaxed"}
"""Name of the loss of each estimator."""


class ShortTextTask(PathTask):
    """Trains paths through short texts.

    Args:
        *inputs: Arguments of `PathTask`.
        **named: Arguments of `PathTask`.

    Attributes:
        texts: Number of texts written around each sentence, and number of these in one step.
    """

    least_document: ClassVar[int] = 3
    least_sentence: ClassVar[int] = 1
    texts: ClassVar[tuple[int, int]] = (12, 6)

    def __init__(self, *inputs: Any, **named: Any):
        super().__init__(*inputs, **named)
        documents, sentences = (_lists(rows) for rows in (self.corpora.documents, self.corpora.sentences))
        longest = self.options.data.max_document_length
        triples, pairs = (Surroundings(documents, order, longest) for order in (3, 2))
        rng = np.random.default_rng(derive_seed(self.training.seed, "surroundings"))
        count = self.texts[0]
        around = (
            (words, triples.around(words, count, rng) or pairs.around(words, count, rng))
            for words in sentences
        )
        self.hidden = [(words, texts) for words, texts in around if texts]
        self.hidden_order = IndexOrder(len(self.hidden), derive_seed(self.training.seed, "hidden"))
        self.passes["hidden"] = ForwardPass(self.hidden_objective, self.model.generator)

    @classmethod
    def rules(cls, options: Options, shares: np.ndarray) -> Rules:
        """Make the rules: critics judge whole summaries and see no human sentences with struck-out spans.

        ``training.estimator`` chooses the loss that follows the critics: ``log-variance``, ``reinforce``, or
        ``straight-through`` for Gumbel noise with the gradients of critics.
        """
        rules = super().rules(options, shares)
        chosen = ESTIMATED_BY[options.estimator]
        hidden = options.training.critics.hidden_sentences
        none = dict.fromkeys(("edges", "paths", "words"), 0.0)
        weights = dict(rules.weights) | none | {"hidden": hidden, chosen: 0.3}
        return replace(rules, temperature=1.0, spoiled=0.0, leaps=False, free_length=True, weights=weights)

    def losses(self, batch: PathBatch, step: int) -> Iterator[Objective]:
        """Yield the objective of hidden sentences, then those of `PathTask`."""
        if self.training.critics.hidden_sentences:
            yield self.passes["hidden"](RandomStream.of(batch.rows, self.training.seed, "hidden", step))
        yield from super().losses(batch, step)

    def hidden_objective(self, stream: RandomStream) -> Objective:
        """Objective ``hidden`` of the generator, in nats, from one hidden sentence per row of the batch."""
        told = [self.hidden[self.hidden_order[row]] for row in stream.rows]
        each = self.texts[1]
        chosen = (stream.uniform(each) * self.texts[0]).long().tolist()
        texts = [around[place] for (_, around), places in zip(told, chosen, strict=True) for place in places]
        source = _table(texts).to(stream.device)
        sentences = _table([words for words, _ in told]).to(stream.device).repeat_interleave(each, 0)
        nothing = torch.zeros_like(source)
        lattice = lattice_of(source, nothing, nothing.bool(), nothing.bool(), self.game.forms)
        lengths = (sentences >= 0).sum(1)
        scores = self.model.generator(lattice).at(self.game.rules.temperature)
        paths = Paths(scores, min(self.game.rules.longest, source.shape[1]))
        says = (lattice.words[:, None] == sentences[:, :, None]) & (sentences >= 0)[:, :, None]
        losses = {"hidden": hidden_surprise(paths, self.game.log_shares, says, lengths, each)}
        return Objective(weigh(losses, self.game.rules.weights), means(losses))

    def learning_rates(self, step: int) -> dict[str, float]:
        """A rise over 30 steps and a linear fall to a fifth; the generator learns from the first step."""
        factor = min(1.0, (step + 1) / 30) * (1 - 0.8 * step / self.steps)
        return {name: rate * factor for name, rate in self.rates().items()}

    def _measure(self) -> None:
        """Leave the mean score of each length at 0, since this generator learns to compare lengths."""


def _lists(rows: TextRows) -> list[list[int]]:
    """Return the word table's rows of each text's words."""
    return [words.tolist() for words in np.split(rows.ids, np.cumsum(rows.sizes)[:-1])]


def _table(texts: Sequence[Sequence[int]]) -> torch.Tensor:
    """Pad texts with -1 into a tensor ``[texts, words]``."""
    longest = max(map(len, texts))
    return torch.tensor([[*words, *[-1] * (longest - len(words))] for words in texts])
