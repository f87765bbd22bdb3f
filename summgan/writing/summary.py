"""`Summary`: a summary with its scores and sources."""

from __future__ import annotations

from dataclasses import dataclass

from summgan.text.words import Source


@dataclass(frozen=True)
class Summary:
    """A summary with its scores and sources.

    Attributes:
        summary_text: Text of the summary.
        reconstruction: Document that the reconstructor writes from the summary alone; None unless asked for.
        reconstruction_loss: Cross-entropy of the document given the summary, in nats per piece, with higher
            weights for rare words; lower is better. If the document has more pieces than
            `Generator.longest_document`, the summaries of its windows replace it. None for a path model.
        human_likeness: Mean over the pieces of the discriminator's probability, from 0 to 1, that they are
            human; None for a model without discriminator.
        sources: Place in the document of each word, for a path model; None if the document has more pieces
            than the model reads at once.
    """

    summary_text: str
    reconstruction: str | None = None
    reconstruction_loss: float | None = None
    human_likeness: float | None = None
    sources: tuple[Source, ...] | None = None
