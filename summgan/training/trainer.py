"""The training loop, the same for every `Task`.

A step updates each network once, from gradients at the same weights. It is a pure function of weights, seed
and step number. Evaluation, checkpoints and the end of a run are in `run.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.utils.data import DataLoader

from summgan.data.order import Share
from summgan.options.configuration import Options, check_options
from summgan.randomness import derive_seed
from summgan.training.callbacks import TrainerCallback
from summgan.training.checkpoint import TrainerState, find_checkpoint
from summgan.training.optimizers import make_optimizer, own_parameters
from summgan.training.path_task import PathTask
from summgan.training.run import Run, say_nothing
from summgan.training.run_folder import RunFolder
from summgan.training.runtime import make_accelerator, trackers
from summgan.training.short_text_task import ShortTextTask
from summgan.training.summary_task import SummaryTask
from summgan.training.task import Task

logger = logging.getLogger(__name__)

_MOST_SKIPPED = 20
_TASKS: dict[str, type[Task]] = {
    "paths": PathTask,
    "short-paths": ShortTextTask,
    "decoder": SummaryTask,
}


class Trainer:
    """Trains the networks of a task.

    Args:
        task: The task, with the options of the run.
        accelerator: Accelerator of this process; made from the options by default.
        say: Receives sentences for the user.
        folder: The output folder if it is already open, as in `train`.
        callbacks: Called after steps, evaluations and checkpoints.

    Attributes:
        run: State of the training, its log and its checkpoints.
    """

    def __init__(
        self,
        task: Task,
        accelerator: Accelerator | None = None,
        say: Callable[[str], None] = logger.info,
        folder: RunFolder | None = None,
        callbacks: Sequence[TrainerCallback] = (),
    ):
        self.task, self.training = task, task.options.training
        self.accelerator = accelerator or make_accelerator(task.options)
        self.callbacks = callbacks if self.accelerator.is_main_process else ()
        task.model.to(self.accelerator.device)
        self.parameters = own_parameters(task.networks)
        self.optimizers = {
            name: self.accelerator.prepare(make_optimizer(parameters, self.training.weight_decay))
            for name, parameters in self.parameters.items()
        }
        task.passes = {name: self.accelerator.prepare(module) for name, module in task.passes.items()}
        self.run = Run(task, self.accelerator, self.optimizers, say, folder, self.callbacks)

    def train(self, resume: bool = False) -> TrainerState:
        """Run all steps of the task.

        Args:
            resume: Continue from the newest checkpoint in the output folder.

        Returns:
            The state at the end; the model is in ``training.output_dir``.

        Raises:
            SummGANError: Gradients stay non-finite, there is nothing to resume, or a file would be lost.
            TrainingInterrupted: The user stopped the run with Ctrl-C or SIGTERM; it is saved.
        """
        run = self.run
        with run.begun(resume) as stop:
            state, batches = run.state, self.batches()
            with run.progress() as bar:
                while state.step < self.task.steps:
                    figures = self.step(batches)
                    state.step += 1
                    run.log.tell(state, figures, bar)
                    for callback in self.callbacks:
                        callback.on_step(state.step, figures)
                    if run.due(self.training.sample_steps):
                        run.show_sample(bar)
                    if run.due(self.training.eval_steps) or state.step == self.task.steps:
                        run.evaluate()
                    run.save_if_due(stop)
            run.finish(stop)
        return state

    def batches(self) -> Iterator[Any]:
        """Iterate over the micro-batches of this process, from the present step."""
        share = Share(
            self.training.per_device_train_batch_size,
            self.accelerator.process_index,
            self.accelerator.num_processes,
            self.training.gradient_accumulation_steps,
        )
        numbers = range(self.run.state.step * share.accumulation, self.task.steps * share.accumulation)
        workers = self.training.dataloader_num_workers
        loader = DataLoader(self.task.batches(share), batch_size=None, sampler=numbers, num_workers=workers)
        return iter(loader)

    def step(self, batches: Iterator[Any]) -> dict[str, float]:
        """Update every network once, from ``gradient_accumulation_steps`` micro-batches.

        Args:
            batches: Iterator from `batches`.

        Returns:
            Losses and gradient norms by name.

        Raises:
            SummGANError: The gradients are not finite for the twentieth time in a row.
        """
        step, count = self.run.state.step, self.training.gradient_accumulation_steps
        for name, rate in self.task.learning_rates(step).items():
            for group in self.optimizers[name].param_groups:
                group["lr"] = rate
        self.task.model.train()
        # Dropout depends on the step and the process; all other noise depends on the row.
        torch.manual_seed(derive_seed(self.training.seed, step, self.accelerator.process_index))
        sums: dict[str, Tensor] = {}
        for _ in range(count):
            with self.accelerator.accumulate(*self.task.passes.values()):
                for objective in self.task.losses(next(batches).to(self.accelerator.device), step):
                    self.accelerator.backward(objective.total)
                    for name, value in objective.figures.items():
                        sums[name] = sums[name] + value if name in sums else value
        norms = self.update()
        figures = {name: float(value) / count for name, value in sums.items()} | norms
        self.run.judge(step, figures)
        return figures

    def update(self) -> dict[str, float]:
        """Clip gradients, update every network that has some, and clear them.

        If a gradient is not finite, no network is updated.

        Returns:
            Gradient norms by name, before clipping.
        """
        self.accelerator.unscale_gradients()
        trained = [name for name, own in self.parameters.items() if any(p.grad is not None for p in own)]
        norms = {
            f"{name}_grad_norm": float(
                torch.nn.utils.clip_grad_norm_(self.parameters[name], self.training.max_grad_norm)
            )
            for name in trained
        }
        finite = all(value < float("inf") for value in norms.values())  # False for NaN
        for name in trained:
            # In fp16 the scaler skips the update itself, and must be called to lower its scale.
            if finite or self.accelerator.scaler is not None:
                self.optimizers[name].step()
        for optimizer in self.optimizers.values():
            optimizer.zero_grad()
        self._count_skipped(finite)
        return norms

    def _count_skipped(self, finite: bool) -> None:
        state = self.run.state
        if finite:
            state.skipped_in_a_row = 0
            return
        state.skipped_steps += 1
        state.skipped_in_a_row += 1
        if state.skipped_in_a_row >= _MOST_SKIPPED:
            raise self.run.diverged(
                f"The gradients were not finite in {_MOST_SKIPPED} steps in a row, up to step {state.step}"
            )


def train(
    options: Options,
    resume: bool = False,
    say: Callable[[str], None] = logger.info,
    task: type[Task] | None = None,
    callbacks: Sequence[TrainerCallback] = (),
) -> TrainerState:
    """Read the text, build the model, and train it, as ``summgan train`` does.

    Args:
        options: All options of the run.
        resume: Continue from the newest checkpoint in ``training.output_dir``.
        say: Receives sentences for the user.
        task: Class of the task; by default the one of ``model.generator``. `summgan.codes.task.CodeTask`
            learns codes that are not made of words; a class of your own may be given too.
        callbacks: Called after steps, evaluations and checkpoints.

    Returns:
        The state at the end; the model is in ``training.output_dir``.

    Raises:
        SummGANError: An option or a text cannot be used, or the training diverges.
        TrainingInterrupted: The user stopped the run; it is saved.
    """
    options = check_options(options)
    task = task or _TASKS[options.model.generator]
    accelerator = make_accelerator(options)
    if not accelerator.is_main_process:
        say = say_nothing
    folder = RunFolder(options.training.output_dir, accelerator.is_main_process)
    with folder.opened(resume, task.count_steps(options)), trackers(accelerator, options):
        with accelerator.main_process_first():
            checkpoint = find_checkpoint(folder.path) if resume else None
            prepared = task.prepare(options, say, checkpoint)
        return Trainer(prepared, accelerator, say, folder, callbacks).train(resume)
