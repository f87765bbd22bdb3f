"""Loading of model folders: every field and tensor is checked before a network is built.

transformers builds whatever a ``config.json`` says, at any size, and fills what ``model.safetensors`` lacks
with random numbers. This module checks the fields first, then the sizes of all tensors against those of the
network on the meta device, which needs no memory, and finally the numbers. Any fault is one `SummGANError`.
Pickles are never read, code from a folder never runs, and unknown fields are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils import cached_file

from summgan.errors import SummGANError

CONFIG, WEIGHTS = "config.json", "model.safetensors"
WIDEST = 2**16
"""Upper limit of a width or a number of layers."""
LARGEST = 2**24
"""Upper limit of the size of a vocabulary or a table, and of a length."""

_HUB = ("cache_dir", "force_download", "local_files_only", "proxies", "revision", "subfolder", "token")
_LARGEST_JSON = 2**28  # bytes
_FLOATS = ("F32", "F16", "BF16", "F64")
_KINDS = {torch.int64: "I64", torch.bool: "BOOL"}
_TYPES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
# Fields that would run code from elsewhere, or read other numbers than the weights.
_CODE = ("auto_map", "quantization_config", "fusion_config", "kernel_config", "transformers_weights")
_ATTENTION = ("attn_implementation", "_attn_implementation", "_attn_implementation_internal")

_Model = TypeVar("_Model", bound=PreTrainedModel)

Wanted = type | tuple
"""What a field must be: a type, ``(type, lowest, highest)`` for a number, or a tuple of allowed texts."""


def find_file(folder: str | Path, name: str, **hub: Any) -> Path | None:
    """Find a file of a model; None if the model has no such file.

    Args:
        folder: Folder or hub name of the model.
        name: Name of the file.
        **hub: Options of transformers' ``cached_file``, such as ``revision``.

    Raises:
        SummGANError: There is no such folder or hub name.
    """
    try:
        found = cached_file(str(folder), name, _raise_exceptions_for_missing_entries=False, **hub)
    except (OSError, ValueError) as error:
        raise SummGANError(
            f"there is no such folder, and no such name on the hub ({first_line(error)})"
        ) from error
    return Path(found) if found else None


def required_file(folder: str | Path, name: str, **hub: Any) -> Path:
    """Find a file that the model must have; see `find_file`.

    Raises:
        SummGANError: There is no such folder, hub name or file.
    """
    if not isinstance(folder, str | Path) or not str(folder):
        raise SummGANError("the name of a folder must be a text that is not empty")
    path = find_file(folder, name, **hub)
    if path is None and not Path(folder).exists():
        raise SummGANError("there is no such folder, and no such name on the hub or, offline, in its cache")
    if path is None:
        raise SummGANError(f"it has no {name}")
    return path


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file.

    Raises:
        SummGANError: The file cannot be read, or does not contain a JSON object.
    """
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise SummGANError(f"{path.name} is larger than {_LARGEST_JSON >> 20} MiB")
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SummGANError(f"{path.name} cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise SummGANError(f"{path.name} is damaged ({first_line(error)})") from error
    if not isinstance(values, dict):
        raise SummGANError(f"{path.name} contains JSON of type {type(values).__name__}, not an object")
    return values


def check_fields(values: Mapping[str, Any], fields: Mapping[str, Wanted]) -> dict[str, Any]:
    """Return the ``fields`` of a configuration, after a check of each.

    Raises:
        SummGANError: A field is missing, has the wrong type, or is out of range.
    """
    for name, wanted in fields.items():
        if name not in values:
            raise SummGANError(f"{CONFIG} has no {name}")
        check_field(name, values[name], wanted)
    return {name: values[name] for name in fields}


def check_harmless(values: Mapping[str, Any], model_type: str | tuple[str, ...]) -> None:
    """Check that a configuration is of the right kind of model and names no code to run.

    Raises:
        SummGANError: The configuration has a forbidden field or another ``model_type``.
    """
    types = (model_type,) if isinstance(model_type, str) else model_type
    if (found := values.get("model_type")) not in types:
        raise SummGANError(
            f"{CONFIG}: model_type {shown(found)} is not supported; it must be {' or '.join(types)}"
        )
    for name in _ATTENTION:
        if values.get(name) not in (None, "eager", "sdpa"):
            raise SummGANError(
                f"{CONFIG} has {name} {shown(values[name])}, which is not supported; remove that field"
            )
    for name in _CODE:
        if values.get(name) is not None:
            raise SummGANError(f"{CONFIG} has {name}, which is not supported; remove that field")


def check_dtype(values: Mapping[str, Any]) -> dict[str, str]:
    """Return a dict with the ``dtype`` of a configuration, or an empty one if it names none.

    Raises:
        SummGANError: The dtype is not one of the floating-point types that a model may have.
    """
    dtype = values.get("dtype")
    if dtype is None:
        return {}
    check_field("dtype", dtype, ("float32", "float16", "bfloat16", "float64"))
    return {"dtype": dtype}


def check_field(name: str, value: Any, wanted: Wanted) -> None:
    """Check the type and the range of a field.

    Raises:
        SummGANError: The value is not what ``wanted`` allows.
    """
    kind, limits = (wanted[0], wanted[1:]) if isinstance(wanted, tuple) else (wanted, ())
    if isinstance(kind, str):
        choices = (kind, *limits)
        if value not in choices:
            raise SummGANError(
                f"{CONFIG} has {name} {shown(value)}, which must be one of {', '.join(choices)}"
            )
        return
    fits = isinstance(value, (int, float) if kind is float else kind) and (
        kind is bool or not isinstance(value, bool)
    )
    if not fits or (limits and not limits[0] <= value <= limits[1]):
        between = f" from {limits[0]} to {limits[1]}" if limits else ""
        raise SummGANError(f"{CONFIG} has {name} {shown(value)}, which must be {_TYPES[kind]}{between}")


def shown(value: Any) -> str:
    """Format a value for a message, in at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def first_line(error: Exception) -> str:
    """Return the first line, at most 200 characters, of another library's error message."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


class CheckedModel(PreTrainedModel):
    """A model whose folder is checked while it is loaded.

    Attributes:
        noun: What messages call such a model.
        advice: What messages advise when a model cannot be loaded.
        former_names: Prefixes of tensor names in older versions, with the present prefix of each.
        optional_tables: Prefixes of tensors that any file may have, and that a model of this class may lack.
    """

    config_class: type[PreTrainedConfig]
    noun = "model"
    advice = ""
    former_names: ClassVar[dict[str, str]] = {}
    optional_tables: ClassVar[tuple[str, ...]] = ()

    @property
    def tables(self) -> dict[str, int]:
        """Lowest allowed number in each table of vocabulary ids, by the name of its buffer."""
        return {}

    @classmethod
    def from_pretrained(  # type: ignore[override]  # it takes less than transformers' own
        cls,
        folder: str | Path,
        *,
        config: PreTrainedConfig | None = None,
        output_loading_info: bool = False,
        **options: Any,
    ) -> Any:
        """Load a model from its ``config.json`` and ``model.safetensors``.

        Args:
            folder: Folder or hub name of the model.
            config: Configuration to use instead of ``config.json``.
            output_loading_info: Whether to return transformers' loading report too.
            **options: Further options of transformers' ``from_pretrained``, such as ``dtype``, ``revision``.

        Raises:
            SummGANError: There is no such model, it is of another kind, or one of its files is damaged.
        """
        hub = {name: options.pop(name) for name in _HUB if name in options}
        options.pop("use_safetensors", None)  # nothing else is read
        try:
            if config is None:
                config = cls.config_class.from_dict(read_object(required_file(folder, CONFIG, **hub)))
            weights = read_weights(required_file(folder, WEIGHTS, **hub), build(cls, config))
            loaded: Any = super().from_pretrained(
                None, config=config, state_dict=weights, output_loading_info=True, **options
            )
            model, found = loaded
            check_numbers(model)
            for name, least in model.tables.items():
                table = model.get_buffer(name)
                if table.numel() and not least <= int(table.min()) <= int(table.max()) < config.vocab_size:
                    raise SummGANError(f"{WEIGHTS} has numbers in {name} that are not in the vocabulary")
        except SummGANError as error:
            raise SummGANError(
                f"No {cls.noun} can be loaded from {str(folder)!r}: {error}. {cls.advice}"
            ) from error
        return (model, found) if output_loading_info else model


def check_numbers(model: nn.Module) -> None:
    """Check that all weights are finite.

    Raises:
        SummGANError: A tensor has NaN or infinity; the message names it.
    """
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise SummGANError(
                f"{WEIGHTS} has numbers in {name} that are not finite, or too large for {tensor.dtype}"
            )


def build(make: Callable[[PreTrainedConfig], _Model], config: PreTrainedConfig) -> _Model:
    """Build a network on the meta device, where its tensors have sizes but no memory.

    Raises:
        SummGANError: The configuration does not describe a network.
    """
    try:
        with torch.device("meta"):
            return make(config)
    except Exception as error:  # transformers and torch raise a different class for each field
        raise SummGANError(f"{CONFIG} does not describe a network ({first_line(error)})") from error


def present_names(names: Iterable[str], model: CheckedModel) -> dict[str, str]:
    """Map the names of tensors in a file, perhaps of an older version, to their names in a model.

    Args:
        names: Names in the file; optional tables that the model does not use are left out of the result.
        model: The model, on any device.
    """
    known, found = model.state_dict().keys(), {}
    for name in names:
        former = next((former for former in model.former_names if name.startswith(former)), "")
        present = model.former_names.get(former, "") + name.removeprefix(former)
        if present in known or not present.startswith(model.optional_tables):
            found[name] = present
    return found


def read_weights(path: Path, model: CheckedModel) -> dict[str, Tensor]:
    """Read the tensors of a file, which must be those of a model.

    Args:
        path: Path of a safetensors file.
        model: Model on the meta device, for the names and sizes of its tensors.

    Raises:
        SummGANError: The file is damaged, or has other tensors than the model.
    """
    wanted = model.state_dict()
    # Tied tensors are saved under one of their names.
    single = {name for name, _ in (*model.named_parameters(), *model.named_buffers())} & wanted.keys()
    try:
        with safe_open(path, framework="pt") as file:
            names = {present: name for name, present in present_names(file.keys(), model).items()}
            if odd := sorted((single - names.keys()) | (names.keys() - wanted.keys())):
                raise SummGANError(
                    f"the weights are damaged or of another version of summgan: {odd[0]} and {len(odd) - 1} "
                    "more tensors are missing or unknown"
                )
            for present, name in names.items():
                part = file.get_slice(name)
                _check_tensor(name, part.get_shape(), part.get_dtype(), wanted[present])
            return {present: file.get_tensor(name) for present, name in names.items()}
    except OSError as error:
        raise SummGANError(f"{path.name} cannot be read ({error.strerror or error})") from error
    except SafetensorError as error:
        raise SummGANError(f"{path.name} is damaged ({first_line(error)})") from error


def _check_tensor(name: str, shape: list[int], dtype: str, wanted: Tensor) -> None:
    """Check the shape and the type of a tensor."""
    if list(shape) != list(wanted.shape):
        raise SummGANError(
            f"{WEIGHTS} has {name} of shape {_sizes(shape)}, but {CONFIG} describes {_sizes(wanted.shape)}"
        )
    kinds = _FLOATS if wanted.is_floating_point() else (_KINDS[wanted.dtype],)
    if dtype not in kinds:
        raise SummGANError(f"{WEIGHTS} has {name} as {dtype}, which must be {' or '.join(kinds)}")


def _sizes(shape) -> str:
    return " x ".join(map(str, shape)) or "one number"
