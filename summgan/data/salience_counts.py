"""Salience of pieces and positions in documents: counted in the piles, and learned from neighbours.

*Counted*: a piece is salient if it is rare in documents, and more frequent in human sentences than in
documents. *Learned* from the sentences near a document (`neighbours.py`): a logistic regression predicts
whether a sentence has the piece at a place of its nearest document, from the piece, its position, and its
number of occurrences in the document. Neighbours are about similar events and lack the rare words that tell
events apart, so the two are added. The result is a `Salience` of `summgan.networks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from datasets import Dataset

from summgan.data.piece_counts import FREQUENT, count_pieces, counted_salience, evenly_spread
from summgan.networks.salience import POSITION_BIN, POSITION_BINS, REPETITIONS, Salience

LEAST_PAIRS = 50
"""Smallest number of sentences near a document from which salience is learned."""

_SAMPLE = 50_000  # largest number of texts of a pile, and of pairs
_COUNTED = 0.5  # weight of the counted salience that is added to the learned one
_POSITION = 2.0  # weight of the log-odds of a position that are added to the learned ones
_BELIEVED = 10.0  # prior count of places in the estimate of a share
_RIDGE = 1.0  # of the regression: half of it, times the squared norm, is added to the loss


def salience_of(
    documents: Dataset,
    sentences: Dataset,
    near: Dataset | None,
    spellings: Sequence[int],
) -> Salience:
    """Count and learn the salience of pieces and positions.

    Args:
        documents: Rows with ``input_ids``, the end piece included.
        sentences: Human sentences in such rows.
        near: Sentences near a document, with the row of the document as ``neighbour``. Nothing is learned
            from fewer than `LEAST_PAIRS`, or from None.
        spellings: ``[vocabulary]`` first piece that is spelled like each piece. Pieces of the same spelling
            are counted together and have the same salience.
    """
    alike = np.asarray(spellings)
    salience = Salience(len(alike))
    piles = (evenly_spread(pile, _SAMPLE) for pile in (documents, sentences))
    written, human = (count_pieces(pile, alike) for pile in piles)
    counted, rarity = counted_salience(written, human.occurrences)
    salience.piece.copy_(torch.tensor(counted))
    if near is not None and len(near) >= LEAST_PAIRS:
        places = _places(documents, near, alike, rarity)
        if 0 < places["said"].mean() < 1:  # otherwise there is only one class
            _learn(salience, places, counted, rarity)
    salience.piece.copy_(salience.piece[alike])
    return salience


def _learn(
    salience: Salience, places: dict[str, np.ndarray], counted: np.ndarray, rarity: np.ndarray
) -> None:
    """Set the tables of a salience by a regression on the places of documents, and add what is counted."""
    sizes = {"piece": len(counted), "position": POSITION_BINS}
    # The features of each half are counted in the other half, or a rare piece would reveal its own label.
    described = [np.ones(len(places["said"])), places["repetition"]]
    for name, size in sizes.items():
        other = [_log_odds(places, name, size, places["half"] != half) for half in (0, 1)]
        described.append(np.where(places["half"] == 0, *(table[places[name]] for table in other)))
    worth = _logistic_regression(np.stack(described, 1), places["said"], places["weight"])
    odds = {name: _log_odds(places, name, size) for name, size in sizes.items()}
    # Positions beyond the documents near a sentence, which are short, are as the last known position.
    known = np.bincount(places["position"], minlength=POSITION_BINS) >= _BELIEVED
    odds["position"][~known] = odds["position"][known][-1]
    for (name, table), weight in zip(odds.items(), worth[2:], strict=True):
        getattr(salience, name).copy_(torch.tensor(weight * table))
    salience.piece += _COUNTED * torch.tensor(counted)
    salience.position += torch.tensor(_POSITION * odds["position"])
    # Frequent words such as "the" are in full sentences too, but they are not salient.
    frequent = torch.tensor(rarity < FREQUENT)
    salience.piece[frequent] = salience.piece[frequent].clamp_max(0.0)
    salience.repetition.copy_(torch.arange(REPETITIONS) * worth[1])


def _places(
    documents: Dataset, near: Dataset, spellings: np.ndarray, rarity: np.ndarray
) -> dict[str, np.ndarray]:
    """Collect all places of the documents near a sentence, as columns ``[places]``: piece, position,
    repetition, whether the sentence has the piece (``said``), half of the data, and weight.
    """
    names = ("piece", "position", "repetition", "said", "half")
    columns: dict[str, list] = {name: [] for name in names}
    classes = rarity.astype(int)
    written, known = (np.zeros(classes.max() + 1) for _ in range(2))
    for number, (ids, source) in enumerate(_pairs(documents, near)):
        text, ids = spellings[source[:-1]], spellings[ids]
        said = np.isin(text, ids)
        times = np.minimum((source[:, None] == source).sum(1), REPETITIONS)[:-1] - 1
        position = np.minimum(np.arange(len(text)) // POSITION_BIN, POSITION_BINS - 1)
        row = (text, position, times, said, np.full(len(text), number % 2))
        for name, values in zip(names, row, strict=True):
            columns[name].append(values)
        distinct = np.unique(ids)
        np.add.at(written, classes[distinct], 1)
        np.add.at(known, classes[distinct], np.isin(distinct, text))
    found = {name: np.concatenate(values) for name, values in columns.items()}
    # The more often neighbours lack pieces of a rarity, the higher is the weight of those that they have.
    missed = ((written + 2) / (known + 1))[classes[found["piece"]]]
    return found | {"weight": np.where(found["said"], missed, 1.0)}


def _pairs(documents: Dataset, near: Dataset) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pieces of sentences and of their nearest documents, the end piece included."""
    for part in evenly_spread(near, _SAMPLE).iter(1000):
        sources = documents[part["neighbour"]]["input_ids"]
        for ids, source in zip(part["input_ids"], sources, strict=True):
            yield np.asarray(ids), np.asarray(source)


def _log_odds(
    places: dict[str, np.ndarray], name: str, size: int, chosen: np.ndarray | slice = slice(None)
) -> np.ndarray:
    """``[size]`` log-ratio of the share of places that sentences have, by value of a column, to its mean."""
    values, said = places[name][chosen], places["said"][chosen]
    seen = np.bincount(values, minlength=size)
    mean = max(said.mean(), 1e-9)
    return np.log((np.bincount(values, said, size) + _BELIEVED * mean) / (seen + _BELIEVED) / mean)


def _logistic_regression(features: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Fit the coefficients ``[features]`` with a slight ridge; there must be both kinds of labels."""
    from sklearn.linear_model import LogisticRegression  # takes a second to load

    # The first feature is the constant 1. The default solver stops too early for four correct digits.
    regression = LogisticRegression(
        C=1 / _RIDGE, fit_intercept=False, solver="newton-cholesky", tol=1e-10, max_iter=100
    )
    return regression.fit(features, labels, weights).coef_[0]
