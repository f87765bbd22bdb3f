"""Figures of length, copying, repetition and variety of summaries; shares are from 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from summgan.text.script import count_units, split_words


def describe(documents: Sequence[str], summaries: Sequence[str]) -> dict[str, float]:
    """Compute figures of summaries and their documents.

    Returns:
        ``words``: mean length in units. ``novel_words``: mean share of a summary's words that are not in the
        document. ``lead_copy4`` and ``lead_copy8``: share of summaries that begin with the first 4 (8) words
        of the document. ``repeated_words`` and ``repeated_bigrams``: share of summaries in which a word (two
        words in a row) appears twice. ``distinct``: number of different summaries per summary.
    """
    words = [split_words(summary) for summary in summaries]
    sources = [split_words(document) for document in documents]
    return {
        "words": float(np.mean([count_units(summary) for summary in summaries])),
        "novel_words": float(np.mean([_novel(*pair) for pair in zip(words, sources, strict=True)])),
        "lead_copy4": _lead_copy(words, sources, 4),
        "lead_copy8": _lead_copy(words, sources, 8),
        "repeated_words": float(np.mean([len(set(row)) < len(row) for row in words])),
        "repeated_bigrams": float(np.mean([_repeats_bigram(row) for row in words])),
        "distinct": len(set(summaries)) / len(summaries),
    }


def _novel(summary: list[str], document: list[str]) -> float:
    known = set(document)
    return sum(word not in known for word in summary) / max(1, len(summary))


def _lead_copy(summaries: list[list[str]], documents: list[list[str]], count: int) -> float:
    pairs = zip(summaries, documents, strict=True)
    return float(np.mean([len(s) >= count and s[:count] == d[:count] for s, d in pairs]))


def _repeats_bigram(words: list[str]) -> bool:
    bigrams = list(zip(words, words[1:], strict=False))
    return len(set(bigrams)) < len(bigrams)
