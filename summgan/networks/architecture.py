"""Configuration of a `SummGAN`, sizes of new transformers, and loading of pretrained backbones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from transformers import (
    AutoConfig,
    AutoModelForSeq2SeqLM,
    MBartConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from summgan.errors import SummGANError
from summgan.model_folder import (
    CONFIG,
    LARGEST,
    WIDEST,
    Wanted,
    check_dtype,
    check_fields,
    check_harmless,
    read_object,
    required_file,
)
from summgan.networks.backbone import SUPPORTED_BACKBONES, check_backbone
from summgan.networks.stacks import check_stack, load_stack
from summgan.options.configuration import ModelOptions

_POSITIONS = 1024


@dataclass(frozen=True)
class HumanLengths:
    """Lengths of the human sentences; the attributes are explained as fields of `SummGANConfig`."""

    summary_length: int
    shortest_summary: int
    longest_summary: int
    pieces_per_unit: float


class SummGANConfig(PreTrainedConfig):
    """Configuration of a `SummGAN`.

    Args:
        generator: Configuration of the generator's BART- or T5-style transformer, or its dict.
        reconstructor: Configuration of the reconstructor's transformer, or its dict; width and vocabulary are
            those of the generator.
        discriminator_hidden_size: Width of the discriminator.
        copy: What generator and reconstructor may copy with a pointer: ``words``, ``pieces`` or ``no``.
        tied_head: Whether the generator's output layer shares the weights of the embeddings.
        pieces_per_unit: Largest number of pieces per unit of a summary's length.
        summary_length: Mean length of human sentences, in units.
        shortest_summary: First decile of the lengths of human sentences, in units.
        longest_summary: Last decile of the lengths of human sentences, in units.
        max_document_length: Largest number of a document's pieces that the networks read at once.
        channel_weight: Weight of the reconstruction when the best candidate is chosen.
        has_discriminator: Whether the discriminator was trained, so that its scores are meaningful.
    """

    model_type = "summgan"
    fields: ClassVar[dict[str, Wanted]] = {
        "discriminator_hidden_size": (int, 1, WIDEST),
        "copy": ("words", "pieces", "no"),
        "tied_head": bool,
        "pieces_per_unit": (float, 1, LARGEST),
        "summary_length": (int, 1, LARGEST),
        "shortest_summary": (int, 1, LARGEST),
        "longest_summary": (int, 1, LARGEST),
        "max_document_length": (int, 1, LARGEST),
        "channel_weight": (float, 0, LARGEST),
        "has_discriminator": bool,
        "vocab_size": (int, 1, LARGEST),
        "pad_token_id": (int, 0, LARGEST),
        "eos_token_id": (int, 0, LARGEST),
        "decoder_start_token_id": (int, 0, LARGEST),
    }
    """Type and range of each field of ``config.json``; all fields are required."""
    sub_configs = {"generator": AutoConfig, "reconstructor": AutoConfig}
    is_encoder_decoder = True

    def __init__(
        self,
        generator: PreTrainedConfig | dict | None = None,
        reconstructor: PreTrainedConfig | dict | None = None,
        discriminator_hidden_size: int = 128,
        copy: str = "words",
        tied_head: bool = True,
        pieces_per_unit: float = 2.5,
        summary_length: int = 10,
        shortest_summary: int = 7,
        longest_summary: int = 13,
        max_document_length: int = 192,
        channel_weight: float = 0.2,
        has_discriminator: bool = True,
        **kwargs,
    ):
        self.generator = _sub_config(generator)
        self.reconstructor = _sub_config(reconstructor)
        self.discriminator_hidden_size = discriminator_hidden_size
        self.copy, self.tied_head = copy, tied_head
        self.pieces_per_unit = pieces_per_unit
        self.summary_length = summary_length
        self.shortest_summary, self.longest_summary = shortest_summary, longest_summary
        self.max_document_length = max_document_length
        self.channel_weight = channel_weight
        self.has_discriminator = has_discriminator
        main = self.generator
        for name in ("pad_token_id", "eos_token_id", "decoder_start_token_id"):
            kwargs.setdefault(name, getattr(main, name))
        kwargs.setdefault("vocab_size", main.vocab_size)
        kwargs.setdefault("is_encoder_decoder", True)
        super().__init__(**kwargs)

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs) -> SummGANConfig:
        """Build a configuration from the fields of ``config.json``.

        Args:
            config_dict: The fields; unknown ones are ignored.
            **kwargs: Options of transformers, given by the caller and not by the file.

        Raises:
            SummGANError: A field is missing or has an impossible value, or the model is of another kind.
        """
        check_harmless(config_dict, cls.model_type)
        if config_dict.get("writer") == "search":
            raise SummGANError(
                f"{CONFIG} has writer 'search', which paths have replaced; train the model again"
            )
        kept = check_fields(config_dict, cls.fields)
        for name in ("generator", "reconstructor"):
            kept[name] = check_stack(config_dict.get(name), name, SUPPORTED_BACKBONES, whole=True)
        return super().from_dict(kept | check_dtype(config_dict), **kwargs)

    @property
    def window(self) -> int:
        """Largest number of a document's pieces that the networks read at once."""
        return min(self.max_document_length, self.most_pieces)

    @property
    def most_pieces(self) -> int:
        """Largest number of pieces that have positions; T5's positions are relative and have no limit."""
        stacks = (self.generator, self.reconstructor)
        return min(s.max_position_embeddings if "bart" in s.model_type else LARGEST for s in stacks)

    @property
    def num_hidden_layers(self) -> int:
        """Number of decoder layers, which the key/value caches of transformers read."""
        generator = self.generator
        return generator.num_decoder_layers if "t5" in generator.model_type else generator.decoder_layers


def _sub_config(config: PreTrainedConfig | dict | None) -> PreTrainedConfig:
    if config is None:
        return MBartConfig(scale_embedding=False)
    if isinstance(config, dict):
        return AutoConfig.for_model(**config)
    return config


def new_stack_config(options: ModelOptions, tokenizer: PreTrainedTokenizerBase) -> MBartConfig:
    """Configuration of a new pre-norm encoder-decoder of mBART's architecture, for a tokenizer."""
    return MBartConfig(
        vocab_size=len(tokenizer),
        d_model=options.hidden_size,
        encoder_layers=options.encoder_layers,
        decoder_layers=options.decoder_layers,
        encoder_attention_heads=options.attention_heads,
        decoder_attention_heads=options.attention_heads,
        encoder_ffn_dim=4 * options.hidden_size,
        decoder_ffn_dim=4 * options.hidden_size,
        max_position_embeddings=_POSITIONS,
        dropout=options.dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        scale_embedding=False,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.bos_token_id,
        forced_eos_token_id=None,
        tie_word_embeddings=True,
    )


def load_backbone(name: str) -> PreTrainedModel:
    """Load a BART- or T5-style model from a folder or the hub, without running any code of the model.

    Raises:
        SummGANError: The model cannot be loaded, lacks weights, or is of another type.
    """
    try:
        config = check_stack(read_object(required_file(name, CONFIG)), "backbone", SUPPORTED_BACKBONES)
        for field in ("pad_token_id", "eos_token_id"):
            if getattr(config, field) is None:
                raise SummGANError(f"{CONFIG} has no {field}")
        # mBART starts with a language's token, which has no default; T5 starts with padding.
        start = config.eos_token_id if "bart" in config.model_type else config.pad_token_id
        if getattr(config, "decoder_start_token_id", None) is None:
            config.decoder_start_token_id = start
        return load_stack(name, config)
    except SummGANError as error:
        raise SummGANError(
            f"The backbone {name!r} cannot be loaded: {error}. "
            "Give a folder with config.json and model.safetensors, or connect to the hub once to download it."
        ) from error


def is_tied(model: PreTrainedModel) -> bool:
    """Whether output and input embeddings are equal, whatever the configuration claims."""
    tables = (model.get_output_embeddings(), model.get_input_embeddings())
    return torch.equal(*(table.get_parameter("weight") for table in tables))


def new_backbone(config: PreTrainedConfig) -> PreTrainedModel:
    """Build a new encoder-decoder from a configuration.

    Raises:
        SummGANError: The model type is not supported.
    """
    check_backbone(config)
    # For texts of this length, plain attention is faster on a CPU than the fused kernel, above all in bf16.
    return AutoModelForSeq2SeqLM.from_config(config, attn_implementation="eager")
