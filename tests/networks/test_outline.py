"""Nested paths: each level is contained in the next, and no outline of the same kind is better."""

from itertools import combinations

import pytest
import torch

from summgan.networks.outline import from_coarsest, from_finest, outline, visited
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
def test_each_way_is_the_best_that_there_is_level_by_level(seed):
    full, scores = scores_of(seed)
    lengths = torch.tensor([LENGTHS])
    down, up = from_finest(scores, lengths), from_coarsest(scores, lengths)
    among, expected = range(VERTICES), []
    for length in reversed(LENGTHS):
        among = best(full, scores, among, length)
        expected.insert(0, among)
    assert [tuple(path.vertices[0].tolist()) for path in down[0]] == expected
    through, expected_up = (), []
    for length in LENGTHS:
        through = best(full, scores, range(VERTICES), length, through)
        expected_up.append(through)
    assert [tuple(path.vertices[0].tolist()) for path in up[0]] == expected_up
    for (_, values), paths in ((down, expected), (up, expected_up)):
        assert values[0].tolist() == pytest.approx([value(full, scores, p) for p in paths], abs=1e-3)
    _, values = outline(scores, lengths)
    assert float(values.sum()) == pytest.approx(float(max(down[1].sum(), up[1].sum())), abs=1e-3)


def test_every_level_is_contained_in_the_next_one():
    for seed in range(6):
        _, scores = scores_of(seed)
        paths, _ = outline(scores, torch.tensor([LENGTHS]))
        sets = [visited(path, scores)[0] for path in paths]
        assert [int(found.sum()) for found in sets] == list(LENGTHS)
        assert all((coarse <= fine).all() for coarse, fine in zip(sets, sets[1:], strict=False))
