"""Order of the rows in batches: the share of each process, and shuffled piles.

The order depends only on the seed and the position, so a resumed run, or one on more processes, reads the
same rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_BUCKET = 32  # batches whose rows are sorted by length together


@dataclass(frozen=True)
class Share:
    """The rows of each global batch that one process reads.

    Attributes:
        batch_size: Number of rows of a micro-batch.
        rank: Number of the process, from 0.
        processes: Number of processes.
        accumulation: Number of micro-batches of an optimizer step.
    """

    batch_size: int
    rank: int = 0
    processes: int = 1
    accumulation: int = 1

    @property
    def global_batch(self) -> int:
        """Number of rows of an optimizer step, on all processes together."""
        return self.batch_size * self.processes * self.accumulation

    def rows(self, number: int) -> range:
        """Return the positions of a micro-batch's rows in the stream that all processes share."""
        first = (number * self.processes + self.rank) * self.batch_size
        return range(first, first + self.batch_size)


class IndexOrder:
    """An endless stream of the rows of a pile, shuffled anew in each epoch.

    Args:
        size: Number of rows of the pile.
        seed: Seed of the shuffles.
        lengths: ``[size]`` lengths by which rows of similar length share a batch; None for any order.
        batch_size: Number of rows of a global batch.
    """

    def __init__(self, size: int, seed: int, lengths: np.ndarray | None = None, batch_size: int = 1):
        self.size, self.seed, self.lengths, self.batch_size = size, seed, lengths, batch_size
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def __getitem__(self, position: int) -> int:
        """Return the row at ``position`` of the stream."""
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
        # A short batch stays last, so that the others begin at multiples of the batch size.
        tail = [batches.pop()] if len(batches[-1]) < self.batch_size else []
        return np.concatenate([*(batches[i] for i in rng.permutation(len(batches))), *tail])
