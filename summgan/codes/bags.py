"""Bags of words: what a whole-document code is made from and has to rebuild.

Words are those of `text.split_words`; a bag is sublinear TF-IDF of unit length. The vocabulary and its
weights are saved as ``bag_of_words.json`` beside the model.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from summgan.errors import SummGANError
from summgan.files import write_text
from summgan.model_folder import read_object, required_file
from summgan.text.counts import document_frequency, inverse_document_frequency
from summgan.text.script import split_words

_FILE = "bag_of_words.json"
_RARE = 2


@dataclass(frozen=True)
class BagOfWords:
    """A vocabulary with the inverse document frequency of every word.

    Attributes:
        words: Words in the order of their ids.
        idf: Weight of every word, 1 more than its inverse document frequency in nats.
    """

    words: tuple[str, ...]
    idf: tuple[float, ...]

    @classmethod
    def fit(cls, texts: Sequence[str], size: int, max_document_frequency: float) -> BagOfWords:
        """The words that stand in at least two documents and in no more than a share of them.

        Raises:
            SummGANError: There is no such word.
        """
        counts = document_frequency(texts)
        most = max(_RARE, max_document_frequency * len(texts))
        kept = sorted((-n, word) for word, n in counts.items() if _RARE <= n <= most)[:size]
        if not kept:
            raise SummGANError(
                "No word stands in at least two documents and in few enough of them; give more documents or "
                "raise --code.max_document_frequency."
            )
        # Counts are negative here, for the order above. The 1 added lets words of every document count too.
        idf = inverse_document_frequency([-n for n, _ in kept], len(texts)) + 1
        return cls(tuple(word for _, word in kept), tuple(idf.round(6).tolist()))

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Sublinear TF-IDF of unit length, ``[texts, words]``; zeros where no word is known."""
        return self.dense(self.rows(texts))

    def rows(self, texts: Sequence[str]) -> list[tuple[Tensor, Tensor]]:
        """Sublinear TF-IDF of unit length, as ids and values of the words that are there."""
        places = {word: index for index, word in enumerate(self.words)}
        rows = []
        for text in texts:
            counts = Counter(places[word] for word in split_words(text) if word in places)
            ids = sorted(counts)
            values = torch.tensor([(1 + math.log(counts[i])) * self.idf[i] for i in ids])
            norm = values.norm() if ids else torch.tensor(1.0)
            rows.append((torch.tensor(ids, dtype=torch.long), values / norm))
        return rows

    def dense(self, rows: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Rows as one tensor ``[rows, words]``."""
        result = torch.zeros(len(rows), len(self.words))
        for index, (ids, values) in enumerate(rows):
            result[index, ids] = values
        return result

    def save(self, folder: Path) -> None:
        """Write the vocabulary into a model folder."""
        write_text(folder / _FILE, json.dumps({"words": self.words, "idf": self.idf}, ensure_ascii=False))

    @classmethod
    def load(cls, folder: str | Path) -> BagOfWords:
        """Read it again from a model folder (or hub name).

        Raises:
            SummGANError: It is missing or damaged.
        """
        try:
            kept = read_object(required_file(folder, _FILE))
        except SummGANError as error:
            raise SummGANError(
                f"{Path(folder, _FILE)} cannot be read: {error}. Train the model again."
            ) from error
        words, idf = kept.get("words", ()), kept.get("idf", ())
        whole = (
            isinstance(words, list)
            and isinstance(idf, list)
            and len(words) == len(idf)
            and all(isinstance(word, str) for word in words)
            and all(isinstance(weight, float) and 0 < weight < math.inf for weight in idf)
        )
        if not whole:
            raise SummGANError(
                f"{Path(folder, _FILE)} is damaged: words and idf must be as many texts and numbers. "
                "Train the model again."
            )
        return cls(tuple(words), tuple(idf))


def principal_directions(bags: Tensor, count: int) -> Tensor:
    """``[words, count]`` right singular vectors of bags ``[documents, words]`` (latent semantic analysis)."""
    count = min(count, *bags.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # svd_lowrank starts from a random matrix
        return torch.svd_lowrank(bags, q=count, niter=4)[2]


def most_similar(vectors: Tensor, count: int) -> Tensor:
    """The rows most similar to each row of unit vectors, by inner product.

    Args:
        vectors: ``[rows, width]``.
        count: How many other rows are found for each.

    Returns:
        ``[rows, count]`` indices, the most similar row first.
    """
    found = []
    for start in range(0, len(vectors), 1000):
        similarity = vectors[start : start + 1000] @ vectors.T
        own = torch.arange(len(similarity))
        similarity[own, own + start] = -torch.inf
        found.append(similarity.topk(count).indices)
    return torch.cat(found)
