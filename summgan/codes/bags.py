"""Bags of words: the input of a document's code and the target of its reconstruction.

`split_words` splits a text into words; a bag is a sublinear TF-IDF vector of unit length. The vocabulary and
its weights are saved as ``bag_of_words.json`` beside the model.
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
        idf: Weight of each word: its inverse document frequency in nats, plus 1.
    """

    words: tuple[str, ...]
    idf: tuple[float, ...]

    @classmethod
    def fit(cls, texts: Sequence[str], size: int, max_document_frequency: float) -> BagOfWords:
        """Build the vocabulary from the words that occur in at least two documents, but not in too many.

        Args:
            texts: The documents.
            size: Most words to keep; the most frequent ones are kept.
            max_document_frequency: Largest share of the documents in which a kept word occurs.

        Raises:
            SummGANError: No word remains.
        """
        counts = document_frequency(texts)
        most = max(_RARE, max_document_frequency * len(texts))
        kept = sorted((-n, word) for word, n in counts.items() if _RARE <= n <= most)[:size]
        if not kept:
            raise SummGANError(
                "No word occurs in at least two documents and in few enough of them; give more documents or "
                "raise --code.max_document_frequency."
            )
        # Counts are negated above to sort by falling frequency. Adding 1 keeps words that every document has.
        idf = inverse_document_frequency([-n for n, _ in kept], len(texts)) + 1
        return cls(tuple(word for _, word in kept), tuple(idf.round(6).tolist()))

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Bags ``[texts, words]`` of texts; the bag of a text without a known word is zero."""
        return self.dense(self.rows(texts))

    def rows(self, texts: Sequence[str]) -> list[tuple[Tensor, Tensor]]:
        """Sparse bags of texts: for each text the ids and weights ``[words in it]`` of its words."""
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
        """Turn sparse bags into one tensor ``[rows, words]``."""
        result = torch.zeros(len(rows), len(self.words))
        for index, (ids, values) in enumerate(rows):
            result[index, ids] = values
        return result

    def save(self, folder: Path) -> None:
        """Write the vocabulary into a model folder."""
        write_text(folder / _FILE, json.dumps({"words": self.words, "idf": self.idf}, ensure_ascii=False))

    @classmethod
    def load(cls, folder: str | Path) -> BagOfWords:
        """Read the vocabulary from a model folder (or hub name).

        Raises:
            SummGANError: The file is missing or damaged.
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
                f"{Path(folder, _FILE)} is damaged: words and idf must be lists of equal length, of strings "
                "and of positive numbers. Train the model again."
            )
        return cls(tuple(words), tuple(idf))


def principal_directions(bags: Tensor, count: int) -> Tensor:
    """Principal directions of bags by latent semantic analysis (Deerwester 1990).

    Args:
        bags: ``[documents, words]``.
        count: Most directions.

    Returns:
        ``[words, count]`` right singular vectors, largest singular value first.
    """
    count = min(count, *bags.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # svd_lowrank begins with a random matrix
        return torch.svd_lowrank(bags, q=count, niter=4)[2]


def most_similar(vectors: Tensor, count: int) -> Tensor:
    """Find the rows most similar to each row, by inner product.

    Args:
        vectors: Unit vectors ``[rows, width]``.
        count: Number of other rows to find for each.

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
