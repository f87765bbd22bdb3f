"""`Writer`: what writes the summaries of texts that a model reads at once, behind `Summarizer`."""

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
"""Called with the number of texts that have just got their answer."""


def tell_nobody(count: int) -> None:
    """An `OnDone` for which nobody waits."""


class Writer(ABC):
    """Writes the summaries of texts of no more than `room`, as `size` counts.

    Attributes:
        model: The model that writes.
        tokenizer: Its tokenizer.
        room: The largest size of a text that the model reads at once.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    room: int

    @abstractmethod
    def size(self, text: str) -> int:
        """Size of a text in pieces."""

    @abstractmethod
    def length_range(self, options: SummarizerOptions) -> tuple[int, int]:
        """Smallest and largest number of units of a summary that a call allows."""

    @abstractmethod
    def __call__(
        self,
        texts: Sequence[str],
        options: SummarizerOptions,
        on_done: OnDone = tell_nobody,
        drafts: bool = False,
    ) -> list[Answer]:
        """One answer for every text, made in batches of similar length.

        Args:
            texts: Texts to summarize.
            options: Options that are checked already.
            on_done: Called after each batch.
            drafts: Whether the text of the summary is enough, with no judgement, loss or reconstruction.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write all that is needed to load the model again."""
