"""Loads encoder-decoders of transformers from folders, with the checks of `model_folder.py`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, AutoModelForSeq2SeqLM, PreTrainedConfig, PreTrainedModel

from summgan.errors import SummGANError
from summgan.model_folder import (
    CONFIG,
    LARGEST,
    WEIGHTS,
    Wanted,
    build,
    check_field,
    check_harmless,
    check_numbers,
    find_file,
    first_line,
    read_object,
    required_file,
    shown,
)

_MOST_LAYERS = 1024
_UNUSED = 0.1  # share of the weights that may be unused, such as buffers of old versions
_SLACK = 3  # a table of embeddings may be saved once and used three times
_IDS = ("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id", "forced_eos_token_id")
# Fields that determine what a stack computes.
_STRUCTURE = {
    "bart": (
        "vocab_size d_model encoder_layers decoder_layers encoder_attention_heads decoder_attention_heads "
        "encoder_ffn_dim decoder_ffn_dim max_position_embeddings activation_function scale_embedding"
    ).split(),
    "t5": (
        "vocab_size d_model d_kv d_ff num_layers num_decoder_layers num_heads relative_attention_num_buckets "
        "relative_attention_max_distance feed_forward_proj layer_norm_epsilon"
    ).split(),
}
# Fields of every configuration of transformers, and others that do not change the network.
_GENERAL = {*PreTrainedConfig().to_dict(), "is_decoder", "use_cache", "classifier_dropout", "model_type"}


def check_stack(
    values: Any, name: str, model_types: tuple[str, ...], whole: bool = False
) -> PreTrainedConfig:
    """Check and build the configuration of an encoder-decoder of transformers.

    Args:
        values: The configuration as a dict.
        name: Name of the network, for error messages.
        model_types: Supported model types.
        whole: Whether every field that determines the network is required; otherwise defaults are used.

    Raises:
        SummGANError: A field is missing or has an impossible value; the message names it.
    """
    if not isinstance(values, dict):
        raise SummGANError(f"{CONFIG} has {name} {shown(values)}, which must be an object with fields")
    check_harmless(values, model_types)
    structure = _STRUCTURE["t5" if "t5" in values["model_type"] else "bart"]
    if whole and (missing := [field for field in structure if field not in values]):
        raise SummGANError(f"{CONFIG} has no {name}.{missing[0]}")
    known = AutoConfig.for_model(values["model_type"]).to_dict() | dict.fromkeys(_IDS)
    kept = {}
    for field in known.keys() & values.keys() - _GENERAL:
        value, default = values[field], known[field]
        if field in _IDS:
            wanted: Wanted = (int, 0, LARGEST)
        elif isinstance(default, bool | str):
            wanted = type(default)
        else:
            wanted = (type(default), 0, _most(field))
        if value is not None or field not in _IDS:
            check_field(f"{name}.{field}", value, wanted)
        kept[field] = value
    try:
        return AutoConfig.for_model(values["model_type"], **kept)
    except Exception as error:  # models of transformers raise errors of many types
        raise SummGANError(f"{CONFIG} has an impossible {name} ({first_line(error)})") from error


def _most(field: str) -> int:
    """The largest value of a numeric field."""
    if "drop" in field:
        return 1
    return _MOST_LAYERS if "layers" in field else LARGEST


def load_stack(folder: str | Path, config: PreTrainedConfig) -> PreTrainedModel:
    """Load an encoder-decoder of transformers.

    Args:
        folder: Folder or hub name.
        config: Configuration from `check_stack`.

    Raises:
        SummGANError: The weights are missing, damaged or of another model.
    """
    paths = _weight_files(folder)
    model: PreTrainedModel = build(AutoModelForSeq2SeqLM.from_config, config)
    weights = {name: tensor for path in paths for name, tensor in _tensors(path).items()}
    numbers, described = _numbers(weights), _numbers(model.state_dict())
    if described > _SLACK * numbers:  # refuse before memory is filled with random weights
        raise SummGANError(
            f"{CONFIG} describes a network of {described:,} parameters, but the weights have {numbers:,}"
        )
    try:
        loaded: Any = type(model).from_pretrained(
            None, config=config, state_dict=weights, output_loading_info=True
        )
    except Exception as error:  # such as a tensor of another shape
        raise SummGANError(f"the weights do not fit {CONFIG} ({first_line(error)})") from error
    model, found = loaded
    if missing := sorted(found["missing_keys"]):
        raise SummGANError(f"the weights lack {missing[0]} and {len(missing) - 1} more tensors")
    unused = sorted(found["unexpected_keys"] & weights.keys())
    if _numbers({name: weights[name] for name in unused}) > _UNUSED * numbers:
        raise SummGANError(
            f"the weights have {unused[0]} and {len(unused) - 1} more tensors that {CONFIG} does not describe"
        )
    check_numbers(model)
    return model


def _numbers(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


def _weight_files(folder: str | Path) -> list[Path]:
    """Find the file of a model's weights, or the shards of a large model."""
    if path := find_file(folder, WEIGHTS):
        return [path]
    index = find_file(folder, f"{WEIGHTS}.index.json")
    if index is None:
        raise SummGANError(f"it has no {WEIGHTS}")
    shards = read_object(index).get("weight_map")
    if not isinstance(shards, dict) or not all(isinstance(name, str) for name in shards.values()):
        raise SummGANError(f"{index.name} is damaged (it has no weight_map)")
    return [required_file(folder, Path(name).name) for name in sorted(set(shards.values()))]


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise SummGANError(f"{path.name} is damaged ({first_line(error)})") from error
    for name, tensor in tensors.items():
        if tensor.ndim > 1 and not tensor.is_floating_point() and "position" not in name:
            raise SummGANError(
                f"{path.name} has {name} as {tensor.dtype}; weights must be floating-point numbers"
            )
    return tensors
