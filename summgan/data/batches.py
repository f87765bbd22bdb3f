"""Tokenized documents and human sentences to training batches, as pure functions of the step.

Both piles are shuffled on their own, so rows that stand side by side have nothing to do with each
other. Which rows stand in which step, and all noise in them, follows from the seed and the step alone:
a resumed run, or one on more processes, sees the very same batches.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset as TorchDataset

from summgan.data.contexts import ContextIndex
from summgan.data.neighbours import LEAST_COVERAGE
from summgan.data.noise import bury, damage, pick_content
from summgan.networks.generator import Teacher
from summgan.networks.salience import Salience
from summgan.randomness import derive_seed
from summgan.text.boundaries import UnitBoundaries, join, split_into_units

_FOREIGN_DOCUMENTS = 3
_RATIO_RANGE = (0.6, 1.4)  # around the mean ratio of a document's length to a sentence's
_BUCKET = 32  # batches that are sorted by length together


@dataclass(frozen=True)
class Batch:
    """One forward pass; every text ends with the end piece, masks are 1 where it is real.

    Attributes:
        rows: ``[batch]`` places in the global batch, the key of all noise.
        documents: ``[batch, document]``, with ``documents_mask``.
        sentences: ``[batch, sentence]`` human sentences of other events, with ``sentences_mask``.
        noised: ``[batch, noised]`` texts that the generator learns to summarize, with mask: documents, or
            human sentences buried in contexts of their words.
        targets: ``[batch, target]`` what it shall write of them, with mask: human sentences, or what is left
            of the documents when words are struck.
        supported: ``[batch, target]``, 0 for the pieces of a target that its noised text does not say
            and the padding, else 1.
        content: ``[batch, content]`` picked words of the documents, with mask.
        damaged: ``[batch, damaged]`` spoiled human sentences, with mask.
        damaged_human: ``[batch, damaged]``, 1 where a damaged word still is as it should be.
    """

    rows: Tensor
    documents: Tensor
    documents_mask: Tensor
    sentences: Tensor
    sentences_mask: Tensor
    noised: Tensor
    noised_mask: Tensor
    targets: Tensor
    targets_mask: Tensor
    supported: Tensor
    content: Tensor
    content_mask: Tensor
    damaged: Tensor
    damaged_mask: Tensor
    damaged_human: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)}
        return replace(self, **moved)


@dataclass(frozen=True)
class Share:
    """The part of every global batch that one process reads.

    Attributes:
        batch_size: Rows of a micro-batch.
        rank: Number of the process.
        processes: Number of processes.
        accumulation: Micro-batches of an optimizer step.
    """

    batch_size: int
    rank: int = 0
    processes: int = 1
    accumulation: int = 1

    @property
    def global_batch(self) -> int:
        """Rows of an optimizer step, on all processes together."""
        return self.batch_size * self.processes * self.accumulation

    def rows(self, number: int) -> range:
        """Places of the rows of a micro-batch in the stream that all processes share."""
        first = (number * self.processes + self.rank) * self.batch_size
        return range(first, first + self.batch_size)


class IndexOrder:
    """Which row of a pile stands at a position of an endless stream, epoch after epoch.

    Args:
        size: Rows of the pile.
        seed: Seed of its shuffles.
        lengths: ``[size]``; when given, batches are made of rows of similar length.
        batch_size: Of the global batch.
    """

    def __init__(self, size: int, seed: int, lengths: np.ndarray | None = None, batch_size: int = 1):
        self.size, self.seed, self.lengths, self.batch_size = size, seed, lengths, batch_size
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def __getitem__(self, position: int) -> int:
        """The row at ``position``."""
        epoch, place = divmod(position, self.size)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._shuffled(epoch)
        return int(self._order[place])

    def _shuffled(self, epoch: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(self.size)
        if self.lengths is None:
            return order
        bucket = self.batch_size * _BUCKET
        batches = []
        for start in range(0, self.size, bucket):
            rows = order[start : start + bucket]
            rows = rows[np.argsort(self.lengths[rows], kind="stable")]
            batches += [rows[i : i + self.batch_size] for i in range(0, len(rows), self.batch_size)]
        # A short last batch stays last, so that the others begin at multiples of the batch size.
        tail = [batches.pop()] if len(batches[-1]) < self.batch_size else []
        return np.concatenate([*(batches[i] for i in rng.permutation(len(batches))), *tail])


class BatchStream(TorchDataset):
    """Micro-batches by number; number ``step * accumulation + part`` belongs to optimizer ``step``.

    Args:
        documents: Rows with ``input_ids``, the end piece included.
        sentences: The same of human sentences; with ``neighbour``, ``coverage`` and ``supported`` if they
            may be learned from the documents near to them (see `neighbours.py`).
        boundaries: Where units begin.
        word_weights: ``[vocabulary]`` IDF of every piece.
        seed: Seed of the run.
        share: The part that this process reads.
        neighbour_share: How often a sentence near some document is learned from it.
        salience: Where in documents stands what sentences say; everywhere by default.
        teacher: Makes sentences of documents, if these shall be learned in place of human sentences that are
            near no document.

    Attributes:
        hide: Hides a sentence in a text, as `noise.bury` does.
    """

    def __init__(
        self,
        documents: Dataset,
        sentences: Dataset,
        boundaries: UnitBoundaries,
        word_weights: Tensor,
        seed: int,
        share: Share,
        neighbour_share: float = 0.0,
        salience: Salience | None = None,
        teacher: Teacher | None = None,
    ):
        self.documents, self.sentences = documents, sentences
        self.boundaries, self.word_weights = boundaries, word_weights.tolist()
        self.contexts = ContextIndex(documents, boundaries)
        self.seed, self.share, self.neighbour_share = seed, share, neighbour_share
        self.salience, self.teacher, self.hide = salience, teacher, bury
        self.position_salience = salience.position.tolist() if salience else (0.0,)
        lengths = np.asarray(documents.with_format("numpy")["length"][:])
        human = np.asarray(sentences.with_format("numpy")["length"][:])
        # Without the end piece, which every text has.
        self.ratio = max(1.0, (lengths.mean() - 1) / max(1.0, human.mean() - 1))
        order_seed = derive_seed(seed, "documents")
        self.document_order = IndexOrder(len(documents), order_seed, lengths, share.global_batch)
        self.sentence_order = IndexOrder(len(sentences), derive_seed(seed, "sentences"))

    def __getitem__(self, number: int) -> Batch:
        """The micro-batch of this process with that number."""
        positions = self.share.rows(number)
        documents = self.documents[[self.document_order[p] for p in positions]]["input_ids"]
        chosen = [self.sentences[self.sentence_order[p]] for p in positions]
        sentences = [sentence["input_ids"] for sentence in chosen]
        columns = [
            self._row(random.Random(derive_seed(self.seed, "noise", p)), d, s)
            for p, d, s in zip(positions, documents, chosen, strict=True)
        ]
        noised, targets, supported, content, damaged, human = zip(*columns, strict=True)
        tensors = {"rows": torch.tensor(positions)}
        texts = {
            "documents": documents,
            "sentences": sentences,
            "noised": noised,
            "targets": targets,
            "content": content,
            "damaged": damaged,
        }
        for name, ids in texts.items():
            tensors[name], tensors[f"{name}_mask"] = pad(ids)
        return Batch(supported=pad(supported)[0], damaged_human=pad(human)[0], **tensors)

    def _row(self, rng: random.Random, document: list[int], sentence: dict):
        """Noised, its target, what it supports, content, damaged, and its labels."""
        end, ids = document[-1], sentence["input_ids"]
        sentence_units = split_into_units(ids[:-1], self.boundaries)
        document_units = split_into_units(document[:-1], self.boundaries)
        foreign = [self._foreign(rng) for _ in range(_FOREIGN_DOCUMENTS)]
        # Long texts have long summaries, give or take: their lengths go together in all that is made up.
        longer = self.ratio * rng.uniform(*_RATIO_RANGE)
        if self.neighbour_share and self._is_near(sentence, rng):
            noised, supported = self._document(sentence["neighbour"]), sentence["supported"]
        elif self.teacher:
            # As long as some human sentence, and always shorter than the document.
            length = max(1, min(len(sentence_units), len(document_units) // 2))
            worth = self.salience(torch.tensor([document]))
            noised, ids = document_units, [*self.teacher([document], worth, [length])[0], end]
            supported = [1] * len(ids)
        else:
            length = round(len(sentence_units) * longer)
            noised = self.hide(sentence_units, self.contexts, foreign, length, rng, self.position_salience)
            supported = [1] * len(ids)
        count = max(1, round(len(document_units) / longer))
        content = pick_content(document_units, self.word_weights, count, rng)
        damaged, human = damage(sentence_units, foreign[0], rng)
        labels = [flag for unit, flag in zip(damaged, human, strict=True) for _ in unit]
        texts = [join(noised), join(content), join(damaged)]
        noised, content, damaged = ([*text, end] for text in texts)
        return noised, ids, supported, content, damaged, [*map(int, labels), 1]

    def _is_near(self, sentence: dict, rng: random.Random) -> bool:
        """Whether this time a sentence is learned from the document near to it."""
        return sentence["coverage"] >= LEAST_COVERAGE and rng.random() < self.neighbour_share

    def _foreign(self, rng: random.Random) -> list[list[int]]:
        return self._document(rng.randrange(len(self.documents)))

    def _document(self, row: int) -> list[list[int]]:
        """The units of a document."""
        return split_into_units(self.documents[row]["input_ids"][:-1], self.boundaries)


def pad(rows) -> tuple[Tensor, Tensor]:
    """Lists of ids to ``[batch, longest]`` (filled with 0) and its mask."""
    tensors = [torch.tensor(row, dtype=torch.long) for row in rows]
    mask = pad_sequence([torch.ones_like(row) for row in tensors], batch_first=True)
    return pad_sequence(tensors, batch_first=True), mask
