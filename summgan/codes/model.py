"""`CodeAutoencoder`: a document's bag of words -> code -> the words of a document like it.

The encoder reads a bag of words by way of its principal directions, a bottleneck leaves a class, bits,
codebook entries or a path in a tree, and a linear softmax rebuilds the words of one of the most similar
documents (variational deep semantic hashing, Chaidaroon 2017; pairwise reconstruction, Hansen 2020). The bits
of a document and of a similar one shall agree (InfoNCE, van den Oord 2018).
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig

from summgan.codes.categorical import BinaryBottleneck, OneHotBottleneck
from summgan.codes.codebook import CodebookBottleneck
from summgan.codes.mixture import spherical_mixture
from summgan.codes.tree import TreeBottleneck
from summgan.model_folder import (
    LARGEST,
    WIDEST,
    CheckedModel,
    Wanted,
    check_dtype,
    check_fields,
    check_harmless,
)
from summgan.networks.code import Bottleneck, Code, Source
from summgan.networks.estimators import ESTIMATORS, leave_one_out
from summgan.randomness import RandomStream

_SAMPLES = 2  # of REINFORCE, whose baseline is the sibling's cost
_SHARPNESS = 5.0  # of the similarity of bits in their agreement
_TINY = 1e-8


class CodeConfig(PreTrainedConfig):
    """What is needed to build a `CodeAutoencoder` again.

    Args:
        kind: ``one-hot``, ``binary``, ``vq`` or ``tree``.
        size: Classes, bits, entries of a codebook, or branches of a node.
        length: Positions of VQ, or branchings on a path.
        hidden_size: Width of encoder and code vectors; one-hot and tree have that of the directions.
        vocabulary_size: Words of a bag.
        directions: Principal directions that the encoder reads.
        estimator: How the gradient passes through the code.
        agreement: Weight of the agreement of bits of similar documents.
        commitment: Weight of VQ's commitment.
    """

    model_type = "summgan-codes"
    fields: ClassVar[dict[str, Wanted]] = {
        "kind": ("one-hot", "binary", "vq", "tree"),
        "size": (int, 2, LARGEST),
        "length": (int, 1, WIDEST),
        "hidden_size": (int, 1, WIDEST),
        "vocabulary_size": (int, 1, LARGEST),
        "directions": (int, 1, WIDEST),
        "estimator": tuple(ESTIMATORS),
        "agreement": (float, 0, LARGEST),
        "commitment": (float, 0, LARGEST),
    }
    """What each field of ``config.json`` must be; all of them must be there."""

    def __init__(
        self,
        kind: str = "binary",
        size: int = 32,
        length: int = 8,
        hidden_size: int = 128,
        vocabulary_size: int = 10000,
        directions: int = 100,
        estimator: str = "straight-through",
        agreement: float = 1.0,
        commitment: float = 0.25,
        **kwargs,
    ):
        self.kind, self.size, self.length = kind, size, length
        self.hidden_size, self.vocabulary_size, self.directions = hidden_size, vocabulary_size, directions
        self.estimator, self.agreement, self.commitment = estimator, agreement, commitment
        super().__init__(**kwargs)

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs) -> CodeConfig:
        """A configuration from the fields of ``config.json``, as `SummGANConfig.from_dict`.

        Raises:
            SummGANError: A field is missing or cannot be, or the model is of another kind.
        """
        check_harmless(config_dict, cls.model_type)
        return super().from_dict(check_fields(config_dict, cls.fields) | check_dtype(config_dict), **kwargs)


class CodeAutoencoder(CheckedModel):
    """Encoder, bottleneck and reconstructor of whole documents."""

    config_class = CodeConfig
    noun = "code"
    advice = "Give the output_dir of a training with --code.kind one-hot, binary, vq or tree."

    projection: Tensor
    config: CodeConfig

    def __init__(self, config: CodeConfig):
        super().__init__(config)
        linear = config.kind in ("one-hot", "tree")  # in the directions, from a mixture
        hidden = config.directions if linear else config.hidden_size
        self.register_buffer("projection", torch.zeros(config.vocabulary_size, config.directions))
        layers = (nn.Linear(config.directions, hidden), nn.ReLU(), nn.Linear(hidden, hidden))
        self.encoder = nn.Identity() if linear else nn.Sequential(*layers)
        if config.kind == "vq":
            self.bottleneck: Bottleneck = CodebookBottleneck(hidden, config.size, config.length)
        elif config.kind == "tree":
            self.bottleneck = TreeBottleneck(hidden, config.size, config.length)
        elif linear:
            self.bottleneck = OneHotBottleneck(hidden, config.size)
        else:
            self.bottleneck = BinaryBottleneck(hidden, config.size)
        self.reconstructor = nn.Linear(hidden, config.vocabulary_size)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Layers keep torch's own initialisation."""

    def embed(self, bags: Tensor) -> Tensor:
        """Unit vectors ``[batch, directions]`` of bags ``[batch, words]``, before anything is discrete."""
        return F.normalize(bags @ self.projection, dim=-1)

    @torch.no_grad()
    def start(self, bags: Tensor, seed: int) -> None:
        """Where training begins: biases of the words' frequencies, and one-hot's classes of a mixture.

        Args:
            bags: ``[documents, words]`` of all documents.
            seed: Seed of the mixture.
        """
        share = bags / bags.sum(1, keepdim=True).clamp_min(_TINY)
        self.reconstructor.bias.copy_((share.mean(0) + 1e-6).log())
        if isinstance(self.bottleneck, OneHotBottleneck):
            weights = spherical_mixture(self.embed(bags), self.config.size, seed)
            self.bottleneck.logits.weight.copy_(weights / self.config.directions**0.5)
            self.bottleneck.logits.bias.zero_()
        if isinstance(self.bottleneck, TreeBottleneck):
            self.bottleneck.start(self.embed(bags), seed)

    def encode(self, bags: Tensor, stream: RandomStream | None = None, temperature: float = 1.0) -> Code:
        """The code of bags ``[batch, words]``; with a stream, as in training."""
        states = self.encoder(self.embed(bags) * self.config.directions**0.5).unsqueeze(1)
        source = Source(states, torch.ones(states.shape[:2], dtype=torch.long, device=bags.device))
        return self.bottleneck(source, stream, self.config.estimator, temperature)

    def rebuild(self, code: Code, bags: Tensor) -> Tensor:
        """Cross-entropy ``[batch]`` in nats per word of bags, whose weights are TF-IDF."""
        vectors = code.vectors * code.mask[..., None]
        return self._cost(vectors.sum(1), bags)

    def rebuild_prefixes(self, code: Code, bags: Tensor) -> Tensor:
        """`rebuild` from the first position of the code, the first two, and so on: ``[batch, length]``."""
        prefixes = code.vectors.cumsum(1).unbind(1)
        return torch.stack([self._cost(prefix, bags) for prefix in prefixes], 1)

    def path_vectors(self, paths: Tensor) -> Tensor:
        """What paths ``[paths, depth]`` in a tree are rebuilt from, ``[paths, hidden]``."""
        tree = self.bottleneck
        assert isinstance(tree, TreeBottleneck)
        return tree.vectors_of(paths.to(self.device))

    def _cost(self, vectors: Tensor, bags: Tensor) -> Tensor:
        log_probs = self.reconstructor(vectors).float().log_softmax(-1)
        share = bags / bags.sum(-1, keepdim=True).clamp_min(_TINY)
        return -(share * log_probs).sum(-1)

    def forward(
        self, bags: Tensor, similar: Tensor, stream: RandomStream, temperature: float
    ) -> dict[str, Tensor]:
        """Losses by name, of which ``total`` is trained.

        Args:
            bags: ``[batch, words]``.
            similar: ``[batch, words]`` bag of a document that is similar to each.
            stream: Noise of the rows.
            temperature: Temperature of the draw.
        """
        config = self.config
        code = self.encode(bags, stream, temperature)
        if config.kind == "tree":
            costs = self._cost(random_prefix(code, stream.fork("prefix")), similar)
        else:
            costs = self.rebuild(code, similar)
        terms = {"reconstruction": costs.mean()}
        total = terms["reconstruction"]
        if config.estimator == "reinforce":
            total = total + self._score_term(bags, similar, stream, temperature)
        if config.kind == "binary" and config.agreement > 0:
            other = self.encode(similar, stream.fork("neighbour"), temperature)
            terms["agreement"] = bit_agreement(code.given("probabilities"), other.given("probabilities"))
            total = total + config.agreement * terms["agreement"]
        if code.penalty is not None:
            terms["commitment"] = code.penalty
            total = total + config.commitment * code.penalty
        return {"total": total} | terms | code.metrics

    def _score_term(self, bags: Tensor, similar: Tensor, stream: RandomStream, temperature: float) -> Tensor:
        """REINFORCE: its gradient is that of the expected cost; its value means nothing."""
        often = bags.repeat_interleave(_SAMPLES, 0), similar.repeat_interleave(_SAMPLES, 0)
        code = self.encode(often[0], stream.fork("samples").repeat(_SAMPLES), temperature)
        costs = self.rebuild(code, often[1]).view(-1, _SAMPLES)
        advantages = leave_one_out(costs).view(-1)
        return (advantages * code.given("log_probs").sum(-1)).mean()


def random_prefix(code: Code, stream: RandomStream) -> Tensor:
    """Sum ``[batch, hidden]`` of as many first vectors of a code as is drawn, all lengths being as likely.

    So every prefix learns to rebuild (nested dropout, Rippel 2014).
    """
    prefixes = code.vectors.cumsum(1)
    lengths = (stream.uniform(1) * prefixes.shape[1]).long()
    return prefixes.take_along_dim(lengths.unsqueeze(-1), 1).squeeze(1)


def bit_agreement(first: Tensor, second: Tensor) -> Tensor:
    """The similar document is found in the batch by its bits (InfoNCE, van den Oord 2018).

    Args:
        first: Bit probabilities ``[batch, bits]``.
        second: Probabilities of the similar documents, of the same shape.
    """
    signs = [2 * p - 1 + (torch.sign(p - 0.5) - 2 * p + 1).detach() for p in (first, second)]
    similarity = _SHARPNESS * signs[0] @ signs[1].T / first.shape[-1]
    return F.cross_entropy(similarity, torch.arange(len(first), device=first.device))
