"""The reconstructor: rebuilds the document from its code, with teacher forcing.

Word dropout (Bowman 2016) hides some words of the document from the decoder's input, so that the decoder must
rely on the code. The loss weights each word by its rarity (IDF), since function words do not tell whether a
summary has kept the content.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from summgan.networks.backbone import (
    DecoderStack,
    EncoderStack,
    Pointer,
    mix_log_probs,
    new_cache,
    target_log_probs,
)
from summgan.networks.code import Code
from summgan.networks.estimators import sample_categorical
from summgan.networks.words import ended_mask
from summgan.randomness import RandomStream


class Reconstructor(nn.Module):
    """Writes documents from codes.

    Args:
        encoder: Encoder of the code.
        decoder: Decoder of the document.
        hidden_size: Width of encoder and decoder.
        vocabulary_size: Number of pieces.
        copy: ``no`` to forbid copying words from a code made of words.
        start_id: First input of the decoder.
        end_id: The piece that ends a text.

    Attributes:
        word_weights: ``[vocabulary]`` weight of each piece in the loss.
    """

    word_weights: Tensor

    def __init__(
        self,
        encoder: EncoderStack,
        decoder: DecoderStack,
        hidden_size: int,
        vocabulary_size: int,
        copy: str,
        start_id: int,
        end_id: int,
    ):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.pointer = None if copy == "no" else Pointer(hidden_size)
        self.start_id, self.end_id = start_id, end_id
        self.register_buffer("word_weights", torch.ones(vocabulary_size))

    def code_of(self, words: Tensor, mask: Tensor) -> Code:
        """Make a code of given words ``[batch, length]``, without a gradient to them."""
        return Code(vectors=self.encoder.embed(words), mask=mask, words=words)

    def forward(
        self,
        code: Code,
        documents: Tensor,
        mask: Tensor,
        stream: RandomStream | None = None,
        word_dropout: float = 0.0,
        stride: int = 1,
    ) -> Tensor:
        """Weighted cross-entropy per piece ``[batch]`` of documents given their codes, in nats.

        Args:
            code: Codes of the documents.
            documents: ``[batch, length]`` ids, ended by the end piece.
            mask: ``[batch, length]``, 1 where a piece is real.
            stream: Noise of word dropout and stride, which need it.
            word_dropout: Share of the decoder's input words that are hidden.
            stride: Only every ``stride``-th piece is predicted, from a random first one. A stride above 1
                estimates the loss and saves most of the cost, which is that of the vocabulary softmax.

        Raises:
            ValueError: Word dropout or a stride above 1 is wanted without a ``stream``.
        """
        return weighted_loss(*self.scores(code, documents, mask, stream, word_dropout, stride))

    def scores(
        self,
        code: Code,
        documents: Tensor,
        mask: Tensor,
        stream: RandomStream | None = None,
        word_dropout: float = 0.0,
        stride: int = 1,
    ) -> tuple[Tensor, Tensor]:
        """Log-probabilities of the predicted pieces and their weights, both ``[batch, predicted]``.

        For arguments and errors see `forward`.
        """
        if stream is None and (word_dropout or stride > 1):
            raise ValueError("Word dropout and a stride above 1 need a stream of noise: pass stream.")
        states = self.encoder(code.vectors, code.mask)
        start = torch.full_like(documents[:, :1], self.start_id)
        inputs = self.decoder.embed(torch.cat([start, documents[:, :-1]], 1))
        if stream is not None and word_dropout:
            kept = stream.uniform(documents.shape[1]) >= word_dropout
            inputs = inputs * kept[..., None].to(inputs.dtype)
        hidden = self.decoder(inputs, states, code.mask)
        if stream is not None and stride > 1:
            hidden, documents, mask = _every(stride, stream.fork("stride"), hidden, documents, mask)
        pointed = self._point(hidden, self._keys(states, code), code.mask)
        matches = None if pointed is None else _matches(code, documents)
        scores = target_log_probs(self.decoder.logits(hidden), pointed, matches, documents)
        return scores, self.word_weights[documents] * mask

    def _keys(self, states: Tensor, code: Code) -> Tensor | None:
        """Compute the pointer's keys of a code, once for all steps; None without copying."""
        if self.pointer is None or code.words is None:
            return None
        return self.pointer.keys(states, code.vectors)

    def _point(
        self, hidden: Tensor, keys: Tensor | None, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor] | None:
        """Return the pointer's result for decoder states; None without copying."""
        if keys is None or self.pointer is None:
            return None
        return self.pointer(hidden, keys, mask)

    @torch.no_grad()
    def sample(self, code: Code, max_length: int, stream: RandomStream | None = None) -> Tensor:
        """Write documents ``[batch, length]`` from codes; the end piece ends and pads them.

        Args:
            code: Codes of the documents.
            max_length: Largest number of pieces, the end piece included.
            stream: Noise of the draw; None takes the most probable word at every step, but no word three
                times in a row.
        """
        states, cache = self.encoder(code.vectors, code.mask), new_cache()
        previous = torch.full_like(code.mask[:, 0], self.start_id)
        noise = stream.uniform(max_length) if stream else None
        done, keys = torch.zeros_like(previous, dtype=torch.bool), self._keys(states, code)
        words: list[Tensor] = []
        while len(words) < max_length - 1 and not done.all():
            hidden = self.decoder(self.decoder.embed(previous[:, None]), states, code.mask, cache)
            pointed = self._point(hidden, keys, code.mask)
            log_probs = mix_log_probs(self.decoder.logits(hidden), pointed, code.words)[:, 0]
            if noise is None:
                if len(words) > 1:  # greedy decoding tends to repeat a word for ever
                    thrice = torch.where(words[-1] == words[-2], -math.inf, 0.0)
                    log_probs.scatter_add_(1, previous[:, None], thrice[:, None])
                previous = log_probs.argmax(-1)
            else:
                previous = sample_categorical(log_probs, noise[:, len(words)])
            previous = previous.masked_fill(done, self.end_id)
            done = done | (previous == self.end_id)
            words.append(previous)
        words.append(torch.full_like(previous, self.end_id))
        return torch.stack(words, dim=1)

    def mask_of(self, documents: Tensor) -> Tensor:
        """Mask ``[batch, length]`` of written documents: 1 up to and including the end piece."""
        return ended_mask(documents, self.end_id)


def weighted_loss(scores: Tensor, weights: Tensor) -> Tensor:
    """Weighted cross-entropy per piece ``[batch]``, from the result of `Reconstructor.scores`."""
    return -(scores * weights).sum(1) / weights.sum(1)


def _every(
    stride: int, stream: RandomStream, hidden: Tensor, documents: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Select every ``stride``-th place of each row of ``[batch, length, ...]``, from a random first one."""
    longest = documents.shape[1]
    choices = mask.sum(1, keepdim=True).clamp_max(stride)
    first = (stream.uniform(1) * choices).long()
    places = first + stride * torch.arange(-(-longest // stride), device=documents.device)
    inside, places = places < longest, places.clamp_max(longest - 1)
    index = places[..., None].expand(-1, -1, hidden.shape[2])
    return hidden.gather(1, index), documents.gather(1, places), mask.gather(1, places) * inside


def _matches(code: Code, documents: Tensor) -> Tensor:
    """Degree ``[batch, code, length]`` to which each word of the code equals each word of the document."""
    words = code.given("words")
    if code.one_hot is None:
        return (words[:, :, None] == documents[:, None]).float()
    index = documents[:, None].expand(-1, words.shape[1], -1)
    return code.one_hot.gather(2, index).float()
