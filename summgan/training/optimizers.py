"""The optimizers of a run and the parameters of each."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

_BETAS = (0.9, 0.98)


def own_parameters(networks: Mapping[str, torch.nn.Module]) -> dict[str, list[Tensor]]:
    """List the parameters of each network; a shared parameter belongs to the first network that has it."""
    seen: set[int] = set()
    own: dict[str, list[Tensor]] = {}
    for name, network in networks.items():
        own[name] = [p for p in network.parameters() if id(p) not in seen]
        seen |= {id(p) for p in own[name]}
    return own


def make_optimizer(parameters: list[Tensor], weight_decay: float) -> torch.optim.AdamW:
    """Make an AdamW at learning rate 0, which the trainer sets; biases and scales have no weight decay."""
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=_BETAS)


def all_finite(model: torch.nn.Module) -> bool:
    """Whether all tensors of a model's state dict are finite."""
    return all(bool(torch.isfinite(tensor).all()) for tensor in model.state_dict().values())
