"""Which rows stand in which batch: the part of each process, and shuffled piles.

All of it follows from the seed and the position alone: a resumed run, or one on more processes, reads the
same rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_BUCKET = 32  # batches that are sorted by length together


@dataclass(frozen=True)
class Share:
    """The part of every global batch that one process reads.

    Attributes:
        batch_size: Rows of a micro-batch.
        rank: Number of the process.
        processes: Number of processes.
        accumulation: Micro-batches of an optimizer step.
    """

    batch_size: int
    rank: int = 0
    processes: int = 1
    accumulation: int = 1

    @property
    def global_batch(self) -> int:
        """Rows of an optimizer step, on all processes together."""
        return self.batch_size * self.processes * self.accumulation

    def rows(self, number: int) -> range:
        """Places of the rows of a micro-batch in the stream that all processes share."""
        first = (number * self.processes + self.rank) * self.batch_size
        return range(first, first + self.batch_size)


class IndexOrder:
    """Which row of a pile stands at a position of an endless stream, epoch after epoch.

    Args:
        size: Rows of the pile.
        seed: Seed of its shuffles.
        lengths: ``[size]``; when given, batches are made of rows of similar length.
        batch_size: Of the global batch.
    """

    def __init__(self, size: int, seed: int, lengths: np.ndarray | None = None, batch_size: int = 1):
        self.size, self.seed, self.lengths, self.batch_size = size, seed, lengths, batch_size
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def __getitem__(self, position: int) -> int:
        """The row at ``position``."""
        epoch, place = divmod(position, self.size)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._shuffled(epoch)
        return int(self._order[place])

    def _shuffled(self, epoch: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(self.size)
        if self.lengths is None:
            return order
        bucket = self.batch_size * _BUCKET
        batches = []
        for start in range(0, self.size, bucket):
            rows = order[start : start + bucket]
            rows = rows[np.argsort(self.lengths[rows], kind="stable")]
            batches += [rows[i : i + self.batch_size] for i in range(0, len(rows), self.batch_size)]
        # A short last batch stays last, so that the others begin at multiples of the batch size.
        tail = [batches.pop()] if len(batches[-1]) < self.batch_size else []
        return np.concatenate([*(batches[i] for i in rng.permutation(len(batches))), *tail])
