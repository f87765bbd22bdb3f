"""Salience, checked against the formula on small counts, and on neighbours made by a known rule."""

import math

import numpy as np
import pytest
import torch
from datasets import Dataset

from summgan.data.salience_counts import LEAST_PAIRS, _logistic_regression, salience_of
from summgan.networks.salience import POSITION_BIN

END = 0


def test_rare_pieces_that_people_write_into_sentences_are_salient():
    documents = Dataset.from_dict({"input_ids": [[1, 1, 2], [1, 3], [1, 2]]})
    sentences = Dataset.from_dict({"input_ids": [[2, 3], [3], [4]]})
    found = salience_of(documents, sentences, None, range(5))
    written = 2 * 4 / 7  # two occurrences of piece 2, scaled to the size of the other pile
    expected = math.log((3 + 1) / (2 + 1)) / 2 + math.log((1 + 5) / (written + 5))
    assert found.piece[2].item() == pytest.approx(expected, rel=1e-5)
    assert found.piece[3] > found.piece[2] > found.piece[1]
    assert found.piece.min() >= -2.0
    for table in (found.position, found.repetition):
        assert not table.any()


def piles(said, pairs=500, length=24, vocabulary=400):
    """Documents of random pieces, and sentences of the places where ``said(document, place, rng)``."""
    rng = np.random.default_rng(0)
    documents, sentences = [], []
    for _ in range(pairs):
        document = rng.integers(1, vocabulary, length)
        kept = [int(document[place]) for place in range(length) if said(document, place, rng)]
        documents.append([*document.tolist(), END])
        sentences.append([*kept, END])
    documents = Dataset.from_dict({"input_ids": documents})
    near = Dataset.from_dict({"input_ids": sentences, "neighbour": list(range(pairs))})
    return documents, near, range(vocabulary)


def neighbours(said, **sizes):
    """Salience that is learned from such documents and sentences."""
    documents, near, spellings = piles(said, **sizes)
    return salience_of(documents, near, near, spellings)


def test_it_is_learned_which_pieces_neighbours_say():
    found = neighbours(lambda document, place, rng: rng.random() < (0.8 if document[place] < 50 else 0.2))
    often, seldom = found.piece[1:50], found.piece[50:]
    assert often.min() > seldom.max()
    # Nearly the true difference of log-odds, or more, as the counted salience has the same sign.
    assert often.mean() - seldom.mean() > 1.5
    assert found.position[:3].abs().max() < 0.5


def test_it_is_learned_where_neighbours_begin_and_what_is_repeated():
    found = neighbours(lambda document, place, rng: rng.random() < (0.8 if place < POSITION_BIN else 0.2))
    assert found.position[0] - found.position[1] > 1.0
    assert found.position[1].item() == pytest.approx(found.position[2].item(), abs=0.3)
    # Positions beyond all documents are as the last known one.
    assert (found.position[3:] == found.position[2]).all() and found.position[2] < 0

    def said(document, place, rng):
        return rng.random() < (0.9 if (document == document[place]).sum() > 1 else 0.1)

    found = neighbours(said, vocabulary=60)
    assert found.repetition[0] == 0 and found.repetition[1] > 1.0


def test_few_neighbours_teach_nothing():
    found = neighbours(lambda document, place, rng: place < 3, pairs=LEAST_PAIRS - 1)
    assert not found.position.any()


def test_pieces_said_by_chance_do_not_look_salient():
    # Every piece is rare here, so a table that judged its own sentence would explain all of it.
    documents, near, spellings = piles(lambda document, place, rng: rng.random() < 0.3, vocabulary=5000)
    found, counted = (salience_of(documents, near, some, spellings).piece[1:] for some in (near, None))
    assert (found - counted / 2).std() < 0.1  # half of the counted salience, and hardly more


def test_logistic_regression_is_where_the_slope_is_zero():
    rng = np.random.default_rng(1)
    features = np.stack([np.ones(300), *rng.normal(size=(2, 300))], 1)
    labels = rng.random(300) < 1 / (1 + np.exp(-features @ [0.5, 1.0, -2.0]))
    weights = rng.uniform(0.5, 2, 300)
    worth = torch.tensor(_logistic_regression(features, labels, weights), requires_grad=True)
    logits = torch.tensor(features) @ worth
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, torch.tensor(labels).double(), torch.tensor(weights), reduction="sum"
    )
    (losses + worth.square().sum() / 2).backward()
    assert worth.grad.abs().max() < 1e-6
    assert worth.tolist() == pytest.approx([0.5, 1.0, -2.0], abs=0.6)


def test_where_all_or_nothing_is_said_nothing_is_learned():
    for said in (True, False):
        found = neighbours(lambda document, place, rng, said=said: said)
        assert not found.position.any() and not found.repetition.any()
        assert found.piece.isfinite().all()


def test_a_piece_of_every_tenth_document_has_no_salience_though_it_is_always_said():
    rng = np.random.default_rng(2)
    documents = [[7, *rng.integers(10, 200, 8).tolist(), END] for _ in range(500)]
    sentences = [[7, document[1], END] for document in documents]
    near = Dataset.from_dict({"input_ids": sentences, "neighbour": list(range(500))})
    piles = (Dataset.from_dict({"input_ids": documents}), near, near, range(200))
    found = salience_of(*piles)
    assert found.piece[7] == 0


def test_what_is_spelled_alike_is_counted_together_and_equally_salient():
    documents, near, _ = piles(
        lambda document, place, rng: rng.random() < (0.8 if document[place] < 50 else 0.2), vocabulary=800
    )
    # 1 and 60 are two forms of one word; apart, the first is said often and the second seldom.
    together = [1 if piece == 60 else piece for piece in range(800)]
    apart, joined = (salience_of(documents, near, near, forms).piece for forms in (range(800), together))
    assert apart[1] > joined[1] == joined[60] > apart[60]
    renamed = [
        rows.map(lambda row: {"input_ids": [together[piece] for piece in row["input_ids"]]})
        for rows in (documents, near)
    ]
    expected = salience_of(renamed[0], renamed[1], renamed[1], range(800)).piece
    assert torch.allclose(joined[:60], expected[:60], atol=1e-5)
