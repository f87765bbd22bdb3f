"""Runs that are killed, diverge, or cannot write: nothing is lost, and a message says what to do."""

import errno
import json
import os
import pathlib
import re
import shutil
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from summgan.data.corpora import prepare_corpora
from summgan.errors import SummGANError
from summgan.files import MANIFEST, is_whole
from summgan.networks.modeling import SummGAN
from summgan.options.configuration import (
    ModelOptions,
)
from summgan.training import run as module
from summgan.training.checkpoint import checkpoints, find_checkpoint
from summgan.training.runtime import TrainingInterrupted
from summgan.training.summary_task import SummaryTask
from summgan.training.trainer import Trainer, train

TINY = ModelOptions(
    generator="decoder",
    hidden_size=32,
    encoder_layers=1,
    decoder_layers=1,
    attention_heads=2,
    discriminator_hidden_size=16,
)


@pytest.fixture
def options(small_run):
    return small_run(
        TINY,
        warm_start_steps=2,
        adversarial_steps=2,
        per_device_train_batch_size=2,
        warmup_steps=0,
        logging_steps=1,
        eval_steps=2,
        save_steps=1,
        save_total_limit=1,
        sample_steps=0,
    )


def with_training(options, **changes):
    return replace(options, training=replace(options.training, **changes))


@pytest.fixture
def run(options):
    """Train (or resume) in a folder; the text is read once."""
    corpora = prepare_corpora(options)

    def go(folder, resume=False, say=print, **changes):
        changed = with_training(options, output_dir=str(folder), **changes)
        torch.manual_seed(0)
        model = SummGAN.from_options(TINY, corpora.vocabulary.tokenizer, max_document_length=64)
        return Trainer(SummaryTask(changed, model, corpora), say=say).train(resume)

    return go


def results(folder):
    """All files that a run leaves, without the name of its folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    left = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    return {name: text.replace(folder.name.encode(), b"run") for name, text in left.items()}


class Killed(BaseException):
    """Raised by a test to simulate a kill."""


class Countdown:
    """Raises before or after the n-th operation on files."""

    def __init__(self, monkeypatch, error):
        self.left, self.late, self.error = 0, False, error
        for owner, name in ((os, "rename"), (os, "replace"), (os, "unlink"), (os, "rmdir"), (os, "mkdir")):
            counted = self._counted(getattr(owner, name))
            monkeypatch.setattr(owner, name, counted)
            if sys.version_info < (3, 11):  # before 3.11, pathlib keeps its own references to the functions
                monkeypatch.setattr(pathlib._NormalAccessor, name, staticmethod(counted))
        monkeypatch.setattr(shutil, "copyfile", self._counted(shutil.copyfile))
        monkeypatch.setattr(module.checkpoint, "save_file", self._counted(module.checkpoint.save_file))

    def _counted(self, call):
        def counted(*arguments, **options):
            self.left -= 1
            if self.left == 0:
                if self.late:
                    with suppress(OSError):
                        call(*arguments, **options)
                raise self.error
            return call(*arguments, **options)

        return counted


def test_a_run_that_is_killed_anywhere_ends_like_one_that_is_not(run, tmp_path, monkeypatch):
    run(tmp_path / "whole")
    whole = results(tmp_path / "whole")
    del whole["published.json"]  # it has the hash of the model card, which names the folder
    countdown = Countdown(monkeypatch, Killed())
    killed, number = 0, 1
    while True:
        part = tmp_path / f"part{number}"
        countdown.left, countdown.late = number, number % 2 == 0
        try:
            run(part)
            break
        except Killed:
            killed += 1
        countdown.left = 0
        saved = [path for path in checkpoints(part) if is_whole(path)]
        log = [json.loads(row) for row in (part / "log.jsonl").read_text().splitlines()] if saved else []
        if saved:  # at most the last step is lost
            assert int(saved[-1].name.split("-")[1]) >= log[-1]["step"] - 1
        run(part, resume=bool(saved))
        left = results(part)
        left.pop("published.json")
        assert left == whole, f"killed at operation {number}"
        shutil.rmtree(part)
        number += 29
    assert killed >= 4


def test_a_run_killed_after_its_last_checkpoint_writes_its_model_and_report(run, tmp_path, monkeypatch):
    run(tmp_path / "whole")
    whole = results(tmp_path / "whole")

    def kill(*arguments):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module.RunFolder, "publish", kill)
        with pytest.raises(Killed):
            run(tmp_path / "part")
    (tmp_path / "part" / "report.html").unlink()
    assert not (tmp_path / "part" / "model.safetensors").exists()
    state = run(tmp_path / "part", resume=True)
    assert state.step == 4 and b"<h2>Samples</h2>" in whole["report.html"]
    left = results(tmp_path / "part")
    for name in ("model.safetensors", "log.jsonl", "report.html", "README.md"):
        assert left[name] == whole[name], name


@pytest.mark.parametrize("number", [1, 6, 15, 43, 50, 71])
def test_a_full_disk_is_one_sentence_and_the_run_goes_on_later(run, tmp_path, monkeypatch, number):
    countdown = Countdown(monkeypatch, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    countdown.left = number
    folder = tmp_path / "run"
    try:
        state = run(folder)
    except SummGANError as error:
        assert re.search(r"run.* cannot be written: No space left on device\.$", str(error))
        state = run(folder, resume=bool(checkpoints(folder)))
    assert state.step == 4 and countdown.left < 0
    assert load_file(folder / "model.safetensors")


@pytest.mark.parametrize("name", ["log.jsonl", "report.html"])
def test_a_read_only_file_is_named(run, tmp_path, monkeypatch, name):
    opened = Path.open

    def refuse(path, mode="r", *arguments, **options):
        if name in path.name and ("w" in mode or "a" in mode):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return opened(path, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SummGANError, match=f"{name} cannot be written: Read-only file system"):
        run(tmp_path / "run")


def test_a_tracker_that_cannot_write_is_named(run, tmp_path, monkeypatch):
    def log(self, *arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("accelerate.Accelerator.log", log)
    with pytest.raises(SummGANError, match="tracker's folder in .*run cannot be written: No space left"):
        run(tmp_path / "run")


@pytest.mark.parametrize(("rate", "eval_steps"), [(1e3, 0), (1e6, 1), (1e20, 1), (1e38, 0)])
def test_a_rate_that_destroys_the_weights_leaves_the_last_good_checkpoint(
    run, tmp_path, monkeypatch, rate, eval_steps
):
    monkeypatch.setattr("summgan.training.trainer._MOST_SKIPPED", 6)
    folder = tmp_path / "run"
    run(folder)
    good = results(folder / "checkpoint-4")
    names = ("learning_rate", "adversarial_learning_rate", "discriminator_learning_rate")
    longer = {"adversarial_steps": 60, "eval_steps": eval_steps}
    with pytest.raises(SummGANError) as raised:
        run(folder, resume=True, **longer, **dict.fromkeys(names, rate))
    assert "Lower --training.learning_rate" in str(raised.value)
    assert f"continue from the last good checkpoint, {folder / 'checkpoint-4'}, with --resume" in str(
        raised.value
    )
    assert results(folder / "checkpoint-4") == good and find_checkpoint(folder).name == "checkpoint-4"
    state = run(folder, resume=True, adversarial_steps=3)
    assert state.step == 5 and state.skipped_steps == 0
    published = load_file(folder / "model.safetensors")
    assert all(torch.isfinite(value).all() for value in published.values())
    assert load_file(folder / "best" / "model.safetensors").keys() == published.keys()


def test_a_run_that_never_was_good_says_to_begin_again(run, tmp_path, monkeypatch):
    monkeypatch.setattr("summgan.training.trainer._MOST_SKIPPED", 6)
    names = ("learning_rate", "adversarial_learning_rate", "discriminator_learning_rate")
    with pytest.raises(SummGANError, match="start again without --resume: .*diverged-1"):
        run(tmp_path / "run", adversarial_steps=60, eval_steps=0, **dict.fromkeys(names, 1e20))
    assert not checkpoints(tmp_path / "run")
    assert run(tmp_path / "run").step == 4


@pytest.mark.parametrize("figure", ["eval_score", "eval_reconstruction"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_scores_that_are_not_finite_stop_the_run(run, tmp_path, monkeypatch, figure, value):
    figures = {"eval_score": 0.5, "eval_reconstruction": 4.0} | {figure: value}
    monkeypatch.setattr("summgan.training.validation.Validator.evaluate", lambda self: figures)
    with pytest.raises(
        SummGANError, match=r"scores are not finite at step 2\. Lower .* continue from .*checkpoint-1"
    ):
        run(tmp_path / "run")
    assert not (tmp_path / "run" / "best").exists()


def test_weights_that_are_not_finite_are_not_saved(run, tmp_path, monkeypatch):
    step = Trainer.step

    def poisoned(self, batches):
        figures = step(self, batches)
        if self.run.state.step == 2:
            next(self.task.model.parameters()).data[0] = float("nan")
        return figures

    monkeypatch.setattr(Trainer, "step", poisoned)
    with pytest.raises(
        SummGANError, match=r"weights are not finite at step 3\. .* continue from .*checkpoint-2, with"
    ):
        run(tmp_path / "run")
    assert [path.name for path in checkpoints(tmp_path / "run")] == ["checkpoint-2"]


def test_while_steps_are_skipped_nothing_is_saved_but_what_is_owed_later(run, tmp_path, monkeypatch):
    update = Trainer.update

    def skipping(self):
        if self.run.state.step in (1, 2):
            for parameter in self.task.model.parameters():
                parameter.grad = torch.full_like(parameter, float("nan"))
        return update(self)

    monkeypatch.setattr(Trainer, "update", skipping)
    saved = []
    monkeypatch.setattr(module.Run, "_check_weights", lambda self: saved.append(self.state.step))
    state = run(tmp_path / "run", save_steps=2, eval_steps=0, adversarial_steps=3)
    # Due at 2 and 4; 2 was skipped. At 5 the last evaluation and the last checkpoint.
    assert saved == [4, 5, 5] and state.skipped_steps == 2


@pytest.mark.parametrize(
    ("owner", "where"),
    [(Trainer, "step"), *((module.Run, where) for where in ("evaluate", "_save", "finish"))]
    + [(SummaryTask, "write_report")],
)
def test_a_stop_anywhere_is_an_interruption_with_all_saved(run, tmp_path, monkeypatch, owner, where):
    run(tmp_path / "whole")
    original, calls = getattr(owner, where), []

    def stopped(self, *arguments):
        if not calls:
            os.kill(os.getpid(), signal.SIGTERM)
        calls.append(1)
        return original(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(owner, where, stopped)
        with pytest.raises(TrainingInterrupted, match="everything is saved|after the last step"):
            run(tmp_path / "part")
    assert run(tmp_path / "part", resume=True).step == 4
    whole, part = results(tmp_path / "whole"), results(tmp_path / "part")
    assert all(part[name] == whole[name] for name in ("model.safetensors", "log.jsonl", "report.html"))


def test_a_run_of_an_older_version_goes_on_and_keeps_its_checkpoints(run, tmp_path):
    run(tmp_path / "whole", save_total_limit=9)
    whole = results(tmp_path / "whole")
    folder = tmp_path / "part"
    run(folder, save_total_limit=9)
    for name in ("checkpoint-3", "checkpoint-4"):
        shutil.rmtree(folder / name)
    for name in ("checkpoint-1", "checkpoint-2", "best"):
        (folder / name / MANIFEST).unlink()
    for path in folder.glob("checkpoint-*/trainer_state.json"):
        state = json.loads(path.read_text())
        del state["good_step"], state["moments"]
        path.write_text(json.dumps(state))
    (folder / "published.json").unlink()
    for path in [path for path in folder.iterdir() if path.is_file() and path.name not in ("log.jsonl",)]:
        path.unlink()
    said = []
    run(folder, resume=True, say=said.append)
    assert any(s.startswith("checkpoint-1, checkpoint-2 will not be deleted: an older") for s in said)
    assert results(folder)["model.safetensors"] == whole["model.safetensors"]
    assert [path.name for path in checkpoints(folder)] == ["checkpoint-1", "checkpoint-2", "checkpoint-4"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adversarial_steps": 0}, r"checkpoint-4 is beyond the last step of this run \(2\)"),
        ({}, r"does not fit this model \(.* has shape \[.*\] instead of \[.*\]\); resume with"),
    ],
)
def test_options_that_do_not_fit_the_checkpoint_are_one_sentence(options, changes, message):
    train(options)
    changed = with_training(options, **changes)
    model = TINY if changes else replace(TINY, hidden_size=64)
    with pytest.raises(SummGANError, match=message):
        train(replace(changed, model=model), resume=True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("tokenizer.json", content) for content in (None, b"", b"{}", b'{"a', b"[]", b"\xff")),
        ("tokenizer_config.json", b"[]"),
    ],
)
def test_a_checkpoint_without_its_tokenizer_is_one_sentence(options, name, content):
    train(options)
    file = Path(options.training.output_dir) / "checkpoint-4" / name
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SummGANError, match=r"tokenizer in .*checkpoint-4 cannot be read .*; delete that"):
        train(options, resume=True)


@pytest.mark.parametrize(
    ("documents", "sentences"),
    [
        (["Anna said that the hall is old."], ["Anna opens hall"]),
        (["Anna said that the hall is old."] * 30, ["Anna opens hall"] * 3),
        (["bridge", "tunnel", "hall", "school", "market"], ["a", "b"]),
    ],
)
def test_very_little_text_trains_without_a_traceback(options, write, documents, sentences):
    files = {"documents": write("few.txt", documents), "sentences": write("few-sentences.txt", sentences)}
    options = replace(options, data=replace(options.data, **files), model=TINY)
    said = []
    state = train(with_training(options, per_device_train_batch_size=8), say=said.append)
    row = [row for row in state.history if "eval_score" in row][-1]
    assert all(value == value and abs(value) < 1e6 for value in row.values())
    watched = len(documents) if len(documents) < 20 else len(documents) // 20
    kept = len(documents) if len(documents) < 20 else len(documents) - watched
    assert any(s.startswith(f"{kept} documents") and f"{watched} documents for validation" in s for s in said)
    assert any("none is held out" in sentence for sentence in said) == (len(documents) < 20)
