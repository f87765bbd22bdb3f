"""The distribution over paths equals enumeration, and gradients equal finite differences."""

import itertools
import math

import pytest
import torch
from paths_support import all_paths, lattice, lengths_of
from torch.autograd import gradcheck

from summgan.networks.k_best import k_best
from summgan.networks.paths import (
    FORBIDDEN,
    Path,
    Paths,
    Scores,
    log_sum_of_alignments,
    possible,
    score_of,
)

LONGEST = 5


def flatter(scores):
    return scores.map(lambda table: torch.where(table > FORBIDDEN / 2, table * 0.5, table))


KINDS = [
    dict(),
    dict(band=2),
    dict(inserted=True),
    dict(costs=True),
    dict(inserted=True, costs=True, band=3),
]


@pytest.fixture(params=KINDS, ids=str)
def scores(request):
    return lattice(**request.param)


def test_log_partition_of_every_length_is_that_of_all_paths(scores):
    found = Paths(scores, LONGEST).log_partition
    for row, units in itertools.product(range(2), range(1, LONGEST + 1)):
        totals = torch.tensor([float(score) for *_, score in all_paths(scores, row, units)])
        assert possible(found[row, units]) == bool(len(totals))
        if len(totals):
            assert found[row, units] == pytest.approx(float(totals.logsumexp(0)), abs=1e-4)
    assert not possible(found[:, 0]).any()


def test_a_length_without_a_path_is_impossible():
    found = Paths(lattice(vertices=4, band=3), LONGEST).log_partition
    assert possible(found).tolist() == [[False] + [True] * 4 + [False], [False] + [True] * 3 + [False] * 2]


def test_marginals_entropy_and_divergence_are_those_of_all_paths(scores):
    paths, other = Paths(scores, LONGEST), flatter(scores)
    lengths = lengths_of(4, 3)
    shares = paths.marginals(lengths)
    entropy, divergence = paths.entropy(lengths), paths.divergence(other, lengths)
    for row, units in enumerate(lengths.tolist()):
        listed = list(all_paths(scores, row, units))
        chances = torch.stack([score for *_, score in listed]).softmax(0)
        wanted = torch.zeros_like(scores.node[row])
        edges = torch.zeros_like(scores.edge[row])
        for (places, between, _), chance in zip(listed, chances, strict=True):
            wanted[list(places)] += chance
            for (a, b), flag in zip(itertools.pairwise(places), between[1:], strict=True):
                edges[a, b - a - 1] += 0 if flag else chance
        assert torch.allclose(shares.node[row], wanted, atol=1e-5)
        assert torch.allclose(shares.edge[row], edges, atol=1e-5)
        assert float(shares.begin[row].sum()) == pytest.approx(1, abs=1e-4)
        assert float(shares.end[row].sum()) == pytest.approx(1, abs=1e-4)
        assert float(entropy[row]) == pytest.approx(float(-(chances * chances.log()).sum()), abs=1e-3)
        there = torch.stack([score for *_, score in all_paths(other, row, units)]).log_softmax(0)
        assert float(divergence[row]) == pytest.approx(
            float((chances * (chances.log() - there)).sum()), abs=1e-3
        )
    assert torch.allclose(paths.divergence(scores, lengths), torch.zeros(2), atol=1e-4)


def test_best_and_k_best_paths_are_the_greatest_of_all(scores):
    lengths = lengths_of(4, 3)
    path, values = Paths(scores, LONGEST).best(lengths)
    several, ranked = k_best(scores, lengths, 4)
    greatest = Paths(scores, LONGEST).best_scores()
    for row, units in enumerate(lengths.tolist()):
        listed = sorted(all_paths(scores, row, units), key=lambda found: -found[2])
        places, between, score = listed[0]
        assert path.vertices[row].tolist()[: len(places)] == list(places)
        assert path.inserted[row].tolist()[: len(places)] == list(between)
        assert not path.mask[row, len(places) :].any()
        assert float(values[row]) == pytest.approx(float(score), abs=1e-4) == float(greatest[row, units])
        for rank, (places, between, score) in enumerate(listed[:4]):
            assert several.vertices[row, rank].tolist()[: len(places)] == list(places)
            assert several.inserted[row, rank].tolist()[: len(places)] == list(between)
            assert float(ranked[row, rank]) == pytest.approx(float(score), abs=1e-4)


def test_samples_come_as_often_as_their_probability_and_from_their_numbers_alone(scores):
    paths, lengths, count = Paths(scores, LONGEST), lengths_of(3, 3), 20_000
    uniforms = torch.rand(2, count, 3, paths.choices, generator=torch.Generator().manual_seed(1))
    drawn = paths.sample(lengths, uniforms)
    again = paths.sample(lengths, uniforms)
    assert torch.equal(drawn.vertices, again.vertices)
    chances = paths.log_probability(drawn, lengths).exp()
    for row in range(2):
        listed = list(all_paths(scores, row, 3))
        wanted = torch.stack([score for *_, score in listed]).softmax(0)
        for (places, between, _), chance in zip(listed, wanted.tolist(), strict=True):
            full = torch.tensor([*places, *[-1] * (3 - len(places))])
            flags = torch.tensor([*between, *[False] * (3 - len(places))])
            same = (drawn.vertices[row] == full).all(1) & (drawn.inserted[row] == flags).all(1)
            error = 4 * math.sqrt(chance * (1 - chance) / count) + 1e-4
            assert float(same.float().mean()) == pytest.approx(chance, abs=error)
            if same.any():
                assert chances[row, same].tolist() == pytest.approx([chance] * int(same.sum()), abs=1e-4)


def test_relaxed_samples_are_the_samples_and_pass_gradients_on(scores):
    learned = scores.map(lambda table: table.clone().requires_grad_())
    paths, lengths = Paths(learned, LONGEST), lengths_of(4, 3)
    uniforms = torch.rand(2, 3, 4, paths.choices, generator=torch.Generator().manual_seed(2))
    path, relaxed = paths.relaxed_sample(lengths, uniforms, 0.7)
    assert torch.equal(path.vertices, paths.sample(lengths, uniforms).vertices)
    assert torch.equal(relaxed.argmax(3)[path.mask], path.vertices[path.mask])
    assert torch.allclose(relaxed.sum(3), path.mask.float(), atol=1e-5)
    (relaxed * torch.randn(relaxed.shape[-1])).sum().backward()
    for table in (learned.begin, learned.node, learned.edge):
        assert torch.isfinite(table.grad).all()
        assert table.grad.abs().sum() > 0


def test_gradients_are_those_of_finite_differences():
    scores = lattice(vertices=4, band=3, inserted=True, costs=True).map(lambda table: table.double())
    lengths = lengths_of(3, 2)

    def figures(begin, node, edge, end, inserted):
        paths = Paths(Scores(begin, node, edge, end, inserted, scores.costs), 4)
        other = flatter(scores)
        path = Path(torch.tensor([[[0, 2, -1]], [[0, 2, -1]]]), torch.tensor([[[False, True, False]]] * 2))
        return (
            paths.log_partition_of(lengths),
            paths.entropy(lengths),
            paths.divergence(other, lengths),
            score_of(paths.scores, path),
        )

    tables = [scores.begin, scores.node, scores.edge, scores.end, scores.inserted]
    assert gradcheck(figures, [table.clone().requires_grad_() for table in tables], atol=1e-4)


def test_a_sentence_counts_over_all_its_alignments():
    scores = lattice(inserted=True)
    words = torch.tensor([[0, 1, 0, 2, 1, 2], [0, 1, 0, 2, 1, 2]])
    sentence = torch.tensor([[0, 1, 2], [0, 9, 2]])  # 9 is at no vertex, but may be inserted
    says = words[:, None] == sentence[:, :, None]
    inserting = torch.where((sentence == 9)[:, :, None, None], scores.inserted[:, None], FORBIDDEN)
    lengths = lengths_of(3, 3)
    found = log_sum_of_alignments(scores, says, lengths, inserting)
    for row, said in enumerate(([0, 1, 2], [0, 9, 2])):
        totals = []
        for places, between, score in all_paths(scores, row, 3):
            spelled = []
            for place, flag in zip(places, between, strict=True):
                spelled += [9] * flag + [int(words[row, place])]
            if spelled == said:
                totals.append(float(score))
        assert len(totals) > 1
        assert float(found[row]) == pytest.approx(float(torch.tensor(totals).logsumexp(0)), abs=1e-4)
    shorter = log_sum_of_alignments(scores, says, lengths_of(2, 1))
    assert not possible(log_sum_of_alignments(scores, words[:, None] == 7, lengths_of(1, 1))).any()
    assert possible(shorter).all()


def test_narrow_bands_are_wide_ones_without_their_leaps():
    wide, narrow = lattice(band=5), lattice(band=2)
    masked = Scores(wide.begin, wide.node, wide.edge.clone(), wide.end)
    masked.edge[:, :, 2:] = FORBIDDEN
    assert torch.allclose(
        Paths(masked, LONGEST).log_partition, Paths(narrow, LONGEST).log_partition, atol=1e-4
    )


def test_long_documents_need_no_more_than_vertices_times_band():
    vertices, band = 1024, 32
    node = torch.randn(1, vertices, generator=torch.Generator().manual_seed(3))
    edge = torch.zeros(1, vertices, band)
    onward = torch.arange(vertices)[:, None] + 1 + torch.arange(band)
    scores = Scores(node * 0, node, edge.masked_fill(onward >= vertices, FORBIDDEN), node * 0)
    path, _ = Paths(scores, 40).best(lengths_of(40))
    leaps = path.vertices[0].diff()
    assert (leaps >= 1).all()
    assert (leaps <= band).all()
    assert Paths(scores, 40).marginals(lengths_of(40)).node.sum() == pytest.approx(40, abs=0.05)


def test_best_paths_of_several_lengths_at_once_are_those_of_each_length():
    scores = lattice(inserted=True)
    paths, lengths = Paths(scores, LONGEST), torch.tensor([[1, 3, 5], [2, 4, 2]])
    together, values = paths.best_of_each(lengths)
    for column in range(3):
        alone, value = paths.best(lengths[:, column])
        units = alone.vertices.shape[1]
        assert torch.equal(together.vertices[:, column, :units], alone.vertices)
        assert torch.equal(together.inserted[:, column, :units], alone.inserted)
        assert torch.equal(values[:, column], value)
