"""Texts as rows of a word table, and batches of them for the game of a path generator.

Which rows stand in which batch follows from the seed and the number of the batch alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from summgan.data.lattice import Words, WordTable
from summgan.data.order import IndexOrder, Share
from summgan.randomness import derive_seed


@dataclass(frozen=True)
class TextRows:
    """Many texts as rows of a word table, end to end.

    Attributes:
        sizes: ``[texts]`` words of each.
        ids: ``[all words]`` rows of the word table.
        after: ``[all words]`` punctuation after each, by kind.
        hold: ``[all words]`` whether each, if said, is followed by the next one.
        need: ``[all words]`` whether each, if said, follows the one before.
    """

    sizes: np.ndarray
    ids: np.ndarray
    after: np.ndarray
    hold: np.ndarray
    need: np.ndarray

    def __len__(self) -> int:
        return len(self.sizes)

    def take(self, texts: Sequence[int]) -> dict[str, Tensor]:
        """Some of the texts as tables ``[texts, words]``; ids are -1 beyond the last word, the others 0."""
        chosen = np.asarray(texts)
        sizes = self.sizes[chosen]
        places = np.arange(sizes.max(initial=1))
        there = places < sizes[:, None]
        starts = (np.cumsum(self.sizes) - self.sizes)[chosen]
        index = np.where(there, starts[:, None] + places, 0)
        kinds = {"ids": (self.ids, -1), "after": (self.after, 0)}
        kinds |= {"hold": (self.hold, False), "need": (self.need, False)}
        return {
            name: torch.as_tensor(np.where(there, column[index], filling))
            for name, (column, filling) in kinds.items()
        }


def rows_of(table: WordTable, texts: Sequence[Words], longest: int) -> TextRows:
    """Look the words of texts up.

    Args:
        table: Knows all words of the texts.
        texts: Split by `words_of`.
        longest: Words of a text that are read; what follows is left out.
    """
    rows = {string: row for row, string in enumerate(table.strings)}
    ids: list[int] = []
    after: list[int] = []
    sizes, holds, needs = [], [np.zeros(0, dtype=bool)], [np.zeros(0, dtype=bool)]
    for text in texts:
        words = Words(
            text.strings[:longest], text.after[:longest], text.holds[:longest], text.begins[:longest]
        )
        own = [rows[string.lower()] for string in words.strings]
        hold, need = table.holds(words, own)
        hold[-1:] = False  # what would follow is not there
        ids += own
        after += words.after
        sizes.append(len(own))
        holds.append(hold)
        needs.append(need)
    return TextRows(
        np.array(sizes, dtype=np.int64),
        np.array(ids, dtype=np.int64),
        np.array(after, dtype=np.int64),
        np.concatenate(holds),
        np.concatenate(needs),
    )


@dataclass(frozen=True)
class PathBatch:
    """Documents and human sentences that have nothing to do with them.

    Attributes:
        rows: ``[batch]`` places of the documents in the stream, the key of all noise.
        source: ``[batch, words]`` rows of the word table, -1 beyond the last.
        after: ``[batch, words]`` punctuation after each, by kind.
        hold: ``[batch, words]`` whether each, if said, is followed by the next one.
        need: ``[batch, words]`` whether each, if said, follows the one before.
        sentences: ``[sentences, words]`` human sentences as rows of the word table, -1 beyond the last.
    """

    rows: Tensor
    source: Tensor
    after: Tensor
    hold: Tensor
    need: Tensor
    sentences: Tensor

    def to(self, device: torch.device) -> PathBatch:
        """The same batch on another device."""
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)}
        return replace(self, **moved)


class PathBatches(TorchDataset):
    """Micro-batches by number.

    Args:
        documents: Texts to summarize, one word or more each.
        sentences: Human sentences as long as summaries shall be.
        seed: Seed of the run.
        share: The part that this process reads.
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
        """The micro-batch of this process with that number."""
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


def of_length(rows: TextRows, shortest: int, longest: int) -> TextRows:
    """The texts with ``shortest`` to ``longest`` words."""
    fits = (rows.sizes >= shortest) & (rows.sizes <= longest)
    each = np.repeat(fits, rows.sizes)
    return TextRows(rows.sizes[fits], rows.ids[each], rows.after[each], rows.hold[each], rows.need[each])
