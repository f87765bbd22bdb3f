"""How much a place of a document says: learned from the two piles, without any pair.

Two sources. *Counted* over the piles: a piece is salient when it is rare among the documents and when people
write it into sentences more often than into documents. *Learned* from the mined neighbours (`neighbours.py`):
a logistic regression of whether a sentence says a place of the document nearest to it, on the piece there,
its position, and how often the document has it. Neighbours are about similar events
and so miss just the rare words that tell events apart; therefore the two are added.

Used by the content term (`losses.py`), in writing (`decoding.py`), and for where sentences are hidden
(`noise.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor, nn

POSITION_BIN, POSITION_BINS = 8, 64
"""Pieces of a document that count as one position, and how many positions are told apart."""
REPETITIONS = 4
"""How often a piece stands in a document until more makes no difference."""
LEAST_PAIRS = 50
"""Sentences near a document without which nothing can be learned from them."""

_FREQUENT = math.log(10)  # nats of rarity below which a piece, in a tenth of all documents, says nothing
_COUNTED = 0.5
_POSITION = 2.0  # of the log-odds of a position among what is counted
_SAMPLE = 50_000
_SMOOTHING = 5.0  # occurrences that every piece is believed to have had in either pile
_RAREST = 6.0  # nats of inverse document frequency; rarer pieces say no more
_LOWEST = -2.0
_OMITTED = 2.0  # nats that a piece costs which is to be omitted
_BELIEVED = 10.0  # places of a kind that make their share believable
_NEWTON_STEPS, _RIDGE = 10, 1.0


class Salience(nn.Module):
    """Tables whose sum, over what is true of a place, is its salience in nats.

    Attributes:
        piece: ``[vocabulary]``, by the piece that stands there.
        position: ``[POSITION_BINS]``, by where it is.
        repetition: ``[REPETITIONS]``, by how often the document has the piece, from once.
    """

    def __init__(self, vocabulary_size: int):
        super().__init__()
        self.register_buffer("piece", torch.zeros(vocabulary_size))
        self.register_buffer("position", torch.zeros(POSITION_BINS))
        self.register_buffer("repetition", torch.zeros(REPETITIONS))

    def forward(self, source_ids: Tensor) -> Tensor:
        """``[batch, source]`` of every place of documents ``[batch, source]``."""
        places = torch.arange(source_ids.shape[1], device=source_ids.device) // POSITION_BIN
        times = (source_ids[:, :, None] == source_ids[:, None]).sum(2).clamp_max(REPETITIONS) - 1
        position = self.position[places.clamp_max(POSITION_BINS - 1)]
        return self.piece[source_ids] + position + self.repetition[times]


def salience_of(
    documents: Dataset,
    sentences: Dataset,
    near: Dataset | None,
    spellings: Sequence[int],
    omitted: Sequence[int] = (),
) -> Salience:
    """Count and learn what is salient.

    Args:
        documents: Rows with ``input_ids``, the end piece included.
        sentences: The same of human sentences.
        near: Those of them that are near a document, with the row of this ``neighbour``; of fewer than
            `LEAST_PAIRS` nothing is learned, and what is counted is all.
        spellings: ``[vocabulary]`` of every piece the first one that is spelled like it. These are
            counted together, and equally salient.
        omitted: Pieces that a sentence shall do without, though people may say them.
    """
    spellings = np.asarray(spellings)
    salience = Salience(len(spellings))
    counted, rarity = _count(documents, sentences, spellings)
    if near is None or len(near) < LEAST_PAIRS:
        salience.piece.copy_(torch.tensor(counted))
    else:
        _learn(salience, documents, near, spellings, counted, rarity)
    salience.piece.copy_(salience.piece[spellings])
    salience.piece[list(omitted)] -= _OMITTED
    return salience


def _learn(
    salience: Salience,
    documents: Dataset,
    near: Dataset,
    spellings: np.ndarray,
    counted: np.ndarray,
    rarity: np.ndarray,
) -> None:
    """Set the tables by what neighbours say, and what was counted."""
    places = _places(documents, near, spellings, rarity)
    sizes = {"piece": len(spellings), "position": POSITION_BINS}
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
    frequent = torch.tensor(rarity < _FREQUENT)
    salience.piece[frequent] = salience.piece[frequent].clamp_max(0.0)
    salience.repetition.copy_(torch.arange(REPETITIONS) * worth[1])


def _count(documents: Dataset, sentences: Dataset, spellings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of every piece half the inverse document frequency plus the log-odds of standing in a sentence rather
    than in a document, in nats; and that frequency alone.
    """
    written, frequency, texts = _occurrences(documents, spellings)
    human, _, _ = _occurrences(sentences, spellings)
    written *= human.sum() / max(1.0, written.sum())
    rarity = np.minimum(np.log((texts + 1) / (frequency + 1)), _RAREST)
    odds = np.log((human + _SMOOTHING) / (written + _SMOOTHING))
    return np.maximum(rarity / 2 + odds, _LOWEST), rarity


def _occurrences(texts: Dataset, spellings: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Occurrences of every spelling, texts that have it, and how many texts were read."""
    occurrences, having = np.zeros(len(spellings)), np.zeros(len(spellings))
    rows = np.linspace(0, len(texts) - 1, min(len(texts), _SAMPLE), dtype=int)
    sample = texts.select(rows).with_format("numpy")
    for part in sample.iter(1000):
        for ids in part["input_ids"]:
            np.add.at(occurrences, spellings[ids], 1)
            having[np.unique(spellings[ids])] += 1
    return occurrences, having, len(rows)


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
    rows = np.linspace(0, len(near) - 1, min(len(near), _SAMPLE), dtype=int)
    for part in near.select(rows).iter(1000):
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
    """Coefficients ``[features]`` by Newton's method (Hastie 2009, section 4.4.1), with a slight ridge."""
    worth = np.zeros(features.shape[1])
    for _ in range(_NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-features @ worth))
        slope = features.T @ (weights * (labels - chance)) - _RIDGE * worth
        curvature = (features * (weights * chance * (1 - chance))[:, None]).T @ features
        worth += np.linalg.solve(curvature + _RIDGE * np.eye(len(worth)), slope)
    return worth
