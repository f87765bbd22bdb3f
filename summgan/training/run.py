"""Around the algorithm of a run: evaluation, checkpoints, the log, and how it ends, however it ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from tqdm.auto import tqdm

from summgan.errors import SummGANError
from summgan.files import is_ours, writing
from summgan.options.configuration import Options
from summgan.training import checkpoint
from summgan.training.checkpoint import TrainerState
from summgan.training.optimizers import all_finite
from summgan.training.run_folder import BEST, FIRST_SAVE, RunFolder
from summgan.training.run_log import RunLog
from summgan.training.runtime import StopSignal, TrainingInterrupted, changes_between

_HOPELESS = 100.0  # nats per piece; a guess costs 12 in the largest vocabulary


class Run:
    """What every training has, whatever it trains; `Trainer` and `CodeTrainer` say what that is.

    Args:
        model: With ``save_pretrained``.
        corpora: With a ``fingerprint``.
        options: Of the run.
        accelerator: Made by `make_accelerator`.
        say: Where sentences for the user go.
        folder: The output folder, if it is opened already.
        steps: At which the run ends.

    Attributes:
        optimizers: By network name; set by the subclass.
        validator: Evaluates the model; set by the subclass.
    """

    optimizers: dict[str, Any]
    validator: Any

    def __init__(
        self,
        model: Any,
        corpora: Any,
        options: Options,
        accelerator: Accelerator,
        say: Callable[[str], None],
        folder: RunFolder | None,
        steps: int,
    ):
        self.options, self.training = options, options.training
        self.accelerator, self.say = accelerator, say if accelerator.is_main_process else say_nothing
        self.model, self.corpora, self.steps = model.to(accelerator.device), corpora, steps
        self.output_dir, self.folder = Path(self.training.output_dir), folder
        self.state = TrainerState(options=asdict(options), fingerprint=corpora.fingerprint)
        self.log = RunLog(accelerator, self.output_dir)
        self._saved: int | None = None
        self._resumed: int | None = None
        self._owed = False

    @contextmanager
    def begun(self, resume: bool) -> Iterator[StopSignal]:
        """Hold the output folder, put a former state into place, and watch for the user's stop."""
        if self.folder is None:
            folder = RunFolder(self.output_dir, self.accelerator.is_main_process)
            with folder.opened(resume, self.steps) as self.folder, self.begun(resume) as stop:
                yield stop
            return
        with StopSignal() as stop:
            if resume:
                self._resume()
            self.log.start(self.state)
            yield stop

    # Evaluation -----------------------------------------------------------------------------------

    def evaluate(self) -> None:
        """Score the validation documents, and keep the model when it is the best so far.

        Raises:
            SummGANError: The weights or the scores are not finite.
        """
        self._check_weights()
        figures = self.validator.evaluate() if self.accelerator.is_main_process else {}
        self.accelerator.wait_for_everyone()
        if not figures:
            return
        if not (math.isfinite(figures["eval_score"]) and math.isfinite(figures["eval_reconstruction"])):
            raise self.diverged(f"The validation scores are not finite at step {self.state.step}")
        self.log.record(self.state, figures)
        shown = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
        self.say(f"Step {self.state.step}: {shown}")
        if figures["eval_reconstruction"] < _HOPELESS:
            self._prove(self.state.step)
            if self.state.best_score is None or figures["eval_score"] > self.state.best_score:
                self.state.best_score, self.state.best_step = figures["eval_score"], self.state.step
                self.folder.keep_best(self._save_model)
        self.log.write_report(self.state, self.validator.samples)

    def show_sample(self, bar: tqdm) -> None:
        """Write one summary over the progress bar."""
        if self.accelerator.is_main_process and not bar.disable:
            bar.write(self.validator.sample_text(self.state.step))

    # Health ---------------------------------------------------------------------------------------

    def judge(self, step: int, figures: dict[str, float]) -> None:
        """Note whether the weights after ``step`` steps were good, by what the next step made of them."""
        if not self.state.skipped_in_a_row and figures["reconstruction"] < _HOPELESS:
            self._prove(step)

    def _prove(self, step: int) -> None:
        self.state.good_step = step
        if step == self._saved and self.accelerator.is_main_process:
            checkpoint.rotate(self.output_dir, step, self.training.save_total_limit)

    def diverged(self, what: str) -> SummGANError:
        """The error that ends a run whose weights lead nowhere, with the way back."""
        back = self.folder.way_back(self.state.good_step, self._resumed) if self.folder else "begin again."
        return SummGANError(
            f"{what}. Lower --training.learning_rate, raise --training.temperature_end, or use "
            f"--training.mixed_precision no; then {back}"
        )

    def _check_weights(self) -> None:
        if not all_finite(self.model):
            raise self.diverged(f"The weights are not finite at step {self.state.step}")

    # Checkpoints ----------------------------------------------------------------------------------

    def due(self, every: int) -> bool:
        """Whether something that is done every so many steps is due."""
        return every > 0 and self.state.step % every == 0

    def save_if_due(self, stopping: bool) -> None:
        """Save a checkpoint now and then; while steps are being skipped, only if it would be the last."""
        self._owed |= self.due(self.training.save_steps) or self.state.step == FIRST_SAVE
        if stopping or (self._owed and not self.state.skipped_in_a_row):
            self._save()
        if stopping:
            raise TrainingInterrupted(
                f"Stopped at step {self.state.step} of {self.steps}; all is saved in "
                f"{self.output_dir}/checkpoint-{self.state.step}. Go on with --resume."
            )

    def _save(self) -> None:
        self._check_weights()
        self._saved, self._owed = self.state.step, False
        if self.accelerator.scaler is not None:
            self.state.scaler = self.accelerator.scaler.state_dict()
        if self.accelerator.is_main_process:
            checkpoint.save_checkpoint(
                self.output_dir,
                self.state,
                self._save_model,
                {name: optimizer.optimizer for name, optimizer in self.optimizers.items()},
                self.training.save_total_limit,
            )
        self.accelerator.wait_for_everyone()

    def _save_model(self, folder: Path) -> None:
        """Write weights, configuration and all that belongs to them into a folder."""
        raise NotImplementedError

    def _resume(self) -> None:
        path = checkpoint.find_checkpoint(self.output_dir)
        kept = checkpoint.load_state(path)
        for change in changes_between(kept.options, self.state.options):
            self.say(f"Changed since the checkpoint: {change}")
        if kept.fingerprint != self.state.fingerprint:
            self.say("The text has changed since the checkpoint; the run will not repeat exactly.")
        inner = {name: optimizer.optimizer for name, optimizer in self.optimizers.items()}
        checkpoint.load_tensors(path, self.model, inner, kept.moments)
        kept.options, kept.fingerprint = self.state.options, self.state.fingerprint
        self.state = kept
        self._saved = self._resumed = kept.step
        if self.accelerator.scaler is not None and kept.scaler:
            self.accelerator.scaler.load_state_dict(kept.scaler)
        self.say(f"Resumed from {path}.")
        staying = [p.name for p in checkpoint.checkpoints(self.output_dir) if not is_ours(p)]
        if staying:
            self.say(
                f"{', '.join(staying)} will not be deleted: an older version has made them, or something of "
                "another origin is in them."
            )

    def finish(self, stop: StopSignal) -> None:
        """Write the chosen model into the output folder itself, with the report.

        A run that was killed after its last step comes here at once, and leaves the same.
        """
        if self._saved != self.steps:
            self._save()
        best = self.output_dir / BEST
        if self.accelerator.is_main_process:
            checkpoint.rotate(self.output_dir, self.state.good_step, self.training.save_total_limit)
            if self._resumed == self.steps:
                self.validator.evaluate()  # for the samples
            use_best = self.training.load_best_model_at_end and best.is_dir()
            self.folder.publish(best if use_best else self.output_dir / f"checkpoint-{self.steps}")
            self.write_report()
        if self.state.skipped_steps:
            self.say(f"{self.state.skipped_steps} steps were skipped: gradients were not finite.")
        with writing(f"The tracker's folder in {self.output_dir}"):
            self.accelerator.end_training()
        if stop.requested:
            raise TrainingInterrupted(f"Stopped when all was done; the model is in {self.output_dir}.")

    def write_report(self) -> None:
        """Write the last report."""
        self.log.write_report(self.state, self.validator.samples)

    # Telling --------------------------------------------------------------------------------------

    def anyone(self, flag: bool) -> bool:
        """Whether the flag is set on any process."""
        if self.accelerator.num_processes == 1:
            return flag
        flags = torch.tensor([int(flag)], device=self.accelerator.device)
        return bool(self.accelerator.reduce(flags, "sum") > 0)

    def progress(self) -> tqdm:
        """A bar of steps on the first process."""
        hidden = None if self.accelerator.is_main_process else True
        return tqdm(total=self.steps, initial=self.state.step, disable=hidden, unit="step")

    def tell(self, figures: dict[str, float], bar: tqdm) -> None:
        """Log the figures of a step when that is due, and show how far the run is."""
        bar.update()
        # Without a bar, ten lines and an early one say how it goes.
        if bar.disable and (self.state.step in (1, 20) or self.state.step % max(1, self.steps // 10) == 0):
            self.say(self.log.time_left(self.state.step, self.steps))
        if not self.due(self.training.logging_steps) and self.state.step != 1:
            return
        if self.accelerator.num_processes > 1:
            values = torch.tensor(list(figures.values()), device=self.accelerator.device)
            means = self.accelerator.reduce(values, "mean").tolist()
            figures = dict(zip(figures, means, strict=True))
        self.log.record(self.state, figures)
        shown = ("reconstruction", "denoising", "adversarial", "back_cycle", "accuracy")
        bar.set_postfix({name: f"{figures[name]:.2f}" for name in shown if name in figures})


def say_nothing(sentence: str) -> None:
    """Stands for ``say`` on all processes but the first."""
