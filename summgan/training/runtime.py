"""Runtime of a training: processes and devices, trackers, and the user's stop signal."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch
from accelerate import Accelerator

from summgan.errors import SummGANError
from summgan.files import writing
from summgan.options.configuration import Options


class TrainingInterrupted(Exception):
    """The user has stopped the run, and everything is saved."""


def make_accelerator(options: Options) -> Accelerator:
    """Make the accelerator of this process.

    Raises:
        SummGANError: The launched processes do not see each other, so that each would be a run of its own, or
            the tracker is not installed.
    """
    training = options.training
    accelerator = Accelerator(
        cpu=training.use_cpu or not torch.cuda.is_available(),
        mixed_precision=training.mixed_precision,
        gradient_accumulation_steps=training.gradient_accumulation_steps,
        log_with=None if training.report_to == "none" else training.report_to,
        project_dir=training.output_dir,
    )
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if accelerator.num_processes != world:
        raise SummGANError(
            f"{world} processes were launched but do not see each other. On a machine without a GPU, "
            f"use: torchrun --nproc_per_node {world} -m summgan train ..."
        )
    if training.report_to != "none" and not accelerator.log_with:
        raise SummGANError(
            f"--training.report_to {training.report_to}: it is not installed; "
            f"pip install {training.report_to}, or choose --training.report_to none."
        )
    return accelerator


@contextmanager
def trackers(accelerator: Accelerator, options: Options) -> Iterator[None]:
    """Open the tracker of the options, which may write into the output folder.

    Raises:
        SummGANError: The tracker cannot write.
    """
    if options.training.report_to == "none":
        yield
        return

    def hook(error: threading.ExceptHookArgs) -> None:
        # TensorBoard writes in a thread and raises that thread's error again in the next call.
        if not issubclass(error.exc_type, OSError):
            before(error)

    before, threading.excepthook = threading.excepthook, hook
    try:
        with writing(f"The tracker's folder in {options.training.output_dir}"):
            accelerator.init_trackers("summgan", config=flatten(asdict(options)))
        yield
    finally:
        threading.excepthook = before


def flatten(options: dict, prefix: str = "") -> dict[str, str]:
    """Flatten nested options into ``{"training.seed": "0"}``."""
    flat: dict[str, str] = {}
    for name, value in options.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = str(value)
    return flat


def changes_between(old: dict, new: dict) -> list[str]:
    """Describe each difference between two nested dicts of options."""
    old, new = flatten(old), flatten(new)
    return [
        f"{name} was {old.get(name, 'missing')}, is {new.get(name, 'missing')}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


class StopSignal:
    """Turns the first Ctrl-C or SIGTERM into a flag; a second one stops at once."""

    def __init__(self):
        self.requested = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> StopSignal:
        # Python lets only the main thread handle signals; in another thread, the caller must.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def _handle(self, number: int, frame: object) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def __exit__(self, *exception: object) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)
