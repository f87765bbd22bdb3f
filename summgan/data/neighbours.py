"""Search for the document nearest to each human sentence: nearly a pair, found without any label.

Both piles are about the same events, or the same kinds of events. A sentence most of whose words are in some
document is close to a summary of it, and teaches the generator what people keep. `batches.py` uses such
neighbours instead of made-up noise, like bitext mining in unsupervised translation (Schwenk 2018; Wu 2019).
*Coverage* is the share of the sentence's words that the document has, weighted by inverse document frequency.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from summgan.text.counts import inverse_document_frequency
from summgan.text.script import split_words

LEAST_COVERAGE = 0.5
"""Smallest coverage of a sentence that is learned from a document."""
_MOST_DOCUMENTS = 200_000
_LONGEST_LIST = 4_000  # documents of an indexed word; more frequent words only decide among the candidates
_CANDIDATES = 8


@dataclass(frozen=True)
class Neighbours:
    """The nearest document of each sentence.

    Attributes:
        documents: ``[sentences]`` row of the document, -1 if no document shares an indexed word.
        coverage: ``[sentences]`` coverage by that document, from 0 to 1.
    """

    documents: np.ndarray
    coverage: np.ndarray


def find_neighbours(documents: Sequence[str], sentences: Iterable[str]) -> Neighbours:
    """Find the document with the highest coverage of each sentence; of several, the shortest.

    Args:
        documents: Texts of the documents, of which the first 200,000 are searched.
        sentences: Texts of the sentences.
    """
    words = [set(split_words(text)) for text in documents[:_MOST_DOCUMENTS]]
    frequency = Counter(word for text in words for word in text)
    rarity = inverse_document_frequency([*frequency.values(), 1], len(words), smoothing=0)
    *known, unknown = rarity.tolist()  # a word of no document weighs as much as one of a single document
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
    """Rows of the documents that have most of the indexed words, by weight."""
    found = [(index[word], weight) for word, weight in wanted.items() if word in index]
    if not found:
        return []
    rows, places = np.unique(np.concatenate([rows for rows, _ in found]), return_inverse=True)
    masses = np.concatenate([np.full(len(rows), weight) for rows, weight in found])
    scores = np.bincount(places, masses)
    best = np.argsort(-scores, kind="stable")[:_CANDIDATES]
    return rows[best].tolist()
