"""What a summarizer is asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from summgan.arguments import whole_number
from summgan.errors import SummGANError
from summgan.networks.architecture import SummGANConfig
from summgan.networks.words import MAX_UNITS

_MOST = {"num_beams": 256, "num_candidates": 256, "batch_size": 65_536}


@dataclass(frozen=True)
class Summary:
    """A summary and what the other two networks make of it.

    Attributes:
        summary_text: The summary.
        reconstruction: What the reconstructor writes from the summary alone, or None if not asked for.
        reconstruction_loss: Cross-entropy per piece (nats, rare words weigh more) of the document
            given the summary; lower is better. For a document of more pieces than
            `SummGANConfig.longest_document` it is that of the summaries of its windows.
        human_likeness: The discriminator's probability, 0 to 1, that the words are human: the mean
            over words; None for a model without discriminator.
    """

    summary_text: str
    reconstruction: str | None
    reconstruction_loss: float
    human_likeness: float | None


@dataclass(frozen=True)
class SummarizerOptions:
    """How summaries are written.

    Attributes:
        max_words: Most units (words; characters in scripts without spaces), up to 256; by default as many as
            nine in ten human sentences have.
        min_words: Fewest units; by default as many as the shortest tenth of human sentences has.
        num_beams: Width of the beam search, 1 is greedy; an exact search (``writer: search``) needs none.
        num_candidates: Summaries written of each document, of which the best is returned: one of each
            of the likeliest lengths allowed, or several where fewer are allowed and the decoder writes.
        reconstruct: Whether to write the reconstruction out.
        batch_size: Documents at a time; it makes no difference to the summaries.
    """

    max_words: int | None = None
    min_words: int | None = None
    num_beams: int = 4
    num_candidates: int = 4
    reconstruct: bool = True
    batch_size: int = 32

    def check(self) -> SummarizerOptions:
        """The same options as plain numbers.

        Raises:
            SummGANError: Naming an option that is of another type or out of range.
        """
        kept: dict[str, int | None] = {}
        for name, most in _MOST.items():
            kept[name] = whole_number(getattr(self, name), name)
            if not 1 <= kept[name] <= most:
                raise SummGANError(f"{name} must be at least 1 and at most {most}, not {kept[name]}.")
        for name in ("max_words", "min_words"):
            value = getattr(self, name)
            kept[name] = None if value is None else whole_number(value, name)
            if value is not None and not 1 <= kept[name] <= MAX_UNITS:
                raise SummGANError(f"{name} must be from 1 to {MAX_UNITS}, not {kept[name]}.")
        if self.reconstruct not in (True, False):
            raise SummGANError(f"reconstruct must be True or False, not {self.reconstruct!r:.60}.")
        options = SummarizerOptions(**kept, reconstruct=bool(self.reconstruct))
        if options.max_words and options.min_words and options.min_words > options.max_words:
            raise SummGANError(
                f"min_words ({options.min_words}) is more than max_words ({options.max_words})."
            )
        return options

    def range(self, config: SummGANConfig) -> tuple[int, int]:
        """Shortest and longest length allowed, which the model's positions may bound."""
        longest = max(config.longest_summary, self.min_words or 1)
        high = min(self.max_words or longest, MAX_UNITS, config.most_pieces - 2)
        return min(self.min_words or config.shortest_summary, high), high
