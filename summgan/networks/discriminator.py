"""The discriminator: judges whether words read like a human sentence.

It is small on purpose: convolutions of several widths over its own word embeddings see n-grams, so that it
judges form and hardly content. It judges each word (like ELECTRA, Clark 2020, it finds words that do not fit)
and the sentence. Its inputs are always one-hot words.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from summgan.networks.backbone import embed_words

_WIDTHS = (1, 3, 5)


@dataclass(frozen=True)
class Judgement:
    """Logits of being human.

    Attributes:
        sentence: ``[batch]``, of each sentence.
        words: ``[batch, length]``, of each word.
    """

    sentence: Tensor
    words: Tensor


class Discriminator(nn.Module):
    """Judges words and sentences.

    Args:
        vocabulary_size: Number of pieces.
        hidden_size: Width of embeddings and convolutions.
    """

    def __init__(self, vocabulary_size: int, hidden_size: int):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, hidden_size)
        self.ngrams = nn.ModuleList(
            nn.Conv1d(hidden_size, hidden_size, width, padding="same") for width in _WIDTHS
        )
        merged = hidden_size * len(_WIDTHS)
        self.context = nn.Conv1d(merged, hidden_size, 3, padding="same")
        self.word = nn.Linear(hidden_size, 1)
        self.sentence = nn.Linear(2 * hidden_size, 1)

    def embed(self, words: Tensor) -> Tensor:
        """Embed ids ``[batch, length]`` or one-hot words ``[batch, length, vocabulary]``."""
        return embed_words(words, self.embedding.weight)

    def forward(self, vectors: Tensor, mask: Tensor) -> Judgement:
        """Judge embedded words ``[batch, length, hidden]`` with a mask ``[batch, length]``."""
        keep = mask[:, None].to(vectors.dtype)
        x = vectors.transpose(1, 2) * keep
        x = torch.cat([F.leaky_relu(conv(x), 0.2) for conv in self.ngrams], dim=1) * keep
        x = F.leaky_relu(self.context(x), 0.2)
        mean = (x * keep).sum(2) / keep.sum(2)
        highest = x.masked_fill(keep == 0, float("-inf")).amax(2)
        sentence = self.sentence(torch.cat([mean, highest], dim=1)).squeeze(1)
        return Judgement(sentence.float(), self.word(x.transpose(1, 2)).squeeze(2).float())
