"""Beam search of exact length, with ``generate`` of transformers.

`words.py` determines which pieces are allowed; a logits processor restricts the beams to them.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from transformers import (
    Cache,
    EncoderDecoderCache,
    GenerationMixin,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
)
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput

from summgan.networks.architecture import SummGANConfig
from summgan.networks.code import Source
from summgan.networks.generator import Writing
from summgan.networks.words import WordsBottleneck, pieces_at


class BeamSearch(PreTrainedModel, GenerationMixin):
    """Adapts a decoder to transformers' ``generate``, for documents that are already encoded.

    Args:
        bottleneck: The decoder.
        config: Configuration of the whole model.
    """

    config_class = SummGANConfig
    main_input_name = "input_ids"
    _supports_sdpa = True

    def __init__(self, bottleneck: WordsBottleneck, config: SummGANConfig):
        super().__init__(config)
        self.bottleneck = bottleneck

    def write(self, source: Source, lengths: list[int], writing: Writing) -> Tensor:
        """Find the best beams of the wanted lengths.

        Args:
            source: The documents.
            lengths: Wanted length of each document's summary, in units.
            writing: Number of beams and other options.

        Returns:
            ``[batch * per_length, length]`` pieces, ended by the end piece and padded.
        """
        units = torch.tensor(lengths, device=source.mask.device)
        beams = max(writing.num_beams, writing.per_length)
        processor = ExactLength(
            self.bottleneck,
            units.repeat_interleave(beams),
            source.repeat(beams),
            writing.no_repeat_bigrams,
        )
        sequences: Any = self.generate(  # type: ignore[misc]  # typed for a protocol that no model fulfils
            input_ids=source.ids,
            source_ids=source.ids,
            attention_mask=source.mask,
            num_units=units,
            encoder_outputs=BaseModelOutput(source.states),
            num_beams=beams,
            num_return_sequences=writing.per_length,
            max_new_tokens=int(self.bottleneck.max_pieces(units).max()),
            logits_processor=LogitsProcessorList([processor]),
            **{"do_sample": False, "length_penalty": 1.0} | writing.decoding,
        )
        return sequences[:, 1:]

    def prepare_inputs_for_generation(  # type: ignore[override]  # ``generate`` calls it with names only
        self, input_ids: Tensor, num_units: Tensor, past_key_values: Cache | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Arguments of `forward` for one step of ``generate``.

        Args:
            input_ids: ``[rows, length]`` words so far, the start piece included.
            num_units: ``[rows]`` wanted lengths, in units.
            past_key_values: Cache of the earlier steps.
            **kwargs: The other arguments of ``generate``.
        """
        vectors = vectors_after(self.bottleneck, input_ids, num_units)
        if past_key_values is not None and past_key_values.get_seq_length() > 0:
            vectors = vectors[:, past_key_values.get_seq_length() :]
        kept = {name: kwargs[name] for name in ("source_ids", "attention_mask", "encoder_outputs")}
        return {"words": input_ids, "vectors": vectors, "past_key_values": past_key_values} | kept

    def forward(
        self,
        words: Tensor,
        vectors: Tensor,
        source_ids: Tensor,
        attention_mask: Tensor,
        encoder_outputs: BaseModelOutput,
        past_key_values: EncoderDecoderCache | None = None,
        **kwargs: Any,
    ) -> Seq2SeqLMOutput:
        """Compute the log-probabilities of the next words, as ``logits``.

        Args:
            words: ``[rows, length]`` words so far, the start piece included.
            vectors: ``[rows, steps, hidden]`` decoder inputs of the words that are not in the cache.
            source_ids: ``[rows, source]`` pieces of the documents.
            attention_mask: ``[rows, source]``.
            encoder_outputs: Encoder states of the documents.
            past_key_values: Cache of the earlier steps.
            **kwargs: Ignored; transformers passes options of its own.
        """
        source = Source(encoder_outputs[0], attention_mask, source_ids)
        hidden = self.bottleneck.decoder(vectors, source.states, source.mask, past_key_values)
        logits = self.bottleneck.log_probs(hidden, self.bottleneck.keys(source), source, words)
        return Seq2SeqLMOutput(logits=logits, past_key_values=past_key_values)


def vectors_after(bottleneck: WordsBottleneck, words: Tensor, units: Tensor) -> Tensor:
    """Decoder inputs ``[batch, length, hidden]`` for the next word after each of ``words``.

    Args:
        bottleneck: The decoder.
        words: ``[batch, length]``, the start piece included.
        units: ``[batch]`` wanted lengths, in units.
    """
    # The inputs do not depend on the word to be written; any word serves as a placeholder.
    padded = torch.cat([words[:, 1:], words[:, :1]], dim=1)
    return bottleneck.inputs(padded, units)[0]


class ExactLength(LogitsProcessor):
    """Allows only pieces that can still reach the exact length and break no word of the document.

    Args:
        bottleneck: The decoder, which has the length of every piece.
        units: ``[rows]`` wanted lengths in units, one per beam.
        source: The documents, one per beam.
        no_repeat_bigrams: Whether to forbid repeating a pair of consecutive pieces; bytes are exempt.
    """

    def __init__(
        self,
        bottleneck: WordsBottleneck,
        units: Tensor,
        source: Source,
        no_repeat_bigrams: bool = False,
    ):
        self.no_repeat_bigrams = no_repeat_bigrams
        self.bottleneck, self.units, self.source_ids = bottleneck, units, source.ids
        self.room = bottleneck.max_pieces(units)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Set the scores ``[rows, vocabulary]`` of impossible pieces to minus infinity."""
        words = input_ids[:, 1:]
        costs, states = self.bottleneck.counter.count(words)
        if self.no_repeat_bigrams:
            scores = scores.masked_fill(self._repeating(input_ids), -math.inf)
        remaining, room = self.units - costs.sum(1), self.room - words.shape[1]
        written = torch.stack([input_ids[:, max(0, input_ids.shape[1] - 2)], input_ids[:, -1]], dim=1)
        columns = (remaining[:, None], states[:, -1:], room[:, None], written[:, None], self.source_ids)
        allowed = self.bottleneck.allowed(*columns)[:, 0]
        # `generate` pads a row that has ended, and needs at least one allowed piece.
        ended = (words == self.bottleneck.end_id).any(1)
        allowed[ended] = True
        # If every piece that keeps words whole would repeat a bigram, break a word; never miss the length.
        stuck = ~(allowed & scores.isfinite()).any(1, keepdim=True)
        if stuck.any():
            allowed = torch.where(stuck, self.bottleneck.fitting(*columns)[:, 0], allowed)
        return torch.log_softmax(scores.masked_fill(~allowed, -math.inf), dim=-1)

    def _repeating(self, input_ids: Tensor) -> Tensor:
        """Which pieces ``[rows, vocabulary]`` would repeat a bigram of ``input_ids``; bytes are exempt."""
        again = input_ids[:, :-1] == input_ids[:, -1:]
        return pieces_at(again, input_ids[:, 1:], len(self.bottleneck.bytes)) & ~self.bottleneck.bytes
