"""How much a piece of a document says: learned from the two piles by counting, without any pair.

A piece is salient when it is rare among the documents and when people write it into short sentences more
often than into documents, and where it stands matters: news says first what is news. Used by the content
term (`losses.py`), in writing (`decoding.py`), and for where sentences are hidden (`noise.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor

POSITION_WEIGHT = 2.0
"""Of the log-odds of a position, beside the salience of the piece that stands there."""

_SAMPLE = 50_000
_SMOOTHING = 5.0  # occurrences that every piece is believed to have had in either pile
_RAREST = 6.0  # nats of inverse document frequency; rarer pieces say no more
_LOWEST = -2.0
_BELIEVED = 50  # pieces at a position that make its share believable

POSITION_BIN, POSITION_BINS = 8, 64
"""Pieces of a document that count as one position, and how many positions are told apart."""


def salience_of(documents: Dataset, sentences: Dataset, vocabulary: int) -> Tensor:
    """``[vocabulary]`` salience in nats: half the inverse document frequency plus the log-odds of standing
    in a sentence rather than in a document.

    Args:
        documents: Rows with ``input_ids``.
        sentences: The same of human sentences.
        vocabulary: Number of pieces.
    """
    written, frequency, texts = _count(documents, vocabulary)
    human, _, _ = _count(sentences, vocabulary)
    written *= human.sum() / max(1.0, written.sum())
    rarity = np.minimum(np.log((texts + 1) / (frequency + 1)), _RAREST)
    odds = np.log((human + _SMOOTHING) / (written + _SMOOTHING))
    return torch.tensor(np.maximum(rarity / 2 + odds, _LOWEST), dtype=torch.float32)


def _count(texts: Dataset, vocabulary: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Occurrences of every piece, texts that have it, and how many texts were read."""
    occurrences, having = np.zeros(vocabulary), np.zeros(vocabulary)
    rows = np.linspace(0, len(texts) - 1, min(len(texts), _SAMPLE), dtype=int)
    sample = texts.select(rows).with_format("numpy")
    for part in sample.iter(1000):
        for ids in part["input_ids"]:
            np.add.at(occurrences, ids, 1)
            having[np.unique(ids)] += 1
    return occurrences, having, len(rows)


def position_salience_of(
    documents: Dataset, sentences: Dataset, frequent: Sequence[bool], spellings: Sequence[int]
) -> Tensor:
    """``[POSITION_BINS]`` log-odds, in nats, of being said in a sentence for a piece that stands there.

    Counted over sentences and the documents nearest to them; a position without any is as the one before it.

    Args:
        documents: Rows with ``input_ids``, the end piece included.
        sentences: The same, and the row of a ``neighbour``.
        frequent: Of every piece, whether it is too frequent to tell anything.
        spellings: Of every piece the first one that is spelled like it.
    """
    said, seen = np.zeros(POSITION_BINS), np.zeros(POSITION_BINS)
    rows = np.linspace(0, len(sentences) - 1, min(len(sentences), _SAMPLE), dtype=int)
    for part in sentences.select(rows if len(sentences) else []).iter(1000):
        for ids, source in zip(part["input_ids"], documents[part["neighbour"]]["input_ids"], strict=True):
            wanted = {spellings[piece] for piece in ids}
            for place, piece in enumerate(source[:-1]):
                if not frequent[piece]:
                    position = min(place // POSITION_BIN, POSITION_BINS - 1)
                    seen[position] += 1
                    said[position] += spellings[piece] in wanted
    if not said.any():
        return torch.zeros(POSITION_BINS)
    mean = said.sum() / seen.sum()
    odds = np.log((said + _BELIEVED * mean) / (seen + _BELIEVED) / mean)
    for position in range(1, POSITION_BINS):
        if seen[position] < _BELIEVED:
            odds[position] = odds[position - 1]
    return torch.tensor(odds, dtype=torch.float32)
