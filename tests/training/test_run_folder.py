import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from summgan.errors import SummGANError
from summgan.files import MANIFEST, write_folder
from summgan.training.run_folder import BEST, FIRST_SAVE, RunFolder, is_log

LOG = '{"step": 1, "generator_grad_norm": 2.5}\n{"step": 2, "eval_score": 0.5}\n'
REPORT = "<html><head><title>summgan, step 4</title></head><body></body></html>"


def model(folder, step=1):
    (folder / "config.json").write_text('{"model_type": "summgan"}')
    (folder / "model.safetensors").write_text(f"weights of step {step}")
    (folder / "README.md").write_text(f"step {step}")


def checkpoint(folder, step):
    def fill(path):
        model(path, step)
        for name in ("optimizers.safetensors", "trainer_state.json"):
            (path / name).write_text(str(step))

    write_folder(folder / f"checkpoint-{step}", fill)


def opened(folder, resume=False, steps=9):
    with RunFolder(folder).opened(resume, steps) as held:
        return held


def contents(folder):
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


THEIRS = {
    "log.jsonl": '{"step": 1, "loss": 2.5}\n',
    "report.html": "<title>My report</title>",
    "README.md": "My notes",
    "config.json": "{}",
    "model.safetensors": "mine",
    "tokenizer.json": "{}",
    "published.json": '{"made_by": "me"}',
    "best/notes.txt": "x",
    "best": "a file",
    "checkpoint-5/photo.jpg": "x",
    "checkpoint-5": "a file",
}


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("resume", [False, True])
def test_what_the_run_would_replace_is_refused_at_the_start(tmp_path, name, resume):
    if resume:
        checkpoint(tmp_path, 3)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(THEIRS[name])
    before = contents(tmp_path)
    with pytest.raises(SummGANError, match=f"{name.split('/')[0]}.*move"):
        opened(tmp_path, resume)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("resume", [False, True])
def test_other_things_of_the_user_stay_and_do_not_hinder(tmp_path, resume):
    if resume:
        checkpoint(tmp_path, 3)
        (tmp_path / "checkpoint-2").mkdir()  # before the resumed step, so its name is not needed
        (tmp_path / "checkpoint-2" / "old.txt").write_text("dear to me")
    names = ["notes.txt", "log.txt", ".hidden", "checkpoint-99/x", "checkpoint-x/y"]
    for name in [*names, ".mine.incomplete", ".theirs.replaced/x", ".other.incomplete/x"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("dear to me")
    before = contents(tmp_path)
    opened(tmp_path, resume)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("log", ["", LOG, LOG + '{"step": 3, "gen', LOG + '{"step": 50, "a": NaN}\n'])
def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(tmp_path, log):
    (tmp_path / "log.jsonl").write_text(log)
    (tmp_path / "report.html").write_text(REPORT)
    write_folder(tmp_path / BEST, model)
    for name in ("log.jsonl", "report.html", "model.safetensors"):
        (tmp_path / f".{name}.incomplete").write_text("half")
    (tmp_path / ".checkpoint-2.incomplete").mkdir()
    opened(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "log.jsonl", "report.html"]


def test_a_run_whose_checkpoints_are_gone_is_not_begun_again(tmp_path):
    (tmp_path / "log.jsonl").write_text(LOG + json.dumps({"step": FIRST_SAVE + 1}) + "\n")
    with pytest.raises(SummGANError, match="run of 51 steps whose checkpoints are gone: delete it"):
        opened(tmp_path)


@pytest.mark.parametrize(
    "content", ["x", "[]\n", "{}\n", "null\n", '{"step": "1"}\n', "[" * 99_999 + "\n", LOG[:20], "\xff\n"]
)
def test_a_log_is_known_by_its_first_row(tmp_path, content):
    (tmp_path / "log.jsonl").write_bytes(content.encode("latin-1"))
    assert not is_log(tmp_path / "log.jsonl")
    (tmp_path / "log.jsonl").write_text(LOG)
    assert is_log(tmp_path / "log.jsonl")


@pytest.mark.parametrize("below", ["", "run", "deep/er/run"])
def test_a_file_is_no_output_folder(tmp_path, below):
    (tmp_path / "file").write_text("x")
    with pytest.raises(
        SummGANError, match=r"file is a file, not a folder: name another --training.output_dir"
    ):
        opened(tmp_path / "file" / below)


@pytest.mark.parametrize("name", ["x" * 300, "nul\0"])
def test_a_name_that_cannot_be_is_one_sentence(tmp_path, name):
    with pytest.raises(SummGANError, match="--training.output_dir .* cannot be a folder: "):
        opened(tmp_path / name)


def test_what_is_refused_leaves_no_folder(tmp_path):
    with pytest.raises(SummGANError, match="no checkpoint in .*train without --resume"):
        opened(tmp_path / "new", resume=True)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_read(tmp_path, monkeypatch):
    def touch(path):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "touch", touch)
    with pytest.raises(SummGANError, match=f"{tmp_path.name} cannot be written: Read-only file system"):
        opened(tmp_path)


def test_a_checkpoint_further_than_the_run_is_refused(tmp_path):
    checkpoint(tmp_path, 10)
    with pytest.raises(SummGANError, match=r"checkpoint-10 is beyond the last step of this run \(9\)"):
        opened(tmp_path, resume=True)
    opened(tmp_path, resume=True, steps=10)


def test_a_kill_between_two_renames_is_mended(tmp_path):
    checkpoint(tmp_path, 4)
    write_folder(tmp_path / BEST, model)
    before = contents(tmp_path)
    for name in ("checkpoint-4", BEST):
        os.rename(tmp_path / name, tmp_path / f".{name}.replaced")
    with pytest.raises(SummGANError, match="already holds checkpoints"):
        opened(tmp_path)
    assert contents(tmp_path) == before


def test_only_one_run_has_a_folder(tmp_path):
    program = (
        "import sys; from summgan.training.run_folder import RunFolder\n"
        "with RunFolder(sys.argv[1]).opened(False, 9): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    try:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(SummGANError, match="is being written by another process"):
            opened(tmp_path)
        with RunFolder(tmp_path, writes=False).opened(False, 9):
            pass  # the second process of the same run
    finally:
        other.kill()
        other.communicate()
    with RunFolder(tmp_path).opened(False, 9), pytest.raises(SummGANError, match="another process"):
        opened(tmp_path)  # a second thread is refused too


def test_the_published_model_may_be_published_again_but_not_over_changes(tmp_path):
    checkpoint(tmp_path, 3)
    run = RunFolder(tmp_path)
    run.publish(tmp_path / "checkpoint-3")
    assert (tmp_path / "model.safetensors").read_text() == "weights of step 3"
    assert not (tmp_path / MANIFEST).exists() and not (tmp_path / "trainer_state.json").exists()
    (tmp_path / "checkpoint-3").rename(tmp_path / "elsewhere")
    checkpoint(tmp_path, 5)
    opened(tmp_path, resume=True)
    run.publish(tmp_path / "checkpoint-5")
    assert (tmp_path / "model.safetensors").read_text() == "weights of step 5"
    (tmp_path / "README.md").write_text("step 5, and what I think of it")
    checkpoint(tmp_path, 7)
    with pytest.raises(SummGANError, match=r"README.md is not of this run, .* move it away"):
        opened(tmp_path, resume=True)
    with pytest.raises(SummGANError, match=r"README.md is not of this run"):
        run.publish(tmp_path / "checkpoint-7")
    assert (tmp_path / "model.safetensors").read_text() == "weights of step 5"


def test_a_kill_while_publishing_does_no_harm(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    checkpoint(tmp_path, 3)
    RunFolder(tmp_path).publish(tmp_path / "checkpoint-3")
    checkpoint(tmp_path, 5)
    (tmp_path / "checkpoint-3").rename(tmp_path / "elsewhere")
    replace, left = os.replace, 0

    def killed(*arguments):
        nonlocal left
        left -= 1
        if not left:
            raise Killed
        replace(*arguments)

    monkeypatch.setattr(os, "replace", killed)
    for number in range(1, 6):  # the list, three files, the list again
        left = number
        with pytest.raises(Killed):
            RunFolder(tmp_path).publish(tmp_path / "checkpoint-5")
        opened(tmp_path, resume=True)
    RunFolder(tmp_path).publish(tmp_path / "checkpoint-5")
    assert left == -5
    assert (tmp_path / "README.md").read_text() == "step 5"


def test_a_run_of_an_older_version_goes_on(tmp_path):
    for step in (3, 5):
        checkpoint(tmp_path, step)
        (tmp_path / f"checkpoint-{step}" / MANIFEST).unlink()
    write_folder(tmp_path / BEST, lambda folder: model(folder, 3))
    (tmp_path / BEST / MANIFEST).unlink()
    model(tmp_path, 3)
    (tmp_path / "log.jsonl").write_text(LOG)
    (tmp_path / "report.html").write_text(REPORT)
    run = opened(tmp_path, resume=True)
    run.keep_best(lambda folder: model(folder, 7))
    checkpoint(tmp_path, 7)
    assert (tmp_path / BEST / "README.md").read_text() == "step 7"
    (tmp_path / BEST / "notes.txt").write_text("dear to me")
    with pytest.raises(SummGANError, match="best is not of this run"):
        opened(tmp_path, resume=True)


@pytest.mark.parametrize(
    ("good", "resumed", "left", "message"),
    [
        (
            5,
            None,
            [3, 5],
            r"continue from the last good checkpoint, .*checkpoint-5, with --resume \(diverged-7",
        ),
        (
            6,
            None,
            [3, 5],
            r"checkpoint-5, with --resume \(diverged-7, from later steps, cannot be trained on\)",
        ),
        (None, None, [], r"start again without --resume: .*\(diverged-3, diverged-5, diverged-7 cannot"),
        (2, None, [], "start again"),
        (4, 5, [3, 5], r"checkpoint-5, with --resume \(diverged-7.*; if this happens again, delete it"),
        (7, 5, [3, 5, 7], r"checkpoint-7, with --resume\.$"),
    ],
)
def test_the_way_back_leads_to_the_last_good_checkpoint(tmp_path, good, resumed, left, message):
    for step in (3, 5, 7):
        checkpoint(tmp_path, step)
    assert re.search(message, RunFolder(tmp_path).way_back(good, resumed))
    kept = sorted(path.name for path in tmp_path.iterdir())
    aside = [f"diverged-{step}" for step in (3, 5, 7) if step not in left]
    assert kept == [f"checkpoint-{step}" for step in left] + aside
