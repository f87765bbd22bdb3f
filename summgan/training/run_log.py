"""What a training run tells: history, ``log.jsonl``, a tracker, and ``report.html``."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from accelerate import Accelerator

from summgan.evaluation.report import Sample, write_report
from summgan.files import write_text, writing
from summgan.training.checkpoint import TrainerState
from summgan.training.run_folder import LOG, REPORT


class RunLog:
    """Records figures of a run; only the first process writes files.

    Args:
        accelerator: Of the run; its trackers get every figure.
        output_dir: Of the run.
    """

    def __init__(self, accelerator: Accelerator, output_dir: Path):
        self.accelerator, self.output_dir = accelerator, output_dir
        self._started: tuple[int, float] | None = None

    def start(self, state: TrainerState) -> None:
        """Begin the log file with the history so far, which is empty unless the run was resumed."""
        if self.accelerator.is_main_process:
            rows = "".join(json.dumps(row) + "\n" for row in state.history)
            write_text(self.output_dir / LOG, rows)

    def record(self, state: TrainerState, figures: dict[str, float]) -> None:
        """Keep figures of the present step.

        Raises:
            SummGANError: They cannot be written.
        """
        row = {"step": state.step, **{name: round(v, 6) for name, v in figures.items()}}
        state.history.append(row)
        if self.accelerator.is_main_process:
            log = self.output_dir / LOG
            with writing(log), log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        tracked = {
            name if name.startswith("eval_") else f"train/{name}": value for name, value in figures.items()
        }
        with writing(f"The tracker's folder in {self.output_dir}"):
            self.accelerator.log(tracked, step=state.step)

    def time_left(self, step: int, steps: int) -> str:
        """How far the run is, and how long it will take at its present speed."""
        if self._started is None:
            self._started = (step, time.monotonic())
        first, begun = self._started
        if step == first:
            return f"Step {step} of {steps}"
        left = (time.monotonic() - begun) / (step - first) * (steps - step)
        return f"Step {step} of {steps}, about {left / 60:.1f} minutes left"

    def write_report(self, state: TrainerState, samples: Sequence[Sample]) -> None:
        """Write ``report.html`` with a curve of every figure and the last samples."""
        if not self.accelerator.is_main_process:
            return
        title = f"summgan, step {state.step}"
        write_report(self.output_dir / REPORT, title=title, curves=curves_of(state), samples=samples)


def curves_of(state: TrainerState) -> dict[str, list[tuple[int, float]]]:
    """Points of every figure in the history."""
    names = dict.fromkeys(name for row in state.history for name in row if name != "step")
    return {name: [(row["step"], row[name]) for row in state.history if name in row] for name in names}
