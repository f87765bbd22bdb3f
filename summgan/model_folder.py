"""Loading the folder of a trained model: every field and tensor is checked before a network is built of it.

transformers builds what a ``config.json`` says, at any size, and fills what ``model.safetensors`` lacks with
random numbers. Here fields are checked first, then the sizes of all tensors against those of the network on
the meta device, which needs no memory, and the numbers at last. What is wrong is one `SummGANError`. Pickles
are never read, code from a folder never runs, and fields that are not known are left out.
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
"""The most that a width, or a number of layers, may be."""
LARGEST = 2**24
"""The most that a vocabulary, a table or a length may be."""

_HUB = ("cache_dir", "force_download", "local_files_only", "proxies", "revision", "subfolder", "token")
_LARGEST_JSON = 2**28  # bytes
_FLOATS = ("F32", "F16", "BF16", "F64")
_KINDS = {torch.int64: "I64", torch.bool: "BOOL"}
_TYPES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
# What would have other code than summgan's own run, or other numbers than those of the weights be read.
_CODE = ("auto_map", "quantization_config", "fusion_config", "kernel_config", "transformers_weights")
_ATTENTION = ("attn_implementation", "_attn_implementation", "_attn_implementation_internal")

_Model = TypeVar("_Model", bound=PreTrainedModel)

Wanted = type | tuple
"""What a field must be: a type, ``(type, least, most)`` for a number, or a tuple of texts."""


def find_file(folder: str | Path, name: str, **hub: Any) -> Path | None:
    """A file of a folder or of a model on the hub, None where it has none.

    Args:
        folder: A folder, or a name on the hub.
        name: Of the file.
        **hub: Options of transformers' ``cached_file``, such as ``revision``.

    Raises:
        SummGANError: There is no such folder or name.
    """
    try:
        found = cached_file(str(folder), name, _raise_exceptions_for_missing_entries=False, **hub)
    except (OSError, ValueError) as error:
        raise SummGANError(
            f"there is no such folder, and no such name on the hub ({first_line(error)})"
        ) from error
    return Path(found) if found else None


def required_file(folder: str | Path, name: str, **hub: Any) -> Path:
    """`find_file` of a file that must be there.

    Raises:
        SummGANError: It is not.
    """
    if not isinstance(folder, str | Path) or not str(folder):
        raise SummGANError("that is no name of a folder")
    path = find_file(folder, name, **hub)
    if path is None and not Path(folder).exists():
        raise SummGANError("there is no such folder, and no such name on the hub or, offline, in its cache")
    if path is None:
        raise SummGANError(f"it has no {name}")
    return path


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        SummGANError: The file cannot be read, or holds something else.
    """
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise SummGANError(f"{path.name} is too large")
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SummGANError(f"{path.name} cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise SummGANError(f"{path.name} is damaged ({first_line(error)})") from error
    if not isinstance(values, dict):
        raise SummGANError(f"{path.name} holds a {type(values).__name__}, not an object with fields")
    return values


def check_fields(values: Mapping[str, Any], fields: Mapping[str, Wanted]) -> dict[str, Any]:
    """The ``fields`` out of ``values``.

    Raises:
        SummGANError: One is missing, of another type, or out of range.
    """
    for name, wanted in fields.items():
        if name not in values:
            raise SummGANError(f"{CONFIG} has no {name}")
        check_field(name, values[name], wanted)
    return {name: values[name] for name in fields}


def check_harmless(values: Mapping[str, Any], model_type: str | tuple[str, ...]) -> None:
    """Refuse a configuration of another kind of model, or one that names code to be run.

    Raises:
        SummGANError: Naming the field.
    """
    types = (model_type,) if isinstance(model_type, str) else model_type
    if (found := values.get("model_type")) not in types:
        raise SummGANError(
            f"{CONFIG}: model_type {shown(found)} is not supported; it must be {' or '.join(types)}"
        )
    for name in _ATTENTION:
        if values.get(name) not in (None, "eager", "sdpa"):
            raise SummGANError(
                f"{CONFIG} has {name} {shown(values[name])}, which summgan does not run; remove that field"
            )
    for name in _CODE:
        if values.get(name) is not None:
            raise SummGANError(f"{CONFIG} has {name}, which summgan does not follow; remove that field")


def check_dtype(values: Mapping[str, Any]) -> dict[str, str]:
    """The ``dtype`` of a configuration, as a field, where it has one.

    Raises:
        SummGANError: It is none that a model may have.
    """
    dtype = values.get("dtype")
    if dtype is None:
        return {}
    check_field("dtype", dtype, ("float32", "float16", "bfloat16", "float64"))
    return {"dtype": dtype}


def check_field(name: str, value: Any, wanted: Wanted) -> None:
    """Refuse the value of a field.

    Raises:
        SummGANError: It is not what is wanted.
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
    """A value in a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def first_line(error: Exception) -> str:
    """What an error of another library says."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


class CheckedModel(PreTrainedModel):
    """A model whose folder is checked while it is loaded.

    Attributes:
        noun: What such a model is called.
        advice: What to do where none can be loaded.
        former_names: How names of tensors began in older versions, and how they begin now.
        optional_tables: How names begin of tensors that not every model of this class has, but every file may
            have.
    """

    config_class: type[PreTrainedConfig]
    noun = "model"
    advice = ""
    former_names: ClassVar[dict[str, str]] = {}
    optional_tables: ClassVar[tuple[str, ...]] = ()

    @property
    def tables(self) -> dict[str, int]:
        """The least number of each table of vocabulary ids, by the name of its buffer."""
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
            folder: A folder, or a name on the hub.
            config: In the place of ``config.json``.
            output_loading_info: Whether to answer transformers' report too, in which nothing is odd.
            **options: Further ones of transformers' ``from_pretrained``, such as ``dtype`` and ``revision``.

        Raises:
            SummGANError: There is no such model, or something in it is damaged or of another kind.
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
                    raise SummGANError(f"{WEIGHTS} has numbers in {name} that are none of the vocabulary's")
        except SummGANError as error:
            raise SummGANError(
                f"No {cls.noun} can be loaded from {str(folder)!r}: {error}. {cls.advice}"
            ) from error
        return (model, found) if output_loading_info else model


def check_numbers(model: nn.Module) -> None:
    """Refuse weights that are no numbers.

    Raises:
        SummGANError: Naming the tensor.
    """
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise SummGANError(
                f"{WEIGHTS} has numbers in {name} that are not finite, or too large for {tensor.dtype}"
            )


def build(make: Callable[[PreTrainedConfig], _Model], config: PreTrainedConfig) -> _Model:
    """A network on the meta device, of which only the sizes are there.

    Raises:
        SummGANError: There is no such network.
    """
    try:
        with torch.device("meta"):
            return make(config)
    except Exception as error:  # transformers and torch have one of their own for every field
        raise SummGANError(f"{CONFIG} describes no network ({first_line(error)})") from error


def present_names(names: Iterable[str], model: CheckedModel) -> dict[str, str]:
    """How tensors are called in a model, by their names in a file, perhaps of an older version.

    Args:
        names: Names in the file; those of tables that the model has no use for are left out.
        model: The model, with its tensors.
    """
    known, found = model.state_dict().keys(), {}
    for name in names:
        former = next((former for former in model.former_names if name.startswith(former)), "")
        present = model.former_names.get(former, "") + name.removeprefix(former)
        if present in known or not present.startswith(model.optional_tables):
            found[name] = present
    return found


def read_weights(path: Path, model: CheckedModel) -> dict[str, Tensor]:
    """The tensors of a file, which must be those of a model.

    Args:
        path: Of safetensors.
        model: Of these sizes, on the meta device.

    Raises:
        SummGANError: The file is damaged, or has other tensors.
    """
    wanted = model.state_dict()
    # Of tensors that are one, a single name is saved.
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
    """Refuse a tensor of another size or kind."""
    if list(shape) != list(wanted.shape):
        raise SummGANError(
            f"{WEIGHTS} has {name} of size {_sizes(shape)}, but {CONFIG} describes {_sizes(wanted.shape)}"
        )
    kinds = _FLOATS if wanted.is_floating_point() else (_KINDS[wanted.dtype],)
    if dtype not in kinds:
        raise SummGANError(f"{WEIGHTS} has {name} as {dtype}, which must be {' or '.join(kinds)}")


def _sizes(shape) -> str:
    return " x ".join(map(str, shape)) or "one number"
