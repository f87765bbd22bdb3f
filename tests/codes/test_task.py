"""Training, encoding and searching with one-hot, binary, VQ and tree codes, from files to results."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pyarrow.parquet
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from safetensors.torch import load_file
from tests_support import launch

from summgan.cli.main import main
from summgan.codes.bags import BagOfWords, most_similar
from summgan.codes.encoder import Encoder
from summgan.codes.hash_index import HashIndex
from summgan.codes.meaning import meanings, mutual_information
from summgan.codes.task import CodeTask
from summgan.errors import SummGANError
from summgan.options.configuration import LossWeights
from summgan.options.parsing import load_options
from summgan.training.checkpoint import checkpoints
from summgan.training.trainer import train

CONFIGS = Path(__file__).parents[2] / "configs"
SIZES = {"onehot": 4, "binary": 16, "vq": 4, "tree": 2}
DEPTH = 3


@pytest.fixture
def run(write, documents, tmp_path):
    """Train a configuration for a few steps; answers its options and folder."""

    def go(name, folder="run", **changes):
        AcceleratorState._reset_state(True)
        options, _ = load_options([str(CONFIGS / f"{name}.yaml")])
        training = {
            "output_dir": str(tmp_path / folder),
            "per_device_train_batch_size": 16,
            "save_steps": 4,
            "eval_steps": 4,
            "logging_steps": 1,
            "use_cpu": True,
        }
        training |= {k: v for k, v in changes.items() if k in ("estimator", "loss_weights")}
        code = {"steps": 8, "size": SIZES[name], "hidden_size": 16, "max_document_frequency": 0.5}
        if name == "tree":
            code["length"] = DEPTH
        code |= {k: v for k, v in changes.items() if k in ("size", "length", "kind", "similar_documents")}
        options = replace(
            options,
            data=replace(
                options.data,
                documents=write("texts.txt", changes.get("documents", documents)),
                cache_dir=str(tmp_path / "cache"),
            ),
            training=replace(options.training, **training),
            code=replace(options.code, **code),
        )
        train(options, resume=changes.get("resume", False), task=CodeTask)
        return tmp_path / folder

    return go


@pytest.mark.parametrize("name", SIZES)
def test_a_resumed_run_has_the_numbers_of_an_uninterrupted_one(run, name):
    whole = run(name)
    weights = load_file(whole / "model.safetensors")
    shutil.rmtree(whole / "checkpoint-8")
    (whole / "model.safetensors").unlink()
    torch.manual_seed(12345)
    again = load_file(run(name, resume=True) / "model.safetensors")
    assert checkpoints(whole)[-1].name == "checkpoint-8"
    assert weights.keys() == again.keys() and all(torch.equal(weights[k], again[k]) for k in weights)


@pytest.mark.parametrize("name", ["tree", "vq"])
def test_two_processes_have_the_numbers_of_one(run, name, tmp_path):
    one, two = run(name), tmp_path / "two"
    given = {
        "data.documents": tmp_path / "texts.txt",
        "data.cache_dir": tmp_path / "cache",
        "code.steps": 8,
        "code.size": SIZES[name],
        "code.hidden_size": 16,
        "code.max_document_frequency": 0.5,
        "training.output_dir": two,
        "training.per_device_train_batch_size": 8,
        "training.logging_steps": 1,
        "training.use_cpu": "true",
    }
    if name == "tree":
        given["code.length"] = DEPTH
    arguments = [str(CONFIGS / f"{name}.yaml")]
    for option, value in given.items():
        arguments += [f"--{option}", str(value)]
    status, message = launch(2, arguments, two)
    assert status == 0, message[-3000:]
    logs = [
        [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        for folder in (one, two)
    ]
    steps = [
        [(row["reconstruction"], row["autoencoder_grad_norm"]) for row in log if "reconstruction" in row]
        for log in logs
    ]
    assert len(steps[0]) == len(steps[1]) == 8
    for first, second in zip(*steps, strict=True):
        assert first == pytest.approx(second, rel=1e-3)
    weights = [load_file(folder / "model.safetensors") for folder in (one, two)]
    for key, value in weights[0].items():
        assert torch.allclose(value, weights[1][key], atol=2e-4), key


def test_a_run_killed_after_its_last_checkpoint_writes_its_model_and_report(run):
    folder = run("onehot")
    names = ("model.safetensors", "report.html", "log.jsonl")
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()
    run("onehot", resume=True)
    assert {name: (folder / name).read_bytes() for name in names} == before


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("model.safetensors", lambda f: f.write_bytes(f.read_bytes()[:-9]), "cannot be read .*; delete that"),
        ("optimizers.safetensors", lambda f: f.unlink(), "cannot be read .*; delete that checkpoint"),
        ("trainer_state.json", lambda f: f.write_text("{}"), "cannot be read .*; delete that checkpoint"),
        (
            "bag_of_words.json",
            lambda f: f.write_text("{}"),
            "bag_of_words.json is damaged.* delete that",
        ),
        (
            "bag_of_words.json",
            lambda f: f.write_text(f.read_text().replace('"anna"', '"zoe"')),
            "counts other words than the documents have now",
        ),
    ],
)
def test_a_damaged_checkpoint_of_a_code_is_one_sentence(run, name, change, message):
    change(run("binary") / "checkpoint-8" / name)
    with pytest.raises(SummGANError, match=message):
        run("binary", resume=True)


@pytest.mark.parametrize("number", [1, 2, 3, 19])
@pytest.mark.parametrize("name", SIZES)
def test_few_documents_train_or_are_refused(run, documents, number, name):
    few = {"documents": documents[:number], "similar_documents": 1, "size": 8 if name == "binary" else 2}
    if name == "tree":
        few["length"] = 1
    if number > 2:
        folder = run(name, **few)
        row = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])
        assert np.isfinite(row["eval_score"])
    else:
        with pytest.raises(
            SummGANError, match=r"code.(size|length|similar_documents) is \d but there are \d documents"
        ):
            run(name, **few)


@pytest.mark.parametrize("name", SIZES)
def test_codes_do_not_depend_on_the_batch(run, name, documents):
    folder = run(name)
    encoder = Encoder.from_pretrained(folder, device="cpu")
    one, many = encoder.encode(documents[:20], batch_size=1), encoder.encode(documents[:20])
    for first, second in zip(vars(one).values(), vars(many).values(), strict=True):
        assert (first is None) == (second is None)
        if first is not None:
            np.testing.assert_allclose(first, second, atol=1e-6)
    shape = {"onehot": one.ids, "binary": one.bits, "vq": one.ids, "tree": one.probabilities}[name].shape
    assert shape == {"onehot": (20,), "binary": (20, 2), "vq": (20, 8), "tree": (20, DEPTH)}[name]
    report = (folder / "report.html").read_text()
    assert ("<details open>" if name == "tree" else "typical words") in report
    assert "Encoder" in (folder / "README.md").read_text()


def test_reinforce_trains_the_bits(run):
    folder = run("binary", estimator="reinforce")
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert all(np.isfinite(row["reconstruction"]) for row in rows if "reconstruction" in row)


def test_encode_and_search_from_the_shell(run, documents, tmp_path, capsys):
    folder, output, index = run("binary"), tmp_path / "codes.parquet", tmp_path / "index"
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


def test_a_tree_is_encoded_and_searched_from_the_shell(run, documents, tmp_path, capsys):
    folder, index = run("tree"), tmp_path / "index"
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
    clusters = str(run("onehot", folder="clusters"))
    assert main(["encode", texts, "--model", clusters, "--index", str(tmp_path / "other")]) == 2
    assert "needs a binary code or a tree; this model's code is one-hot" in capsys.readouterr().err
    assert main(["search", "a", "--index", str(index), "--model", clusters]) == 2
    assert "needs a binary code or a tree" in capsys.readouterr().err


def test_a_wrong_index_is_refused(run, documents, tmp_path):
    first = Encoder.from_pretrained(run("binary"), device="cpu")
    second = Encoder.from_pretrained(run("binary", folder="other", size=24), device="cpu")
    clusters = Encoder.from_pretrained(run("onehot", folder="clusters"), device="cpu")
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


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("onehot", {"size": 400}, "there are 300 documents"),
        ("binary", {"size": 12}, "multiple of 8"),
        ("vq", {"estimator": "reinforce"}, "one of straight-through for vq"),
        ("tree", {"estimator": "reinforce"}, "one of straight-through, soft-gumbel, .* for tree"),
        ("tree", {"length": 9}, "there are 300 documents; this tree of 2 branches has 512 leaves"),
        ("tree", {"length": 10**9}, "length is 1000000000; it must be lower, .* at most 65536 leaves"),
        ("binary", {"similar_documents": 299}, "--code.similar_documents"),
    ],
)
def test_what_cannot_be_is_refused(run, name, changes, words):
    with pytest.raises(SummGANError, match=words):
        run(name, **changes)


def test_a_discriminator_is_refused(run):
    with pytest.raises(SummGANError, match="adversarial is 2.0; .*discriminator has nothing to judge"):
        run("binary", loss_weights=LossWeights(adversarial=2.0))
    given = ["--training.loss_weights.adversarial", "1.0"]
    with pytest.raises(SummGANError, match="adversarial is 1.0; it must be left out: it belongs to words"):
        load_options([str(CONFIGS / "binary.yaml"), *given])
    load_options([str(CONFIGS / "binary.yaml"), *given[:1], "0"])


def test_a_code_needs_no_weights(write, documents, tmp_path):
    small = ["--code.steps", "2", "--code.max_document_frequency", "0.5", "--training.use_cpu", "true"]
    places = ["--training.output_dir", str(tmp_path / "run"), "--data.cache_dir", str(tmp_path / "cache")]
    files = ["--data.documents", write("d.txt", documents)]
    assert main(["train", "--code.kind", "binary", *files, *small, *places]) == 0
    assert Encoder.from_pretrained(tmp_path / "run", device="cpu").kind == "binary"


def test_mutual_information_is_that_of_the_table():
    present = torch.tensor([[1, 0, 1], [1, 1, 0], [0, 0, 1], [0, 1, 0]]).bool()
    member = torch.tensor([True, True, False, False])
    found = mutual_information(present, member)
    torch.testing.assert_close(found[0], torch.tensor(2.0).log())
    torch.testing.assert_close(found[1:].abs(), torch.zeros(2))


def test_clusters_are_told_by_their_words():
    texts = ["goal match"] * 3 + ["bank money"] * 3
    bags = BagOfWords.fit(texts, 10, 1.0)
    codes = torch.tensor([[0]] * 3 + [[1]] * 3)
    found = meanings("one-hot", codes, bags.vectors(texts), bags.words, texts, 2)
    assert [set(m.words) for m in found] == [{"goal", "match"}, {"bank", "money"}]
    assert found[1].document == "bank money" and found[0].documents == 3


def test_bags_are_unit_vectors_that_survive_saving(tmp_path, documents):
    bags = BagOfWords.fit(documents, 50, 0.5)
    bags.save(tmp_path)
    assert BagOfWords.load(tmp_path) == bags
    vectors = bags.vectors([*documents[:3], "xyzzy"])
    torch.testing.assert_close(vectors.norm(dim=1), torch.tensor([1.0, 1, 1, 0]))
    near = most_similar(bags.vectors(documents), 3)
    assert not (near == torch.arange(len(documents)).unsqueeze(1)).any()


def test_bags_hold_whole_words_however_a_text_comes_in():
    bags = BagOfWords.fit(["काम İzmir", "काम izmir", "कम cafe\u0301", "कम\x0bCAFÉ"], 10, 1.0)
    assert set(bags.words) == {"काम", "कम", "izmir", "café"}
    vectors = bags.vectors(["काम\x85İZMİR", "काम izmir", "कम"])
    torch.testing.assert_close(vectors[0], vectors[1])
    assert vectors[0] @ vectors[2] == 0


def test_other_processes_than_the_first_say_nothing(write, documents, tmp_path, monkeypatch):
    monkeypatch.setattr(Accelerator, "is_main_process", False)
    options, _ = load_options([str(CONFIGS / "binary.yaml")])
    changed = replace(
        options,
        data=replace(
            options.data, documents=write("texts.txt", documents), cache_dir=str(tmp_path / "cache")
        ),
        training=replace(options.training, output_dir=str(tmp_path / "run"), use_cpu=True),
        code=replace(options.code, steps=1, hidden_size=16, max_document_frequency=0.5),
    )
    said = []
    train(changed, say=said.append, task=CodeTask)
    assert said == []


@pytest.mark.parametrize("name", SIZES)
def test_an_encoder_is_saved_by_one_call(run, name, documents, tmp_path):
    encoder = Encoder.from_pretrained(run(name), device="cpu")
    encoder.save_pretrained(tmp_path / "saved")
    again = Encoder.from_pretrained(tmp_path / "saved", device="cpu")
    assert again.fingerprint == encoder.fingerprint
    first, none = again.encode(documents[:3]), again.encode([])
    series = encoder.encode(pandas.Series(documents[:3]), batch_size=np.int64(2))
    for one, other, empty in zip(*(vars(codes).values() for codes in (first, series, none)), strict=True):
        if one is not None:
            np.testing.assert_allclose(one, other, atol=1e-6)
            assert empty.shape == (0, *one.shape[1:])
    for texts, words in ((b"x", "not a bytes"), ({"a": 1}, "not a dict"), (["a", None], r"texts\[1\]")):
        with pytest.raises(SummGANError, match=words):
            encoder.encode(texts)
    for size in (0, -1, 2.5, "3", True, None):
        with pytest.raises(SummGANError, match="batch_size is .*; it must be"):
            encoder.encode(documents[:2], size)
    with pytest.raises(SummGANError, match="needs a CodeAutoencoder and its BagOfWords"):
        Encoder(encoder.model, None)
    with pytest.raises(SummGANError, match="The bag of words has 1 words"):
        Encoder(encoder.model, BagOfWords(("a",), (1.0,)))
