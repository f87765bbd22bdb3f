"""Counts of the words of both piles for a `WordTable`; no list of words is built in."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from summgan.data.piece_counts import FREQUENT, PieceCounts, counted_salience
from summgan.text.counts import NgramCounts, pair_gains
from summgan.text.word_table import BEGIN, END, NUMBER, SPREAD, WordTable, class_of
from summgan.text.words import SENTENCE, Words

_TOGETHER = 0.75  # smallest share of a word's occurrences with the same neighbour that joins the two
_COUNTED_ON = 12  # smallest number of occurrences of such a word
_LONGEST = 64  # words; longer sentences count as this long
_FALL = 8.0  # nats by which the shares of lengths fall from the longest sentence to twice its length
_LEAST_FORM = 20  # smallest number of occurrences in sentences of a form that is offered


def count_words(
    documents: Sequence[Words],
    sentences: Sequence[Words],
    stem: Callable[[str], str] | None = None,
    forms: int = 2,
    inserted: int = 12,
    least: int = 3,
) -> WordTable:
    """Count the words of both piles.

    Args:
        documents: Texts to summarize.
        sentences: Human sentences.
        stem: Returns the stem of a word in lower case; None without a stemmer, and then there are no forms.
        forms: Largest number of other words with the same stem that may replace a word.
        inserted: Number of words that may be inserted: those with the most different neighbours.
        least: Smallest number of occurrences of a word in both piles together; rarer ones are unknown.
    """
    written, said = (
        Counter(string.lower() for words in pile for string in words.strings)
        for pile in (documents, sentences)
    )
    strings = ["", " ", *sorted((written | said).keys() | {NUMBER})]
    rows = {string: row for row, string in enumerate(strings)}
    classes = np.array([rows.get(class_of(string), rows[string]) for string in strings])
    stems = [stem(string) if stem else string for string in strings]
    texts = ([int(classes[rows[string.lower()]]) for string in words.strings] for words in sentences)
    counts = NgramCounts(texts, 2, BEGIN, END)
    following = {first: seconds for (first,), seconds in counts.following[1].items()}
    names = _names(documents, rows)
    unseen, pairs, gains = _gains(counts, len(strings))
    counted = WordTable(
        strings=strings,
        classes=classes,
        worth=_worth(documents, sentences, rows, stems),
        unseen=unseen[classes],
        pairs=pairs,
        gains=gains,
        together=_together(following),
        names=names,
        forms=_forms(strings, stems, said, rows, names, forms if stem else 0),
        inserted=_connecting(following, inserted),
        lengths=_length_shares([len(words.strings) for words in sentences]),
    )
    return counted.only(rows[string] for string, count in (written + said).items() if count >= least)


def _length_shares(lengths: Sequence[int]) -> np.ndarray:
    """Shares of sentences with 0, 1, ... 64 words; longer ones count as 64.

    A pile of sentences is often cut at some length. Shares beyond the longest fall slowly, so that a summary
    may have a few words more than any of them.
    """
    counts = np.bincount(np.minimum(lengths, _LONGEST), minlength=_LONGEST + 1).astype(float)
    last = int(counts.nonzero()[0][-1])
    beyond = np.arange(1, _LONGEST + 1 - last)
    counts[last + 1 :] = counts[last] * np.exp(-_FALL * beyond / max(1, last))
    return counts / counts.sum()


def _worth(
    documents: Sequence[Words], sentences: Sequence[Words], rows: dict[str, int], stems: list[str]
) -> np.ndarray:
    """Salience of all words, in nats; see `counted_salience`.

    Words with the same stem are counted together. Frequent words have at most 0, even if they are frequent in
    sentences too.
    """
    numbers = {stem: number for number, stem in enumerate(dict.fromkeys(stems))}
    kinds = np.array([numbers[stem] for stem in stems])
    occurrences, having, human = np.zeros((3, len(numbers)))
    for words in documents:
        ids = kinds[[rows[string.lower()] for string in words.strings]]
        np.add.at(occurrences, ids, 1)
        having[np.unique(ids)] += 1
    for words in sentences:
        np.add.at(human, kinds[[rows[string.lower()] for string in words.strings]], 1)
    worth, rarity = counted_salience(PieceCounts(occurrences, having, len(documents)), human)
    return np.where(rarity < FREQUENT, np.minimum(worth, 0.0), worth)[kinds].astype(np.float32)


def _gains(counts: NgramCounts[int], size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`pair_gains` as arrays: gain of unseen followers of each word, and keys and gains of seen pairs."""
    unseen, seen = pair_gains(counts)
    table = np.zeros(size, dtype=np.float32)
    table[list(unseen)] = list(unseen.values())
    keyed = {first * SPREAD + second: gain for (first, second), gain in seen.items()}
    keys = np.array(sorted(keyed), dtype=np.int64)
    return table, keys, np.array([keyed[key] for key in keys.tolist()], dtype=np.float32)


def _connecting(following: dict[int, Counter[int]], most: int) -> np.ndarray:
    """Rows of the words with the most different neighbours, by the entropies of those before and after."""
    preceding: dict[int, Counter[int]] = defaultdict(Counter)
    for first, seconds in following.items():
        for second, count in seconds.items():
            preceding[second][first] = count

    def entropy(counts: Counter[int]) -> float:
        shares = np.array(list(counts.values())) / counts.total()
        return float(-(shares * np.log(shares)).sum())

    words = [row for row in preceding if row in following and row != END]
    words.sort(key=lambda row: -entropy(preceding[row]) - entropy(following[row]))
    return np.array(words[:most], dtype=np.int64)


def _together(following: dict[int, Counter[int]]) -> dict[tuple[int, int], tuple[bool, bool]]:
    """Pairs of words of which people hardly ever use one without the other."""
    before: Counter[int] = Counter()
    for seconds in following.values():
        before.update(seconds)
    found = {}
    for first, seconds in following.items():
        total = seconds.total()
        for second, count in seconds.items():
            if BEGIN == first or END == second or count < _COUNTED_ON * _TOGETHER:
                continue
            holds = total >= _COUNTED_ON and count / total >= _TOGETHER
            needs = before[second] >= _COUNTED_ON and count / before[second] >= _TOGETHER
            if holds or needs:
                found[first, second] = (holds, needs)
    return found


def _names(documents: Sequence[Words], rows: dict[str, int]) -> np.ndarray:
    """Which words are usually capitalized inside sentences."""
    capital = np.zeros((2, len(rows)))
    for words in documents:
        for place, string in enumerate(words.strings):
            if place and words.after[place - 1] != SENTENCE:
                capital[int(string[:1].isupper()), rows[string.lower()]] += 1
    return capital[1] > capital[0]


def _forms(
    strings: list[str],
    stems: list[str],
    said: Counter[str],
    rows: dict[str, int],
    names: np.ndarray,
    most: int,
) -> np.ndarray:
    """``[words, most]`` other words with the same stem, most frequent first, -1 beyond the last; names have
    none.
    """
    table = np.full((len(strings), most), -1)
    families: dict[str, list[str]] = defaultdict(list)
    for string, stem in zip(strings, stems, strict=True):
        if said[string] >= _LEAST_FORM and string.isalpha() and not names[rows[string]]:
            families[stem].append(string)
    for row, (string, stem) in enumerate(zip(strings, stems, strict=True)):
        if names[row]:
            continue
        others = sorted((other for other in families[stem] if other != string), key=lambda w: -said[w])
        for column, other in enumerate(others[:most]):
            table[row, column] = rows[other]
    return table
