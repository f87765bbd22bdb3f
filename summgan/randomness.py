"""Random numbers as a pure function of (seed, step, example, purpose).

Nothing is remembered between draws, so an example gets the same noise on one process or on two, in
batches of any size, and in a run that was interrupted and resumed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor


def derive_seed(*parts: int | str) -> int:
    """A 63-bit seed made of numbers and names, the same on every machine."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@dataclass(frozen=True)
class RandomStream:
    """Noise for the rows of one batch.

    Attributes:
        seed: What the noise is for (run, step, purpose).
        rows: One number per row of the batch: its place in the global batch.
        device: Where the noise is made.
    """

    seed: int
    rows: tuple[int, ...]
    device: torch.device

    @classmethod
    def of(cls, rows: Tensor, *parts: int | str) -> RandomStream:
        """The stream of these rows ``[batch]`` for a purpose, e.g. ``of(rows, seed, step)``."""
        return cls(derive_seed(*parts), tuple(rows.tolist()), rows.device)

    def fork(self, *parts: int | str) -> RandomStream:
        """An independent stream for the same rows."""
        return RandomStream(derive_seed(self.seed, *parts), self.rows, self.device)

    def repeat(self, times: int) -> RandomStream:
        """The stream for every row taken ``times`` times in a row, all copies independent."""
        rows = tuple(row * times + copy for row in self.rows for copy in range(times))
        return RandomStream(self.seed, rows, self.device)

    def uniform(self, *shape: int) -> Tensor:
        """Numbers in [0, 1), float32, ``[batch, *shape]``."""
        noise = torch.empty(len(self.rows), *shape, device=self.device)
        generator = torch.Generator(self.device)
        for index, row in enumerate(self.rows):
            generator.manual_seed(derive_seed(self.seed, row))
            noise[index].uniform_(generator=generator)
        return noise

    def exponential(self, *shape: int) -> Tensor:
        """Standard exponential noise ``[batch, *shape]``, never 0; ``-log`` of it is Gumbel noise."""
        return (-torch.log1p(-self.uniform(*shape))).clamp_min(1e-20)
