"""`DecoderGenerator`: a sequence-to-sequence model that can write any word of the vocabulary.

An encoder reads the document, a linear layer predicts the length, and a decoder with a pointer draws the
words (`words.py`). In use, it writes with the beam search of transformers (`decoding.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from summgan.errors import SummGANError
from summgan.networks.architecture import HumanLengths, SummGANConfig, new_backbone
from summgan.networks.backbone import CopyBias, build_stacks
from summgan.networks.code import Code, Source
from summgan.networks.decoding import BeamSearch
from summgan.networks.generator import Candidates, Generator, Writing
from summgan.networks.salience import Salience
from summgan.networks.words import MAX_UNITS, WordsBottleneck, ended_mask
from summgan.randomness import RandomStream
from summgan.text.units import LengthTable

_BLANKS = ("\u2581", "\u0120")  # marks of a leading blank in pieces of SentencePiece and of byte-level BPE
_BYTE = "<0x"
_SCORE_BATCHES = 4  # batches into which candidates are sorted by length
_AGREEMENT = 0.9  # share of pieces that must agree; rules of scripts may change slightly between versions


class DecoderGenerator(Generator):
    """Writes a summary with an encoder and a decoder.

    Args:
        config: Configuration of the whole model.
        embedding: The shared table of word embeddings.
    """

    tables: ClassVar[dict[str, int]] = {"bottleneck.units": 0}

    def __init__(self, config: SummGANConfig, embedding: nn.Embedding):
        super().__init__(config, embedding)
        encoder, decoder = build_stacks(new_backbone(config.generator), embedding, config.tied_head)
        self.encoder = encoder
        self.bottleneck = WordsBottleneck(
            decoder,
            hidden_size=config.generator.d_model,
            vocabulary_size=config.vocab_size,
            copy=config.copy,
            start_id=config.decoder_start_token_id,
            end_id=config.eos_token_id,
            pieces_per_unit=config.pieces_per_unit,
            most_pieces=config.most_pieces,
        )
        self.length = nn.Linear(config.generator.d_model, MAX_UNITS + 1)

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Source:
        """Encode documents; both arguments are ``[batch, source]``."""
        states = self.encoder(self.encoder.embed(input_ids), attention_mask)
        return Source(states, attention_mask, input_ids)

    def length_log_probs(self, source: Source) -> Tensor:
        """Log-probabilities ``[batch, MAX_UNITS + 1]`` of a summary's length in units, from 0.

        A summary is neither empty nor longer than its document.
        """
        mask = source.mask[..., None].to(source.states.dtype)
        mean = (source.states * mask).sum(1) / mask.sum(1)
        longest = self.bottleneck.length_of(source.ids, source.mask).clamp_min(1)
        lengths = torch.arange(MAX_UNITS + 1, device=mean.device)
        possible = (lengths >= 1) & (lengths <= longest[:, None])
        return torch.log_softmax(self.length(mean).float().masked_fill(~possible, -math.inf), dim=-1)

    def draw(
        self,
        source: Source,
        units: Tensor,
        stream: RandomStream,
        estimator: str = "straight-through",
        temperature: float = 1.0,
    ) -> Code:
        """Draw a summary of ``units`` ``[batch]`` units for every document; see `WordsBottleneck`."""
        return self.bottleneck(source, stream, estimator, temperature, units)

    @torch.no_grad()
    def write(
        self, source: Source, lengths: Sequence[Sequence[int]], writing: Writing | None = None
    ) -> Candidates:
        """Write the best beams of every wanted length; see `Generator.write`."""
        writing = writing or Writing()
        rows = [row for row, wanted in enumerate(lengths) for _ in wanted]
        units = [length for wanted in lengths for length in wanted]
        words = BeamSearch(self.bottleneck, self.config).write(source.take(rows), units, writing)
        rows = [row for row in rows for _ in range(writing.per_length)]
        return self._candidates(source, words, rows)

    def _candidates(self, source: Source, words: Tensor, rows: list[int]) -> Candidates:
        """Score words ``[candidates, length]`` by their log-likelihood."""
        mask = ended_mask(words, self.bottleneck.end_id)
        pieces, scores = mask.sum(1), words.new_zeros(len(words), dtype=torch.float)
        # Most of the cost is the vocabulary softmax, padding included: batch candidates of similar length.
        for part in pieces.argsort().chunk(_SCORE_BATCHES):
            longest = int(pieces[part].max())
            documents = source.take([rows[index] for index in part.tolist()])
            columns = (words[part, :longest], mask[part, :longest])
            found = self.log_likelihood(documents, *columns)
            scores[part] = found.float()
        return Candidates(words, mask, rows, scores)

    def log_likelihood(
        self, source: Source, words: Tensor, mask: Tensor, weights: Tensor | None = None
    ) -> Tensor:
        """Log-probability ``[batch]`` of given summaries: that of their length plus that of their words.

        Args:
            source: The documents.
            words: ``[batch, length]`` pieces, the end piece included.
            mask: ``[batch, length]``, 1 where a piece is real.
            weights: ``[batch, length]`` weight of each piece in the sum; by default the mask.
        """
        units = self.bottleneck.length_of(words, mask).clamp_max(MAX_UNITS)
        # A target can be longer than its noised source, which may lack words: bound the impossible.
        length = self.length_log_probs(source).gather(1, units[:, None]).squeeze(1).clamp_min(-10.0)
        return length + self.bottleneck.log_likelihood(source, words, mask, weights)

    def imitation_loss(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        words: Tensor,
        words_mask: Tensor,
        supported: Tensor | None = None,
    ) -> Tensor:
        """Loss per piece ``[batch]`` of writing given words for a text; see `Generator.imitation_loss`.

        It is the cross-entropy of the words plus, if words are copied, that of the content selector of
        `CopyBias`.
        """
        source = self.encode(input_ids, attention_mask)
        counted = words_mask if supported is None else supported
        loss = -self.log_likelihood(source, words, words_mask, counted) / counted.sum(1)
        bias = self.bottleneck.copy_bias
        return loss if bias is None else loss + self._selection_loss(bias, source, words, words_mask)

    def _selection_loss(self, bias: CopyBias, source: Source, words: Tensor, mask: Tensor) -> Tensor:
        """Binary cross-entropy ``[batch]`` of whether each piece of the text is among the words."""
        stands = (source.ids[:, :, None] == words.masked_fill(mask == 0, -1)[:, None]).any(2)
        logits = bias.selection(source.states).float()
        losses = F.binary_cross_entropy_with_logits(logits, stands.float(), reduction="none")
        return (losses * source.mask).sum(1) / source.mask.sum(1)

    def salience(self, source_ids: Tensor) -> Tensor:
        """Salience of each place of documents, in nats; argument and result are ``[batch, source]``."""
        return self.bottleneck.salience(source_ids)

    def take_weights(self, backbone: PreTrainedModel) -> None:
        """Copy the weights of encoder, decoder and output layer from a backbone."""
        decoder = self.bottleneck.decoder
        for ours, theirs in ((self.encoder, backbone.get_encoder()), (decoder, backbone.get_decoder())):
            ours.stack.load_state_dict(
                {k: v for k, v in theirs.state_dict().items() if not k.startswith("embed_tokens.")}
            )
        if decoder.head is not None:
            decoder.head.load_state_dict(backbone.lm_head.state_dict())

    def set_lengths(self, table: LengthTable) -> None:
        """Store the lengths of a vocabulary's pieces."""
        self.bottleneck.set_lengths(table)

    def check_pieces(self, pieces: Sequence[str]) -> None:
        """Check that the lengths saved with the weights are those of a tokenizer's pieces.

        In a matching table, pieces that begin with a blank start a word, pieces that begin with a letter
        continue one, and bytes are not freely writable.

        Raises:
            SummGANError: The pieces are of another vocabulary.
        """
        advice = "give the tokenizer that the model was trained with."
        # A backbone may have more entries than its tokenizer has pieces; the extra ones are never written.
        if self.bottleneck.writable[len(pieces) :].any():
            raise SummGANError(
                f"The tokenizer has {len(pieces)} pieces, but the vocabulary of the model has "
                f"{len(self.bottleneck.writable)}; {advice}"
            )
        tables = (self.bottleneck.writable.tolist(), self.bottleneck.continues.tolist())
        agree = [
            not writable if piece.startswith(_BYTE) else writable and goes_on != piece.startswith(_BLANKS)
            for piece, writable, goes_on in zip(pieces, *tables, strict=False)
            if piece.startswith((_BYTE, *_BLANKS)) or (piece[:1].isascii() and piece[:1].isalpha())
        ]
        if sum(agree) < _AGREEMENT * len(agree):
            raise SummGANError(f"The tokenizer is of another vocabulary than the model; {advice}")

    def set_human_lengths(self, lengths: HumanLengths) -> None:
        """Store the largest number of pieces per unit."""
        self.bottleneck.pieces_per_unit = lengths.pieces_per_unit

    def set_salience(self, salience: Salience) -> None:
        """Store the salience counted in the training text.

        A backbone may have more entries than its tokenizer has pieces; the extra ones keep their values.
        """
        for name, values in salience.named_buffers():
            self.bottleneck.salience.get_buffer(name)[: len(values)].copy_(values)
