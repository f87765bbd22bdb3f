"""`RunLog`: records the figures of a run in its history, ``log.jsonl``, a tracker and on the screen."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import Accelerator
from tqdm.auto import tqdm

from summgan.files import write_text, writing
from summgan.training.checkpoint import TrainerState
from summgan.training.run_folder import LOG

_SHOWN = ("reconstruction", "denoising", "adversarial", "back_cycle", "accuracy")


class RunLog:
    """Records figures of a run; only the first process writes files.

    Args:
        accelerator: Accelerator of this process; its trackers get every figure.
        output_dir: Folder of the run.
        say: Receives sentences for the user.
        steps: Number of steps of the run.
        every: Number of steps between two rows of the log.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        output_dir: Path,
        say: Callable[[str], None],
        steps: int,
        every: int,
    ):
        self.accelerator, self.output_dir = accelerator, output_dir
        self.say, self.steps, self.every = say, steps, every
        self._started: tuple[int, float] | None = None

    def start(self, state: TrainerState) -> None:
        """Write the log file with the history so far, which is empty unless the run is resumed."""
        if self.accelerator.is_main_process:
            rows = "".join(json.dumps(row) + "\n" for row in state.history)
            write_text(self.output_dir / LOG, rows)

    def tell(self, state: TrainerState, figures: dict[str, float], bar: tqdm) -> None:
        """Log the figures of a step if that is due, and show the progress of the run."""
        bar.update()
        # Without a progress bar, print two early lines and ten more.
        if bar.disable and (state.step in (1, 20) or state.step % max(1, self.steps // 10) == 0):
            self.say(self._time_left(state.step))
        if state.step % self.every and state.step != 1:
            return
        if self.accelerator.num_processes > 1:
            values = torch.tensor(list(figures.values()), device=self.accelerator.device)
            means = self.accelerator.reduce(values, "mean").tolist()
            figures = dict(zip(figures, means, strict=True))
        self.record(state, figures)
        bar.set_postfix({name: f"{figures[name]:.2f}" for name in _SHOWN if name in figures})

    def record(self, state: TrainerState, figures: dict[str, float]) -> None:
        """Record the figures of the present step.

        Raises:
            SummGANError: The log or the tracker's files cannot be written.
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

    def _time_left(self, step: int) -> str:
        """Describe the progress of the run and the time left at the present speed."""
        if self._started is None:
            self._started = (step, time.monotonic())
        first, begun = self._started
        if step == first:
            return f"Step {step} of {self.steps}"
        left = (time.monotonic() - begun) / (step - first) * (self.steps - step)
        return f"Step {step} of {self.steps}, about {left / 60:.1f} minutes left"
