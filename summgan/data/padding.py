"""Padding of texts to tensors: `pad`, and `Texts` for the texts of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


def pad(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Pad lists of ids with 0 to ``[batch, longest]``; return the ids and their mask."""
    tensors = [torch.tensor(row, dtype=torch.long) for row in rows]
    mask = pad_sequence([torch.ones_like(row) for row in tensors], batch_first=True)
    return pad_sequence(tensors, batch_first=True), mask


@dataclass(frozen=True)
class Texts:
    """One text for each row of a batch; each ends with the end piece.

    Attributes:
        ids: ``[batch, length]`` pieces, 0 beyond the end.
        mask: ``[batch, length]``, 1 for pieces of the text and 0 beyond the end.
        labels: ``[batch, length]``, 1 for right pieces and 0 for wrong ones and beyond the end; None if all
            pieces are right.
    """

    ids: Tensor
    mask: Tensor
    labels: Tensor | None = None

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], labels: Sequence[Sequence[int]] | None = None) -> Texts:
        """Pad lists of ids, and of their labels if there are any."""
        return cls(*pad(rows), None if labels is None else pad(labels)[0])

    def to(self, device: torch.device) -> Texts:
        """Copy the texts to a device."""
        labels = None if self.labels is None else self.labels.to(device, non_blocking=True)
        return Texts(self.ids.to(device, non_blocking=True), self.mask.to(device, non_blocking=True), labels)

    def repeat(self, times: int) -> Texts:
        """Repeat each text ``times`` times in a row."""
        labels = None if self.labels is None else self.labels.repeat_interleave(times, dim=0)
        ids, mask = (tensor.repeat_interleave(times, dim=0) for tensor in (self.ids, self.mask))
        return Texts(ids, mask, labels)
