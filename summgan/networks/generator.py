"""`Generator`: the abstract base of networks that write summaries word by word.

A generator reads a document (`encode`), draws a summary with a gradient in training (`draw`), and writes
candidates of several lengths in use (`write`). The reconstructor reads and the discriminator judges its
summaries. `decoder_generator.py` implements it.
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
    """Options of writing; a generator ignores those that it cannot use.

    Attributes:
        num_beams: Number of beams; 1 is greedy search.
        per_length: Largest number of candidates of each length.
        no_repeat_bigrams: Whether to forbid repeating a pair of consecutive pieces.
        decoding: Further options of transformers' ``generate``, such as ``do_sample``.
    """

    num_beams: int = 1
    per_length: int = 1
    no_repeat_bigrams: bool = False
    decoding: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidates:
    """Candidate summaries, one or more of each document; those of one document are consecutive.

    Attributes:
        words: ``[candidates, length]`` pieces, ended by the end piece and padded.
        mask: ``[candidates, length]``, 1 up to and including the first end piece.
        rows: ``[candidates]`` row of each candidate's document.
        scores: ``[candidates]`` score by the generator, in nats; comparable within a document.
    """

    words: Tensor
    mask: Tensor
    rows: list[int]
    scores: Tensor


class Generator(nn.Module, ABC):
    """Abstract base of generators. A subclass takes these arguments and implements six methods.

    Args:
        config: Configuration of the whole model.
        embedding: Table of word embeddings, shared by generator and reconstructor.

    Attributes:
        tables: Smallest valid value of each buffer that holds ids or counts; checked when a model is loaded.
    """

    tables: ClassVar[dict[str, int]] = {}

    def __init__(self, config: SummGANConfig, embedding: nn.Embedding):
        super().__init__()
        self.config = config

    @property
    def longest_document(self) -> int:
        """Largest number of pieces of a document that is summarized in one window."""
        return self.config.window

    @abstractmethod
    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Source:
        """Encode documents, or windows of long ones; both arguments are ``[batch, source]``."""

    @abstractmethod
    def length_log_probs(self, source: Source) -> Tensor:
        """Log-probabilities ``[batch, lengths]`` of a summary's length in units, from 0.

        They are minus infinity for impossible lengths, such as 0 and more than that of the document.
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
        """Draw the words of a summary for every document, with a gradient.

        Args:
            source: The documents.
            units: ``[batch]`` exact lengths, in units.
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
            lengths: Wanted lengths of each document's summaries, in units.
            writing: Options of writing; by default those of `Writing`.

        Returns:
            At least one candidate of each length, in the order of ``lengths``.
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
            weights: ``[batch, length]`` weight of each piece in the sum; by default the mask.
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

        It serves every loss whose target is known: denoising, extraction and the back cycle.

        Args:
            input_ids: ``[batch, source]`` pieces of the text.
            attention_mask: ``[batch, source]``.
            words: ``[batch, length]`` pieces to write.
            words_mask: ``[batch, length]``.
            supported: ``[batch, length]``, 0 for pieces that cannot be known from the text: they are fed to
                the decoder, but their loss does not count. By default all count.
        """

    @torch.no_grad()
    def draw_units(self, source: Source, stream: RandomStream) -> Tensor:
        """Draw the length ``[batch]`` of every document's summary, in units."""
        return sample_categorical(self.length_log_probs(source), stream.uniform(1)[:, 0])

    def salience(self, source_ids: Tensor) -> Tensor:
        """Salience of each place of documents, for the content term; argument and result ``[batch, source]``.

        Raises:
            SummGANError: The generator stores no salience, which is the default.
        """
        raise SummGANError(
            f"A {type(self).__name__} stores no salience: set --training.loss_weights.content to 0."
        )

    def take_weights(self, backbone: PreTrainedModel) -> None:
        """Copy weights of a pretrained sequence-to-sequence model; the default ignores them."""

    def set_lengths(self, table: LengthTable) -> None:
        """Store the lengths of a vocabulary's pieces; the default ignores them."""

    def check_pieces(self, pieces: Sequence[str]) -> None:
        """Check that a tokenizer's pieces are those of the model; the default checks nothing.

        Raises:
            SummGANError: The pieces are of another vocabulary.
        """

    def set_human_lengths(self, lengths: HumanLengths) -> None:
        """Store the lengths of human sentences; the default ignores them, as the configuration has them."""

    def set_salience(self, salience: Salience) -> None:
        """Store the salience counted in the training text; the default ignores it."""
