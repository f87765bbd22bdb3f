"""The mixture from which one-hot and tree codes start."""

import torch
from torch.nn import functional as F

from summgan.codes.mixture import CONCENTRATION, spherical_mixture, spread_rows


def clusters(count=6, each=40, width=20, noise=0.1):
    generator = torch.Generator().manual_seed(1)
    means = F.normalize(torch.randn(count, width, generator=generator), dim=-1)
    rows = means.repeat_interleave(each, 0) + noise * torch.randn(count * each, width, generator=generator)
    return F.normalize(rows, dim=-1), torch.arange(count).repeat_interleave(each)


def test_clusters_are_found_from_any_start():
    vectors, truth = clusters()
    for seed in range(5):
        weights = spherical_mixture(vectors, 6, seed)
        torch.testing.assert_close(weights.norm(dim=-1), torch.full((6,), CONCENTRATION))
        found = (vectors @ weights.T).argmax(-1)
        assert all(len(found[truth == cluster].unique()) == 1 for cluster in range(6))
        assert len(found.unique()) == 6


def test_starts_are_far_from_each_other_and_may_be_as_many_as_the_rows():
    vectors, truth = clusters(noise=0.01)
    rows = spread_rows(vectors, 6, torch.Generator().manual_seed(0))
    places = [int((vectors @ row).argmax()) for row in rows]
    assert len(truth[places].unique()) == 6
    assert spread_rows(vectors[:3], 3, torch.Generator().manual_seed(0)).shape == (3, 20)
    same = vectors[:1].repeat(5, 1)
    assert torch.isfinite(spherical_mixture(same, 4, 0)).all()
