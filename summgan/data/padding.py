"""Texts of different lengths as tensors: `pad`, and `Texts` for those of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


def pad(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Lists of ids to ``[batch, longest]`` (filled with 0) and its mask."""
    tensors = [torch.tensor(row, dtype=torch.long) for row in rows]
    mask = pad_sequence([torch.ones_like(row) for row in tensors], batch_first=True)
    return pad_sequence(tensors, batch_first=True), mask


@dataclass(frozen=True)
class Texts:
    """One text for each row of a batch; each ends with the end piece.

    Attributes:
        ids: ``[batch, length]`` pieces, 0 beyond the end.
        mask: ``[batch, length]``, 1 where a text is real.
        labels: ``[batch, length]``, 1 where a piece is right and 0 where it is wrong or beyond the end; None
            if all are right.
    """

    ids: Tensor
    mask: Tensor
    labels: Tensor | None = None

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], labels: Sequence[Sequence[int]] | None = None) -> Texts:
        """Pad lists of ids, and of their labels."""
        return cls(*pad(rows), None if labels is None else pad(labels)[0])

    def to(self, device: torch.device) -> Texts:
        """The same texts on another device."""
        labels = None if self.labels is None else self.labels.to(device, non_blocking=True)
        return Texts(self.ids.to(device, non_blocking=True), self.mask.to(device, non_blocking=True), labels)

    def repeat(self, times: int) -> Texts:
        """Every text taken ``times`` times in a row."""
        labels = None if self.labels is None else self.labels.repeat_interleave(times, dim=0)
        ids, mask = (tensor.repeat_interleave(times, dim=0) for tensor in (self.ids, self.mask))
        return Texts(ids, mask, labels)
