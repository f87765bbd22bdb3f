"""Summaries of earlier steps, which a discriminator sees again beside those of today."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from summgan.networks.processes import everywhere


class Replay(nn.Module):
    """Summaries in buffers, so that they are saved and moved with the other state.

    Args:
        capacity: Number of summaries that are kept.
        longest: Words of the longest.
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
        """Keep summaries ``[batch, longest]`` of all processes with their gaps, in place of the oldest."""
        words, struck = everywhere(words), everywhere(struck)
        slots = (self.seen + torch.arange(len(words), device=words.device)) % len(self.words)
        self.words[slots], self.struck[slots] = words, struck
        self.seen += len(words)

    def draw(self, uniforms: Tensor) -> tuple[Tensor, Tensor]:
        """One summary with its gaps for each of ``uniforms`` ``[batch]``; none while there is none."""
        kept = self.seen.clamp_max(len(self.words))
        rows = (uniforms * kept).long()[: len(uniforms) * int(kept > 0)]
        return self.words[rows], self.struck[rows]
