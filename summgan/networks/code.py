"""The contract between a document's encoder and the reconstructor: a `Bottleneck` leaves a `Code`.

Whatever kind a code is, the reconstructor reads its ``vectors``. Only a code made of words can be read by
people, judged by the discriminator, and scored with ROUGE.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from summgan.randomness import RandomStream


@dataclass(frozen=True)
class Source:
    """Encoded documents.

    Attributes:
        states: ``[batch, source, hidden]`` encoder states.
        mask: ``[batch, source]``, 1 where a state is real.
        input_ids: ``[batch, source]`` vocabulary ids of the states; None where the encoder reads no pieces,
            such as the encoder of a bag of words.
    """

    states: Tensor
    mask: Tensor
    input_ids: Tensor | None = None

    @property
    def ids(self) -> Tensor:
        """``input_ids`` of documents that have pieces.

        Raises:
            ValueError: The documents have no pieces.
        """
        if self.input_ids is None:
            raise ValueError("These documents were not encoded from pieces, so there are no ids to copy.")
        return self.input_ids

    def repeat(self, times: int) -> Source:
        """Repeat every document ``times`` times in a row."""
        ids = None if self.input_ids is None else self.input_ids.repeat_interleave(times, dim=0)
        states, mask = (t.repeat_interleave(times, dim=0) for t in (self.states, self.mask))
        return Source(states, mask, ids)

    def take(self, rows: list[int]) -> Source:
        """Take the documents at these places, each as often as its place is named."""
        ids = None if self.input_ids is None else self.input_ids[rows]
        return Source(self.states[rows], self.mask[rows], ids)


@dataclass(frozen=True)
class Code:
    """What is left of documents in the middle.

    Attributes:
        vectors: ``[batch, length, hidden]``, read by the reconstructor as ``inputs_embeds``.
        mask: ``[batch, length]``, 1 where a position is real.
        words: ``[batch, length]`` vocabulary ids, the end piece included; None when the code is not of words.
        one_hot: ``[batch, length, vocabulary]``, the words in the forward pass, differentiable in
            the backward pass as the estimator has it; or None.
        log_probs: ``[batch, length]``, log-probability of each drawn word, for score-function
            estimators; or None.
        codes: ``[batch, length]`` class or codebook ids, bits, or branches of a tree, of a code that is not
            made of words; or None.
        probabilities: ``[batch, 1, classes]`` or ``[batch, bits]`` that those were drawn from,
            ``[batch, length]`` of the nodes on a path in a tree, or None.
        penalty: Scalar to be added to the loss (commitment and the like), or None.
        metrics: Scalars worth a log line.
    """

    vectors: Tensor
    mask: Tensor
    words: Tensor | None = None
    one_hot: Tensor | None = None
    log_probs: Tensor | None = None
    codes: Tensor | None = None
    probabilities: Tensor | None = None
    penalty: Tensor | None = None
    metrics: dict[str, Tensor] = field(default_factory=dict)

    def given(self, name: Literal["words", "one_hot", "log_probs", "codes", "probabilities"]) -> Tensor:
        """A field that some codes lack, for those who cannot do without it.

        Raises:
            ValueError: This code lacks the field.
        """
        value = getattr(self, name)
        if value is None:
            raise ValueError(
                f"This code has no {name}: the bottleneck or generator that makes it must give them."
            )
        return value


class Bottleneck(nn.Module, ABC):
    """Makes a `Code` of encoded documents: words, a class, bits, entries of a codebook, or a path."""

    @abstractmethod
    def forward(
        self,
        source: Source,
        stream: RandomStream | None = None,
        estimator: str = "straight-through",
        temperature: float = 1.0,
        units: Tensor | None = None,
    ) -> Code:
        """Draw the code of every document and give it a gradient.

        Args:
            source: The documents.
            stream: Noise of the draw and of the estimator; None takes the likeliest code.
            estimator: A key of `ESTIMATORS`: how the gradient passes through what is drawn.
            temperature: Temperature of the relaxation.
            units: ``[batch]`` wanted exact lengths of a code made of words; other codes ignore them, as their
                length is fixed.
        """
