"""`CodeAutoencoder`: bag of words of a document -> code -> words of a similar document.

The encoder reads the bag's projection on its principal directions. The bottleneck makes a class, bits,
codebook entries or a path in a tree of it. A linear softmax rebuilds the words of one of the most similar
documents (variational deep semantic hashing, Chaidaroon 2017; pairwise reconstruction, Hansen 2020). For
binary codes, a further loss makes the bits of similar documents agree (InfoNCE, van den Oord 2018).
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

_SAMPLES = 2  # draws per document for REINFORCE; the baseline of each is the other's cost
_SHARPNESS = 5.0  # inverse temperature of the similarities in `bit_agreement`
_TINY = 1e-8


class CodeConfig(PreTrainedConfig):
    """Configuration of a `CodeAutoencoder`.

    Args:
        kind: ``one-hot``, ``binary``, ``vq`` or ``tree``.
        size: Number of classes, bits, entries of each codebook, or branches of each node.
        length: Number of positions (VQ) or depth of the tree.
        hidden_size: Width of encoder and code vectors; one-hot and tree codes use ``directions`` instead.
        vocabulary_size: Number of words in the bag's vocabulary.
        directions: Number of principal directions that the encoder reads.
        estimator: Estimator of the gradient through the code, a key of `ESTIMATORS`.
        agreement: Weight of `bit_agreement`, for binary codes.
        commitment: Weight of the commitment penalty, for VQ.
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
    """Type and range of each field of ``config.json``; all fields are required."""

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
        """Build a configuration from the fields of ``config.json``; see `SummGANConfig.from_dict`.

        Raises:
            SummGANError: A field is missing or has an impossible value, or the model is of another kind.
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
        linear = config.kind in ("one-hot", "tree")  # logits are linear in the directions, from a mixture
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
        """Project bags ``[batch, words]`` to unit vectors ``[batch, directions]``."""
        return F.normalize(bags @ self.projection, dim=-1)

    @torch.no_grad()
    def start(self, bags: Tensor, seed: int) -> None:
        """Initialize biases to log word frequencies, and one-hot classes or tree branches to a mixture.

        Args:
            bags: ``[documents, words]`` of all training documents.
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
        """Encode bags ``[batch, words]``: the likeliest code, or with a ``stream`` a draw as in training."""
        states = self.encoder(self.embed(bags) * self.config.directions**0.5).unsqueeze(1)
        source = Source(states, torch.ones(states.shape[:2], dtype=torch.long, device=bags.device))
        return self.bottleneck(source, stream, self.config.estimator, temperature)

    def rebuild(self, code: Code, bags: Tensor) -> Tensor:
        """Cross-entropy ``[batch]`` of rebuilding bags ``[batch, words]`` from their code, in nats per word.

        Words count by their share of the bag's TF-IDF.
        """
        vectors = code.vectors * code.mask[..., None]
        return self._cost(vectors.sum(1), bags)

    def rebuild_prefixes(self, code: Code, bags: Tensor) -> Tensor:
        """`rebuild` from every prefix of the code, shortest first: ``[batch, length]``."""
        prefixes = code.vectors.cumsum(1).unbind(1)
        return torch.stack([self._cost(prefix, bags) for prefix in prefixes], 1)

    def path_vectors(self, paths: Tensor) -> Tensor:
        """Vectors ``[paths, hidden]`` that the reconstructor reads for paths ``[paths, depth]`` in a tree."""
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
        """Compute the losses by name; training minimizes ``total``.

        Args:
            bags: ``[batch, words]``.
            similar: ``[batch, words]`` bag of a document similar to each.
            stream: Noise of the rows.
            temperature: Temperature of the draw.

        Returns:
            Scalars: ``total``, the unweighted terms, and metrics of the bottleneck.
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
        """REINFORCE term: its gradient is that of the expected cost; its value is arbitrary."""
        repeated = bags.repeat_interleave(_SAMPLES, 0), similar.repeat_interleave(_SAMPLES, 0)
        code = self.encode(repeated[0], stream.fork("samples").repeat(_SAMPLES), temperature)
        costs = self.rebuild(code, repeated[1]).view(-1, _SAMPLES)
        advantages = leave_one_out(costs).view(-1)
        return (advantages * code.given("log_probs").sum(-1)).mean()


def random_prefix(code: Code, stream: RandomStream) -> Tensor:
    """Sum ``[batch, hidden]`` of the vectors of a prefix whose length is drawn uniformly from 1 to all.

    So every prefix learns to rebuild (nested dropout, Rippel 2014).
    """
    prefixes = code.vectors.cumsum(1)
    lengths = (stream.uniform(1) * prefixes.shape[1]).long()
    return prefixes.take_along_dim(lengths.unsqueeze(-1), 1).squeeze(1)


def bit_agreement(first: Tensor, second: Tensor) -> Tensor:
    """Cross-entropy of finding each row's similar document in the batch by its bits (InfoNCE).

    Source: van den Oord 2018, equation 4, with the inner product of bits in {-1, 1} as the score.

    Args:
        first: Bit probabilities ``[batch, bits]`` of the documents.
        second: Bit probabilities ``[batch, bits]`` of the similar documents.

    Returns:
        A scalar, in nats.
    """
    signs = [2 * p - 1 + (torch.sign(p - 0.5) - 2 * p + 1).detach() for p in (first, second)]
    similarity = _SHARPNESS * signs[0] @ signs[1].T / first.shape[-1]
    return F.cross_entropy(similarity, torch.arange(len(first), device=first.device))
