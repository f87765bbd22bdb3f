"""Summaries by a path generator: words of the document in their order, with the place each comes from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from summgan.errors import SummGANError
from summgan.networks.path_model import PathModel
from summgan.networks.words import MAX_UNITS
from summgan.options.generation import SummarizerOptions
from summgan.text.words import words_of
from summgan.writing.summary import Summary
from summgan.writing.writer import Answer, OnDone, Writer, tell_nobody


class PathSummaries(Writer):
    """Writes summaries with a path generator.

    Args:
        model: Path generator with its word table.
    """

    def __init__(self, model: PathModel):
        self.model: PathModel = model
        self.tokenizer, self.room = model.tokenizer, model.config.window

    def size(self, text: str) -> int:
        """Number of pieces of a text."""
        return len(self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def length_range(self, options: SummarizerOptions) -> tuple[int, int]:
        """Smallest and largest number of units of a summary, by default those of the model."""
        config = self.model.config
        high = min(options.max_words or max(config.longest, options.min_words or 1), MAX_UNITS)
        return min(options.min_words or config.shortest, high), high

    def __call__(
        self,
        texts: Sequence[str],
        options: SummarizerOptions,
        on_done: OnDone = tell_nobody,
        drafts: bool = False,
    ) -> list[Answer]:
        """Summarize texts; see `Writer`. The search is exact: beams and candidates have no effect."""
        if options.reconstruct:
            raise SummGANError("This model writes paths and cannot rebuild documents; leave reconstruct out.")
        split = [words_of(text) for text in texts]
        answers: list[Answer] = [
            SummGANError(f"There is no word in {text[:40]!r}, so it has no summary; leave it out.")
            for text in texts
        ]
        there = [index for index, words in enumerate(split) if words.strings]
        texts_there, lengths = [split[index] for index in there], self.length_range(options)
        written = self.model.write(texts_there, lengths, options.batch_size, on_done)
        for index, summary in zip(there, written, strict=True):
            answers[index] = Summary(summary.text, sources=summary.words)
        if len(there) < len(texts):
            on_done(len(texts) - len(there))
        return answers

    def outline(self, text: str, lengths: Sequence[int]) -> list[Summary]:
        """Nested summaries of a text; see `Summarizer.outline`."""
        if self.size(text) > self.room:
            raise SummGANError(
                f"{text[:40]!r} has {self.size(text)} pieces, but the model reads at most {self.room} at "
                "once; outline a part of it, or its summary."
            )
        words = words_of(text)
        if not words.strings:
            raise SummGANError(f"There is no word in {text[:40]!r}, so it has no outline; leave it out.")
        fitting = [length for length in lengths if length < len(words.strings)]
        longer = [len(words.strings)] if len(fitting) < len(lengths) else []
        levels = self.model.outline(words, [*fitting, *longer])
        return [Summary(level.text, sources=level.words) for level in levels]

    def save(self, folder: Path) -> None:
        """Write weights, configuration, tokenizer and word table to a folder."""
        self.model.save(folder)
