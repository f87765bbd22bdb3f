"""A summary and what is known about it."""

from __future__ import annotations

from dataclasses import dataclass

from summgan.text.words import Source


@dataclass(frozen=True)
class Summary:
    """A summary and what the other two networks make of it.

    Attributes:
        summary_text: The summary.
        reconstruction: What the reconstructor writes from the summary alone, or None if not asked for.
        reconstruction_loss: Cross-entropy per piece (nats, rare words weigh more) of the document
            given the summary; lower is better. For a document of more pieces than
            `Generator.longest_document` it is that of the summaries of its windows. None for a model that
            writes paths.
        human_likeness: The discriminator's probability, 0 to 1, that the words are human: the mean
            over words; None for a model without discriminator.
        sources: Where each word comes from, for a model that writes paths; None for a document of more
            pieces than the model reads at once.
    """

    summary_text: str
    reconstruction: str | None = None
    reconstruction_loss: float | None = None
    human_likeness: float | None = None
    sources: tuple[Source, ...] | None = None
