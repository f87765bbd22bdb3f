"""The encoder-decoder of transformers from which generator and reconstructor are built.

`EncoderStack` and `DecoderStack` are the two halves of a BART- or T5-style model. They read vectors instead
of ids, because drawn words are differentiable mixtures of embeddings. `Pointer` mixes the vocabulary softmax
with copying from the source (See 2017, equations 8 and 9).
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
    """A transformer encoder that reads vectors, with the shared table of embeddings."""

    def __init__(self, stack: nn.Module, embedding: nn.Embedding, input_scale: float):
        super().__init__()
        self.stack, self.embedding, self.input_scale = stack, embedding, input_scale

    def embed(self, words: Tensor) -> Tensor:
        """Embed words.

        Args:
            words: Ids ``[batch, length]`` or one-hot words ``[batch, length, vocabulary]``.

        Returns:
            ``[batch, length, hidden]``.
        """
        return embed_words(words, self.embedding.weight) * self.input_scale

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Encode vectors ``[batch, length, hidden]`` with a mask ``[batch, length]``.

        Returns:
            States ``[batch, length, hidden]``.
        """
        return self.stack(inputs_embeds=vectors, attention_mask=mask).last_hidden_state


class DecoderStack(nn.Module):
    """A transformer decoder with an output layer over the vocabulary."""

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
        """Embed ids or one-hot words as ``[batch, length, hidden]``; see `EncoderStack.embed`."""
        return embed_words(words, self.embedding.weight) * self.input_scale

    def forward(self, vectors: Tensor, states: Tensor, mask: Tensor, cache: Cache | None = None) -> Tensor:
        """Decode vectors that follow those in the cache.

        Args:
            vectors: ``[batch, length, hidden]``.
            states: Encoder states ``[batch, source, hidden]``.
            mask: ``[batch, source]``, 1 where a state is real.
            cache: From `new_cache`, extended in place; None for one pass over all words.

        Returns:
            Hidden states ``[batch, length, hidden]``.
        """
        return self.stack(
            inputs_embeds=vectors,
            encoder_hidden_states=states,
            encoder_attention_mask=mask,
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state

    def logits(self, hidden: Tensor) -> Tensor:
        """Vocabulary logits ``[batch, length, vocabulary]`` of hidden states, in float32."""
        weight = self.embedding.weight if self.head is None else self.head.weight
        return F.linear(hidden * self.output_scale, weight).float()


def embed_words(words: Tensor, table: Tensor) -> Tensor:
    """Look ids up in ``table`` ``[vocabulary, hidden]``, or mix its rows by one-hot words with a gradient."""
    if words.is_floating_point():
        return words.to(table.dtype) @ table
    return F.embedding(words, table)


def new_cache() -> EncoderDecoderCache:
    """Make an empty key/value cache for decoding word by word."""
    return EncoderDecoderCache(DynamicCache(), DynamicCache())


def build_stacks(
    model: PreTrainedModel, embedding: nn.Embedding, tied_head: bool = True
) -> tuple[EncoderStack, DecoderStack]:
    """Split a BART- or T5-style model into its two halves, which share one table of embeddings.

    Args:
        model: Model whose weights are used, except for the embeddings.
        embedding: The shared table.
        tied_head: Whether the output layer shares the weights of the table.

    Raises:
        SummGANError: The model type is not supported.
    """
    config = model.config
    check_backbone(config)
    encoder, decoder = model.get_encoder(), model.get_decoder()
    # The stacks read vectors, never ids, so they need no embeddings of their own.
    encoder.embed_tokens = decoder.embed_tokens = None
    is_bart = "bart" in config.model_type
    input_scale = math.sqrt(config.d_model) if is_bart and config.scale_embedding else 1.0
    # T5 scales before a tied output layer unless its configuration says otherwise; BART does not.
    scaled = config.model_type == "t5" and getattr(config, "scale_decoder_outputs", tied_head)
    output_scale = config.d_model**-0.5 if scaled else 1.0
    head = None if tied_head else nn.Linear(config.d_model, config.vocab_size, bias=False)
    return (
        EncoderStack(encoder, embedding, input_scale),
        DecoderStack(decoder, embedding, input_scale, head, output_scale),
    )


class Pointer(nn.Module):
    """Probability and place of copying a source piece instead of writing from the vocabulary.

    The key of a place also depends on the piece before it, so that one dot product answers "what followed the
    piece that I just wrote?". This helps to copy names of several pieces whole.
    """

    def __init__(self, hidden_size: int):
        super().__init__()
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size, bias=False)
        self.previous_key = nn.Linear(hidden_size, hidden_size, bias=False)
        self.gate = nn.Linear(hidden_size, 1)

    def keys(self, states: Tensor, vectors: Tensor) -> Tensor:
        """Keys ``[batch, source, hidden]`` from encoder states and source embeddings of that shape."""
        return self.key(states) + self.previous_key(F.pad(vectors, (0, 0, 1, 0))[:, :-1])

    def forward(
        self, hidden: Tensor, keys: Tensor, mask: Tensor, bias: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Attend to the source.

        Args:
            hidden: ``[batch, length, hidden]`` states of the decoder.
            keys: ``[batch, source, hidden]`` from `keys`.
            mask: ``[batch, source]``, 1 where a piece is real.
            bias: ``[batch, length, source]``, added to the scores before the softmax; see `CopyBias`.

        Returns:
            Attention ``[batch, length, source]``, and the log-probabilities of copying and of writing, both
            ``[batch, length, 1]``.
        """
        scores = self.query(hidden) @ keys.transpose(1, 2) / math.sqrt(keys.shape[-1])
        if bias is not None:
            scores = scores + bias
        scores = scores.float().masked_fill(~mask.bool()[:, None], float("-inf"))
        gate = self.gate(hidden).float()
        return torch.softmax(scores, dim=-1), F.logsigmoid(gate), F.logsigmoid(-gate)


class CopyBias(nn.Module):
    """A bias on the pointer's scores: continue after the last copied piece, do not repeat, keep what matters.

    The first two parts compare pieces exactly, and the decoder weighs them at every step, so that names of
    several pieces are copied whole early in training. The third is a content selector over the document
    (bottom-up attention, Gehrmann 2018) with its own loss.
    """

    def __init__(self, hidden_size: int):
        super().__init__()
        self.follow, self.again = nn.Linear(hidden_size, 1), nn.Linear(hidden_size, 1)
        self.keep = nn.Linear(hidden_size, 1)

    def selection(self, states: Tensor) -> Tensor:
        """Logits ``[batch, source]`` of each piece of a document being in its summary."""
        return self.keep(states).squeeze(2)

    def forward(self, hidden: Tensor, written: Tensor, source_ids: Tensor, states: Tensor) -> Tensor:
        """Bias ``[batch, length, source]`` for the last ``length`` steps.

        Args:
            hidden: ``[batch, length, hidden]`` states of the decoder.
            written: ``[batch, steps]`` pieces that the decoder was fed; ``steps`` is at least ``length``.
            source_ids: ``[batch, source]`` pieces of the documents.
            states: ``[batch, source, hidden]`` states of the encoder.
        """
        same = (written[:, :, None] == source_ids[:, None]).to(hidden.dtype)
        length = hidden.shape[1]
        follows = F.pad(same[:, -length:, :-1], (1, 0))
        used = same.cumsum(1)[:, -length:].clamp_max(1)
        # The constants start training with continuing preferred and repeating discouraged.
        bias = follows * (self.follow(hidden) + 2.0) + used * (self.again(hidden) - 1.0)
        return bias + F.logsigmoid(self.selection(states).float())[:, None]


def mix_log_probs(
    logits: Tensor, pointed: tuple[Tensor, Tensor, Tensor] | None, source_ids: Tensor | None
) -> Tensor:
    """Log-probabilities ``[batch, length, vocabulary]`` of writing or copying each piece.

    Args:
        logits: ``[batch, length, vocabulary]``.
        pointed: Result of `Pointer`; None without copying.
        source_ids: ``[batch, source]`` ids of the source; None if it has no ids.
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
    """Log-probabilities ``[batch, length]`` of the targets alone, cheaper than the whole of `mix_log_probs`.

    Args:
        logits: ``[batch, length, vocabulary]``.
        pointed: Result of `Pointer`; None without copying.
        matches: ``[batch, source, length]``, degree to which source piece s equals target t: 0 or 1 for ids,
            differentiable for one-hot words.
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
    """Check that a model is an encoder-decoder of a supported type.

    Raises:
        SummGANError: The model type is not supported.
    """
    if config.model_type not in SUPPORTED_BACKBONES:
        raise SummGANError(
            f"A backbone of type {config.model_type!r} is not supported; "
            f"use one of {', '.join(SUPPORTED_BACKBONES)}."
        )
