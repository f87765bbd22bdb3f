"""For every human sentence the document that says most of it: nearly a pair, found without any label.

People write about the same events, or the same kinds of events, in both piles. A sentence whose words
mostly stand in some document is close to a summary of it, and teaches the generator what people keep.
Used by `batches.py` in place of made-up noise; in the line of bitext mining for unsupervised translation
(Schwenk 2018; Wu 2019). Similarity is the share of the sentence's words that the document has, each
counting as its inverse document frequency.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from summgan.text.counts import inverse_document_frequency
from summgan.text.script import split_words

LEAST_COVERAGE = 0.5
"""Share of a sentence that a document must say for the sentence to be learned from it."""
_MOST_DOCUMENTS = 200_000
_LONGEST_LIST = 4_000  # documents of a word; more frequent words only decide between the candidates
_CANDIDATES = 8


@dataclass(frozen=True)
class Neighbours:
    """The nearest document of every sentence.

    Attributes:
        documents: ``[sentences]`` row of the document, -1 where none shares a telling word.
        coverage: ``[sentences]`` share of the sentence that it says, 0 to 1.
    """

    documents: np.ndarray
    coverage: np.ndarray


def find_neighbours(documents: Sequence[str], sentences: Iterable[str]) -> Neighbours:
    """Find the document that says most of each sentence; of several, the shortest.

    Args:
        documents: Texts; of more than 200,000 the first are looked through.
        sentences: Texts.
    """
    words = [set(split_words(text)) for text in documents[:_MOST_DOCUMENTS]]
    frequency = Counter(word for text in words for word in text)
    rarity = inverse_document_frequency([*frequency.values(), 1], len(words), smoothing=0)
    *known, unknown = rarity.tolist()  # a word of no document counts as one of a single document
    weights = dict(zip(frequency, known, strict=True))
    lists: dict[str, list[int]] = {word: [] for word, n in frequency.items() if n <= _LONGEST_LIST}
    for row, text in enumerate(words):
        for word in text & lists.keys():
            lists[word].append(row)
    index = {word: np.array(rows) for word, rows in lists.items()}
    rows, coverage = [], []
    for sentence in sentences:
        wanted = {word: weights.get(word, unknown) for word in split_words(sentence)}
        total = sum(wanted.values())
        best, said = -1, 0.0
        for row in _candidates(wanted, index):
            mass = sum(weight for word, weight in wanted.items() if word in words[row])
            if (mass, -len(words[row])) > (said, -len(words[best])):
                best, said = row, mass
        rows.append(best)
        coverage.append(said / total if total else 0.0)
    return Neighbours(np.array(rows), np.array(coverage))


def _candidates(wanted: dict[str, float], index: dict[str, np.ndarray]) -> list[int]:
    """The documents that have most of the rarer words."""
    found = [(index[word], weight) for word, weight in wanted.items() if word in index]
    if not found:
        return []
    rows, places = np.unique(np.concatenate([rows for rows, _ in found]), return_inverse=True)
    masses = np.concatenate([np.full(len(rows), weight) for rows, weight in found])
    scores = np.bincount(places, masses)
    best = np.argsort(-scores, kind="stable")[:_CANDIDATES]
    return rows[best].tolist()
