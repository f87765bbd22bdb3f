"""What all processes of a training have in common."""

from __future__ import annotations

import torch
from torch import Tensor, distributed


def everywhere(rows: Tensor) -> Tensor:
    """Rows of all processes in their order, which is that of the batch that they share.

    Args:
        rows: ``[rows, ...]`` of this process, as many as every other one has.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return rows
    parts = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, rows.contiguous())
    return torch.cat(parts)
