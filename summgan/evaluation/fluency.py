"""How much a text reads like the human sentences: a small n-gram language model.

Interpolated Kneser-Ney smoothing (Kneser & Ney 1995; Chen & Goodman 1999) over folded units, that
is words, or characters in scripts without blanks.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from summgan.text.script import fold, split_units

_BEGIN, _END, _UNKNOWN = "<s>", "</s>", "<unk>"
_DISCOUNT = 0.75
_HELD_OUT = 10  # every tenth sentence calibrates


class NgramLanguageModel:
    """Probabilities of units after the units before them; make one with `fit`."""

    def __init__(self, order: int):
        self.order = order
        self.vocabulary: set[str] = {_END, _UNKNOWN}
        # Per length of context: counts of what follows, their sum, and how many kinds.
        self._counts: list[dict[tuple[str, ...], Counter]] = [defaultdict(Counter) for _ in range(order)]
        self._totals: list[dict[tuple[str, ...], int]] = []
        self.human_log_prob = 0.0

    @classmethod
    def fit(cls, sentences: Sequence[str], order: int = 3) -> NgramLanguageModel:
        """Count n-grams; every tenth sentence is kept out to learn how likely human ones are.

        Args:
            sentences: At least two.
            order: Longest n-gram.
        """
        model = cls(order)
        held_out = sentences[::_HELD_OUT] if len(sentences) >= 2 * _HELD_OUT else sentences
        for index, sentence in enumerate(sentences):
            if index % _HELD_OUT or held_out is sentences:
                model._add(_units(sentence))
        model._finish()
        model.human_log_prob = float(np.mean([model.per_unit(text) for text in held_out]))
        return model

    def _add(self, units: list[str]) -> None:
        self.vocabulary.update(units)
        history = [_BEGIN] * (self.order - 1) + [*units, _END]
        for end in range(self.order - 1, len(history)):
            context = tuple(history[end - self.order + 1 : end])
            self._counts[-1][context][history[end]] += 1

    def _finish(self) -> None:
        """Lower orders count in how many contexts a word stands, not how often."""
        for length in range(self.order - 2, -1, -1):
            for context, following in self._counts[length + 1].items():
                for word in following:
                    self._counts[length][context[1:]][word] += 1
        self._totals = [
            {context: sum(following.values()) for context, following in level.items()}
            for level in self._counts
        ]

    def probability(self, word: str, context: tuple[str, ...]) -> float:
        """P(word | context) for a word of the vocabulary and the ``order - 1`` units before it."""
        probability = 1.0 / len(self.vocabulary)
        for length in range(self.order):
            seen = context[len(context) - length :]
            total = self._totals[length].get(seen)
            if not total:
                break
            following = self._counts[length][seen]
            rest = _DISCOUNT * len(following) / total
            probability = max(following[word] - _DISCOUNT, 0.0) / total + rest * probability
        return probability

    def log_prob(self, sentence: str) -> float:
        """Natural logarithm of the probability of a whole sentence, its end included."""
        units = [u if u in self.vocabulary else _UNKNOWN for u in _units(sentence)]
        history = [_BEGIN] * (self.order - 1) + [*units, _END]
        return sum(
            math.log(self.probability(history[end], tuple(history[end - self.order + 1 : end])))
            for end in range(self.order - 1, len(history))
        )

    def per_unit(self, sentence: str) -> float:
        """`log_prob` per unit, the end counted as one."""
        return self.log_prob(sentence) / (len(_units(sentence)) + 1)

    def perplexity(self, sentences: Iterable[str]) -> float:
        """Perplexity per unit of texts taken together."""
        texts = list(sentences)
        units = sum(len(_units(text)) + 1 for text in texts)
        return math.exp(-sum(self.log_prob(text) for text in texts) / units)

    def fluency(self, sentence: str) -> float:
        """0 to 1: how likely a unit of the text is beside one of held-out human sentences."""
        return math.exp(min(0.0, self.per_unit(sentence) - self.human_log_prob))


def _units(text: str) -> list[str]:
    return split_units(fold(text))
