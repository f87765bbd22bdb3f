"""The generator: encodes a document and leaves a discrete code of it, its summary.

First network of the flow; `reconstructor.py` reads its code and `discriminator.py` judges it.
"""

from __future__ import annotations

from torch import Tensor, nn

from summgan.backbone import Encoder
from summgan.bottlenecks.code import Code, Source
from summgan.bottlenecks.words import WordsBottleneck
from summgan.randomness import RandomStream


class Generator(nn.Module):
    """Document to words."""

    def __init__(self, encoder: Encoder, bottleneck: WordsBottleneck):
        super().__init__()
        self.encoder, self.bottleneck = encoder, bottleneck

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Source:
        """States of documents; both arguments are ``[batch, source]``."""
        states = self.encoder(self.encoder.embed(input_ids), attention_mask)
        return Source(input_ids, attention_mask, states)

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

    def imitation_loss(
        self, input_ids: Tensor, attention_mask: Tensor, words: Tensor, words_mask: Tensor
    ) -> Tensor:
        """Cross-entropy per piece ``[batch]`` of writing given words for a text.

        Used wherever a human sentence is the answer: denoising, its anchor, and the back cycle.
        """
        source = self.encode(input_ids, attention_mask)
        return -self.bottleneck.log_likelihood(source, words, words_mask)
