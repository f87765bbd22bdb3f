"""The best sentence that is left of a document when words are struck out: found exactly.

Words are kept in their order. What is kept should be salient, follow as words follow each other in human
sentences (`Succession`, a bigram model), and stay beside what it stood beside; the best choice of exactly so
many words is found by dynamic programming, as for speech in Hori & Furui 2004.

It is used twice, with ``writer: search``. In training, by `salience.py` alone, it makes sentences that the
generator learns from, as Schumann 2020 and Liu 2022 (NAUS) let a network learn from a search. In writing the
generator takes part: what it selects of the document is preferred too (`WordsBottleneck.preference`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from summgan.text.boundaries import Unit, UnitBoundaries, join, split_into_units
from summgan.text.units import BLANK, CLUSTER, WORD

_TOGETHER = 0.6  # nats for going on where one is in the document, words to be omitted left out or not
_AGAIN = -1.0  # nats at most of a word that stood further up already
LONGEST_ENDING = 4
"""Most pieces of punctuation at the end of a sentence."""
_MOST_OMITTED = 16  # words in a row, so that a text of nothing else takes no longer than others
_LONGEST_WORD = 64  # pieces; longer are links, codes, rows of signs, which say little and have no end
# Keys of words and of pairs: hashes of 63 bits, by multiplication that tensors and Python agree on.
_MASK, _PRIME, _PAIR_PRIME = 2**63 - 1, 1_000_003, 6_364_136_223_846_793_005
_FIRST = 7
BEGIN_KEY, END_KEY = 1, 2
"""Keys of the begin and the end of a sentence, which no word has."""


class Succession(nn.Module):
    """How much likelier than elsewhere a word follows another one in human sentences, in nats.

    A bigram model with interpolated Kneser-Ney smoothing (Chen & Goodman 1999), relative to the chance of the
    second word itself: how rare that is, is a matter of salience. The counts are tables that are saved with
    the weights of a model; make them with `succession_of` (`data/succession_counts.py`).

    Args:
        vocabulary_size: Pieces of the tokenizer.
        words: How many different ones stand in the sentences.
        pairs: How many different ones stand next to each other.
    """

    def __init__(self, vocabulary_size: int, words: int = 0, pairs: int = 0):
        super().__init__()
        # Of every piece the first one spelled like it, whether it is punctuation, and whether to be omitted.
        self.register_buffer("spelling", torch.arange(vocabulary_size))
        self.register_buffer("silent", torch.zeros(vocabulary_size, dtype=torch.bool))
        self.register_buffer("omitted", torch.zeros(vocabulary_size, dtype=torch.bool))
        self.register_buffer("ending", torch.full((LONGEST_ENDING,), -1))
        for name, size in (("word", words), ("pair", pairs)):
            self.register_buffer(f"{name}_keys", torch.zeros(size, dtype=torch.long))
            self.register_buffer(f"{name}_gains", torch.zeros(size))

    @property
    def sizes(self) -> dict[str, int]:
        """The fields of `SummGANConfig` that say how large the tables are."""
        return {"succession_words": len(self.word_keys), "succession_pairs": len(self.pair_keys)}

    def forward(self, keys: Tensor) -> Tensor:
        """Gains of going from word to word.

        Args:
            keys: ``[batch, words]`` of `Compressor`; filled up at the end.

        Returns:
            ``[batch, words + 1, words + 1]``: rows for the begin and every word, columns for every word and
            the end.
        """
        first, second = F.pad(keys, (1, 0), value=BEGIN_KEY), F.pad(keys, (0, 1), value=END_KEY)
        unseen, _ = _look_up(self.word_keys, self.word_gains, first)
        pairs = pair_key(first[:, :, None], second[:, None])
        gains, seen = _look_up(self.pair_keys, self.pair_gains, pairs)
        return torch.where(seen, gains, unseen[:, :, None])


def _look_up(keys: Tensor, values: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """The value of every key wanted, 0 where there is none, and whether there is one."""
    if not len(keys):
        return torch.zeros_like(wanted, dtype=values.dtype), torch.zeros_like(wanted, dtype=torch.bool)
    places = torch.searchsorted(keys, wanted).clamp_max(len(keys) - 1)
    found = keys[places] == wanted
    return values[places] * found, found


def pair_key(first, second):
    """The key of a pair from those of its words, ints or tensors."""
    return (first * _PAIR_PRIME + second) & _MASK


def word_key(word: Unit, spellings: Sequence[int]) -> int:
    """The key of a word: equal for words of pieces that are spelled alike."""
    key = _FIRST
    for piece in word:
        key = (key * _PRIME + spellings[piece] + 1) & _MASK
    return key


def without_punctuation(unit: Unit, silent: Sequence[bool]) -> Unit:
    """A unit without the punctuation after it."""
    end = len(unit)
    while end and silent[unit[end - 1]]:
        end -= 1
    return unit[:end]


def _sayable(words: Sequence[Unit]) -> list[int]:
    """Places of words; of those that are too long only one, where there are no others."""
    places = [place for place, word in enumerate(words) if word]
    return [place for place in places if len(words[place]) <= _LONGEST_WORD] or places[:1]


@dataclass(frozen=True)
class _Table:
    """Words of a document that may be kept.

    Attributes:
        units: Units of the document.
        words: What would be said of each.
        places: Places of the words that may be chosen.
        costs: Units of these.
        worth: Nats of keeping each piece.
    """

    units: list[Unit]
    words: list[Unit]
    places: list[int]
    costs: list[int]
    worth: list[float]


@dataclass(frozen=True)
class _Wanted:
    """A sentence that is wanted of a table: ``length`` units of its words, and pieces at the end."""

    table: _Table
    length: int
    ending: Unit


class Compressor:
    """Strikes words out of documents.

    Args:
        boundaries: Where units begin.
        succession: What follows what in human sentences.
        weight: Weight of a nat of succession beside a nat of worth.
    """

    def __init__(self, boundaries: UnitBoundaries, succession: Succession, weight: float):
        self.boundaries, self.succession, self.weight = boundaries, succession, weight
        self.spellings, self.silent = succession.spelling.tolist(), succession.silent.tolist()
        self.omitted = succession.omitted.tolist()
        self.ending = [piece for piece in succession.ending.tolist() if piece >= 0]
        # A full stop is none where it belongs to a word, and one after a Chinese character.
        self._ending_units = min(boundaries.length(self.ending, state) for state in (WORD, CLUSTER))

    def __call__(
        self, documents: Sequence[Sequence[int]], worth: Tensor, lengths: Sequence[int]
    ) -> list[Unit]:
        """The best sentence of one length of every document; see `of_lengths`."""
        return [found for (found,) in self.of_lengths(documents, worth, [[length] for length in lengths])]

    def of_lengths(
        self, documents: Sequence[Sequence[int]], worth: Tensor, lengths: Sequence[Sequence[int]]
    ) -> list[list[Unit]]:
        """The best sentences of every document, of several lengths that are read out of one table.

        Args:
            documents: Pieces, the end piece included.
            worth: ``[batch, source]`` nats of keeping each of them; a word is worth the mean of its pieces.
            lengths: Units wanted, at least 1, of each document. Where it has no more, all of it is taken.

        Returns:
            Pieces of each sentence, without the end piece.
        """
        values = worth.float().tolist()
        rows = [row for row, several in enumerate(lengths) for _ in several]
        wanted = [
            one
            for ids, nats, several in zip(documents, values, lengths, strict=True)
            for one in self._wanted(ids[:-1], nats, several)
        ]
        paths = self._paths(wanted, worth.device)
        asked = [length for several in lengths for length in several]
        for index, (row, one, path) in enumerate(zip(rows, wanted, paths, strict=True)):
            if sum(one.table.costs[column] for column in path) < one.length:
                # Of pieces with several units some have to be cut.
                parts = [self.boundaries.parts.get(piece, [piece]) for piece in documents[row][:-1]]
                nats = [nat for nat, part in zip(values[row], parts, strict=False) for _ in part]
                wanted[index] = self._wanted(join(parts), nats, asked[index : index + 1])[0]
                paths[index] = self._paths(wanted[index : index + 1], worth.device)[0]
        found = iter(self._written(*pair) for pair in zip(wanted, paths, strict=True))
        return [[*islice(found, len(several))] for several in lengths]

    def _wanted(self, ids: Sequence[int], worth: list[float], lengths: Sequence[int]) -> list[_Wanted]:
        """What is wanted for each length: of one table, unless a length needs every unit of the document."""
        units = split_into_units(ids, self.boundaries)
        words = [without_punctuation(unit, self.silent) for unit in units]
        places = _sayable(words)
        costs = [max(1, self.boundaries.length(self._begin(words[place]))) for place in places]
        table, longest = _Table(units, words, places, costs, worth), max(1, self.boundaries.length(ids))
        wanted = []
        for length in (min(length, longest) for length in lengths):
            ending = self.ending if length > self._ending_units else []
            fewer = length - (self._ending_units if ending else 0)
            enough = sum(costs) >= fewer
            wanted.append(
                _Wanted(table, fewer, ending) if enough else _Wanted(self._whole(units, worth), length, [])
            )
        return wanted

    def _whole(self, units: list[Unit], worth: list[float]) -> _Table:
        """The table of all units, punctuation too."""
        costs = [self.boundaries.length(self._begin(unit)) for unit in units]
        places = [place for place, cost in enumerate(costs) if cost]
        return _Table(units, units, places, [costs[place] for place in places], worth)

    def _paths(self, wanted: Sequence[_Wanted], device: torch.device) -> list[list[int]]:
        """The best columns of words for each sentence."""
        tables = {id(one.table): one.table for one in wanted}
        rows = dict(zip(tables, range(len(tables)), strict=True))
        columns = [self._columns(table) for table in tables.values()]
        keys, costs, values = (
            pad_sequence(parts, batch_first=True, padding_value=filling).to(device)
            for parts, filling in zip(zip(*columns, strict=True), (0, 1, -math.inf), strict=True)
        )
        gains = self.weight * self.succession(keys).float()
        beside = [
            (index, first + 1, second)
            for index, table in enumerate(tables.values())
            for first, second in self._beside(table.units, table.words, table.places)
        ]
        gains[tuple(torch.tensor(beside, dtype=torch.long).view(-1, 3).T)] += _TOGETHER
        lengths = [one.length for one in wanted]
        return best_paths(values, costs, gains, lengths, [rows[id(one.table)] for one in wanted])

    def fitting(
        self,
        documents: Sequence[Sequence[int]],
        worth: Tensor,
        lengths: Sequence[Sequence[int]],
        room: Callable[[int], int],
    ) -> list[list[Unit]]:
        """`of_lengths`, of fewer units where a sentence has more pieces than ``room`` says for so many."""
        found = self.of_lengths(documents, worth, lengths)
        for row, (sentences, several) in enumerate(zip(found, lengths, strict=True)):
            for index, (words, length) in enumerate(zip(sentences, several, strict=True)):
                part, most = slice(row, row + 1), room(length)
                while len(words) > most and length > 1:
                    length = max(1, min(length * most // len(words), length - 1))
                    (words,) = self(documents[part], worth[part], [length])
                sentences[index] = words
        return found

    def _columns(self, table: _Table) -> tuple[Tensor, Tensor, Tensor]:
        """Of the words of a document, ``[places]`` each: keys, units, and nats of keeping them."""
        starts = np.cumsum([0, *map(len, table.units)])
        keys = [word_key(table.words[place], self.spellings) for place in table.places]
        values, seen = [], set()
        for place, key, cost in zip(table.places, keys, table.costs, strict=True):
            mean = float(np.mean(table.worth[starts[place] : starts[place] + len(table.words[place])]))
            values.append(cost * (min(mean, _AGAIN) if key in seen else mean))
            seen.add(key)
        return (
            torch.tensor(keys, dtype=torch.long),
            torch.tensor(table.costs, dtype=torch.long),
            torch.tensor(values, dtype=torch.float),
        )

    def _beside(self, units: list[Unit], words: list[Unit], places: list[int]) -> Iterator[tuple[int, int]]:
        """Columns of words that follow each other, or would in one clause without words to be omitted."""
        for column, place in enumerate(places):
            after = column + 1
            while after < len(places) and places[after] - place == after - column <= _MOST_OMITTED:
                yield column, after
                light = all(self.omitted[piece] for piece in words[places[after]])
                if not light or any(len(units[p]) > len(words[p]) for p in (place, places[after])):
                    break
                after += 1

    def _written(self, wanted: _Wanted, path: list[int]) -> Unit:
        """The pieces of kept units; punctuation stays between those that stay together, and at the end as
        people end. Words that no blank is between come apart by one.
        """
        table = wanted.table
        if not path:
            return self._begin(join(table.units))
        kept = [table.places[column] for column in path]
        written: Unit = []
        state = BLANK
        for place, after in pairwise([*kept, -1]):
            unit = self._begin(table.units[place] if after == place + 1 else table.words[place])
            _, effect = next(iter(self.boundaries.characters(unit)))
            if state != BLANK and not self.boundaries.moves[state][effect][2]:
                written += self.boundaries.blank
            written += unit
            state = self.boundaries.state_after(unit)
        if wanted.ending and self.boundaries.length(wanted.ending, state) == self._ending_units:
            written += wanted.ending
        return written

    def _begin(self, unit: Unit) -> Unit:
        """A unit, or of one that is too long the beginning, cut between two characters."""
        begin: Unit = []
        for pieces, _ in self.boundaries.characters(unit):
            if begin and len(begin) + len(pieces) > _LONGEST_WORD:
                break
            begin += pieces
        return begin


def best_paths(
    worth: Tensor,
    costs: Tensor,
    gains: Tensor,
    lengths: Sequence[int],
    rows: Sequence[int] | None = None,
) -> list[list[int]]:
    """Places, in order, with the greatest sum of their worths and of the gains between them (Viterbi 1967).

    Args:
        worth: ``[batch, places]``, minus infinity where there is no place.
        costs: ``[batch, places]`` units that each place has, at least 1.
        gains: ``[batch, places + 1, places + 1]`` as of `Succession`.
        lengths: Units that each path shall have; where there is no such path, fewer.
        rows: Which row each path is in, so that one has paths of several lengths; by default each has one.
    """
    if not worth.numel():
        return [[] for _ in lengths]
    later = torch.ones(worth.shape[1], worth.shape[1], dtype=torch.bool, device=worth.device).triu(1)
    between = gains[:, 1:, :-1].masked_fill(~later, -math.inf)
    kinds = costs[worth.isfinite()].unique().tolist()
    # Of paths with so many units that end in each place: their sums, and those of going on, with where from.
    ended, gone_on = [torch.full_like(worth, -math.inf)], [(gains[:, 0, :-1], torch.full_like(costs, -1))]
    for units in range(1, max(lengths, default=0) + 1):
        best = ended[0]
        for cost in kinds:
            if cost <= units:
                best = torch.where(costs == cost, gone_on[units - cost][0] + worth, best)
        ended.append(best)
        gone_on.append((best[:, :, None] + between).max(1))
    whole = torch.stack(ended) + gains[None, :, 1:, -1]
    scores, last = whole.max(2)
    came = [before.tolist() for _, before in gone_on]
    scores, last, costs = scores.tolist(), last.tolist(), costs.tolist()
    paths = []
    for row, length in zip(range(len(worth)) if rows is None else rows, lengths, strict=True):
        while length and scores[length][row] == -math.inf:
            length -= 1
        path = [last[length][row]] if length else []
        while path and path[-1] >= 0:
            length -= costs[row][path[-1]]
            path.append(came[length][row][path[-1]])
        paths.append(path[-2::-1])
    return paths
