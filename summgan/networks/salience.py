"""How much a place of a document says: tables of pieces, positions and repetitions.

The tables are counted and learned from the two piles without any pair, see `salience_counts.py`. They are
used by the content term (`losses.py`), in writing (`decoding.py`), and where sentences are hidden
(`noise.py`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

POSITION_BIN, POSITION_BINS = 8, 64
"""Pieces of a document that count as one position, and how many positions are told apart."""
REPETITIONS = 4
"""How often a piece stands in a document until more makes no difference."""


class Salience(nn.Module):
    """Tables whose sum, over what is true of a place, is its salience in nats.

    Attributes:
        piece: ``[vocabulary]``, by the piece that stands there.
        position: ``[POSITION_BINS]``, by where it is.
        repetition: ``[REPETITIONS]``, by how often the document has the piece, from once.
    """

    piece: Tensor
    position: Tensor
    repetition: Tensor

    def __init__(self, vocabulary_size: int):
        super().__init__()
        self.register_buffer("piece", torch.zeros(vocabulary_size))
        self.register_buffer("position", torch.zeros(POSITION_BINS))
        self.register_buffer("repetition", torch.zeros(REPETITIONS))

    def forward(self, source_ids: Tensor) -> Tensor:
        """``[batch, source]`` of every place of documents ``[batch, source]``."""
        places = torch.arange(source_ids.shape[1], device=source_ids.device) // POSITION_BIN
        times = (source_ids[:, :, None] == source_ids[:, None]).sum(2).clamp_max(REPETITIONS) - 1
        position = self.position[places.clamp_max(POSITION_BINS - 1)]
        return self.piece[source_ids] + position + self.repetition[times]
