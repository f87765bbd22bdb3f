"""A tree of documents: a code is the path from the root to a leaf, coarse to fine.

Every node chooses softly among its branches (Frosst & Hinton 2017), with the same estimators as words
(Gumbel-softmax and the others), and has a vector for each branch. The vectors on a path are summed, as in
residual quantization, so that every prefix of a path is itself a code. The logit of a dead branch, which
hardly any documents take, is raised until documents take it again.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from summgan.codes.codebook import perplexity
from summgan.codes.mixture import spherical_mixture
from summgan.networks.code import Bottleneck, Code, Source
from summgan.networks.estimators import draw_classes
from summgan.networks.processes import everywhere
from summgan.options.ranges import MOST_LEAVES
from summgan.randomness import RandomStream

_DECAY = 0.95  # decay of the moving average of usage
_DEAD = 0.1  # fraction of an equal share of the parent's documents below which a branch is dead
_LIFT = 0.1  # nats that the logit of a dead branch gains in a step


class TreeBottleneck(Bottleneck):
    """A tree in which every node above the leaves has ``branching`` branches.

    Nodes are numbered level by level: 0 is the root, and the branches of node ``n`` lead to the nodes from
    ``branching * n + 1`` to ``branching * (n + 1)``. Node ``n`` has row ``n - 1`` of every table.

    Args:
        hidden: Width of the states and of the vectors.
        branching: Number of branches of each node.
        depth: Number of branchings between the root and a leaf.

    Raises:
        ValueError: The tree has more than `MOST_LEAVES` leaves.
    """

    usage: Tensor
    lift: Tensor

    def __init__(self, hidden: int, branching: int, depth: int):
        super().__init__()
        if branching**depth > MOST_LEAVES:
            raise ValueError(
                f"A tree of {branching} ** {depth} leaves has more than {MOST_LEAVES}; "
                "use fewer branches or levels."
            )
        self.branching, self.depth = branching, depth
        self.levels = [branching**level for level in range(1, depth + 1)]
        self.inner = sum(self.levels) // branching  # nodes that branch
        share = torch.cat([torch.full((size,), 1 / size) for size in self.levels])
        self.gates = nn.Linear(hidden, len(share))
        self.table = nn.Parameter(torch.randn(len(share), hidden) / hidden**0.5)
        self.register_buffer("usage", share)
        self.register_buffer("lift", torch.zeros(len(share)))

    def forward(
        self,
        source: Source,
        stream: RandomStream | None = None,
        estimator: str = "straight-through",
        temperature: float = 1.0,
        units: Tensor | None = None,
    ) -> Code:
        """Draw a branch at every node, and follow the branches from the root; see `Bottleneck.forward`.

        States are ``[batch, 1, hidden]``. Nodes off the path are drawn too, since the gradient of a choice
        compares it with what would follow on the other branches. In training, dead branches are lifted.
        """
        logits = self.gates(source.states.squeeze(1)).float() + self.lift
        log_probs = logits.view(-1, self.inner, self.branching).log_softmax(-1)
        ids, drawn = draw_classes(log_probs, stream, "branch", estimator, temperature)
        path, nodes = self._follow(ids)
        on_path = log_probs.flatten(1).gather(1, nodes)
        members = self.members(drawn)
        if stream is not None and self.training:
            self._revive(torch.cat(self.members(log_probs.detach().exp()), 1).mean(0))
        tables = self.table.split(self.levels)
        return Code(
            vectors=torch.stack([m @ table for m, table in zip(members, tables, strict=True)], 1),
            mask=torch.ones_like(path),
            codes=path,
            probabilities=on_path.cumsum(-1).exp(),
            log_probs=on_path,
            metrics={"perplexity": perplexity(members[-1].detach().sum(0))},
        )

    def _follow(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Follow the path from the root.

        Args:
            ids: ``[batch, inner]`` branch drawn at every inner node.

        Returns:
            Branches on the path and the rows of their nodes in the tables, both ``[batch, depth]``.
        """
        node, path, rows = torch.zeros_like(ids[:, :1]), [], []
        for _ in range(self.depth):
            branch = ids.gather(1, node)
            rows.append(self.branching * node + branch)
            path.append(branch)
            node = rows[-1] + 1
        return torch.cat(path, 1), torch.cat(rows, 1)

    def members(self, branches: Tensor) -> list[Tensor]:
        """Membership in the nodes of each level, ``[batch, branching ** level]``, coarsest level first.

        Args:
            branches: ``[batch, inner, branching]`` weight of every branch at its node: its probability, or 0
                or 1 for a draw.
        """
        member, found, start = branches.new_ones(len(branches), 1), [], 0
        for size in self.levels:
            stop = start + size // self.branching
            member = (member.unsqueeze(-1) * branches[:, start:stop]).flatten(1)
            found.append(member)
            start = stop
        return found

    def vectors_of(self, paths: Tensor) -> Tensor:
        """Sum ``[paths, hidden]`` of the vectors on paths ``[paths, depth]``."""
        node = torch.zeros_like(paths[:, 0])
        total = self.table.new_zeros(len(paths), self.table.shape[1])
        for branch in paths.T:
            row = self.branching * node + branch
            total, node = total + self.table[row], row + 1
        return total

    @torch.no_grad()
    def _revive(self, share: Tensor) -> None:
        """Update the moving average of usage, and lift the dead branches.

        Args:
            share: ``[nodes]`` share of this process's documents at every node; all processes are averaged.
        """
        self.usage.lerp_(everywhere(share[None]).mean(0), 1 - _DECAY)
        parents = torch.cat([self.usage.new_ones(1), self.usage[: self.inner - 1]])
        fair = (parents / self.branching).repeat_interleave(self.branching)
        self.lift += _LIFT * (self.usage < _DEAD * fair)

    @torch.no_grad()
    def start(self, vectors: Tensor, seed: int) -> None:
        """Initialize the choice of each node to a mixture of its documents, splitting from the root down.

        Args:
            vectors: Unit vectors ``[documents, hidden]`` of all training documents.
            seed: Seed of the mixtures.
        """
        self.gates.bias.zero_()
        self.gates.weight.zero_()
        groups = [torch.arange(len(vectors))]
        for node in range(self.inner):
            mine = vectors[groups[node]]
            if len(mine) < self.branching:
                groups += [groups[node][:0]] * self.branching
                continue
            weights = spherical_mixture(mine, self.branching, seed)
            first = node * self.branching
            self.gates.weight[first : first + self.branching] = weights / vectors.shape[1] ** 0.5
            taken = (mine @ weights.T).argmax(-1)
            groups += [groups[node][taken == branch] for branch in range(self.branching)]
