"""Texts that an n-gram model of the documents writes around a human sentence, all its words in order.

They are what a summary might be a summary of. With *q(text)* the model and *k* of the *n* words of a text
kept, texts are drawn from `q(text) / C(n, k)`, restricted to those that hide the sentence: the posterior if
every choice of *k* words is as likely. Drawing is exact, by a pass of messages from the end. Its cost grows
with the length of the text times the size of the model, so it is for short texts, such as names.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

BEGIN, END = -2, -1


class Surroundings:
    """An n-gram model of texts, which hides sentences in texts of its own.

    Args:
        documents: Texts as rows of a word table.
        order: Length of the n-grams.
        longest: Words of the longest text that is written.
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
        """Draw texts, longer than a sentence, that hide it.

        Args:
            sentence: Rows of the word table.
            count: Number of texts; some may be the same.
            rng: Source of the draws.

        Returns:
            The texts; none where the model has no such text.
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
        """``[longest + 1, kept + 1, states]``: chance of writing so many words, among them all those
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
                    # The first word that can be the sentence's is, so that a text counts once.
                    ways[says] = self.share[says] * left[length - 1, place + 1, self.target[says]]
                left[length, place] = np.bincount(self.source, ways, states)
        return left

    def _draw(
        self, sentence: Sequence[int], length: int, left: np.ndarray, rng: np.random.Generator
    ) -> list[int]:
        """One text of a length."""
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
