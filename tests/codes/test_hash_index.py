"""The index of tree codes; the index of bits is tested with the commands."""

import json

import numpy as np
import pytest
import torch

from summgan.codes.bags import BagOfWords
from summgan.codes.encoder import Encoder
from summgan.codes.hash_index import HashIndex
from summgan.codes.model import CodeAutoencoder, CodeConfig
from summgan.errors import SummGANError

DEPTH = 4


@pytest.fixture
def encoder(documents):
    bags = BagOfWords.fit(documents, 200, 0.5)
    torch.manual_seed(0)
    model = CodeAutoencoder(CodeConfig("tree", 2, DEPTH, vocabulary_size=len(bags.words), directions=10))
    model.projection.normal_()
    return Encoder(model, bags)


def test_common_prefixes_come_first_and_near_vectors_among_them(encoder, documents):
    index = HashIndex(encoder, documents[:80])
    paths = encoder.encode(documents[:80]).ids
    vectors = encoder.model.path_vectors(torch.from_numpy(paths)).detach()
    for asked in range(5):
        hits = index.search(documents[asked], 80)
        assert sorted(hit.row for hit in hits) == list(range(80))
        shared = np.cumprod(paths == paths[asked], axis=1).sum(1)
        cosine = torch.cosine_similarity(vectors, vectors[asked : asked + 1]).numpy()
        keys = [(hit.distance, -round(float(cosine[hit.row]), 4), hit.row) for hit in hits]
        assert [hit.distance for hit in hits] == [DEPTH - shared[hit.row] for hit in hits]
        assert keys == sorted(keys)
        assert len({hit.distance for hit in hits}) > 1


def test_an_index_of_a_tree_is_saved_whole_and_checked(encoder, documents, tmp_path):
    index = HashIndex(encoder, documents[:30])
    index.save(tmp_path / "index")
    assert HashIndex.load(tmp_path / "index", encoder).search(documents[1], 7) == index.search(
        documents[1], 7
    )
    file = tmp_path / "index" / "index.json"
    kept = json.loads(file.read_text(encoding="utf-8"))
    paths = kept["paths"]
    for wrong in (
        paths[:-1],
        [path[:-1] for path in paths],
        [*paths[:-1], [0] * (DEPTH - 1) + [2]],
        [*paths[:-1], [0] * (DEPTH - 1) + [-1]],
        [*paths[:-1], [0.5] * DEPTH],
        [*paths[:-1], [10**30] * DEPTH],
        [*paths[:-1], "0000"],
        "paths",
        None,
    ):
        file.write_text(json.dumps(kept | {"paths": wrong}), encoding="utf-8")
        with pytest.raises(SummGANError, match="damaged"):
            HashIndex.load(tmp_path / "index", encoder)
    file.write_text(json.dumps(kept | {"fingerprint": "other"}), encoding="utf-8")
    with pytest.raises(SummGANError, match="another model"):
        HashIndex.load(tmp_path / "index", encoder)
    for k in (0, 31):
        with pytest.raises(SummGANError, match="from 1 to 30"):
            index.search(documents[0], k)
