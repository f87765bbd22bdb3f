"""The best path of each length, the choice of the length, and the probability of each word."""

import pytest
import torch
from paths_support import make_generator, make_world, no_forms
from torch import nn

from summgan.networks.lattice import lattice_of
from summgan.networks.path_generator import inserted_words, write
from summgan.networks.path_writer import PathWriter
from summgan.networks.paths import Path, Paths

WORLD = make_world()
LENGTHS = torch.tensor([3, 4, 6])


class Likes(nn.Module):
    """Predicts half a nat less per word for each word that a summary deviates from the preferred length."""

    def __init__(self, words):
        super().__init__()
        self.words = words

    def forward(self, drawn, lattice, states):
        assert states.shape[1] == lattice.words.shape[1] + 2
        lengths = (drawn.words >= 0).sum(1, keepdim=True)
        steps = torch.arange(drawn.words.shape[1] + 1) <= lengths
        return -0.5 * (lengths - self.words).abs() * steps


def lattice():
    taken = WORLD.documents.take([0, 1])
    return lattice_of(*(taken[name] for name in ("ids", "after", "hold", "need")), no_forms(WORLD))


def trained():
    """A generator whose learned scores are not 0."""
    torch.manual_seed(0)
    model = make_generator(WORLD).eval()
    for layer in (model.edge, model.node):
        nn.init.normal_(layer.weight)
    with torch.no_grad():
        model.edge.bias[1:] += 4.0  # inserted words
    return model


def writer_of(model, shares, temperature=0.6):
    writer = PathWriter(model, temperature)
    writer.know(shares)
    return writer


def test_every_length_has_its_best_path():
    documents, model = lattice(), trained()
    writer = writer_of(model, torch.ones(10))
    with torch.no_grad():
        scores = model(documents)
    several = False
    for length in LENGTHS.tolist():
        path, _ = Paths(scores.total, length).best(torch.tensor([length, length]))
        path = Path(path.vertices[:, None], path.inserted[:, None])
        drawn = write(documents, model.prior.inserted, path, inserted_words(scores, path, 1.0, None))
        written = writer(documents, torch.tensor([length]))
        assert torch.equal(written.words, drawn.words)
        assert torch.equal(written.places, drawn.places)
        assert written.words.ge(0).sum(1).tolist() == [length, length]
        several |= bool(path.inserted.any())
    assert several, "no word is inserted"


def best_scores(model, documents):
    with torch.no_grad():
        return Paths(model(documents).total, 6).best_scores()[:, LENGTHS]


def test_the_score_chooses_what_is_better_than_usual():
    writer, documents = writer_of(trained(), torch.ones(10)), lattice()
    writer.measure([documents], torch.arange(1, 7))
    scores = best_scores(writer.generator, documents)
    assert torch.allclose(writer.usual[LENGTHS], scores.mean(0))
    assert torch.allclose(writer.by_score(LENGTHS.expand(2, -1), scores).sum(0), torch.zeros(3), atol=1e-3)
    assert writer(documents, LENGTHS).lengths.tolist() == [
        int(LENGTHS[column]) for column in (scores - scores.mean(0)).argmax(1)
    ]


def test_a_short_document_is_said_whole_at_most():
    writer = writer_of(trained(), torch.ones(31))
    written = writer(lattice(), torch.tensor([30]))
    assert written.lengths.tolist() == [18, 11]
    assert (written.words >= 0).sum(1).tolist() == [18, 11]


def test_probabilities_are_shares_of_samples():
    documents, model = lattice(), trained()
    with torch.no_grad():
        model.node.weight *= 0.3
        model.edge.weight *= 0.3
    writer = writer_of(model, torch.ones(10), 1.5)
    written = writer(documents, torch.tensor([4]))
    assert written.places.lt(0).any(), "no word is inserted"
    with torch.no_grad():
        scores = model(documents)
    paths, count = Paths(scores.at(1.5), 4), 4000
    torch.manual_seed(2)
    path = paths.sample(written.lengths, torch.rand(2, count, 4, paths.choices))
    insertable = model.prior.inserted
    chosen = inserted_words(scores, path, 1.5, torch.rand(2, count, 4, len(insertable)))
    drawn = write(documents, insertable, path, chosen)
    for row in range(2):
        own = slice(row * count, (row + 1) * count)
        words, places = drawn.words[own], drawn.places[own]
        for unit, (word, place) in enumerate(
            zip(written.words[row].tolist(), written.places[row].tolist(), strict=True)
        ):
            if place >= 0:
                said = ((words == word) & (places == place)).any(1)
            else:
                beside = written.places[row, unit - 1], written.places[row, unit + 1]
                said = (
                    (words[:, 1:-1] == word) & (places[:, :-2] == beside[0]) & (places[:, 2:] == beside[1])
                ).any(1)
            share = float(said.float().mean())
            assert float(written.probabilities[row, unit]) == pytest.approx(share, abs=0.03)


def test_what_was_measured_is_saved_and_goes_on_beyond_the_longest_length():
    writer = writer_of(trained(), torch.ones(10))
    writer.measure([lattice()], torch.arange(1, 7))
    usual = writer.usual
    assert usual[40] - usual[39] == pytest.approx(float(usual[6] - usual[5]), abs=1e-3)
    assert "usual" in writer.state_dict()
    other = writer.of(writer.generator)
    assert torch.equal(other(lattice(), LENGTHS).words, writer(lattice(), LENGTHS).words)


def test_the_reranker_chooses_the_length_and_frequent_lengths_count_too():
    shares = torch.full([10], 0.1)
    for words in LENGTHS.tolist():
        writer = PathWriter(trained(), reranker=Likes(words))
        writer.know(shares)
        assert writer(lattice(), LENGTHS).lengths.tolist() == [words, words]
        assert writer.of(writer.generator)(lattice(), LENGTHS).lengths.tolist() == [words, words]
    shares[4] = 1e-7  # log frequency 11 nats below that of 3 words; a tenth of it is more than half a nat
    writer = PathWriter(trained(), reranker=Likes(4))
    writer.know(shares)
    assert writer(lattice(), torch.tensor([3, 4])).lengths.tolist() == [3, 3]
    assert writer(lattice(), torch.tensor([4])).lengths.tolist() == [4, 4]


def test_of_very_many_lengths_the_reranker_reads_the_best():
    writer = PathWriter(trained(), reranker=Likes(1))
    writer.know(torch.full([31], 0.1))
    writer.usual[:] = 1e3
    writer.usual[3:19] = -1e3  # by score, lengths 3 to 18 are the best
    assert writer(lattice(), torch.arange(1, 31)).lengths[0] == 3
