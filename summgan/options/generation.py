"""Options of a call that writes summaries, from Python and from the command line."""

from __future__ import annotations

from dataclasses import dataclass

from jsonargparse.typing import NonNegativeFloat

from summgan.errors import SummGANError
from summgan.options.ranges import UpTo256, UpTo65536, checked


@dataclass(frozen=True)
class SummarizerOptions:
    """How a trained model writes summaries."""

    max_words: UpTo256 | None = None
    """Largest number of words (characters in scripts without spaces); by default, that nine in ten human
    sentences do not exceed (for paths, 97 in 100)."""
    min_words: UpTo256 | None = None
    """Smallest number of words (characters); by default, that nine in ten human sentences reach."""
    num_beams: UpTo256 = 4
    """Width of a decoder's beam search; 1 is greedy. Paths are searched exactly."""
    num_candidates: UpTo256 = 4
    """Number of candidates of different lengths that a decoder writes of each document; the best is kept."""
    channel_weight: NonNegativeFloat | None = None
    """Weight of the reconstruction in a decoder's choice among candidates; by default, that of the model."""
    reconstruct: bool = False
    """Whether to also write the document that the reconstructor makes of the summary."""
    batch_size: UpTo65536 = 32
    """Number of documents in a batch; the summaries do not depend on it."""

    def check(self) -> SummarizerOptions:
        """Check all options.

        Returns:
            A copy in which every number is a plain Python number.

        Raises:
            SummGANError: An option has the wrong type or is out of range; the message names it.
        """
        options = checked(self)
        if options.max_words and options.min_words and options.min_words > options.max_words:
            raise SummGANError(
                f"min_words ({options.min_words}) is more than max_words ({options.max_words}); lower it."
            )
        return options
