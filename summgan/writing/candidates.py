"""Summaries by a decoder of texts that fit the model: the best of several candidates of different lengths.

The choice depends on how likely the generator finds a candidate, how well the reconstructor rebuilds the
document from it, and how human the discriminator finds it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from summgan.data.padding import pad
from summgan.errors import SummGANError
from summgan.networks.code import Code, Source
from summgan.networks.generator import Candidates, Writing
from summgan.networks.modeling import SummGAN
from summgan.networks.words import MAX_UNITS
from summgan.options.generation import SummarizerOptions
from summgan.text.vocabulary import Vocabulary
from summgan.writing.summary import Summary
from summgan.writing.writer import Answer, OnDone, Writer, tell_nobody

logger = logging.getLogger(__name__)


class SummaryWriter(Writer):
    """Writes candidates with a decoder, or with another `Generator`, and chooses the best.

    Args:
        model: Model with the three networks.
        vocabulary: Vocabulary of the networks.
    """

    def __init__(self, model: SummGAN, vocabulary: Vocabulary):
        self.model: SummGAN = model
        self.vocabulary, self.tokenizer = vocabulary, vocabulary.tokenizer
        table = vocabulary.lengths_for(model.config.vocab_size)
        model.generator.set_lengths(table)
        self.writable = table.writable.tolist()
        self.room = model.generator.longest_document - 1

    def size(self, text: str) -> int:
        """Number of pieces of a text."""
        return len(self.vocabulary.encode(text))

    def length_range(self, options: SummarizerOptions) -> tuple[int, int]:
        """Smallest and largest number of units of a summary, by default as human sentences have them."""
        config = self.model.config
        longest = max(config.longest_summary, options.min_words or 1)
        high = min(options.max_words or longest, MAX_UNITS, config.most_pieces - 2)
        return min(options.min_words or config.shortest_summary, high), high

    def save(self, folder: Path) -> None:
        """Write weights, configuration, tokenizer and true case to a folder."""
        self.model.save_pretrained(folder)
        self.vocabulary.save_pretrained(folder)

    @torch.inference_mode()
    def __call__(
        self,
        texts: Sequence[str],
        options: SummarizerOptions,
        on_done: OnDone = tell_nobody,
        drafts: bool = False,
    ) -> list[Answer]:
        """Summarize texts; see `Writer`. A draft is a summary of the likeliest length."""
        ids = [self.vocabulary.encode(text) for text in texts]
        answers: dict[int, Answer] = {}
        for index, (text, pieces) in enumerate(zip(texts, ids, strict=True)):
            if len(pieces) > self.room:
                answers[index] = SummGANError(
                    f"{text[:40]!r} has {len(pieces)} pieces, but the model reads at most {self.room}."
                )
        self._warn_of_strange_texts(texts, ids)
        order = [index for index in range(len(texts)) if index not in answers]
        order.sort(key=lambda index: len(ids[index]))
        for start in range(0, len(order), options.batch_size):
            rows = order[start : start + options.batch_size]
            found = self._answers([ids[row] for row in rows], options, drafts)
            for row, answer in zip(rows, found, strict=True):
                answers[row] = self._finished(answer, texts[row])
            on_done(len(rows))
        return [answers[index] for index in range(len(texts))]

    def _warn_of_strange_texts(self, texts: Sequence[str], ids: Sequence[list[int]]) -> None:
        for text, row in zip(texts, ids, strict=True):
            if not any(self.writable[piece] for piece in row):
                logger.warning(
                    "The vocabulary of the model has no piece of %r, so its summary is not about the text.",
                    text[:40],
                )

    def _answers(self, ids: list[list[int]], options: SummarizerOptions, drafts: bool) -> Sequence[Answer]:
        """Answers for a batch; if one text makes it fail, each text is answered separately."""
        pieces, mask = pad([self.vocabulary.ended(row) for row in ids])
        try:
            source = self.model.encode(pieces.to(self.model.device), mask.to(self.model.device))
            return self._drafts(source, options) if drafts else self._best(source, options)
        except SummGANError as error:
            if len(ids) == 1:
                return [error]
        return [answer for row in ids for answer in self._answers([row], options, drafts)]

    def _finished(self, summary: Answer, document: str) -> Answer:
        """Restore the case of a summary from its document; an empty summary is an error."""
        if isinstance(summary, SummGANError):
            return summary
        if not summary.summary_text:
            return SummGANError(f"The vocabulary of the model has no words for {document[:40]!r}.")
        text = self.vocabulary.finish(summary.summary_text, document)
        rebuilt = summary.reconstruction
        if rebuilt is not None:
            rebuilt = self.vocabulary.finish(rebuilt, text)
        return replace(summary, summary_text=text, reconstruction=rebuilt)

    def lengths(self, source: Source, options: SummarizerOptions) -> list[list[int]]:
        """The likeliest allowed lengths, in units, of the summary of each document."""
        low, high = self.length_range(options)
        log_probs = _numbers(self.model.generator.length_log_probs(source))
        lengths = []
        for row in log_probs:
            # A summary is never longer than its document.
            longest = int(row.isfinite().nonzero().max())
            allowed = torch.arange(min(low, longest), min(high, longest) + 1, device=row.device)
            best = row[allowed].topk(min(options.num_candidates, len(allowed))).indices
            lengths.append(allowed[best].tolist())
        return lengths

    def _candidates(self, source: Source, options: SummarizerOptions) -> Candidates:
        """Write candidates of the likeliest lengths for each document."""
        # If there are fewer allowed lengths than candidates, each length gets several.
        low, high = self.length_range(options)
        per_length = -(-options.num_candidates // min(options.num_candidates, high - low + 1))
        # A pair of pieces that appears twice in a summary is a mistake of the model.
        writing = Writing(options.num_beams, per_length, True)
        return self.model.generator.write(source, self.lengths(source, options), writing)

    def _drafts(self, source: Source, options: SummarizerOptions) -> list[Summary]:
        """Write a summary of each document, without loss, reconstruction or human-likeness."""
        found = self._candidates(source, replace(options, num_candidates=1))
        texts = self.vocabulary.decode_all(found.words)
        return [Summary(text.strip(), None, 0.0, None) for text in texts]

    def _best(self, source: Source, options: SummarizerOptions) -> list[Summary]:
        """Write candidates and choose the best one for each document."""
        found = self._candidates(source, options)
        scores, human = self.judge(found, source, options)
        values = _numbers(scores).tolist()
        chosen = [
            max((c for c, owner in enumerate(found.rows) if owner == row), key=values.__getitem__)
            for row in range(len(source.mask))
        ]
        words = found.words[chosen]
        code = self.model.reconstructor.code_of(words, found.mask[chosen])
        losses = _numbers(self.model.reconstruction_loss(code, source.ids, source.mask))
        rebuilt = self._rebuild(code) if options.reconstruct else [None] * len(chosen)
        texts = self.vocabulary.decode_all(words)
        return [
            Summary(
                text.strip(),
                again,
                float(loss),
                None if human is None else float(human[index]),
            )
            for text, again, loss, index in zip(texts, rebuilt, losses, chosen, strict=True)
        ]

    def judge(
        self, candidates: Candidates, source: Source, options: SummarizerOptions
    ) -> tuple[Tensor, Tensor | None]:
        """Score candidates for the documents of ``source``.

        The score is that of a noisy channel, a sum of log-probabilities: of length and words under the
        generator; of the document given the words under the reconstructor, with a weight, because a document
        is much longer; and of each word being human under the discriminator.

        Returns:
            Score ``[candidates]`` in nats, and human-likeness ``[candidates]`` from 0 to 1, which is None for
            a model without discriminator.
        """
        config, words, mask = self.model.config, candidates.words, candidates.mask
        scores, weight = candidates.scores, options.channel_weight
        if weight := config.channel_weight if weight is None else weight:
            code, documents = self.model.reconstructor.code_of(words, mask), source.take(candidates.rows)
            losses = self.model.reconstruction_loss(code, documents.ids, documents.mask)
            scores = scores - weight * losses * documents.mask.sum(1)
        if not config.has_discriminator:
            return scores, None
        discriminator = self.model.discriminator
        logits = discriminator(discriminator.embed(words), mask).words
        human = (logits.sigmoid() * mask).sum(1) / mask.sum(1)
        return scores + (F.logsigmoid(logits) * mask).sum(1), human

    def _rebuild(self, code: Code) -> list[str]:
        longest = self.model.config.window
        documents = self.model.reconstructor.sample(code, longest)
        return self.vocabulary.decode_all(documents)


def _numbers(values: Tensor) -> Tensor:
    """Return the values after a check for NaN.

    Raises:
        SummGANError: A value is NaN, as happens with damaged weights.
    """
    if values.isnan().any():
        raise SummGANError(
            "The model computes NaN for this text: its weights are damaged, or too large for its dtype."
        )
    return values
