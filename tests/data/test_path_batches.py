"""Batches of documents and sentences as rows of a word table."""

import torch
from paths_support import make_world

from summgan.data.order import Share
from summgan.data.path_batches import PathBatches

WORLD = make_world()


def test_batches_follow_from_seed_and_number():
    first, again, other = (
        PathBatches(WORLD.documents, WORLD.sentences, seed, Share(2)) for seed in (0, 0, 1)
    )
    batch = first[5]
    again[0]
    assert torch.equal(batch.source, again[5].source)
    assert torch.equal(batch.sentences, again[5].sentences)
    assert batch.rows.tolist() == [10, 11]
    assert batch.sentences.shape[0] == 4
    assert any(not torch.equal(first[n].sentences, other[n].sentences) for n in range(4))
    seen = [tuple(row.tolist()[:3]) for n in range(2) for row in first[n].source]
    assert len(set(seen)) == 4  # an epoch has each document once
    parts = [PathBatches(WORLD.documents, WORLD.sentences, 0, Share(1, rank, 2))[5] for rank in (0, 1)]
    assert [part.rows.tolist() for part in parts] == [[10], [11]]
    assert torch.equal(parts[1].source[0], batch.source[1, : parts[1].source.shape[1]])
    assert batch.to(torch.device("cpu")).source.equal(batch.source)
