import json

import numpy as np
import pyarrow.parquet
import pytest
from codes_support import DEPTH

from summgan.cli.main import main
from summgan.codes.encoder import Encoder
from summgan.codes.hash_index import HashIndex
from summgan.errors import SummGANError


def test_encode_and_search_from_the_shell(code_run, documents, tmp_path, capsys):
    folder, output, index = code_run("binary"), tmp_path / "codes.parquet", tmp_path / "index"
    texts = str(tmp_path / "texts.txt")
    arguments = [texts, "--model", str(folder), "--output", str(output), "--index", str(index)]
    assert main(["encode", *arguments]) == 0
    table = pyarrow.parquet.read_table(output).to_pylist()
    encoder = Encoder.from_pretrained(folder, device="cpu")
    assert [bytes.fromhex(row["bits"]) for row in table] == [
        row.tobytes() for row in encoder.encode_file(texts).bits
    ]
    capsys.readouterr()
    asked = ["search", documents[3], "--index", str(index), "--model", str(folder), "--k", "5"]
    assert main(asked) == 0
    hits = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(hits) == 5 and hits[0]["distance"] == 0
    assert [hit["distance"] for hit in hits] == sorted(hit["distance"] for hit in hits)
    bits = np.unpackbits(encoder.encode(documents).bits, axis=1)
    assert sorted((bits != bits[3]).sum(1))[:5] == [hit["distance"] for hit in hits]


def test_a_tree_is_encoded_and_searched_from_the_shell(code_run, documents, tmp_path, capsys):
    folder, index = code_run("tree"), tmp_path / "index"
    texts, model = str(tmp_path / "texts.txt"), str(folder)
    output = tmp_path / "codes.jsonl"
    assert main(["encode", texts, "--model", model, "--output", str(output), "--index", str(index)]) == 0
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    encoder = Encoder.from_pretrained(folder, device="cpu")
    codes = encoder.encode_file(texts)
    assert [row["path"] for row in rows] == codes.ids.tolist()
    np.testing.assert_allclose([row["probabilities"] for row in rows], codes.probabilities, atol=1e-6)
    assert (np.diff(codes.probabilities, axis=1) <= 0).all() and (codes.probabilities > 0).all()
    capsys.readouterr()
    assert main(["search", documents[3], "--index", str(index), "--model", model, "--k", "9"]) == 0
    hits = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    shared = np.cumprod(codes.ids == codes.ids[3], axis=1).sum(1)
    assert [hit["distance"] for hit in hits] == sorted(DEPTH - shared)[:9]
    assert all(DEPTH - shared[hit["row"]] == hit["distance"] for hit in hits)
    clusters = str(code_run("onehot", folder="clusters"))
    assert main(["encode", texts, "--model", clusters, "--index", str(tmp_path / "other")]) == 2
    assert "needs a binary code or a tree; this model's code is one-hot" in capsys.readouterr().err
    assert main(["search", "a", "--index", str(index), "--model", clusters]) == 2
    assert "needs a binary code or a tree" in capsys.readouterr().err


def test_a_wrong_index_is_refused(code_run, documents, tmp_path):
    first = Encoder.from_pretrained(code_run("binary"), device="cpu")
    second = Encoder.from_pretrained(code_run("binary", folder="other", size=24), device="cpu")
    clusters = Encoder.from_pretrained(code_run("onehot", folder="clusters"), device="cpu")
    index = HashIndex(first, documents[:30])
    with pytest.raises(SummGANError, match="from 1 to 30"):
        index.search(documents[0], 31)
    index.save(tmp_path / "index")
    loaded = HashIndex.load(tmp_path / "index", first)
    assert loaded.search(documents[1], 7) == index.search(documents[1], 7)
    with pytest.raises(SummGANError, match="another model"):
        HashIndex.load(tmp_path / "index", second)
    with pytest.raises(SummGANError, match="binary code"):
        HashIndex(clusters, documents[:3])
    file = tmp_path / "index" / "index.faiss"
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(SummGANError, match="damaged"):
        HashIndex.load(tmp_path / "index", first)
    with pytest.raises(SummGANError, match=r"texts\[1\] is empty"):
        first.encode(["Anna", "  "])
    with pytest.raises(SummGANError, match="No code can be loaded"):
        Encoder.from_pretrained(tmp_path)
