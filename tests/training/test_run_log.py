import json

import pytest
from accelerate import Accelerator
from tqdm import tqdm

from summgan.errors import SummGANError
from summgan.training.checkpoint import TrainerState
from summgan.training.run_log import RunLog


def rows(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_the_first_step_and_every_fifth_are_logged_and_all_is_said_without_a_bar(tmp_path):
    said, state = [], TrainerState(options={}, fingerprint="")
    log = RunLog(Accelerator(cpu=True), tmp_path, said.append, 20, 5)
    log.start(state)
    with tqdm(total=20, disable=True) as bar:
        for step in range(1, 21):
            state.step = step
            log.tell(state, {"reconstruction": 1 / step}, bar)
    assert [row["step"] for row in rows(tmp_path)] == [1, 5, 10, 15, 20]
    assert rows(tmp_path) == state.history and state.history[1]["reconstruction"] == 0.2
    assert said[0] == "Step 1 of 20" and said[-1] == "Step 20 of 20, about 0.0 minutes left"


def test_a_resumed_log_begins_with_what_was_logged(tmp_path):
    state = TrainerState(options={}, fingerprint="")
    state.history, state.step = [{"step": 1, "reconstruction": 2.0}], 2
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n{"step": 9}\n')
    log = RunLog(Accelerator(cpu=True), tmp_path, print, 4, 1)
    log.start(state)
    log.record(state, {"eval_score": 0.25})
    assert rows(tmp_path) == [{"step": 1, "reconstruction": 2.0}, {"step": 2, "eval_score": 0.25}]


def test_a_log_that_cannot_be_written_is_named(tmp_path):
    log = RunLog(Accelerator(cpu=True), tmp_path / "gone", print, 4, 1)
    with pytest.raises(SummGANError, match="log.jsonl"):
        log.record(TrainerState(options={}, fingerprint=""), {"eval_score": 0.25})
