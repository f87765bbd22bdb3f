"""The generator: encodes a document and leaves a discrete code of it, its summary.

First network of the flow; `reconstructor.py` reads its code and `discriminator.py` judges it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from summgan.networks.backbone import EncoderStack
from summgan.networks.code import Code, Source
from summgan.networks.estimators import sample_categorical
from summgan.networks.words import MAX_UNITS, WordsBottleneck
from summgan.randomness import RandomStream


class Generator(nn.Module):
    """Document to a length, and to words of that length.

    Args:
        encoder: Reads the document.
        bottleneck: Writes the words.
        hidden_size: Width of both.
    """

    def __init__(self, encoder: EncoderStack, bottleneck: WordsBottleneck, hidden_size: int):
        super().__init__()
        self.encoder, self.bottleneck = encoder, bottleneck
        self.length = nn.Linear(hidden_size, MAX_UNITS + 1)

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Source:
        """States of documents; both arguments are ``[batch, source]``."""
        states = self.encoder(self.encoder.embed(input_ids), attention_mask)
        return Source(input_ids, attention_mask, states)

    def length_log_probs(self, source: Source) -> Tensor:
        """Log-probabilities ``[batch, MAX_UNITS + 1]`` of a summary's length in units.

        No summary is empty or longer than its document.
        """
        mask = source.mask[..., None].to(source.states.dtype)
        mean = (source.states * mask).sum(1) / mask.sum(1)
        longest = self.bottleneck.length_of(source.input_ids, source.mask).clamp_min(1)
        lengths = torch.arange(MAX_UNITS + 1, device=mean.device)
        possible = (lengths >= 1) & (lengths <= longest[:, None])
        return torch.log_softmax(self.length(mean).float().masked_fill(~possible, -math.inf), dim=-1)

    @torch.no_grad()
    def draw_units(self, source: Source, stream: RandomStream) -> Tensor:
        """A length ``[batch]`` for the summary of every document."""
        return sample_categorical(self.length_log_probs(source), stream.uniform(1)[:, 0])

    def forward(
        self,
        source: Source,
        units: Tensor,
        stream: RandomStream,
        estimator: str = "straight-through",
        temperature: float = 1.0,
    ) -> Code:
        """Draw a summary of ``units`` ``[batch]`` units for every document; see `WordsBottleneck`."""
        return self.bottleneck(source, units, stream, estimator, temperature)

    def log_likelihood(
        self, source: Source, words: Tensor, mask: Tensor, weights: Tensor | None = None
    ) -> Tensor:
        """Log-probability ``[batch]`` of given summaries ``[batch, length]``: first of their length, then
        of every word, which may have ``weights`` ``[batch, length]``.
        """
        units = self.bottleneck.length_of(words, mask).clamp_max(MAX_UNITS)
        # A summary as long as its noisy source may have lost a word there: impossible is only unlikely.
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
        """Cross-entropy per piece ``[batch]`` of writing given words for a text, plus that of selecting
        the pieces of the text that stand in them.

        Used wherever a human sentence is the answer: denoising, its anchor, and the back cycle.

        Args:
            input_ids: ``[batch, source]``.
            attention_mask: ``[batch, source]``.
            words: ``[batch, length]``.
            words_mask: ``[batch, length]``.
            supported: ``[batch, length]``, 0 for words that cannot be known from the text, which are given
                but not asked for; all are asked for by default.
        """
        source = self.encode(input_ids, attention_mask)
        asked = words_mask if supported is None else supported
        loss = -self.log_likelihood(source, words, words_mask, asked) / asked.sum(1)
        if self.bottleneck.copy_bias is None:
            return loss
        return loss + self._selection_loss(source, words, words_mask)

    def _selection_loss(self, source: Source, words: Tensor, mask: Tensor) -> Tensor:
        """``[batch]``: binary cross-entropy of whether a piece of the text stands in the words."""
        stands = (source.input_ids[:, :, None] == words.masked_fill(mask == 0, -1)[:, None]).any(2)
        logits = self.bottleneck.copy_bias.selection(source.states).float()
        losses = F.binary_cross_entropy_with_logits(logits, stands.float(), reduction="none")
        return (losses * source.mask).sum(1) / source.mask.sum(1)
