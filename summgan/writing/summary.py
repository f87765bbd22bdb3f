"""What a summarizer answers, and the lengths that it may answer with."""

from __future__ import annotations

from dataclasses import dataclass

from summgan.networks.architecture import SummGANConfig
from summgan.networks.words import MAX_UNITS
from summgan.options.generation import SummarizerOptions


@dataclass(frozen=True)
class Summary:
    """A summary and what the other two networks make of it.

    Attributes:
        summary_text: The summary.
        reconstruction: What the reconstructor writes from the summary alone, or None if not asked for.
        reconstruction_loss: Cross-entropy per piece (nats, rare words weigh more) of the document
            given the summary; lower is better. For a document of more pieces than
            `Generator.longest_document` it is that of the summaries of its windows.
        human_likeness: The discriminator's probability, 0 to 1, that the words are human: the mean
            over words; None for a model without discriminator.
    """

    summary_text: str
    reconstruction: str | None
    reconstruction_loss: float
    human_likeness: float | None


def length_range(options: SummarizerOptions, config: SummGANConfig) -> tuple[int, int]:
    """Smallest and largest number of units of a summary that a call allows, and the model's positions."""
    longest = max(config.longest_summary, options.min_words or 1)
    high = min(options.max_words or longest, MAX_UNITS, config.most_pieces - 2)
    return min(options.min_words or config.shortest_summary, high), high
