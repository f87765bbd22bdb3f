"""Counts in texts: inverse document frequency, and n-grams.

These serve everything that needs them: weights of pieces, neighbours of sentences, bags of words, fluency,
and the order of words in paths.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from summgan.text.script import split_words

_DISCOUNT = 0.75  # taken from each count for unseen n-grams (Chen & Goodman 1999)


def document_frequency(texts: Iterable[str]) -> Counter[str]:
    """Count the texts that have each word of `split_words`."""
    return Counter(word for text in texts for word in set(split_words(text)))


def inverse_document_frequency(having: ArrayLike, texts: int, smoothing: float = 1.0) -> np.ndarray:
    """Compute ``log((texts + 1) / (having + smoothing))``, in nats.

    Args:
        having: Number of texts that have each word, of any shape.
        texts: Number of all texts.
        smoothing: Added to ``having``; more than 0 if a word may be in no text.

    Returns:
        float64, of the shape of ``having``.
    """
    return np.log((texts + 1) / (np.asarray(having) + smoothing))


Token = TypeVar("Token", bound=Hashable)


class NgramCounts(Generic[Token]):
    """Counts of n-grams with absolute discounting and Kneser-Ney's lower orders (Kneser & Ney 1995).

    The longest n-grams count how often a token follows its context; shorter ones count the longer contexts in
    which it does. `fluency.py` interpolates all orders to probabilities of words; `pair_gains` compares pairs
    of words with the frequency of the second word.

    Args:
        sequences: Tokens of each text, without begin and end.
        order: Length of the longest n-grams.
        begin: Token of which ``order - 1`` precede each text.
        end: Token after each text.

    Attributes:
        following: By length of context, then by context: number of times that each token follows.
    """

    def __init__(self, sequences: Iterable[Sequence[Token]], order: int, begin: Token, end: Token):
        self.order, self.begin, self.end = order, begin, end
        self.following: list[dict[tuple[Token, ...], Counter]] = [defaultdict(Counter) for _ in range(order)]
        for tokens in sequences:
            for context, token in self.steps(tokens):
                self.following[-1][context][token] += 1
        for length in range(order - 2, -1, -1):
            for context, followers in self.following[length + 1].items():
                for token in followers:
                    self.following[length][context[1:]][token] += 1
        self._totals = [
            {context: counts.total() for context, counts in level.items()} for level in self.following
        ]

    def steps(self, tokens: Sequence[Token]) -> Iterable[tuple[tuple[Token, ...], Token]]:
        """Iterate over the tokens of a text and its end, each after the ``order - 1`` tokens before it."""
        width = self.order - 1
        padded = [*[self.begin] * width, *tokens, self.end]
        for place in range(width, len(padded)):
            yield tuple(padded[place - width : place]), padded[place]

    def share(self, token: Token, context: tuple[Token, ...]) -> float:
        """Return the share of a token among those that follow a context; 0 for an unseen context."""
        total = self._totals[len(context)].get(context)
        return self.following[len(context)][context][token] / total if total else 0.0

    def discounted(self, token: Token, context: tuple[Token, ...]) -> tuple[float, float]:
        """Return the discounted share of a token after a context, and the share left to shorter contexts."""
        total = self._totals[len(context)].get(context)
        if not total:
            return 0.0, 1.0
        counts = self.following[len(context)][context]
        return max(counts[token] - _DISCOUNT, 0.0) / total, _DISCOUNT * len(counts) / total


def pair_gains(
    counts: NgramCounts[Token],
) -> tuple[dict[Token, float], dict[tuple[Token, Token], float]]:
    """Compute how much likelier a token is after another one than elsewhere, as a log-ratio in nats.

    Args:
        counts: Counts of order 2.

    Returns:
        The gain of all unseen followers, by first token; and the gain of each seen pair.
    """
    unseen, seen = {}, {}
    for (first,), following in counts.following[1].items():
        for second in following:
            share, rest = counts.discounted(second, (first,))
            seen[first, second] = math.log(rest + share / counts.share(second, ()))
        unseen[first] = math.log(rest)
    return unseen, seen
