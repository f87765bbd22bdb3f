import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file
from tests_support import environment, launch
from transformers import T5Config, T5ForConditionalGeneration

from summgan.cli.main import main
from summgan.data.corpora import prepare_corpora
from summgan.errors import SummGANError
from summgan.networks.modeling import SummGAN
from summgan.options.configuration import (
    LossWeights,
    ModelOptions,
)
from summgan.text.vocabulary import Vocabulary
from summgan.training.callbacks import TrainerCallback
from summgan.training.checkpoint import checkpoints
from summgan.training.runtime import TrainingInterrupted
from summgan.training.summary_task import SummaryTask
from summgan.training.trainer import Trainer, train
from summgan.writing.summarizer import Summarizer

TINY = ModelOptions(
    generator="decoder",
    hidden_size=32,
    encoder_layers=1,
    decoder_layers=1,
    attention_heads=2,
    discriminator_hidden_size=16,
    dropout=0.1,
)


@pytest.fixture
def options(small_run):
    return small_run(
        TINY,
        vocabulary_size=500,
        texts=None,
        warm_start_steps=4,
        adversarial_steps=4,
        per_device_train_batch_size=4,
        warmup_steps=2,
        logging_steps=1,
        eval_steps=4,
        eval_documents=5,
        save_steps=2,
        save_total_limit=9,
        sample_steps=0,
    )


def with_training(options, **changes):
    return replace(options, training=replace(options.training, **changes))


def history(options):
    lines = (Path(options.training.output_dir) / "log.jsonl").read_text().splitlines()
    rows = map(json.loads, lines)
    return {r["step"]: r for r in rows if "reconstruction" in r}


def weights(options):
    return load_file(Path(options.training.output_dir) / "model.safetensors")


def test_a_run_leaves_a_model_checkpoints_a_log_and_a_report(options):
    state = train(options)
    folder = Path(options.training.output_dir)
    names = {path.name for path in folder.iterdir()}
    expected = {"model.safetensors", "config.json", "tokenizer.json", "spiece.model", "README.md"}
    assert expected | {"log.jsonl", "report.html", "best"} <= names
    assert [path.name for path in checkpoints(folder)] == [f"checkpoint-{n}" for n in (2, 4, 6, 8)]
    assert not [name for name in names if "incomplete" in name or name.endswith((".pkl", ".bin"))]
    assert state.step == 8 and state.best_step in (4, 8)
    assert "best validation score" in (folder / "README.md").read_text()
    assert Summarizer.from_pretrained(folder)("Anna said that the hall is old.").summary_text


@pytest.mark.parametrize(("stopped", "generator"), [(2, "decoder"), (6, "decoder"), (2, "paths")])
def test_a_resumed_run_has_the_numbers_of_an_uninterrupted_one(options, stopped, generator, tmp_path):
    options = replace(options, model=replace(TINY, generator=generator))
    whole = with_training(options, output_dir=str(tmp_path / "whole"))
    train(whole)
    part = with_training(options, output_dir=str(tmp_path / "part"))
    train(part)  # the same run, of which only the first checkpoints are kept
    for path in checkpoints(tmp_path / "part"):
        if int(path.name.split("-")[1]) > stopped:
            shutil.rmtree(path)
    (tmp_path / "part" / "log.jsonl").unlink()
    (tmp_path / "part" / "model.safetensors").unlink()
    torch.manual_seed(12345)
    said = []
    train(part, resume=True, say=said.append)
    assert f"Resumed from {tmp_path / 'part' / f'checkpoint-{stopped}'}." in said
    first, second = history(whole), history(part)
    assert set(second) == set(range(1, 9))
    for step, row in second.items():
        assert row == first[step]
    one, other = weights(whole), weights(part)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_backbone_may_have_more_entries_than_its_tokenizer(options, tokenizer, tmp_path):
    sizes = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2}
    ids = {"pad_token_id": 0, "eos_token_id": 3, "decoder_start_token_id": 0}
    T5ForConditionalGeneration(T5Config(vocab_size=len(tokenizer) + 28, **sizes, **ids)).save_pretrained(
        tmp_path / "backbone"
    )
    Vocabulary(tokenizer).save_pretrained(tmp_path / "backbone")
    train(replace(options, model=replace(TINY, backbone=str(tmp_path / "backbone"))))
    model = Summarizer.from_pretrained(options.training.output_dir).model
    assert len(model.generator.bottleneck.salience.piece) == len(tokenizer) + 28
    assert not model.generator.bottleneck.salience.piece[len(tokenizer) :].any()


def test_changes_since_the_checkpoint_are_reported(options, write, documents):
    train(with_training(options, adversarial_steps=0))
    write("documents.txt", documents + ["Another text that was not there before."])
    said = []
    train(with_training(options, learning_rate=5e-4), resume=True, say=said.append)
    text = "\n".join(said)
    assert "training.learning_rate was 0.001, is 0.0005" in text
    assert "The text has changed since the checkpoint" in text


def test_a_run_is_not_trained_over_another(options):
    train(with_training(options, adversarial_steps=0))
    with pytest.raises(SummGANError, match="already holds checkpoints: continue with --resume"):
        train(options)


@pytest.mark.parametrize(
    ("block", "changes", "message"),
    [
        ("training", {"per_device_train_batch_size": 0}, "per_device_train_batch_size is 0; .* at least 1"),
        ("training", {"warm_start_steps": -4}, "training.warm_start_steps is -4; it must be 0 or more"),
        ("training", {"temperature_end": 0.0}, "temperature_end is 0.0; it must be more than 0"),
        (
            "training",
            {"estimator": "reinforce", "samples_per_document": 1},
            "samples_per_document is 1; .* at least 2",
        ),
        ("training", {"loss_weights": LossWeights(back_cycle=-1)}, "loss_weights.back_cycle is -1"),
        ("training", {"warm_start_steps": 0, "adversarial_steps": 0}, "must be more than 0"),
        ("model", {"attention_heads": 5}, r"attention_heads is 5; it must be a divisor of hidden_size"),
        ("model", {"dropout": 1.0}, "model.dropout is 1.0"),
        ("model", {"forms": -1}, "model.forms is -1; it must be 0 or more"),
        (
            "data",
            {"stemming": "klingon"},
            "data.stemming is 'klingon'; it must be one of 'arabic', 'danish'",
        ),
    ],
)
def test_values_that_cannot_be_meant_are_refused(options, block, changes, message):
    changed = replace(options, **{block: replace(getattr(options, block), **changes)})
    with pytest.raises(SummGANError, match=message):
        train(changed)


def test_nothing_to_resume_is_an_error(options):
    with pytest.raises(SummGANError, match="no checkpoint in .*train without --resume"):
        train(options, resume=True)


def test_accumulated_micro_batches_are_one_batch(options, tmp_path):
    model = replace(TINY, dropout=0.0)
    whole = replace(with_training(options, output_dir=str(tmp_path / "a")), model=model)
    parts = replace(
        with_training(
            options,
            output_dir=str(tmp_path / "b"),
            per_device_train_batch_size=2,
            gradient_accumulation_steps=2,
        ),
        model=model,
    )
    train(whole)
    AcceleratorState._reset_state(True)
    train(parts)
    for step, row in history(whole).items():
        other = history(parts)[step]
        for name in ("reconstruction", "denoising", "discriminator", "generator_grad_norm"):
            # Words are drawn, so rounding may change one in a later step.
            assert row[name] == pytest.approx(other[name], rel=1e-3), (step, name)


@pytest.mark.parametrize("estimator", ["soft-gumbel", "gumbel-rao", "reinforce"])
def test_every_estimator_trains(options, estimator):
    train(with_training(options, estimator=estimator, samples_per_document=2))
    assert all(torch.isfinite(value).all() for value in weights(options).values())


def test_the_plain_auto_encoder_needs_no_discriminator(options, tokenizer):
    plain = LossWeights(adversarial=0.0, back_cycle=0.0, denoising=0.0)
    train(with_training(options, warm_start="content", loss_weights=plain))
    summarizer = Summarizer.from_pretrained(options.training.output_dir)
    assert summarizer("Anna said that the hall is old.").human_likeness is None
    assert set(history(options)[8]) & {"discriminator", "denoising", "adversarial"} == set()


def test_training_in_bfloat16_stays_near_float32(options, tmp_path):
    exact = with_training(options, output_dir=str(tmp_path / "a"), adversarial_steps=0)
    train(exact)
    AcceleratorState._reset_state(True)
    rough = with_training(exact, output_dir=str(tmp_path / "b"), mixed_precision="bf16")
    train(rough)
    for step, row in history(exact).items():
        assert row["denoising"] == pytest.approx(history(rough)[step]["denoising"], rel=0.02)


def trainer(options, **more):
    corpora = prepare_corpora(options)
    model = SummGAN.from_options(options.model, corpora.vocabulary.tokenizer, max_document_length=64)
    return Trainer(SummaryTask(options, model, corpora), **more)


def test_learning_lowers_the_losses(options):
    fast = {"learning_rate": 3e-3, "discriminator_learning_rate": 1e-2}
    train(with_training(options, warm_start_steps=60, adversarial_steps=0, eval_steps=0, **fast))
    rows = history(options)
    for name in ("denoising", "reconstruction", "discriminator_words"):
        early, late = (sum(rows[s][name] for s in steps) for steps in (range(1, 11), range(51, 61)))
        assert late < 0.8 * early, name


def test_a_step_that_is_not_finite_changes_nothing_and_many_stop_the_run(options):
    made = trainer(options)
    model, state = made.task.model, made.run.state
    poison = model.generator.bottleneck.pointer.gate.bias
    before = {name: value.clone() for name, value in model.state_dict().items()}
    poison.data.fill_(float("nan"))
    with pytest.raises(SummGANError, match="not finite in 20 steps in a row.*learning_rate"):
        for _ in range(25):
            made.step(made.batches())
    assert state.skipped_steps == 20
    for name, value in model.state_dict().items():
        if "gate.bias" not in name:
            assert torch.equal(value, before[name]), name


def test_a_stop_request_saves_and_leaves(options):
    class Stop(TrainerCallback):
        def on_step(self, step, figures):
            if step == 5:
                os.kill(os.getpid(), signal.SIGTERM)

    made = trainer(with_training(options, save_steps=0), callbacks=[Stop()])
    with pytest.raises(TrainingInterrupted, match=r"Stopped at step 5 of 8.*--resume"):
        made.train()
    assert (Path(options.training.output_dir) / "checkpoint-5" / "optimizers.safetensors").is_file()


def command_line(options, *more):
    training = {
        name: value
        for name, value in vars(options.training).items()
        if name not in ("loss_weights", "critics", "output_dir")
    }
    arguments = [
        "--data.documents",
        options.data.documents,
        "--data.sentences",
        options.data.sentences,
    ]
    arguments += ["--data.cache_dir", options.data.cache_dir, "--tokenizer.vocabulary_size", "500"]
    for block, values in (("training", training), ("model", vars(options.model))):
        for name, value in values.items():
            if value is not None:
                arguments += [
                    f"--{block}.{name}",
                    str(value).lower() if value in (True, False) else str(value),
                ]
    return [*arguments, *more]


def test_the_command_stops_on_sigterm_and_resumes_to_the_same_numbers(options, tmp_path, capsys):
    options = with_training(options, save_steps=100, warm_start_steps=15, adversarial_steps=15)
    whole, part = tmp_path / "whole", tmp_path / "part"
    run = command_line(options, "--training.output_dir", str(part))
    command = [sys.executable, "-m", "summgan", "train", *run]
    process = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        log = part / "log.jsonl"
        if log.exists() and log.read_text().count("\n") >= 5:
            process.send_signal(signal.SIGTERM)
            break
        time.sleep(0.02)
    _, message = process.communicate(timeout=120)
    assert process.returncode == 130, message
    assert "Stopped at step" in message and "Traceback" not in message
    for arguments in ([*run, "--resume"], command_line(options, "--training.output_dir", str(whole))):
        AcceleratorState._reset_state(True)
        assert main(["train", *arguments]) == 0, capsys.readouterr().err
    one, other = (load_file(folder / "model.safetensors") for folder in (whole, part))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_two_processes_have_the_losses_of_one(options, tmp_path):
    options = replace(options, model=replace(TINY, dropout=0.0))
    two = with_training(options, per_device_train_batch_size=2)
    run = command_line(two, "--training.output_dir", str(tmp_path / "two"))
    status, message = launch(2, run, tmp_path / "two")
    assert status == 0, message[-3000:]
    train(with_training(options, output_dir=str(tmp_path / "one")))
    one = history(with_training(options, output_dir=str(tmp_path / "one")))
    other = history(with_training(options, output_dir=str(tmp_path / "two")))
    assert one.keys() == other.keys()
    for step, row in one.items():
        for name in ("reconstruction", "denoising", "discriminator_words", "generator_grad_norm"):
            assert row[name] == pytest.approx(other[step][name], rel=1e-3), (step, name)
        if "back_cycle" in row:
            assert row["back_cycle"] == pytest.approx(other[step]["back_cycle"], rel=1e-3), step
