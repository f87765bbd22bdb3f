"""Salience: how likely a place of a document is to be in its summary, from tables.

The tables are estimated from documents and human sentences without any pair (`salience_counts.py`). The
content term (`losses.py`) and the hiding of sentences in texts (`noise.py`) use them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

POSITION_BIN, POSITION_BINS = 8, 64
"""Number of consecutive pieces that share a position, and number of positions; the last has the rest."""
REPETITIONS = 4
"""Number of repetitions that are distinguished; more count as this many."""


class Salience(nn.Module):
    """Salience of a place in nats, as the sum of three table entries.

    Args:
        vocabulary_size: Number of pieces.

    Attributes:
        piece: ``[vocabulary]``, by the piece at the place.
        position: ``[POSITION_BINS]``, by the place in the document.
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
        """Salience ``[batch, source]`` of every place of documents ``[batch, source]``."""
        places = torch.arange(source_ids.shape[1], device=source_ids.device) // POSITION_BIN
        times = (source_ids[:, :, None] == source_ids[:, None]).sum(2).clamp_max(REPETITIONS) - 1
        position = self.position[places.clamp_max(POSITION_BINS - 1)]
        return self.piece[source_ids] + position + self.repetition[times]
