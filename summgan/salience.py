"""How much a piece of a document says: learned from the two piles by counting, without any pair.

A piece is salient when it is rare among the documents and when people write it into short sentences more
often than into documents. Used by the content term (`losses.py`) and in writing (`modeling.py`).
"""

from __future__ import annotations

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor

_SAMPLE = 50_000
_SMOOTHING = 5.0  # occurrences that every piece is believed to have had in either pile
_RAREST = 6.0  # nats of inverse document frequency; rarer pieces say no more
_LOWEST = -2.0


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
