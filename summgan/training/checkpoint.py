"""Checkpoints: a model folder plus the state of the training, without pickles.

`from_pretrained` loads ``checkpoint-<step>`` like any model. To resume, a run also needs
``optimizers.safetensors`` and ``trainer_state.json`` beside the weights. Batches and noise are functions of
the step, so no random state is saved. A checkpoint appears when it is complete.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from summgan.errors import SummGANError
from summgan.files import MANIFEST, is_ours, recover_all, remove_folder, write_file, write_folder, write_text
from summgan.model_folder import CheckedModel, present_names

_NAME = re.compile(r"checkpoint-(\d+)")
_WEIGHTS, _OPTIMIZERS, _STATE = "model.safetensors", "optimizers.safetensors", "trainer_state.json"
_MOMENTS = {"step", "exp_avg", "exp_avg_sq"}  # state of each parameter in AdamW


@dataclass
class TrainerState:
    """State of a training besides tensors; saved as JSON.

    Attributes:
        step: Number of optimizer steps done.
        best_step: Step of the best validation score; None before the first.
        best_score: Best validation score.
        skipped_steps: Number of steps without an update because a gradient was not finite.
        skipped_in_a_row: Number of such steps since the last update.
        good_step: Last step whose weights are known to be good, because the next step's figures were finite.
        moments: Number of tensors of the optimizers, to detect a file that lacks some.
        history: Rows of the log: ``{"step": ..., figure: value, ...}``.
        options: All options of the run, to report changes.
        fingerprint: Hash of the training text, to report changes.
        scaler: State of the fp16 gradient scaler.
    """

    step: int = 0
    best_step: int | None = None
    best_score: float | None = None
    skipped_steps: int = 0
    skipped_in_a_row: int = 0
    good_step: int | None = None
    moments: int | None = None
    history: list[dict] = field(default_factory=list)
    options: dict = field(default_factory=dict)
    fingerprint: str = ""
    scaler: dict = field(default_factory=dict)

    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """Return the points ``(step, value)`` of every figure in the history, by name."""
        names = dict.fromkeys(name for row in self.history for name in row if name != "step")
        return {name: [(row["step"], row[name]) for row in self.history if name in row] for name in names}


def step_of(folder: Path) -> int:
    """Return the step in the name ``checkpoint-<step>``, or -1 for any other name."""
    found = _NAME.fullmatch(folder.name)
    return int(found[1]) if found else -1


def checkpoints(output_dir: Path) -> list[Path]:
    """List the checkpoints in a folder, oldest first; a folder that only has the name is ignored."""
    found = [p for p in output_dir.glob("checkpoint-*") if step_of(p) >= 0 and _is_checkpoint(p)]
    return sorted(found, key=step_of)


def _is_checkpoint(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (MANIFEST, _OPTIMIZERS, _STATE))


def save_checkpoint(
    output_dir: Path,
    state: TrainerState,
    save_model: Callable[[Path], None],
    optimizers: Mapping[str, Optimizer],
    keep: int,
) -> Path:
    """Write ``checkpoint-<step>`` and delete the oldest ones beyond ``keep``; see `rotate`.

    Args:
        output_dir: Folder of the run.
        state: State of the run.
        save_model: Writes weights, configuration and tokenizer into a folder.
        optimizers: Optimizers by network name.
        keep: Number of checkpoints to keep; 0 keeps all.

    Raises:
        SummGANError: The checkpoint cannot be written; the older ones stay.
    """
    tensors = _optimizer_tensors(optimizers)
    state.moments = len(tensors)

    def fill(folder: Path) -> None:
        save_model(folder)
        save_file(tensors, folder / _OPTIMIZERS)
        write_text(folder / _STATE, json.dumps(asdict(state)))

    path = output_dir / f"checkpoint-{state.step}"
    write_folder(path, fill)
    rotate(output_dir, state.good_step, keep)
    return path


def rotate(output_dir: Path, good_step: int | None, keep: int) -> None:
    """Delete the oldest checkpoints beyond ``keep``, but never the newest one that is known to be good.

    Checkpoints of older versions, and those to which a user has added files, are neither counted nor deleted.

    Args:
        output_dir: Folder of the run.
        good_step: See `TrainerState`.
        keep: Number of checkpoints to keep; 0 keeps all.
    """
    ours = [path for path in checkpoints(output_dir) if is_ours(path)]
    good = last_good(output_dir, good_step)
    for old in ours[:-keep] if keep else ():
        if old != good:
            remove_folder(old)


def last_good(output_dir: Path, good_step: int | None) -> Path | None:
    """Return the newest checkpoint that is known to be good, or None."""
    good = [path for path in checkpoints(output_dir) if good_step is not None and step_of(path) <= good_step]
    return good[-1] if good else None


def publish_model(source: Path, output_dir: Path) -> None:
    """Copy the model of a checkpoint to the top of the output folder, each file atomically."""
    for file in model_files(source):
        write_file(output_dir / file.name, partial(shutil.copyfile, file))


def model_files(source: Path) -> list[Path]:
    """List a checkpoint's files of the model, without the state of the training."""
    return sorted(path for path in source.iterdir() if path.name not in (_OPTIMIZERS, _STATE, MANIFEST))


def find_checkpoint(output_dir: Path) -> Path:
    """Find the newest checkpoint of a run.

    Raises:
        SummGANError: There is no checkpoint.
    """
    recover_all(output_dir)
    found = checkpoints(output_dir)
    if not found:
        raise SummGANError(
            f"There is no checkpoint in {str(output_dir)!r} to resume from; train without --resume."
        )
    return found[-1]


def load_state(checkpoint: Path) -> TrainerState:
    """Read the state of a checkpoint.

    Raises:
        SummGANError: The file is missing or damaged.
    """
    try:
        kept = json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
        state = TrainerState(**kept)
        missing = {f.name for f in fields(TrainerState)} - {"good_step", "moments", *kept}
        if missing:
            raise ValueError(f"{min(missing)} is missing")
        _check_state(state, step_of(checkpoint))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise _damaged(checkpoint / _STATE, error) from error
    return state


def _check_state(state: TrainerState, step: int) -> None:
    """Raise ValueError for a value that no run saves."""
    counts = (state.step, state.skipped_steps, state.skipped_in_a_row)
    marks = [mark for mark in (state.best_step, state.good_step, state.moments) if mark is not None]
    score = 0.0 if state.best_score is None else state.best_score
    good = {
        f"step is not {step}, as in the folder's name": state.step == step,
        "counts are not whole numbers": all(_is_count(n) for n in (*counts, *marks)),
        "best_score is not a finite number": _is_number(score) and math.isfinite(score),
        "fingerprint is not a string": isinstance(state.fingerprint, str),
        "options are not a block": isinstance(state.options, dict),
        "scaler is not a block of numbers": isinstance(state.scaler, dict)
        and all(map(_is_number, state.scaler.values())),
        "history is not a list of rows with steps and numbers": isinstance(state.history, list)
        and all(_is_row(row, step) for row in state.history),
    }
    for what, holds in good.items():
        if not holds:
            raise ValueError(what)


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def _is_row(row: object, last: int) -> bool:
    if not isinstance(row, dict) or not _is_count(row.get("step")):
        return False
    return row["step"] <= last and all(map(_is_number, row.values()))


def load_tensors(
    checkpoint: Path,
    model: torch.nn.Module,
    optimizers: Mapping[str, Optimizer],
    moments: int | None = None,
) -> None:
    """Load weights and optimizer states from a checkpoint.

    Args:
        checkpoint: Folder of the checkpoint.
        model: The model, changed in place.
        optimizers: Optimizers of its networks by name, changed in place.
        moments: Expected number of the optimizers' tensors; None if it is unknown.

    Raises:
        SummGANError: The tensors are damaged or do not fit the model.
    """
    saved, kept = _read(checkpoint / _WEIGHTS), _read(checkpoint / _OPTIMIZERS)
    # Older versions of summgan named some tensors differently.
    names = present_names(saved, model) if isinstance(model, CheckedModel) else {name: name for name in saved}
    weights = {present: saved[name] for name, present in names.items()}
    present = model.state_dict()
    # Tensors that share memory are saved under one name.
    loaded = {present[name].data_ptr() for name in weights if name in present}
    missing = [name for name, tensor in present.items() if tensor.data_ptr() not in loaded]
    try:
        for name, tensor in weights.items():
            _check_tensor(name, tensor, present.get(name))
        if missing:
            raise ValueError(f"{missing[0]} is missing")
    except ValueError as error:
        raise SummGANError(
            f"{checkpoint} does not fit this model ({error}); resume with the "
            "configuration that it was made with, or train into another --training.output_dir."
        ) from error
    try:
        if moments is not None and len(kept) != moments:
            raise ValueError(f"it has {len(kept)} tensors instead of {moments}")
        states = _optimizer_states(kept, optimizers)
    except ValueError as error:
        raise _damaged(checkpoint / _OPTIMIZERS, error) from error
    for file, tensors in ((_WEIGHTS, weights), (_OPTIMIZERS, kept)):
        for name, tensor in tensors.items():
            if not torch.isfinite(tensor).all():
                raise _damaged(checkpoint / file, f"{name} is not finite")
    model.load_state_dict(weights, strict=False)
    for network, optimizer in optimizers.items():
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": states[network], "param_groups": groups})


def _read(file: Path) -> dict[str, Tensor]:
    try:
        return load_file(file)
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise _damaged(file, error) from error


def _damaged(file: Path, reason: object) -> SummGANError:
    first = next(iter(str(reason).splitlines()), "it is damaged")
    return SummGANError(
        f"{file} cannot be read ({first}); delete that checkpoint to resume from the one before it."
    )


def _check_tensor(name: str, tensor: Tensor, wanted: Tensor | None) -> None:
    if wanted is None:
        raise ValueError(f"{name} is not part of it")
    for what, had, has in (
        ("shape", list(tensor.shape), list(wanted.shape)),
        ("type", tensor.dtype, wanted.dtype),
    ):
        if had != has:
            raise ValueError(f"{name} has {what} {had} instead of {has}")


def _optimizer_tensors(optimizers: Mapping[str, Optimizer]) -> dict[str, Tensor]:
    """Name the optimizers' tensors ``network.parameter.moment``."""
    return {
        f"{network}.{index}.{moment}": tensor.contiguous()
        for network, optimizer in optimizers.items()
        for index, moments in optimizer.state_dict()["state"].items()
        for moment, tensor in moments.items()
    }


def _optimizer_states(
    tensors: Mapping[str, Tensor], optimizers: Mapping[str, Optimizer]
) -> dict[str, dict[int, dict[str, Tensor]]]:
    """Sort the optimizers' tensors by network and parameter; a parameter that was never updated has none.

    Raises:
        ValueError: A tensor does not fit; the message names it.
    """
    owners = {
        f"{network}.{index}": (network, index, parameter)
        for network, optimizer in optimizers.items()
        for index, parameter in enumerate(p for group in optimizer.param_groups for p in group["params"])
    }
    states: dict[str, dict[int, dict[str, Tensor]]] = {network: {} for network in optimizers}
    for name, tensor in tensors.items():
        owner, _, moment = name.rpartition(".")
        if owner not in owners or moment not in _MOMENTS:
            raise ValueError(f"{name} is not part of it")
        network, index, parameter = owners[owner]
        _check_tensor(name, tensor, torch.zeros(()) if moment == "step" else parameter)
        states[network].setdefault(index, {})[moment] = tensor
    for network, state in states.items():
        for index, moments in state.items():
            if moments.keys() != _MOMENTS:
                raise ValueError(f"{network}.{index} lacks {min(_MOMENTS - moments.keys())}")
    return states
