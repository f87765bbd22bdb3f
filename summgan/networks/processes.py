"""Exchange of tensors between the processes of a training."""

from __future__ import annotations

import torch
from torch import Tensor, distributed


def everywhere(rows: Tensor) -> Tensor:
    """Gather the rows of all processes, in the order of their shared batch, without gradients.

    Args:
        rows: ``[rows, ...]`` of this process; every process has the same number.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return rows
    parts = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, rows.contiguous())
    return torch.cat(parts)


def share_of(count: Tensor) -> Tensor:
    """Average a count over processes.

    A sum of one process, divided by this average, becomes the mean over the entries of all processes when the
    processes average their gradients; divided by its own count, entries of some processes would weigh more.

    Args:
        count: Scalar, number of entries of this process.
    """
    return everywhere(count.detach().reshape(1).float()).mean()
