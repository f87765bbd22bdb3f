"""Training, encoding and searching with one-hot, binary, VQ and tree codes, from files to results."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from codes_support import CONFIGS, DEPTH, SIZES
from safetensors.torch import load_file
from tests_support import launch

from summgan.cli.main import main
from summgan.codes.encoder import Encoder
from summgan.codes.task import CodeTask
from summgan.errors import SummGANError
from summgan.options.configuration import LossWeights
from summgan.options.parsing import load_options
from summgan.training.checkpoint import checkpoints
from summgan.training.trainer import train


@pytest.mark.parametrize("name", SIZES)
def test_a_resumed_run_has_the_numbers_of_an_uninterrupted_one(code_run, name):
    whole = code_run(name)
    weights = load_file(whole / "model.safetensors")
    shutil.rmtree(whole / "checkpoint-8")
    (whole / "model.safetensors").unlink()
    torch.manual_seed(12345)
    again = load_file(code_run(name, resume=True) / "model.safetensors")
    assert checkpoints(whole)[-1].name == "checkpoint-8"
    assert weights.keys() == again.keys() and all(torch.equal(weights[k], again[k]) for k in weights)


@pytest.mark.parametrize("name", ["tree", "vq"])
def test_two_processes_have_the_numbers_of_one(code_run, name, tmp_path):
    one, two = code_run(name), tmp_path / "two"
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


def test_a_run_killed_after_its_last_checkpoint_writes_its_model_and_report(code_run):
    folder = code_run("onehot")
    names = ("model.safetensors", "report.html", "log.jsonl")
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()
    code_run("onehot", resume=True)
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
            "vocabulary that differs from that of the documents",
        ),
    ],
)
def test_a_damaged_checkpoint_of_a_code_is_one_sentence(code_run, name, change, message):
    change(code_run("binary") / "checkpoint-8" / name)
    with pytest.raises(SummGANError, match=message):
        code_run("binary", resume=True)


def test_reinforce_trains_the_bits(code_run):
    folder = code_run("binary", estimator="reinforce")
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert all(np.isfinite(row["reconstruction"]) for row in rows if "reconstruction" in row)


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("onehot", {"size": 400}, "there are 300 documents"),
        ("binary", {"size": 12}, "multiple of 8"),
        ("vq", {"estimator": "reinforce"}, "one of straight-through for vq"),
        ("tree", {"estimator": "reinforce"}, "one of straight-through, soft-gumbel, .* for tree"),
        ("tree", {"length": 9}, "there are 300 documents; a tree with 2 branches per node has 512 leaves"),
        ("tree", {"length": 10**9}, "length is 1000000000; it must be lower, .* at most 65536 leaves"),
        ("binary", {"similar_documents": 299}, "--code.similar_documents"),
    ],
)
def test_what_cannot_be_is_refused(code_run, name, changes, words):
    with pytest.raises(SummGANError, match=words):
        code_run(name, **changes)


def test_a_discriminator_is_refused(code_run):
    with pytest.raises(SummGANError, match="adversarial is 2.0; .*discriminator has nothing to judge"):
        code_run("binary", loss_weights=LossWeights(adversarial=2.0))
    given = ["--training.loss_weights.adversarial", "1.0"]
    with pytest.raises(SummGANError, match="adversarial is 1.0; it must be left out: a code has no words"):
        load_options([str(CONFIGS / "binary.yaml"), *given])
    load_options([str(CONFIGS / "binary.yaml"), *given[:1], "0"])


def test_a_code_needs_no_weights(write, documents, tmp_path):
    small = ["--code.steps", "2", "--code.max_document_frequency", "0.5", "--training.use_cpu", "true"]
    places = ["--training.output_dir", str(tmp_path / "run"), "--data.cache_dir", str(tmp_path / "cache")]
    files = ["--data.documents", write("d.txt", documents)]
    assert main(["train", "--code.kind", "binary", *files, *small, *places]) == 0
    assert Encoder.from_pretrained(tmp_path / "run", device="cpu").kind == "binary"


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
