"""Counts of pieces in a pile, and weights of pieces: rare ones weigh more.

`salience_counts.py` compares the counts of the two piles; the reconstructor's losses and the noise use the
weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor

from summgan.text.counts import inverse_document_frequency

_WEIGHED = 50_000  # documents that are counted for the weights; more change them little
FREQUENT = math.log(10)
"""Inverse document frequency in nats below which a piece has no content; a tenth of all documents have it."""
_RAREST = 6.0  # nats: upper limit of the inverse document frequency in salience
_SMOOTHING = 5.0  # occurrences added to each piece in either pile
_LOWEST = -2.0  # nats: lower limit of the counted salience
_LEAST_WEIGHT = 0.3  # nats, so that the most frequent pieces have to be rebuilt too


@dataclass(frozen=True)
class PieceCounts:
    """Counts of pieces in texts.

    Attributes:
        occurrences: ``[vocabulary]`` number of occurrences of each piece.
        having: ``[vocabulary]`` number of texts that have each piece.
        texts: Number of texts.
    """

    occurrences: np.ndarray
    having: np.ndarray
    texts: int

    @property
    def rarity(self) -> np.ndarray:
        """``[vocabulary]`` inverse document frequency in nats."""
        return inverse_document_frequency(self.having, self.texts)


def count_pieces(texts: Dataset, spellings: np.ndarray) -> PieceCounts:
    """Count the pieces of texts.

    Args:
        texts: Rows with ``input_ids``.
        spellings: ``[vocabulary]`` id under which each piece is counted.
    """
    occurrences, having = np.zeros(len(spellings)), np.zeros(len(spellings))
    for rows in texts.with_format("numpy").iter(1000):
        for ids in rows["input_ids"]:
            np.add.at(occurrences, spellings[ids], 1)
            having[np.unique(spellings[ids])] += 1
    return PieceCounts(occurrences, having, len(texts))


def counted_salience(documents: PieceCounts, human: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute the salience of pieces, or words, from their counts in the two piles.

    Args:
        documents: Counts in the documents.
        human: ``[vocabulary]`` number of occurrences in the human sentences.

    Returns:
        ``[vocabulary]`` salience in nats: half the inverse document frequency, plus the log-ratio of the
        frequencies in sentences and in documents; and the inverse document frequency alone.
    """
    written = documents.occurrences * (human.sum() / max(1.0, documents.occurrences.sum()))
    rarity = np.minimum(documents.rarity, _RAREST)
    odds = np.log((human + _SMOOTHING) / (written + _SMOOTHING))
    return np.maximum(rarity / 2 + odds, _LOWEST), rarity


def word_weights(documents: Dataset, vocabulary_size: int) -> Tensor:
    """Compute the inverse document frequencies of pieces ``[vocabulary]``, with mean 1 over the running text.

    Args:
        documents: Rows with ``input_ids``; the first 50,000 are counted.
        vocabulary_size: Number of pieces.
    """
    sample = documents.select(range(min(len(documents), _WEIGHED)))
    counts = count_pieces(sample, np.arange(vocabulary_size))
    weights = np.maximum(counts.rarity, _LEAST_WEIGHT)
    mean = weights @ counts.occurrences / counts.occurrences.sum()
    return torch.tensor(weights / mean, dtype=torch.float32)


def evenly_spread(rows: Dataset, most: int) -> Dataset:
    """Select up to ``most`` rows, evenly spread over a dataset."""
    return rows.select(np.linspace(0, len(rows) - 1, min(len(rows), most), dtype=int))
