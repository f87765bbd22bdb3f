"""Batches for the training of a path generator: texts as rows of a word table.

The texts of a batch depend only on the seed and the number of the batch.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from summgan.data.order import IndexOrder, Share
from summgan.randomness import derive_seed
from summgan.text.word_table import TextRows


@dataclass(frozen=True)
class PathBatch:
    """Documents, and unrelated human sentences.

    Attributes:
        rows: ``[batch]`` positions of the documents in the stream, from which all noise is derived.
        source: ``[batch, words]`` documents as rows of the word table, -1 beyond the last word.
        after: ``[batch, words]`` kind of punctuation after each word; see `summgan.text.words`.
        hold: ``[batch, words]`` whether each word, if kept, requires the next one.
        need: ``[batch, words]`` whether each word, if kept, requires the one before.
        sentences: ``[sentences, words]`` human sentences as rows of the word table, -1 beyond the last word.
    """

    rows: Tensor
    source: Tensor
    after: Tensor
    hold: Tensor
    need: Tensor
    sentences: Tensor

    def to(self, device: torch.device) -> PathBatch:
        """Copy the batch to a device."""
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)}
        return replace(self, **moved)


class PathBatches(TorchDataset):
    """Micro-batches by number.

    Args:
        documents: Texts to summarize, with at least one word each.
        sentences: Human sentences of the lengths that summaries have.
        seed: Seed of the run.
        share: The rows of each batch that this process reads.
        sentences_each: Number of human sentences for each document.
    """

    def __init__(
        self, documents: TextRows, sentences: TextRows, seed: int, share: Share, sentences_each: int = 2
    ):
        self.documents, self.sentences = documents, sentences
        self.share, self.sentences_each = share, sentences_each
        self.document_order = IndexOrder(
            len(documents), derive_seed(seed, "documents"), documents.sizes, share.global_batch
        )
        self.sentence_order = IndexOrder(len(sentences), derive_seed(seed, "sentences"))

    def __getitem__(self, number: int) -> PathBatch:
        """Make the micro-batch of this process with a number."""
        positions, each = self.share.rows(number), self.sentences_each
        source = self.documents.take([self.document_order[place] for place in positions])
        places = range(positions.start * each, positions.stop * each)
        human = self.sentences.take([self.sentence_order[place] for place in places])
        return PathBatch(
            torch.tensor(positions),
            source["ids"],
            source["after"],
            source["hold"],
            source["need"],
            human["ids"],
        )
