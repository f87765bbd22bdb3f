"""The reranker reads from left to right and ignores padding."""

from dataclasses import replace

import pytest
import torch
from paths_support import make_generator, make_world, no_forms

from summgan.networks.lattice import lattice_of
from summgan.networks.path_generator import write
from summgan.networks.paths import Path
from summgan.networks.reranker import Reranker, worth_of

WORLD = make_world()


@pytest.fixture
def read():
    """Reads paths through the first two documents, with word 0 inserted before the vertices of a set."""
    taken = WORLD.documents.take([0, 1])
    lattice = lattice_of(*(taken[name] for name in ("ids", "after", "hold", "need")), no_forms(WORLD))
    torch.manual_seed(0)
    generator = make_generator(WORLD).eval()
    reranker = Reranker(16, 8).eval()

    @torch.no_grad()
    def answer(paths, inserted=(), change=None):
        vertices = torch.tensor(paths)
        chosen = torch.tensor(
            [[[0 if (v in inserted) else -1 for v in path] for path in row] for row in paths]
        )
        drawn = write(lattice, generator.prior.inserted, Path(vertices, chosen >= 0), chosen)
        states = generator(lattice).states
        drawn = change(drawn) if change else drawn
        return drawn, states, reranker(drawn, lattice, states)

    return answer


def test_a_word_is_judged_by_those_before_it(read):
    _, _, nats = read([[[0, 1, 2, 5], [0, 1, 2, 7]], [[0, 1, 2, 5], [0, 1, 2, -1]]])
    assert nats.shape == (4, 5)
    assert torch.equal(nats[0, :3], nats[1, :3]) and nats[0, 3] != nats[1, 3] and nats[0, 4] != nats[1, 4]
    assert torch.equal(nats[2, :3], nats[3, :3])
    assert nats[3, 4] == 0 and nats[3, 3] != nats[2, 3]  # the end, then padding


def test_places_punctuation_and_document_count(read):
    same = [[[0, 1, 2, 5]], [[0, 1, 2, 5]]]
    _, _, nats = read(same)
    assert not torch.allclose(nats[0], nats[1])  # other words and another document
    _, _, moved = read(
        same,
        change=lambda drawn: replace(drawn, places=drawn.places + (drawn.places > 2)),
    )
    assert torch.equal(moved[:, :3], nats[:, :3]) and not torch.equal(moved[:, 3], nats[:, 3])
    _, _, last = read([[[9, 10]], [[9, 10]]])
    _, _, alone = read([[[9, 10, -1, -1]], [[9, 10, -1, -1]]])
    assert torch.allclose(last, alone[:, :3], atol=1e-6) and (alone[:, 3:] == 0).all()


def test_inserted_words_are_read_by_their_pieces_and_are_no_step_on(read):
    drawn, states, nats = read([[[0, 3, -1]], [[0, 3, -1]]], inserted={3})
    vertices = states.shape[1] - 2
    assert drawn.places[0].tolist() == [0, -1, 3] and drawn.states[0].tolist() == [0, vertices, 3]
    assert torch.equal(states[0, vertices:], states[1, vertices:])  # the same words in every document
    assert not torch.equal(states[0, :vertices], states[1, :vertices])
    assert (nats != 0).sum(1).tolist() == [4, 4]


def test_a_summary_is_worth_its_mean_word_and_fifths_of_its_end_and_its_least_likely_word():
    nats = torch.tensor([[-1.0, -2, -3, 0, 0], [-1, -1, -4, -2, 0], [-9, -1, -1, -1, -3]])
    found = worth_of(nats, torch.tensor([2, 3, 4]))
    assert found.tolist() == pytest.approx([-1.5 - 0.6, -2 - 0.4 - 0.8, -3 - 0.6 - 0.2])
    assert worth_of(torch.tensor([[-1.0, -2]]), torch.tensor([1])).tolist() == pytest.approx([-1.4])
    assert worth_of(nats[None, :, :3], torch.tensor([[1, 1, 2]])).shape == (1, 3)
