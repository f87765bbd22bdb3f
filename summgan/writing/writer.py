"""`Writer`: the base class of what writes summaries behind `Summarizer`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from summgan.errors import SummGANError
from summgan.options.generation import SummarizerOptions
from summgan.writing.summary import Summary

Answer = Summary | SummGANError
"""Summary of a text, or the error that says why it has none."""
OnDone = Callable[[int], None]
"""Called with the number of texts that have just been answered."""


def tell_nobody(count: int) -> None:
    """An `OnDone` that does nothing."""


class Writer(ABC):
    """Writes summaries of texts that the model reads at once.

    Attributes:
        model: Trained model.
        tokenizer: Tokenizer of the model.
        room: Largest size of a text, in pieces as `size` counts them.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    room: int

    @abstractmethod
    def size(self, text: str) -> int:
        """Number of pieces of a text."""

    @abstractmethod
    def length_range(self, options: SummarizerOptions) -> tuple[int, int]:
        """Smallest and largest number of units of a summary with these options."""

    @abstractmethod
    def __call__(
        self,
        texts: Sequence[str],
        options: SummarizerOptions,
        on_done: OnDone = tell_nobody,
        drafts: bool = False,
    ) -> list[Answer]:
        """Summarize texts in batches of similar length.

        Args:
            texts: Texts to summarize.
            options: Checked options.
            on_done: Called after each batch.
            drafts: Whether the text of a summary is enough, without loss, reconstruction or human-likeness.

        Returns:
            One answer for each text, in order.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write all that is needed to load the model again to a folder."""
