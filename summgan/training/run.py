"""`Run`: evaluation, checkpoints, log and end of a training, around the steps of `Trainer`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from tqdm.auto import tqdm

from summgan.errors import SummGANError
from summgan.files import is_ours, write_text, writing
from summgan.training import checkpoint
from summgan.training.callbacks import TrainerCallback
from summgan.training.checkpoint import TrainerState
from summgan.training.optimizers import all_finite
from summgan.training.run_folder import BEST, FIRST_SAVE, REPORT, RunFolder
from summgan.training.run_log import RunLog
from summgan.training.runtime import StopSignal, TrainingInterrupted, changes_between
from summgan.training.task import Task

_DIVERGED = 100.0  # nats per piece; a uniform guess costs 12 in the largest vocabulary


class Run:
    """State, evaluation, checkpoints and log of a training.

    Args:
        task: The task that is trained.
        accelerator: Accelerator of this process.
        optimizers: Optimizers by network name.
        say: Receives sentences for the user.
        folder: The output folder if it is already open.
        callbacks: Called after evaluations and checkpoints.

    Attributes:
        state: State of the training besides tensors.
        log: Log of figures and of the time left.
    """

    def __init__(
        self,
        task: Task,
        accelerator: Accelerator,
        optimizers: Mapping[str, AcceleratedOptimizer],
        say: Callable[[str], None],
        folder: RunFolder | None,
        callbacks: Sequence[TrainerCallback],
    ):
        self.task, self.training, self.accelerator = task, task.options.training, accelerator
        self.optimizers = {name: optimizer.optimizer for name, optimizer in optimizers.items()}
        self.say, self.callbacks = say if accelerator.is_main_process else say_nothing, callbacks
        self.output_dir, self._is_open = Path(self.training.output_dir), folder is not None
        self.folder = folder or RunFolder(self.output_dir, accelerator.is_main_process)
        self.state = TrainerState(options=asdict(task.options), fingerprint=task.fingerprint)
        self.log = RunLog(accelerator, self.output_dir, self.say, task.steps, self.training.logging_steps)
        self._saved: int | None = None
        self._resumed: int | None = None
        self._save_pending = False

    @contextmanager
    def begun(self, resume: bool) -> Iterator[StopSignal]:
        """Open the output folder, restore the state of a resumed run, and catch Ctrl-C and SIGTERM."""
        if not self._is_open:
            with self.folder.opened(resume, self.task.steps):
                self._is_open = True
                with self.begun(resume) as stop:
                    yield stop
            return
        with StopSignal() as stop:
            if resume:
                self._resume()
            self.log.start(self.state)
            yield stop

    # Evaluation -----------------------------------------------------------------------------------

    def evaluate(self) -> None:
        """Score the validation documents, and save the model as ``best`` if it is the best so far.

        Raises:
            SummGANError: The weights or the scores are not finite.
        """
        self._check_weights()
        figures = self.task.validate() if self.accelerator.is_main_process else {}
        self.accelerator.wait_for_everyone()
        if not figures:
            return
        reconstruction = figures.get("eval_reconstruction", 0.0)
        if not (math.isfinite(figures["eval_score"]) and math.isfinite(reconstruction)):
            raise self.diverged(f"The validation scores are not finite at step {self.state.step}")
        self.log.record(self.state, figures)
        shown = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
        self.say(f"Step {self.state.step}: {shown}")
        if reconstruction < _DIVERGED:
            self._mark_good(self.state.step)
            if self.state.best_score is None or figures["eval_score"] > self.state.best_score:
                self.state.best_score, self.state.best_step = figures["eval_score"], self.state.step
                self.folder.keep_best(self._save_model)
        for callback in self.callbacks:
            callback.on_evaluate(self.state.step, figures)
        if self.state.step < self.task.steps:  # `finish` writes the last one
            self.task.write_report(self.output_dir / REPORT, self.state)

    def show_sample(self, bar: tqdm) -> None:
        """Print one example above the progress bar."""
        if self.accelerator.is_main_process and not bar.disable:
            bar.write(self.task.sample(self.state.step))

    # Health ---------------------------------------------------------------------------------------

    def judge(self, step: int, figures: dict[str, float]) -> None:
        """Record whether the weights after ``step`` steps are good, by the figures of the next step."""
        if not self.state.skipped_in_a_row and figures.get("reconstruction", 0.0) < _DIVERGED:
            self._mark_good(step)

    def _mark_good(self, step: int) -> None:
        self.state.good_step = step
        if step == self._saved and self.accelerator.is_main_process:
            checkpoint.rotate(self.output_dir, step, self.training.save_total_limit)

    def diverged(self, what: str) -> SummGANError:
        """Make the error that ends a diverged run and tells how to continue."""
        back = self.folder.way_back(self.state.good_step, self._resumed)
        return SummGANError(
            f"{what}. Lower --training.learning_rate, raise --training.temperature_end, or use "
            f"--training.mixed_precision no; then {back}"
        )

    def _check_weights(self) -> None:
        if not all_finite(self.task.model):
            raise self.diverged(f"The weights are not finite at step {self.state.step}")

    # Checkpoints ----------------------------------------------------------------------------------

    def due(self, every: int) -> bool:
        """Whether an action is due that happens every ``every`` steps; never if 0."""
        return every > 0 and self.state.step % every == 0

    def save_if_due(self, stop: StopSignal) -> None:
        """Save a checkpoint if one is due; while steps are being skipped, only if the run stops.

        Raises:
            TrainingInterrupted: The user has stopped the run before its last step, on any process.
        """
        stopping = self._on_any_process(stop.requested) and self.state.step < self.task.steps
        self._save_pending |= self.due(self.training.save_steps) or self.state.step == FIRST_SAVE
        if stopping or (self._save_pending and not self.state.skipped_in_a_row):
            self._save()
        if stopping:
            raise TrainingInterrupted(
                f"Stopped at step {self.state.step} of {self.task.steps}; everything is saved in "
                f"{self.output_dir}/checkpoint-{self.state.step}. Continue with --resume."
            )

    def _save(self) -> None:
        self._check_weights()
        self._saved, self._save_pending = self.state.step, False
        if self.accelerator.scaler is not None:
            self.state.scaler = self.accelerator.scaler.state_dict()
        if self.accelerator.is_main_process:
            folder = checkpoint.save_checkpoint(
                self.output_dir,
                self.state,
                self._save_model,
                self.optimizers,
                self.training.save_total_limit,
            )
            for callback in self.callbacks:
                callback.on_save(self.state.step, folder)
        self.accelerator.wait_for_everyone()

    def _save_model(self, folder: Path) -> None:
        """Write the model and its card into a folder."""
        self.task.save(folder)
        write_text(folder / "README.md", self.task.describe(self.state))

    def _resume(self) -> None:
        path = checkpoint.find_checkpoint(self.output_dir)
        kept = checkpoint.load_state(path)
        for change in changes_between(kept.options, self.state.options):
            self.say(f"Changed since the checkpoint: {change}")
        if kept.fingerprint != self.state.fingerprint:
            self.say("The text has changed since the checkpoint, so the results will differ.")
        checkpoint.load_tensors(path, self.task.model, self.optimizers, kept.moments)
        kept.options, kept.fingerprint = self.state.options, self.state.fingerprint
        self.state = kept
        self._saved = self._resumed = kept.step
        if self.accelerator.scaler is not None and kept.scaler:
            self.accelerator.scaler.load_state_dict(kept.scaler)
        self.say(f"Resumed from {path}.")
        staying = [p.name for p in checkpoint.checkpoints(self.output_dir) if not is_ours(p)]
        if staying:
            self.say(
                f"{', '.join(staying)} will not be deleted: an older version has made them, or they hold "
                "files of another origin."
            )

    def finish(self, stop: StopSignal) -> None:
        """Copy the final model to the top of the output folder, and write the report.

        A resumed run that was killed after its last step ends here with the same files.
        """
        if self._saved != self.task.steps:
            self._save()
        best = self.output_dir / BEST
        if self.accelerator.is_main_process:
            checkpoint.rotate(self.output_dir, self.state.good_step, self.training.save_total_limit)
            if self._resumed == self.task.steps:
                self.task.validate()  # makes the samples of the report
            use_best = self.training.load_best_model_at_end and best.is_dir()
            self.folder.publish(best if use_best else self.output_dir / f"checkpoint-{self.task.steps}")
            self.task.write_report(self.output_dir / REPORT, self.state)
        if self.state.skipped_steps:
            self.say(f"{self.state.skipped_steps} steps were skipped because gradients were not finite.")
        with writing(f"The tracker's folder in {self.output_dir}"):
            self.accelerator.end_training()
        if stop.requested:
            raise TrainingInterrupted(f"Stopped after the last step; the model is in {self.output_dir}.")

    # Progress -------------------------------------------------------------------------------------

    def progress(self) -> tqdm:
        """Make a progress bar of steps, visible on the first process."""
        hidden = None if self.accelerator.is_main_process else True
        return tqdm(total=self.task.steps, initial=self.state.step, disable=hidden, unit="step")

    def _on_any_process(self, flag: bool) -> bool:
        """Whether the flag is set on any process."""
        if self.accelerator.num_processes == 1:
            return flag
        flags = torch.tensor([int(flag)], device=self.accelerator.device)
        return bool(self.accelerator.reduce(flags, "sum") > 0)


def say_nothing(sentence: str) -> None:
    """Replaces ``say`` on all processes but the first."""
