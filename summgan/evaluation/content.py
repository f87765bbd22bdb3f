"""How much of a document's content a summary has, and the reference-free score built on it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from summgan.evaluation.fluency import NgramLanguageModel
from summgan.text.counts import document_frequency, inverse_document_frequency
from summgan.text.script import split_words

_SMOOTHING = 0.5  # documents that every word is believed to stand in besides


class ContentScorer:
    """Cosine of TF-IDF vectors of document and summary; make one with `fit`.

    Args:
        idf: Inverse document frequency of every word, in nats.
        unseen: That of words that stand in no document.
    """

    def __init__(self, idf: dict[str, float], unseen: float):
        self._idf, self._unseen = idf, unseen

    @classmethod
    def fit(cls, documents: Sequence[str]) -> ContentScorer:
        """Count how rare the words of documents are."""
        frequency = document_frequency(documents)
        having = [*frequency.values(), 0]
        *known, unseen = inverse_document_frequency(having, len(documents), _SMOOTHING).tolist()
        return cls(dict(zip(frequency, known, strict=True)), unseen)

    def similarity(self, document: str, summary: str) -> float:
        """Similarity of a document and a summary, from 0 to 1."""
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
    """Means of ``score`` = fluency x content of each item, and of its two parts."""
    fluency = np.array([fluency_model.fluency(summary) for summary in summaries])
    pairs = zip(documents, summaries, strict=True)
    content = np.array([content_scorer.similarity(*pair) for pair in pairs])
    return {
        "score": float((fluency * content).mean()),
        "fluency": float(fluency.mean()),
        "content": float(content.mean()),
    }
