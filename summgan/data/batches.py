"""Tokenized documents and human sentences to training batches, as pure functions of the step.

The two piles are shuffled separately, so the document and the sentence of a row are unrelated. The rows of a
step and all noise in them depend only on the seed and the step.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from summgan.data.contexts import ContextIndex
from summgan.data.corpora import Corpora
from summgan.data.neighbours import LEAST_COVERAGE
from summgan.data.noise import bury, damage, pick_content
from summgan.data.order import IndexOrder, Share
from summgan.data.padding import Texts
from summgan.randomness import derive_seed
from summgan.text.boundaries import Unit, join, split_into_units

_FOREIGN_DOCUMENTS = 3
_RATIO_RANGE = (0.6, 1.4)  # factors of the mean ratio of a document's length to a sentence's


@dataclass(frozen=True)
class Batch:
    """The texts of one forward pass, by name, as far as its stage needs them.

    - ``documents``: documents to summarize.
    - ``sentences``: human sentences about other events.
    - ``noised``: inputs of the warm start: documents, or human sentences hidden in contexts of their words.
    - ``targets``: human sentences that the generator learns to write from them. Labels are 0 for pieces that
      the input does not support.
    - ``content``: content words picked from the documents.
    - ``damaged``: human sentences with wrong words. Labels are 0 for pieces of wrong words.

    Attributes:
        rows: ``[batch]`` index of each row in the stream, from which all its noise is derived.
        texts: Texts by name.
    """

    rows: Tensor
    texts: Mapping[str, Texts]

    def __getitem__(self, name: str) -> Texts:
        """Return the texts of a name.

        Raises:
            KeyError: The stage does not need these texts.
        """
        return self.texts[name]

    def to(self, device: torch.device) -> Batch:
        """Copy the batch to a device."""
        texts = {name: texts.to(device) for name, texts in self.texts.items()}
        return Batch(self.rows.to(device, non_blocking=True), texts)


@dataclass(frozen=True)
class Stage:
    """Consecutive steps whose batches have the same texts.

    Attributes:
        steps: Number of steps.
        texts: Names of the texts; see `Batch`.
    """

    steps: int
    texts: frozenset[str]


class SummaryBatches(Dataset):
    """Micro-batches by number; number ``step * accumulation + part`` belongs to optimizer ``step``.

    Args:
        corpora: Documents and human sentences, with their statistics.
        share: The rows of each batch that this process reads.
        seed: Seed of the run.
        stages: Stages in order; the last one has no end.
        neighbour_share: Share of the sentences near some document that are learned from it.

    Attributes:
        hide: Function that hides a sentence in a text, by default `noise.bury`.
    """

    def __init__(
        self,
        corpora: Corpora,
        share: Share,
        seed: int,
        stages: Sequence[Stage],
        neighbour_share: float = 0.0,
    ):
        self.documents, self.sentences = corpora.documents, corpora.sentences
        self.boundaries, self.word_weights = corpora.vocabulary.boundaries, corpora.word_weights.tolist()
        self.contexts = ContextIndex(corpora.documents, self.boundaries)
        self.share, self.seed, self.stages, self.neighbour_share = share, seed, stages, neighbour_share
        self.position_salience = corpora.salience.position.tolist()
        self.hide = bury
        lengths = np.asarray(self.documents.with_format("numpy")["length"][:])
        human = np.asarray(self.sentences.with_format("numpy")["length"][:])
        # Lengths do not count the end piece.
        self.ratio = max(1.0, (lengths.mean() - 1) / max(1.0, human.mean() - 1))
        order_seed = derive_seed(seed, "documents")
        self.document_order = IndexOrder(len(self.documents), order_seed, lengths, share.global_batch)
        self.sentence_order = IndexOrder(len(self.sentences), derive_seed(seed, "sentences"))

    def __getitem__(self, number: int) -> Batch:
        """Make the micro-batch of this process with a number."""
        positions, wanted = self.share.rows(number), self._stage(number // self.share.accumulation).texts
        documents = self.documents[[self.document_order[p] for p in positions]]["input_ids"]
        sentences = [self.sentences[self.sentence_order[p]] for p in positions]
        made = [
            self._row(random.Random(derive_seed(self.seed, "noise", p)), document, sentence)
            for p, document, sentence in zip(positions, documents, sentences, strict=True)
        ]
        noised, targets, supported, content, damaged, human = zip(*made, strict=True)
        columns = {
            "documents": (documents,),
            "sentences": ([sentence["input_ids"] for sentence in sentences],),
            "noised": (noised,),
            "targets": (targets, supported),
            "content": (content,),
            "damaged": (damaged, human),
        }
        texts = {name: Texts.of(*column) for name, column in columns.items() if name in wanted}
        return Batch(torch.tensor(positions), texts)

    def _stage(self, step: int) -> Stage:
        for stage in self.stages[:-1]:
            if step < stage.steps:
                return stage
            step -= stage.steps
        return self.stages[-1]

    def _row(self, rng: random.Random, document: list[int], sentence: dict) -> tuple[list[int], ...]:
        """Make the noised text, its target, the target's labels, content, damaged, and its labels.

        All of them are made in every stage, because each uses random numbers after those before it.
        """
        end, ids = document[-1], sentence["input_ids"]
        sentence_units = split_into_units(ids[:-1], self.boundaries)
        document_units = split_into_units(document[:-1], self.boundaries)
        foreign = [self._document(rng.randrange(len(self.documents))) for _ in range(_FOREIGN_DOCUMENTS)]
        # Long texts have long summaries, so a made-up text and its summary have proportional lengths.
        longer = self.ratio * rng.uniform(*_RATIO_RANGE)
        if self.neighbour_share and self._is_near(sentence, rng):
            noised, supported = self._document(sentence["neighbour"]), sentence["supported"]
        else:
            length = round(len(sentence_units) * longer)
            noised = self.hide(sentence_units, self.contexts, foreign, length, rng, self.position_salience)
            supported = [1] * len(ids)
        count = max(1, round(len(document_units) / longer))
        content = pick_content(document_units, self.word_weights, count, rng)
        damaged, human = damage(sentence_units, foreign[0], rng)
        labels = [int(flag) for unit, flag in zip(damaged, human, strict=True) for _ in unit]
        said, picked, spoiled = ([*join(units), end] for units in (noised, content, damaged))
        return said, ids, supported, picked, spoiled, [*labels, 1]

    def _is_near(self, sentence: dict, rng: random.Random) -> bool:
        """Decide whether a sentence is learned from its nearest document."""
        return sentence["coverage"] >= LEAST_COVERAGE and rng.random() < self.neighbour_share

    def _document(self, row: int) -> list[Unit]:
        """Units of a document."""
        return split_into_units(self.documents[row]["input_ids"][:-1], self.boundaries)
