"""Checkpoints that are a model folder and the rest of a training's state, without pickles.

``checkpoint-<step>`` can be loaded by `from_pretrained` like any model; ``optimizers.safetensors`` and
``trainer_state.json`` beside the weights are what a resumed run needs on top. Batches and noise are
functions of the step, so no random state has to be kept. A checkpoint appears whole or not at all.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from summgan.errors import SummGANError
from summgan.files import MANIFEST, remove_folder, write_file, write_folder

_NAME = re.compile(r"checkpoint-(\d+)")
_OPTIMIZERS, _STATE = "optimizers.safetensors", "trainer_state.json"


@dataclass
class TrainerState:
    """What a training remembers besides tensors; kept as JSON.

    Attributes:
        step: Optimizer steps done.
        best_step: Step of the best validation score.
        best_score: That score.
        skipped_steps: Steps without an update because a gradient was not finite.
        skipped_in_a_row: The same, since the last good step.
        history: Rows of the log: ``{"step": ..., figure: value, ...}``.
        options: The run's options, to notice changes.
        fingerprint: Of the corpora, for the same.
        scaler: State of the fp16 gradient scaler.
    """

    step: int = 0
    best_step: int | None = None
    best_score: float | None = None
    skipped_steps: int = 0
    skipped_in_a_row: int = 0
    history: list[dict] = field(default_factory=list)
    options: dict = field(default_factory=dict)
    fingerprint: str = ""
    scaler: dict = field(default_factory=dict)


def checkpoints(output_dir: Path) -> list[Path]:
    """Checkpoints in a folder, oldest first."""
    found = [p for p in output_dir.glob("checkpoint-*") if _NAME.fullmatch(p.name)]
    return sorted(found, key=lambda path: int(_NAME.fullmatch(path.name)[1]))


def save_checkpoint(
    output_dir: Path,
    state: TrainerState,
    save_model: Callable[[Path], None],
    optimizers: Mapping[str, Optimizer],
    keep: int,
) -> Path:
    """Write ``checkpoint-<step>`` and delete the oldest ones beyond ``keep``.

    Args:
        output_dir: Of the run.
        state: Of the run.
        save_model: Writes weights, configuration and tokenizer into a folder.
        optimizers: By network name.
        keep: How many checkpoints stay.
    """

    def fill(folder: Path) -> None:
        save_model(folder)
        save_file(_optimizer_tensors(optimizers), folder / _OPTIMIZERS)
        (folder / _STATE).write_text(json.dumps(asdict(state)), encoding="utf-8")

    path = output_dir / f"checkpoint-{state.step}"
    write_folder(path, fill)
    for old in checkpoints(output_dir)[:-keep] if keep else ():
        remove_folder(old)
    return path


def publish_model(source: Path, output_dir: Path) -> None:
    """Copy the model of a checkpoint to the top of the output folder, each file at once."""
    for file in sorted(source.iterdir()):
        if file.name not in (_OPTIMIZERS, _STATE, MANIFEST):
            write_file(output_dir / file.name, partial(shutil.copyfile, file))


def find_checkpoint(output_dir: Path) -> Path:
    """The newest checkpoint of a run.

    Raises:
        SummGANError: There is none.
    """
    found = checkpoints(output_dir)
    if not found:
        raise SummGANError(
            f"There is no checkpoint in {str(output_dir)!r} to resume from; train without --resume."
        )
    return found[-1]


def load_state(checkpoint: Path) -> TrainerState:
    """The state kept in a checkpoint.

    Raises:
        SummGANError: The file is missing or damaged.
    """
    try:
        return TrainerState(**json.loads((checkpoint / _STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise SummGANError(
            f"{checkpoint / _STATE} cannot be read ({error}); delete that checkpoint to resume from "
            "the one before it."
        ) from error


def load_tensors(checkpoint: Path, model: torch.nn.Module, optimizers: Mapping[str, Optimizer]) -> None:
    """Put weights and optimizer moments of a checkpoint into place.

    Raises:
        SummGANError: They do not fit the model.
    """
    try:
        weights = load_file(checkpoint / "model.safetensors")
        missing, unexpected = model.load_state_dict(weights, strict=False)
        # Of tensors that are one, a single name is saved.
        present = model.state_dict()
        loaded = {present[name].data_ptr() for name in weights if name in present}
        missing = [name for name in missing if present[name].data_ptr() not in loaded]
        if unexpected or missing:
            raise RuntimeError(f"other tensors: {[*unexpected, *missing][:3]}")
        _load_optimizer_tensors(load_file(checkpoint / _OPTIMIZERS), optimizers)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise SummGANError(
            f"{checkpoint} does not fit this model ({str(error).splitlines()[0]}); resume with the "
            "configuration that it was made with, or train into another --training.output_dir."
        ) from error


def _optimizer_tensors(optimizers: Mapping[str, Optimizer]) -> dict[str, Tensor]:
    """Moments under ``network.parameter.moment``."""
    return {
        f"{network}.{index}.{moment}": tensor.contiguous()
        for network, optimizer in optimizers.items()
        for index, moments in optimizer.state_dict()["state"].items()
        for moment, tensor in moments.items()
    }


def _load_optimizer_tensors(tensors: Mapping[str, Tensor], optimizers: Mapping[str, Optimizer]) -> None:
    for network, optimizer in optimizers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            owner, index, moment = name.split(".")
            if owner == network:
                state.setdefault(int(index), {})[moment] = tensor
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": state, "param_groups": groups})
