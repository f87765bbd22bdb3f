"""Fluency of a text under a small n-gram language model of the human sentences.

It interpolates `NgramCounts` by Kneser-Ney smoothing (Kneser & Ney 1995; Chen & Goodman 1999). Its units are
case-folded words, or characters in scripts without blanks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from summgan.text.counts import NgramCounts
from summgan.text.script import fold, split_units

_BEGIN, _END, _UNKNOWN = "<s>", "</s>", "<unk>"
_HELD_OUT = 10  # every tenth sentence is held out


class NgramLanguageModel:
    """N-gram language model; make one with `fit`.

    Args:
        texts: Units of each sentence to count.
        order: Length of the longest n-grams.

    Attributes:
        vocabulary: Units of the sentences, with the end and a unit for unknown ones.
        human_log_prob: Mean log-probability per unit of human sentences, in nats.
    """

    def __init__(self, texts: Sequence[Sequence[str]], order: int):
        self.vocabulary = {_END, _UNKNOWN}.union(*texts)
        self.human_log_prob = 0.0
        self._counts = NgramCounts(texts, order, _BEGIN, _END)

    @classmethod
    def fit(cls, sentences: Sequence[str], order: int = 3) -> NgramLanguageModel:
        """Count n-grams; every tenth sentence is held out to measure how likely human sentences are.

        Args:
            sentences: Human sentences, at least two. Fewer than twenty are both counted and held out.
            order: Length of the longest n-grams.
        """
        enough = len(sentences) >= 2 * _HELD_OUT
        held_out = sentences[::_HELD_OUT] if enough else sentences
        counted = [text for index, text in enumerate(sentences) if not enough or index % _HELD_OUT]
        model = cls([_units(text) for text in counted], order)
        model.human_log_prob = float(np.mean([model.per_unit(text) for text in held_out]))
        return model

    def probability(self, word: str, context: tuple[str, ...]) -> float:
        """Return P(word | context) of a unit of the vocabulary after the ``order - 1`` units before it."""
        probability = 1.0 / len(self.vocabulary)
        for length in range(self._counts.order):
            share, rest = self._counts.discounted(word, context[len(context) - length :])
            probability = share + rest * probability
        return probability

    def log_prob(self, sentence: str) -> float:
        """Return the log-probability of a sentence and its end, in nats."""
        units = [unit if unit in self.vocabulary else _UNKNOWN for unit in _units(sentence)]
        return sum(math.log(self.probability(unit, context)) for context, unit in self._counts.steps(units))

    def per_unit(self, sentence: str) -> float:
        """Return `log_prob` per unit, in nats; the end counts as a unit."""
        return self.log_prob(sentence) / (len(_units(sentence)) + 1)

    def perplexity(self, sentences: Iterable[str]) -> float:
        """Return the perplexity per unit of all texts together."""
        texts = list(sentences)
        units = sum(len(_units(text)) + 1 for text in texts)
        return math.exp(-sum(self.log_prob(text) for text in texts) / units)

    def fluency(self, sentence: str) -> float:
        """Return the likelihood per unit relative to that of held-out human sentences, at most 1."""
        return math.exp(min(0.0, self.per_unit(sentence) - self.human_log_prob))


def _units(text: str) -> list[str]:
    return split_units(fold(text))
