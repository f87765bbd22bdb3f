"""The best sentence that is left of a document when words are struck out: found exactly, with no network.

Words are kept in their order. What is kept should be salient (`salience.py`), follow as words follow each
other in human sentences (a bigram model), and stay beside what it stood beside; the best choice of exactly
so many words is found by dynamic programming, as for speech in Hori & Furui 2004. The generator learns from
these sentences in the warm start, as Schumann 2020 and Liu 2022 (NAUS) let a network learn from a search.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import torch
from datasets import Dataset

from summgan.noise import Unit, UnitBoundaries, split_into_units
from summgan.salience import Salience

_SUCCESSION = 0.25  # of a nat of the bigram model beside a nat of salience
_TOGETHER = 0.5  # nats for going on where one is in the document
_AGAIN = -1.0  # nats of salience at most of what stands further up already
_DISCOUNT = 0.75
_MOST_SENTENCES = 200_000
_BEGIN, _END, _UNKNOWN = -1, -2, -3

Key = tuple[int, ...]


class Succession:
    """How much likelier than elsewhere a word follows another one in human sentences.

    A bigram model with interpolated Kneser-Ney smoothing (Chen & Goodman 1999), relative to the chance of the
    second word itself: rare words are a matter of salience.

    Args:
        sentences: Their words, as any keys.
    """

    def __init__(self, sentences: Iterable[Sequence[Key]]):
        self.numbers: dict[Key, int] = {}
        following: dict[int, Counter[int]] = defaultdict(Counter)
        for words in sentences:
            ids = [self.numbers.setdefault(word, len(self.numbers)) for word in words]
            for first, second in pairwise([_BEGIN, *ids, _END]):
                following[first][second] += 1
        kinds = Counter(second for seconds in following.values() for second in seconds)
        pairs = kinds.total()
        self._unseen: dict[int, float] = {}
        self._seen: dict[int, dict[int, float]] = {}
        for first, seconds in following.items():
            rest, total = _DISCOUNT * len(seconds) / seconds.total(), seconds.total()
            self._unseen[first] = math.log(rest)
            self._seen[first] = {
                second: math.log(rest + (count - _DISCOUNT) / total * pairs / kinds[second])
                for second, count in seconds.items()
            }

    def __call__(self, words: Sequence[Key]) -> np.ndarray:
        """``[words + 1, words + 1]`` nats of every word, then the end, after the begin and every word."""
        ids = [self.numbers.get(word, _UNKNOWN) for word in words]
        after = [*ids, _END]
        gains = np.zeros((len(ids) + 1, len(ids) + 1))
        for row, first in enumerate([_BEGIN, *ids]):
            if seen := self._seen.get(first):
                unseen = self._unseen[first]
                gains[row, row:] = [seen.get(second, unseen) for second in after[row:]]
        return gains


class Compressor:
    """Strikes words out of documents.

    Args:
        sentences: Human ones, rows with ``input_ids``, the end piece included; 200,000 of them are counted.
        boundaries: Where units begin.
        salience: Of the places of documents.
        spellings: ``[vocabulary]`` of every piece the first one that is spelled like it.
        silent: ``[vocabulary]``, which pieces are punctuation.
    """

    def __init__(
        self,
        sentences: Dataset,
        boundaries: UnitBoundaries,
        salience: Salience,
        spellings: Sequence[int],
        silent: Sequence[bool],
    ):
        self.boundaries, self.salience = boundaries, salience
        self.spellings, self.silent = spellings, silent
        rows = np.linspace(0, len(sentences) - 1, min(len(sentences), _MOST_SENTENCES), dtype=int)
        last: Counter[Key] = Counter()

        def keys() -> Iterable[list[Key]]:
            for ids in sentences.select(rows)["input_ids"]:
                units = split_into_units(ids[:-1], boundaries)
                if units:
                    last[tuple(units[-1][len(self._word(units[-1])) :])] += 1
                yield [key for unit in units if (key := self._key(self._word(unit)))]

        self.succession = Succession(keys())
        self.ending = list(last.most_common(1)[0][0]) if last else []

    def compress(self, ids: Sequence[int], length: int) -> list[Unit]:
        """The best ``length`` units of a document; all where it has no more.

        Args:
            ids: ``[source]``, the end piece included.
            length: Units wanted.
        """
        units = split_into_units(ids[:-1], self.boundaries)
        salience = self.salience(torch.tensor([ids]))[0].numpy()
        starts = np.cumsum([0, *map(len, units)])
        words = [self._word(unit) for unit in units]
        places = [place for place, word in enumerate(words) if word]
        if not places:
            return units
        keys = [self._key(words[place]) for place in places]
        worth = np.array([salience[starts[p] : starts[p] + len(words[p])].mean() for p in places])
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        again = np.array([first[key] != place for place, key in enumerate(keys)])
        worth = np.where(again, np.minimum(worth, _AGAIN), worth)
        gains = _SUCCESSION * self.succession(keys)
        gains[1:, :-1] += _TOGETHER * (np.diff(places, prepend=-1) == 1) * np.eye(len(places), k=1)
        kept = [places[index] for index in best_path(worth, gains, min(length, len(places)))]
        # Punctuation stays between words that stay together, and at the end as people end.
        sentence = [units[p] if after == p + 1 else words[p] for p, after in pairwise([*kept, -1])]
        return [*sentence[:-1], sentence[-1] + self.ending]

    def _word(self, unit: Unit) -> Unit:
        """A unit without the punctuation after it."""
        end = len(unit)
        while end and self.silent[unit[end - 1]]:
            end -= 1
        return unit[:end]

    def _key(self, word: Unit) -> Key:
        return tuple(self.spellings[piece] for piece in word)


def best_path(worth: np.ndarray, gains: np.ndarray, length: int) -> list[int]:
    """The ``length`` places, in order, of the greatest sum of their worths and of the gains between them.

    Args:
        worth: ``[places]``.
        gains: ``[places + 1, places + 1]``: row 0 for the begin, then every place; columns for every place,
            then the end.
        length: 1 to the number of places.
    """
    places = np.arange(len(worth))
    between = np.where(places[:, None] < places, gains[1:, :-1], -np.inf)
    best, came = gains[0, :-1] + worth, []
    for _ in range(length - 1):
        through = best[:, None] + between
        came.append(through.argmax(0))
        best = through.max(0) + worth
    path = [int((best + gains[1:, -1]).argmax())]
    for before in reversed(came):
        path.append(int(before[path[-1]]))
    return path[::-1]
