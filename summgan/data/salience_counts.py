"""What is salient in documents: counted in the two piles, and learned from neighbours, without any pair.

*Counted*: a piece is salient when it is rare among the documents and when people write it into sentences
more often than into documents. *Learned* from the sentences near a document (`neighbours.py`): a logistic
regression of whether a sentence says a place of the document nearest to it, on the piece there, its
position, and how often the document has it. Neighbours are about similar events and so miss just the rare
words that tell events apart; therefore the two are added. The result is a `Salience` of `summgan.networks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from datasets import Dataset

from summgan.data.piece_counts import FREQUENT, count_pieces, counted_salience, evenly_spread
from summgan.networks.salience import POSITION_BIN, POSITION_BINS, REPETITIONS, Salience

LEAST_PAIRS = 50
"""Sentences near a document without which nothing can be learned from them."""

_SAMPLE = 50_000  # texts of a pile, and pairs
_COUNTED = 0.5  # weight of what is counted beside what is learned
_POSITION = 2.0  # weight of the log-odds of a position in what is counted
_BELIEVED = 10.0  # places of a kind that make their share believable
_RIDGE = 1.0  # of the regression: half of it times the squared norm is added to the loss


def salience_of(
    documents: Dataset,
    sentences: Dataset,
    near: Dataset | None,
    spellings: Sequence[int],
) -> Salience:
    """Count and learn what is salient.

    Args:
        documents: Rows with ``input_ids``, the end piece included.
        sentences: Human sentences in such rows.
        near: Sentences that are near a document, with the row of this ``neighbour``. Nothing is learned from
            fewer than `LEAST_PAIRS`.
        spellings: ``[vocabulary]`` the first piece that is spelled like each piece. Pieces spelled alike are
            counted together, and equally salient.
    """
    alike = np.asarray(spellings)
    salience = Salience(len(alike))
    piles = (evenly_spread(pile, _SAMPLE) for pile in (documents, sentences))
    written, human = (count_pieces(pile, alike) for pile in piles)
    counted, rarity = counted_salience(written, human.occurrences)
    salience.piece.copy_(torch.tensor(counted))
    if near is not None and len(near) >= LEAST_PAIRS:
        places = _places(documents, near, alike, rarity)
        if 0 < places["said"].mean() < 1:  # else there is nothing to tell apart
            _learn(salience, places, counted, rarity)
    salience.piece.copy_(salience.piece[alike])
    return salience


def _learn(
    salience: Salience, places: dict[str, np.ndarray], counted: np.ndarray, rarity: np.ndarray
) -> None:
    """Set the tables by what neighbours say of the places of documents, and what is counted."""
    sizes = {"piece": len(counted), "position": POSITION_BINS}
    # Each half is described by what was counted in the other: a rare piece would give its own sentence away.
    described = [np.ones(len(places["said"])), places["repetition"]]
    for name, size in sizes.items():
        other = [_log_odds(places, name, size, places["half"] != half) for half in (0, 1)]
        described.append(np.where(places["half"] == 0, *(table[places[name]] for table in other)))
    worth = _logistic_regression(np.stack(described, 1), places["said"], places["weight"])
    odds = {name: _log_odds(places, name, size) for name, size in sizes.items()}
    # Documents near a sentence are short; later than they go, a place is as the last one known.
    known = np.bincount(places["position"], minlength=POSITION_BINS) >= _BELIEVED
    odds["position"][~known] = odds["position"][known][-1]
    for (name, table), weight in zip(odds.items(), worth[2:], strict=True):
        getattr(salience, name).copy_(torch.tensor(weight * table))
    salience.piece += _COUNTED * torch.tensor(counted)
    salience.position += torch.tensor(_POSITION * odds["position"])
    # Where sentences are full ones they do say "the", and yet it is no reason to.
    frequent = torch.tensor(rarity < FREQUENT)
    salience.piece[frequent] = salience.piece[frequent].clamp_max(0.0)
    salience.repetition.copy_(torch.arange(REPETITIONS) * worth[1])


def _places(
    documents: Dataset, near: Dataset, spellings: np.ndarray, rarity: np.ndarray
) -> dict[str, np.ndarray]:
    """Every place of the documents that are near a sentence, as columns: what stands there, whether the
    sentence says it, and how much it weighs.
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
    # What kind of word a neighbour misses oftener than others counts for more where it has it.
    missed = ((written + 2) / (known + 1))[classes[found["piece"]]]
    return found | {"weight": np.where(found["said"], missed, 1.0)}


def _pairs(documents: Dataset, near: Dataset) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pieces of sentences and of the documents nearest to them, the end piece included."""
    for part in evenly_spread(near, _SAMPLE).iter(1000):
        sources = documents[part["neighbour"]]["input_ids"]
        for ids, source in zip(part["input_ids"], sources, strict=True):
            yield np.asarray(ids), np.asarray(source)


def _log_odds(
    places: dict[str, np.ndarray], name: str, size: int, chosen: np.ndarray | slice = slice(None)
) -> np.ndarray:
    """``[size]`` logarithm of how much oftener than others a place with each value of a column is said."""
    values, said = places[name][chosen], places["said"][chosen]
    seen = np.bincount(values, minlength=size)
    mean = max(said.mean(), 1e-9)
    return np.log((np.bincount(values, said, size) + _BELIEVED * mean) / (seen + _BELIEVED) / mean)


def _logistic_regression(features: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Coefficients ``[features]`` with a slight ridge; some labels are true and some false."""
    from sklearn.linear_model import LogisticRegression  # takes a second to load

    # The first feature is 1 everywhere. The default solver stops too early for a table of four digits.
    regression = LogisticRegression(
        C=1 / _RIDGE, fit_intercept=False, solver="newton-cholesky", tol=1e-10, max_iter=100
    )
    return regression.fit(features, labels, weights).coef_[0]
