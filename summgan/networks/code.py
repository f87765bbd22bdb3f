"""The contract between encoder and reconstructor: a `Bottleneck` turns a `Source` into a `Code`.

The reconstructor reads the ``vectors`` of any code. Only a code made of words can be read by people, judged
by the discriminator and scored with ROUGE.
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
        input_ids: ``[batch, source]`` ids of the pieces; None if the encoder reads no pieces, such as that of
            a bag of words.
    """

    states: Tensor
    mask: Tensor
    input_ids: Tensor | None = None

    @property
    def ids(self) -> Tensor:
        """The ``input_ids``, for callers that need them.

        Raises:
            ValueError: The documents have no pieces.
        """
        if self.input_ids is None:
            raise ValueError("These documents were not encoded from pieces: there are no ids to copy from.")
        return self.input_ids

    def repeat(self, times: int) -> Source:
        """Repeat every document ``times`` times in a row."""
        ids = None if self.input_ids is None else self.input_ids.repeat_interleave(times, dim=0)
        states, mask = (t.repeat_interleave(times, dim=0) for t in (self.states, self.mask))
        return Source(states, mask, ids)

    def take(self, rows: list[int]) -> Source:
        """Select rows of the batch; a row may be selected several times."""
        ids = None if self.input_ids is None else self.input_ids[rows]
        return Source(self.states[rows], self.mask[rows], ids)


@dataclass(frozen=True)
class Code:
    """Discrete codes of documents: the output of a bottleneck and the input of the reconstructor.

    Attributes:
        vectors: ``[batch, length, hidden]``, which the reconstructor reads.
        mask: ``[batch, length]``, 1 where a position is real.
        words: ``[batch, length]`` vocabulary ids, the end piece included; None if the code has no words.
        one_hot: ``[batch, length, vocabulary]``, the one-hot words, with the estimator's gradient; or None.
        log_probs: ``[batch, length]`` log-probability of each drawn word, for score-function estimators; or
            None.
        codes: ``[batch, length]`` classes, codebook entries, bits or branches of a tree; None for words.
        probabilities: Those of the classes ``[batch, 1, classes]``, of the bits ``[batch, bits]`` or of the
            nodes on a path in a tree ``[batch, length]``; or None.
        penalty: Scalar to add to the loss, such as the commitment penalty; or None.
        metrics: Named scalars for the log.
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
        """Return an optional field, for callers that need it.

        Raises:
            ValueError: The field is None.
        """
        value = getattr(self, name)
        if value is None:
            raise ValueError(
                f"This code has no {name}: the bottleneck or generator that makes it must set them."
            )
        return value


class Bottleneck(nn.Module, ABC):
    """Turns encoded documents into a `Code`: words, a class, bits, codebook entries or a path."""

    @abstractmethod
    def forward(
        self,
        source: Source,
        stream: RandomStream | None = None,
        estimator: str = "straight-through",
        temperature: float = 1.0,
        units: Tensor | None = None,
    ) -> Code:
        """Draw the code of every document, with a gradient.

        Args:
            source: The documents.
            stream: Noise of the draw and of the estimator; None takes the likeliest code.
            estimator: Estimator of the gradient through the draw, a key of `ESTIMATORS`.
            temperature: Temperature of the relaxation.
            units: ``[batch]`` exact lengths of codes made of words, in units; other codes ignore them, since
                their length is fixed.
        """
