"""Random numbers as a pure function of (seed, step, example, purpose).

There is no state between draws, so an example gets the same noise on any number of processes, in batches of
any size, and in a run that is interrupted and resumed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor


def derive_seed(*parts: int | str) -> int:
    """Hash numbers and names to a 63-bit seed that is the same on every machine."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@dataclass(frozen=True)
class RandomStream:
    """Source of random numbers for the rows of one batch.

    Attributes:
        seed: Seed derived from run, step and purpose.
        rows: Index in the global batch of each row.
        device: Device on which the numbers are drawn.
    """

    seed: int
    rows: tuple[int, ...]
    device: torch.device

    @classmethod
    def of(cls, rows: Tensor, *parts: int | str) -> RandomStream:
        """Make the stream of these rows ``[batch]`` for a purpose, such as ``of(rows, seed, step)``."""
        return cls(derive_seed(*parts), tuple(rows.tolist()), rows.device)

    def fork(self, *parts: int | str) -> RandomStream:
        """Make an independent stream for the same rows."""
        return RandomStream(derive_seed(self.seed, *parts), self.rows, self.device)

    def repeat(self, times: int) -> RandomStream:
        """Make the stream of a batch that repeats each row ``times`` times; all copies are independent."""
        rows = tuple(row * times + copy for row in self.rows for copy in range(times))
        return RandomStream(self.seed, rows, self.device)

    def uniform(self, *shape: int) -> Tensor:
        """Draw uniform numbers in [0, 1), float32, ``[batch, *shape]``."""
        noise = torch.empty(len(self.rows), *shape, device=self.device)
        generator = torch.Generator(self.device)
        for index, row in enumerate(self.rows):
            generator.manual_seed(derive_seed(self.seed, row))
            noise[index].uniform_(generator=generator)
        return noise

    def exponential(self, *shape: int) -> Tensor:
        """Draw standard exponential noise ``[batch, *shape]``, never 0; its ``-log`` is Gumbel noise."""
        return (-torch.log1p(-self.uniform(*shape))).clamp_min(1e-20)
