"""The contract between a document's encoder and the reconstructor: a `Code`.

A bottleneck turns the states of a document into a discrete code. Whatever kind it is, the
reconstructor reads ``vectors``; only codes made of words have ``words`` and can be judged by the
discriminator or scored with ROUGE.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class Source:
    """An encoded document.

    Attributes:
        input_ids: ``[batch, source]`` vocabulary ids.
        mask: ``[batch, source]``, 1 where a token is real.
        states: ``[batch, source, hidden]`` encoder states.
    """

    input_ids: Tensor
    mask: Tensor
    states: Tensor

    def repeat(self, times: int) -> Source:
        """Every document taken ``times`` times in a row."""
        tensors = (self.input_ids, self.mask, self.states)
        return Source(*(tensor.repeat_interleave(times, dim=0) for tensor in tensors))

    def take(self, rows: list[int]) -> Source:
        """The documents at these places, each as often as its place is named."""
        return Source(*(tensor[rows] for tensor in (self.input_ids, self.mask, self.states)))


@dataclass(frozen=True)
class Code:
    """What is left of a document in the middle.

    Attributes:
        vectors: ``[batch, length, hidden]``, read by the reconstructor as ``inputs_embeds``.
        mask: ``[batch, length]``, 1 where a position is real.
        words: ``[batch, length]`` vocabulary ids (the end token included), or None when the code
            is not readable.
        one_hot: ``[batch, length, vocabulary]``, the words in the forward pass, differentiable in
            the backward pass as the estimator has it; or None.
        log_probs: ``[batch, length]``, log-probability of each drawn word, for score-function
            estimators; or None.
        codes: ``[batch, length]`` class or codebook ids, or bits, of a code that is not made of words;
            or None.
        probabilities: ``[batch, 1, classes]`` or ``[batch, bits]`` that those were drawn from, or None.
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


class Bottleneck(Protocol):
    """Anything that makes a `Code` of an encoded document."""

    def __call__(self, source: Source, *args, **kwargs) -> Code:
        """Draw the code of every document."""
