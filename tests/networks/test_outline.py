"""Nested paths: each level is contained in the next and exact given its neighbour."""

from itertools import combinations

import pytest
import torch

from summgan.networks.outline import from_level, outline, visited
from summgan.networks.paths import FORBIDDEN, Scores, banded

VERTICES, LENGTHS = 7, (2, 3, 5)


def scores_of(seed):
    torch.manual_seed(seed)
    full = torch.randn(1, VERTICES, VERTICES)
    full = full.masked_fill(~torch.ones(VERTICES, VERTICES).triu(1).bool(), FORBIDDEN)
    tables = [torch.randn(1, VERTICES) for _ in range(3)]
    return full[0], Scores(tables[0], tables[1], banded(full, VERTICES - 1), tables[2])


def value(full, scores, path):
    total = scores.begin[0, path[0]] + scores.end[0, path[-1]] + scores.node[0, list(path)].sum()
    return float(total + sum(full[a, b] for a, b in zip(path, path[1:], strict=False)))


def best(full, scores, among, length, through=()):
    found = [path for path in combinations(sorted(among), length) if set(through) <= set(path)]
    return max(found, key=lambda path: value(full, scores, path))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("first", range(len(LENGTHS)))
def test_each_level_is_the_best_that_there_is_given_its_neighbour(seed, first):
    full, scores = scores_of(seed)
    paths, values = from_level(scores, torch.tensor([LENGTHS]), first)
    expected = {first: best(full, scores, range(VERTICES), LENGTHS[first])}
    for level in reversed(range(first)):
        expected[level] = best(full, scores, expected[level + 1], LENGTHS[level])
    for level in range(first + 1, len(LENGTHS)):
        expected[level] = best(full, scores, range(VERTICES), LENGTHS[level], expected[level - 1])
    wanted = [expected[level] for level in range(len(LENGTHS))]
    assert [tuple(path.vertices[0].tolist()) for path in paths] == wanted
    assert values[0].tolist() == pytest.approx([value(full, scores, path) for path in wanted], abs=1e-3)


def test_the_best_start_is_kept_and_is_mostly_the_joint_optimum():
    optimal, lengths = 0, torch.tensor([LENGTHS])
    for seed in range(40):
        full, scores = scores_of(seed)
        _, values = outline(scores, lengths)
        starts = [from_level(scores, lengths, first)[1].sum() for first in range(len(LENGTHS))]
        assert float(values.sum()) == pytest.approx(float(max(starts)), abs=1e-4)
        joint = max(
            sum(value(full, scores, path) for path in (coarse, middle, fine))
            for fine in combinations(range(VERTICES), LENGTHS[2])
            for middle in combinations(fine, LENGTHS[1])
            for coarse in combinations(middle, LENGTHS[0])
        )
        assert float(values.sum()) <= joint + 1e-3
        optimal += float(values.sum()) >= joint - 1e-3
    assert optimal >= 38


def test_documents_of_a_batch_have_the_outlines_that_they_have_alone():
    parts = [scores_of(seed)[1] for seed in range(12)]
    lengths = torch.tensor([LENGTHS])
    tables = [torch.cat([getattr(part, name) for part in parts]) for name in ("begin", "node", "edge", "end")]
    paths, values = outline(Scores(*tables), lengths.expand(len(parts), -1))
    for row, part in enumerate(parts):
        alone, expected = outline(part, lengths)
        assert torch.allclose(values[row], expected[0], atol=1e-4)
        assert all(torch.equal(a.vertices[row], b.vertices[0]) for a, b in zip(paths, alone, strict=True))


def test_every_level_is_contained_in_the_next_one():
    for seed in range(6):
        _, scores = scores_of(seed)
        paths, _ = outline(scores, torch.tensor([LENGTHS]))
        sets = [visited(path, scores)[0] for path in paths]
        assert [int(found.sum()) for found in sets] == list(LENGTHS)
        assert all((coarse <= fine).all() for coarse, fine in zip(sets, sets[1:], strict=False))
