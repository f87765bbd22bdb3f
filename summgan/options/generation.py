"""How a trained model writes: options of a call, from Python and from the command line."""

from __future__ import annotations

from dataclasses import dataclass

from jsonargparse.typing import NonNegativeFloat

from summgan.errors import SummGANError
from summgan.options.ranges import UpTo256, UpTo65536, checked


@dataclass(frozen=True)
class SummarizerOptions:
    """How summaries are written, from Python and by the command."""

    max_words: UpTo256 | None = None
    """Largest number of words (characters in scripts without spaces); by default nine in ten human sentences
    have no more."""
    min_words: UpTo256 | None = None
    """Smallest number of words (characters); by default nine in ten human sentences have no fewer."""
    num_beams: UpTo256 = 4
    """Width of a decoder's beam search, where 1 is greedy; paths are searched exactly."""
    num_candidates: UpTo256 = 4
    """Number of summaries of different lengths that a decoder writes of each document; the best one
    is kept."""
    channel_weight: NonNegativeFloat | None = None
    """Weight of the reconstruction in the choice among candidates of a decoder; by default that of the
    model."""
    reconstruct: bool = False
    """Also write what the reconstructor makes of the summary."""
    batch_size: UpTo65536 = 32
    """Number of documents at a time, which makes no difference to the summaries."""

    def check(self) -> SummarizerOptions:
        """The same options as plain numbers.

        Raises:
            SummGANError: Naming an option that is of another type or out of range.
        """
        options = checked(self)
        if options.max_words and options.min_words and options.min_words > options.max_words:
            raise SummGANError(
                f"min_words ({options.min_words}) is more than max_words ({options.max_words})."
            )
        return options
