"""VQ-VAE: each position of the code is the nearest entry of its codebook (van den Oord 2017).

The gradient passes straight through, with a commitment penalty. Each entry is the exponential moving average
of the vectors assigned to it (appendix A.1); an entry to which none is assigned restarts at a vector of the
batch (Dhariwal 2020). Each position has its own codebook, as in product quantization.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from summgan.networks.code import Bottleneck, Code, Source
from summgan.networks.processes import everywhere
from summgan.randomness import RandomStream

_EPSILON = 1e-5
_DEAD = 0.1  # share of the mean usage below which an entry is dead


def perplexity(counts: Tensor) -> Tensor:
    """Effective number of entries in use ``[...]``: the exponential of the entropy of their counts.

    Args:
        counts: ``[..., entries]``.
    """
    share = counts / counts.sum(-1, keepdim=True).clamp_min(1e-10)
    return torch.exp(-(share * share.clamp_min(1e-10).log()).sum(-1))


class CodebookBottleneck(Bottleneck):
    """A code of ``length`` positions, each with one of ``size`` entries.

    Args:
        hidden: Width of the states and of the code's vectors.
        size: Number of entries in each codebook.
        length: Number of positions.
        width: Width of an entry.
        decay: Decay of the moving averages.
    """

    entries: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, hidden: int, size: int, length: int, width: int = 16, decay: float = 0.95):
        super().__init__()
        self.length, self.width, self.decay = length, width, decay
        self.inward = nn.Linear(hidden, length * width)
        self.outward = nn.Parameter(torch.randn(length, width, hidden) / width**0.5)
        self.register_buffer("entries", torch.randn(length, size, width))
        self.register_buffer("counts", torch.ones(length, size))
        self.register_buffer("sums", self.entries.clone())

    def forward(
        self,
        source: Source,
        stream: RandomStream | None = None,
        estimator: str = "straight-through",
        temperature: float = 1.0,
        units: Tensor | None = None,
    ) -> Code:
        """Take the entries nearest to states ``[batch, 1, hidden]``; see `Bottleneck.forward`.

        Nothing is drawn, so estimator and temperature have no effect. In training the codebook is updated,
        and the stream chooses the vectors at which dead entries restart.
        """
        wanted = self.inward(source.states).float().view(-1, self.length, self.width)
        distances = torch.cdist(wanted.transpose(0, 1), self.entries)  # [length, batch, size]
        ids = distances.argmin(-1).T
        positions = torch.arange(self.length, device=ids.device)
        chosen = self.entries[positions, ids]
        penalty = (wanted - chosen.detach()).square().mean()
        if stream is not None and self.training:
            self._follow(wanted.detach(), ids, stream)
        quantized = wanted + (chosen - wanted).detach()
        used = F.one_hot(ids, self.entries.shape[1]).sum(0).float()
        return Code(
            vectors=torch.einsum("blw,lwh->blh", quantized, self.outward),
            mask=torch.ones_like(ids),
            codes=ids,
            penalty=penalty,
            metrics={"perplexity": perplexity(used).mean()},
        )

    @torch.no_grad()
    def _follow(self, wanted: Tensor, ids: Tensor, stream: RandomStream) -> None:
        """Update the moving averages, and restart dead entries at vectors of the batch of all processes.

        Args:
            wanted: Vectors ``[batch, length, width]`` of the encoder in this process.
            ids: ``[batch, length]`` nearest entry of each.
            stream: Noise of the rows of this process.
        """
        wanted, ids = everywhere(wanted), everywhere(ids)
        assigned = F.one_hot(ids, self.entries.shape[1]).to(wanted.dtype)
        self.counts.lerp_(assigned.sum(0), 1 - self.decay)
        self.sums.lerp_(torch.einsum("bls,blw->lsw", assigned, wanted), 1 - self.decay)
        mean = self.counts.mean(-1, keepdim=True)
        dead = self.counts < _DEAD * mean
        if dead.any():
            noise = everywhere(stream.fork("revival").uniform(1)[:, 0]).argsort()
            pick = noise[torch.arange(dead.numel(), device=ids.device) % len(noise)].view_as(dead)
            positions = torch.arange(self.length, device=ids.device).unsqueeze(1)
            revived = wanted[pick, positions]
            self.counts.copy_(torch.where(dead, mean.expand_as(self.counts), self.counts))
            self.sums.copy_(torch.where(dead.unsqueeze(-1), revived * mean.unsqueeze(-1), self.sums))
        self.entries.copy_(self.sums / self.counts.clamp_min(_EPSILON).unsqueeze(-1))
