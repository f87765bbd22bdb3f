"""`Replay`: summaries of earlier steps, which the discriminator sees again beside the present ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from summgan.networks.processes import everywhere


class Replay(nn.Module):
    """A ring buffer of summaries, which is saved and moved with the model.

    Args:
        capacity: Number of summaries to keep.
        longest: Number of words of the longest summary.

    Attributes:
        words: ``[capacity, longest]`` rows of the word table, padded with -1.
        struck: ``[capacity, longest + 1]``, 1 for each gap of a summary where words of the document are left
            out.
        seen: Number of summaries added so far.
    """

    words: Tensor
    struck: Tensor
    seen: Tensor

    def __init__(self, capacity: int, longest: int):
        super().__init__()
        self.register_buffer("words", torch.full((capacity, longest), -1))
        self.register_buffer("struck", torch.zeros(capacity, longest + 1))
        self.register_buffer("seen", torch.tensor(0))

    def add(self, words: Tensor, struck: Tensor) -> None:
        """Add the summaries of all processes, in place of the oldest ones.

        Args:
            words: ``[batch, longest]``.
            struck: ``[batch, longest + 1]``.
        """
        words, struck = everywhere(words), everywhere(struck)
        slots = (self.seen + torch.arange(len(words), device=words.device)) % len(self.words)
        self.words[slots], self.struck[slots] = words, struck
        self.seen += len(words)

    def draw(self, uniforms: Tensor) -> tuple[Tensor, Tensor]:
        """Draw summaries and their gaps with replacement; none while the buffer is empty.

        Args:
            uniforms: ``[batch]`` numbers in [0, 1), one for each summary.
        """
        kept = self.seen.clamp_max(len(self.words))
        rows = (uniforms * kept).long()[: len(uniforms) * int(kept > 0)]
        return self.words[rows], self.struck[rows]
