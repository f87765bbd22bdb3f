"""Marginals along a path equal the gradients of the log-partition function."""

import pytest
import torch

from summgan.networks.paths import FORBIDDEN, Paths, Scores, banded
from summgan.networks.visits import visits


def lattice(inserted, spread=1.0):
    """Random scores of two lattices; the second has two vertices fewer."""
    random = torch.Generator().manual_seed(1)

    def table(*shape):
        return spread * torch.randn(2, *shape, generator=random)

    node = table(8)
    node[1, -2:] = FORBIDDEN
    tables = table(8), node, banded(table(8, 8), 5), table(8)
    return Scores(*tables, banded(table(8, 8), 5) if inserted else None)


@pytest.mark.parametrize("inserted", [False, True])
@pytest.mark.parametrize("spread", [1.0, 15.0])
@pytest.mark.parametrize("units", [[5, 3], [1, 1], [6, 6]])
def test_they_are_the_marginals(inserted, spread, units):
    scores, lengths = lattice(inserted, spread), torch.tensor(units)
    paths = Paths(scores, 6)
    path, best = paths.best(lengths)
    said, between = visits(scores, path, lengths, best)
    shares = paths.marginals(lengths)
    assert (said > 0.01).sum(1).tolist() == path.mask.sum(1).tolist()
    for row in range(2):
        vertices = [vertex for vertex in path.vertices[row].tolist() if vertex >= 0]
        wanted = [float(shares.node[row, vertex]) for vertex in vertices]
        assert said[row, : len(vertices)].tolist() == pytest.approx(wanted, abs=1e-4)
        assert not said[row, len(vertices) :].any()
        for step, (here, there) in enumerate(zip(vertices[:-1], vertices[1:], strict=True), 1):
            put = path.inserted[row, step]
            assert float(between[row, step]) == pytest.approx(
                float(shares.inserted[row, here, there - here - 1]) if put else 0.0, abs=1e-4
            )
    if inserted and spread > 1 and units == [5, 3]:
        assert (between > 0.01).any()


def test_scores_far_from_nothing_stay_in_range():
    scores, lengths = lattice(True), torch.tensor([5, 4])
    far = Scores(scores.begin, scores.node + 400, scores.edge, scores.end, scores.inserted + 400)
    path, best = Paths(scores, 5).best(lengths)
    wanted, more = visits(scores, path, lengths, best)
    found, between = visits(far, path, lengths, best + 400 * lengths)
    assert torch.allclose(found, wanted, atol=1e-3)
    assert torch.allclose(between, more, atol=1e-3)
