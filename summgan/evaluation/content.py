"""Similarity of content between a document and a summary, and a reference-free score that uses it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from summgan.evaluation.fluency import NgramLanguageModel
from summgan.text.counts import document_frequency, inverse_document_frequency
from summgan.text.script import split_words

_SMOOTHING = 0.5  # added to the number of documents that have a word


class ContentScorer:
    """Cosine of TF-IDF vectors of document and summary; make one with `fit`.

    Args:
        idf: Inverse document frequency of each word, in nats.
        unseen: Inverse document frequency of words that no document has, in nats.
    """

    def __init__(self, idf: dict[str, float], unseen: float):
        self._idf, self._unseen = idf, unseen

    @classmethod
    def fit(cls, documents: Sequence[str]) -> ContentScorer:
        """Make a scorer with the inverse document frequencies of these documents."""
        frequency = document_frequency(documents)
        having = [*frequency.values(), 0]
        *known, unseen = inverse_document_frequency(having, len(documents), _SMOOTHING).tolist()
        return cls(dict(zip(frequency, known, strict=True)), unseen)

    def similarity(self, document: str, summary: str) -> float:
        """Return the similarity of a document and a summary, from 0 to 1."""
        first, second = self._vector(document), self._vector(summary)
        product = sum(value * second.get(word, 0.0) for word, value in first.items())
        norms = math.sqrt(_square(first) * _square(second))
        return product / norms if norms else 0.0

    def _vector(self, text: str) -> dict[str, float]:
        counts = Counter(split_words(text))
        return {word: n * self._idf.get(word, self._unseen) for word, n in counts.items()}


def _square(vector: dict[str, float]) -> float:
    return sum(value * value for value in vector.values())


def reference_free_score(
    fluency_model: NgramLanguageModel,
    content_scorer: ContentScorer,
    documents: Sequence[str],
    summaries: Sequence[str],
) -> dict[str, float]:
    """Score summaries without references.

    Returns:
        Means over the summaries, each from 0 to 1: ``fluency``, ``content``, and ``score``, their product for
        each summary.
    """
    fluency = np.array([fluency_model.fluency(summary) for summary in summaries])
    pairs = zip(documents, summaries, strict=True)
    content = np.array([content_scorer.similarity(*pair) for pair in pairs])
    return {
        "score": float((fluency * content).mean()),
        "fluency": float(fluency.mean()),
        "content": float(content.mean()),
    }
