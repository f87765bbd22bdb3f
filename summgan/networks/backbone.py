"""An encoder-decoder of transformers with vectors in, and words or probabilities out.

Generator and reconstructor are both made of it: `EncoderStack` and `DecoderStack` are the two halves of a
BART- or T5-like model. They read embedded vectors, because words in the middle are differentiable mixtures.
`Pointer` mixes the vocabulary softmax with copying from the source (See 2017, equations 8 and 9).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.cache_utils import Cache, DynamicCache, EncoderDecoderCache

from summgan.errors import SummGANError

SUPPORTED_BACKBONES = ("bart", "mbart", "t5", "mt5")


class EncoderStack(nn.Module):
    """A transformer encoder that reads embedded vectors; ids are embedded with the shared table."""

    def __init__(self, stack: nn.Module, embedding: nn.Embedding, input_scale: float):
        super().__init__()
        self.stack, self.embedding, self.input_scale = stack, embedding, input_scale

    def embed(self, words: Tensor) -> Tensor:
        """Vectors of words.

        Args:
            words: ids ``[batch, length]`` or one-hot words ``[batch, length, vocabulary]``.

        Returns:
            ``[batch, length, hidden]``.
        """
        return embed_words(words, self.embedding.weight) * self.input_scale

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """States ``[batch, length, hidden]`` of vectors with a mask ``[batch, length]``."""
        return self.stack(inputs_embeds=vectors, attention_mask=mask).last_hidden_state


class DecoderStack(nn.Module):
    """A transformer decoder with the output layer of its model."""

    def __init__(
        self,
        stack: nn.Module,
        embedding: nn.Embedding,
        input_scale: float,
        head: nn.Linear | None,
        output_scale: float,
    ):
        super().__init__()
        self.stack, self.embedding, self.head = stack, embedding, head
        self.input_scale, self.output_scale = input_scale, output_scale

    def embed(self, words: Tensor) -> Tensor:
        """Vectors ``[batch, length, hidden]`` of ids or one-hot words, as in `EncoderStack.embed`."""
        return embed_words(words, self.embedding.weight) * self.input_scale

    def forward(self, vectors: Tensor, states: Tensor, mask: Tensor, cache: Cache | None = None) -> Tensor:
        """Hidden states ``[batch, length, hidden]`` for the vectors fed in after those in the cache.

        Args:
            vectors: ``[batch, length, hidden]``.
            states: ``[batch, source, hidden]`` of the encoder.
            mask: ``[batch, source]``.
            cache: From `new_cache`, filled in place; None for one pass over all words.
        """
        return self.stack(
            inputs_embeds=vectors,
            encoder_hidden_states=states,
            encoder_attention_mask=mask,
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state

    def logits(self, hidden: Tensor) -> Tensor:
        """Vocabulary logits ``[batch, length, vocabulary]`` in float32."""
        weight = self.embedding.weight if self.head is None else self.head.weight
        return F.linear(hidden * self.output_scale, weight).float()


def embed_words(words: Tensor, table: Tensor) -> Tensor:
    """Look ids up in ``table`` ``[vocabulary, hidden]``, or mix its rows by one-hot words that
    carry gradient.
    """
    if words.is_floating_point():
        return words.to(table.dtype) @ table
    return F.embedding(words, table)


def new_cache() -> EncoderDecoderCache:
    """An empty key/value cache for decoding word by word."""
    return EncoderDecoderCache(DynamicCache(), DynamicCache())


def build_stacks(
    model: PreTrainedModel, embedding: nn.Embedding, tied_head: bool = True
) -> tuple[EncoderStack, DecoderStack]:
    """Take a BART- or T5-like model apart; every part uses the one table of embeddings.

    Args:
        model: Its weights are taken over, but for the embeddings.
        embedding: The table.
        tied_head: Whether the output layer is that table too.

    Raises:
        SummGANError: The model type is not supported.
    """
    config = model.config
    check_backbone(config)
    encoder, decoder = model.get_encoder(), model.get_decoder()
    # The stacks get vectors, never ids, so they need no tables of their own.
    encoder.embed_tokens = decoder.embed_tokens = None
    is_bart = "bart" in config.model_type
    input_scale = math.sqrt(config.d_model) if is_bart and config.scale_embedding else 1.0
    # T5 scales before a tied output layer and BART does not; so do configurations say.
    scaled = config.model_type == "t5" and getattr(config, "scale_decoder_outputs", tied_head)
    output_scale = config.d_model**-0.5 if scaled else 1.0
    head = None if tied_head else nn.Linear(config.d_model, config.vocab_size, bias=False)
    return (
        EncoderStack(encoder, embedding, input_scale),
        DecoderStack(decoder, embedding, input_scale, head, output_scale),
    )


class Pointer(nn.Module):
    """Chance and place of copying a source token instead of writing from the vocabulary.

    The key of a position also knows the token before it, so that the query "what followed the word
    I just wrote?" is one dot product: names of several pieces are copied whole.
    """

    def __init__(self, hidden_size: int):
        super().__init__()
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size, bias=False)
        self.previous_key = nn.Linear(hidden_size, hidden_size, bias=False)
        self.gate = nn.Linear(hidden_size, 1)

    def keys(self, states: Tensor, vectors: Tensor) -> Tensor:
        """Keys ``[batch, source, hidden]`` from encoder states and source embeddings."""
        return self.key(states) + self.previous_key(F.pad(vectors, (0, 0, 1, 0))[:, :-1])

    def forward(
        self, hidden: Tensor, keys: Tensor, mask: Tensor, bias: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Attention ``[batch, length, source]``, log-chance to copy and to write ``[batch, length, 1]``.

        ``bias`` ``[batch, length, source]`` is added before the softmax; see `CopyBias`.
        """
        scores = self.query(hidden) @ keys.transpose(1, 2) / math.sqrt(keys.shape[-1])
        if bias is not None:
            scores = scores + bias
        scores = scores.float().masked_fill(~mask.bool()[:, None], float("-inf"))
        gate = self.gate(hidden).float()
        return torch.softmax(scores, dim=-1), F.logsigmoid(gate), F.logsigmoid(-gate)


class CopyBias(nn.Module):
    """What a copying writer need not learn: go on where you are, say nothing twice, keep what matters.

    Added to the pointer's scores. The first two are exact comparisons of pieces whose worth the decoder
    judges at every step, so that names of several pieces come out whole from early on; the third is a
    content selection over the document (Gehrmann 2018) that has a loss of its own.
    """

    def __init__(self, hidden_size: int):
        super().__init__()
        self.follow, self.again = nn.Linear(hidden_size, 1), nn.Linear(hidden_size, 1)
        self.keep = nn.Linear(hidden_size, 1)

    def selection(self, states: Tensor) -> Tensor:
        """Logit ``[batch, source]`` of every piece of a document to stand in its summary."""
        return self.keep(states).squeeze(2)

    def forward(self, hidden: Tensor, written: Tensor, source_ids: Tensor, states: Tensor) -> Tensor:
        """Bias ``[batch, length, source]`` for the last ``length`` steps.

        Args:
            hidden: ``[batch, length, hidden]`` of the decoder.
            written: ``[batch, steps]`` the pieces that it was fed, ``steps`` no less than ``length``.
            source_ids: ``[batch, source]``.
            states: ``[batch, source, hidden]`` of the encoder.
        """
        same = (written[:, :, None] == source_ids[:, None]).to(hidden.dtype)
        length = hidden.shape[1]
        follows = F.pad(same[:, -length:, :-1], (1, 0))
        used = same.cumsum(1)[:, -length:].clamp_max(1)
        # Training starts from the sensible side.
        bias = follows * (self.follow(hidden) + 2.0) + used * (self.again(hidden) - 1.0)
        return bias + F.logsigmoid(self.selection(states).float())[:, None]


def mix_log_probs(
    logits: Tensor, pointed: tuple[Tensor, Tensor, Tensor] | None, source_ids: Tensor | None
) -> Tensor:
    """Log-probabilities ``[batch, length, vocabulary]`` of writing or copying every word.

    Args:
        logits: ``[batch, length, vocabulary]``.
        pointed: What `Pointer` answers; None without copying.
        source_ids: ``[batch, source]`` ids of what may be copied; None where it has no ids.
    """
    if pointed is None or source_ids is None:
        return torch.log_softmax(logits, dim=-1)
    attention, copy, write = pointed
    probs = torch.softmax(logits, dim=-1) * write.exp()
    index = source_ids[:, None].expand_as(attention)
    return probs.scatter_add(2, index, attention * copy.exp()).clamp_min(1e-12).log()


def target_log_probs(
    logits: Tensor,
    pointed: tuple[Tensor, Tensor, Tensor] | None,
    matches: Tensor | None,
    targets: Tensor,
) -> Tensor:
    """Log-probability ``[batch, length]`` of the targets alone, cheaper than all of `mix_log_probs`.

    Args:
        logits: ``[batch, length, vocabulary]``.
        pointed: What `Pointer` answers; None without copying.
        matches: ``[batch, source, length]``, how much source position s is target word t (0 or 1 for
            ids; differentiable for one-hot words).
        targets: ``[batch, length]`` ids.
    """
    written = -F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    written = written.view_as(targets)
    if pointed is None or matches is None:
        return written
    attention, copy, write = pointed
    copied = (attention * matches.transpose(1, 2)).sum(-1).clamp_min(1e-12).log()
    return torch.logaddexp(written + write.squeeze(-1), copied + copy.squeeze(-1))


def check_backbone(config: PreTrainedConfig) -> None:
    """Refuse models that are not encoder-decoders of a known shape.

    Raises:
        SummGANError: The model type is not supported.
    """
    if config.model_type not in SUPPORTED_BACKBONES:
        raise SummGANError(
            f"A backbone of type {config.model_type!r} is not supported; "
            f"use one of {', '.join(SUPPORTED_BACKBONES)}."
        )
