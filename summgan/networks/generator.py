"""`Generator`: what summaries come from, the first network of the flow.

It reads a document (`encode`), draws a summary that carries a gradient in training (`draw`), and writes
candidates of several lengths in use (`write`). `reconstructor.py` reads what it draws and `discriminator.py`
judges it. `decoder_generator.py` implements it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from summgan.errors import SummGANError
from summgan.networks.architecture import HumanLengths, SummGANConfig
from summgan.networks.code import Code, Source
from summgan.networks.estimators import sample_categorical
from summgan.networks.salience import Salience
from summgan.randomness import RandomStream
from summgan.text.units import LengthTable


@dataclass(frozen=True)
class Writing:
    """How candidates are written. A generator has no use for an option of another way to write.

    Attributes:
        num_beams: Width of the beam search; 1 is greedy.
        per_length: Most candidates of each length.
        no_repeat_bigrams: Whether no two pieces may stand in a row twice.
        decoding: Further options of transformers' ``generate``, such as ``do_sample``.
    """

    num_beams: int = 1
    per_length: int = 1
    no_repeat_bigrams: bool = False
    decoding: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidates:
    """Summaries, of which each document may have several. Those of one document stand together.

    Attributes:
        words: ``[candidates, length]`` pieces, ended, and filled up with special pieces.
        mask: ``[candidates, length]``, 1 up to and including the first end piece.
        rows: ``[candidates]`` which document each is of.
        scores: ``[candidates]`` how good the generator finds each, in nats; comparable within a document.
    """

    words: Tensor
    mask: Tensor
    rows: list[int]
    scores: Tensor


class Generator(nn.Module, ABC):
    """Document to summary. A new one implements the six abstract methods, and takes these two arguments.

    Args:
        config: Configuration of the whole model.
        embedding: The table of word embeddings that generator and reconstructor share.

    Attributes:
        tables: The least number of each buffer of vocabulary ids; a loaded model is checked for them.
    """

    tables: ClassVar[dict[str, int]] = {}

    def __init__(self, config: SummGANConfig, embedding: nn.Embedding):
        super().__init__()
        self.config = config

    @property
    def longest_document(self) -> int:
        """Pieces of a document that can be summarized at once."""
        return self.config.window

    @abstractmethod
    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Source:
        """States of documents, or of windows of long ones; both arguments are ``[batch, source]``."""

    @abstractmethod
    def length_log_probs(self, source: Source) -> Tensor:
        """Log-probabilities ``[batch, lengths]`` of a summary's length in units, from 0 on.

        Minus infinity for lengths that cannot be, such as 0 and those beyond the document's own.
        """

    @abstractmethod
    def draw(
        self,
        source: Source,
        units: Tensor,
        stream: RandomStream,
        estimator: str = "straight-through",
        temperature: float = 1.0,
    ) -> Code:
        """Draw the words of a summary for every document, and give them a gradient.

        Args:
            source: The documents.
            units: ``[batch]`` exact lengths that are wanted.
            stream: Noise of the draw and of the estimator.
            estimator: A key of `ESTIMATORS`.
            temperature: Temperature of the relaxation.

        Returns:
            A `Code` with ``words`` and ``one_hot``, and with ``log_probs`` for estimators in `REWARDED`.
        """

    @abstractmethod
    def write(
        self, source: Source, lengths: Sequence[Sequence[int]], writing: Writing | None = None
    ) -> Candidates:
        """Write the best summaries of every document.

        Args:
            source: The documents.
            lengths: Lengths in units that are wanted of each document. There is at least one candidate of
                each, in this order.
            writing: How; by default as `Writing` has it.
        """

    @abstractmethod
    def log_likelihood(
        self, source: Source, words: Tensor, mask: Tensor, weights: Tensor | None = None
    ) -> Tensor:
        """Log-probability ``[batch]`` of given summaries.

        Args:
            source: The documents.
            words: ``[batch, length]`` pieces, the end piece included.
            mask: ``[batch, length]``, 1 where a piece is real.
            weights: ``[batch, length]`` of the pieces in the sum; by default the mask.
        """

    @abstractmethod
    def imitation_loss(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        words: Tensor,
        words_mask: Tensor,
        supported: Tensor | None = None,
    ) -> Tensor:
        """Loss per piece ``[batch]`` of writing given words for a text.

        It is used wherever a human sentence is the answer: in denoising, its anchor, and the back cycle.

        Args:
            input_ids: ``[batch, source]``.
            attention_mask: ``[batch, source]``.
            words: ``[batch, length]``.
            words_mask: ``[batch, length]``.
            supported: ``[batch, length]``, 0 for words that cannot be known from the text, which are given
                but not asked for; all are asked for by default.
        """

    @torch.no_grad()
    def draw_units(self, source: Source, stream: RandomStream) -> Tensor:
        """A length ``[batch]`` for the summary of every document."""
        return sample_categorical(self.length_log_probs(source), stream.uniform(1)[:, 0])

    def salience(self, source_ids: Tensor) -> Tensor:
        """How much each place of documents says, for the content term; both are ``[batch, source]``.

        Raises:
            SummGANError: The generator keeps no salience, as here.
        """
        raise SummGANError(
            f"A {type(self).__name__} keeps no salience: set --training.loss_weights.content to 0."
        )

    def take_weights(self, backbone: PreTrainedModel) -> None:
        """Take over a pretrained sequence-to-sequence model, as far as it is of use; here it is not."""

    def set_lengths(self, table: LengthTable) -> None:
        """Take over the lengths of a vocabulary's pieces, if they are of use; here they are not."""

    def check_pieces(self, pieces: Sequence[str]) -> None:
        """Refuse the pieces of a tokenizer that is not the model's, if that can be known; here it cannot.

        Raises:
            SummGANError: They are of another vocabulary.
        """

    def set_human_lengths(self, lengths: HumanLengths) -> None:
        """Take over how long human sentences are, beyond what the configuration says; here nothing is."""

    def set_salience(self, salience: Salience) -> None:
        """Take over what says much where, counted in the two piles, if it is of use; here it is not."""
