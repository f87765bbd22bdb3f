"""Texts that an n-gram model of the documents makes up around a human sentence, with all its words in order.

The sentence might be a summary of such a text. If *q(text)* is the model and a summary keeps *k* of the *n*
words of a text, texts are drawn from `q(text) / C(n, k)`, restricted to those that contain the sentence: the
posterior if each choice of *k* words is equally likely. Sampling is exact, by messages passed from the end.
Its cost is proportional to the length of the text times the size of the model, so it suits short texts, such
as names.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

BEGIN, END = -2, -1


class Surroundings:
    """An n-gram model of texts that hides sentences in made-up texts.

    Args:
        documents: Texts as rows of a word table.
        order: Length of the n-grams, in words.
        longest: Largest number of words of a made-up text.
    """

    def __init__(self, documents: Sequence[Sequence[int]], order: int = 3, longest: int = 12):
        self.longest = longest
        following: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for words in documents:
            padded = (*(BEGIN,) * (order - 1), *words, END)
            for place in range(order - 1, len(padded)):
                following[padded[place - order + 1 : place]][padded[place]] += 1
        states = {context: state for state, context in enumerate(following)}
        self.start = states[(BEGIN,) * (order - 1)]
        self.ends = np.zeros(len(states))
        source, target, word, share = [], [], [], []
        for context, counts in following.items():
            total = counts.total()
            self.ends[states[context]] = counts.pop(END, 0) / total
            for row, count in counts.items():
                source.append(states[context])
                target.append(states[(*context, row)[1:]])
                word.append(row)
                share.append(count / total)
        self.source, self.target = np.array(source), np.array(target)
        self.word, self.share = np.array(word), np.array(share)
        self.bounds = np.searchsorted(self.source, np.arange(len(states) + 1))
        order_of = np.argsort(self.word, kind="stable")
        rows, first = np.unique(self.word[order_of], return_index=True)
        self.edges = dict(zip(rows.tolist(), np.split(order_of, first[1:]), strict=True))

    def around(self, sentence: Sequence[int], count: int, rng: np.random.Generator) -> list[list[int]]:
        """Draw texts that contain a sentence and are longer than it.

        Args:
            sentence: Sentence as rows of the word table.
            count: Number of texts, which may repeat.
            rng: Source of randomness.

        Returns:
            Texts as rows of the word table; none if the model has no such text.
        """
        kept = len(sentence)
        if any(row not in self.edges for row in sentence):
            return []
        left = self._messages(sentence)
        lengths = np.arange(kept + 1, self.longest + 1)
        chances = left[lengths, 0, self.start] / [math.comb(length, kept) for length in lengths.tolist()]
        total = chances.sum()
        if not total > 0:
            return []
        drawn = rng.choice(lengths, count, p=chances / total)
        return [self._draw(sentence, int(length), left, rng) for length in drawn]

    def _messages(self, sentence: Sequence[int]) -> np.ndarray:
        """``[longest + 1, kept + 1, states]`` probability of writing so many more words, among them the rest
        of the sentence from a place on, and then the end.
        """
        kept, states = len(sentence), len(self.ends)
        left = np.zeros((self.longest + 1, kept + 1, states))
        left[0, kept] = self.ends
        for length in range(1, self.longest + 1):
            for place in range(max(0, kept - length), kept + 1):
                ways = self.share * left[length - 1, place, self.target]
                if place < kept:
                    says = self.edges[sentence[place]]
                    # A word that matches the sentence always counts as its word, so that a text counts once.
                    ways[says] = self.share[says] * left[length - 1, place + 1, self.target[says]]
                left[length, place] = np.bincount(self.source, ways, states)
        return left

    def _draw(
        self, sentence: Sequence[int], length: int, left: np.ndarray, rng: np.random.Generator
    ) -> list[int]:
        """Draw one text of ``length`` words."""
        state, place, text = self.start, 0, []
        for remaining in range(length - 1, -1, -1):
            edges = slice(self.bounds[state], self.bounds[state + 1])
            says = self.word[edges] == (sentence[place] if place < len(sentence) else END)
            ways = self.share[edges] * left[remaining, place + says, self.target[edges]]
            chosen = int(rng.choice(len(ways), p=ways / ways.sum()))
            place += int(says[chosen])
            edge = int(self.bounds[state]) + chosen
            text.append(int(self.word[edge]))
            state = int(self.target[edge])
        return text
