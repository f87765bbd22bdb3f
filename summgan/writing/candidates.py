"""Summaries of texts that fit the model: candidates of several lengths, of which the best one is chosen.

Three things decide: how well the document can be rebuilt from a candidate, how human it reads, and how likely
the generator finds it.
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
    """Writes candidates with the decoder, or with another `Generator`, and chooses the best.

    Args:
        model: The three networks.
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
        """Smallest and largest number of units; by default those of human sentences in the configuration."""
        config = self.model.config
        longest = max(config.longest_summary, options.min_words or 1)
        high = min(options.max_words or longest, MAX_UNITS, config.most_pieces - 2)
        return min(options.min_words or config.shortest_summary, high), high

    def save(self, folder: Path) -> None:
        """Write weights, configuration, tokenizer and true case."""
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
        """Answer every text; see `Writer`. A draft is a summary of the likeliest length."""
        ids = [self.vocabulary.encode(text) for text in texts]
        answers: dict[int, Answer] = {}
        for index, (text, pieces) in enumerate(zip(texts, ids, strict=True)):
            if len(pieces) > self.room:
                answers[index] = SummGANError(
                    f"{text[:40]!r} has {len(pieces)} pieces, but the model reads only {self.room} at once."
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
                    "Nothing of %r is in the vocabulary of the model, so its summary is not about it.",
                    text[:40],
                )

    def _answers(self, ids: list[list[int]], options: SummarizerOptions, drafts: bool) -> Sequence[Answer]:
        """Answers to a batch; where a text spoils it, every text is answered by itself."""
        pieces, mask = pad([self.vocabulary.ended(row) for row in ids])
        try:
            source = self.model.encode(pieces.to(self.model.device), mask.to(self.model.device))
            return self._drafts(source, options) if drafts else self._best(source, options)
        except SummGANError as error:
            if len(ids) == 1:
                return [error]
        return [answer for row in ids for answer in self._answers([row], options, drafts)]

    def _finished(self, summary: Answer, document: str) -> Answer:
        """The summary in the case of its document, if there is any."""
        if isinstance(summary, SummGANError):
            return summary
        if not summary.summary_text:
            return SummGANError(f"Nothing of {document[:40]!r} can be said in the vocabulary of the model.")
        text = self.vocabulary.finish(summary.summary_text, document)
        rebuilt = summary.reconstruction
        if rebuilt is not None:
            rebuilt = self.vocabulary.finish(rebuilt, text)
        return replace(summary, summary_text=text, reconstruction=rebuilt)

    def lengths(self, source: Source, options: SummarizerOptions) -> list[list[int]]:
        """The likeliest of the allowed lengths of every document."""
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
        """Candidates of the likeliest lengths of every document."""
        # Where fewer lengths are allowed than candidates are wanted, each length gets several.
        low, high = self.length_range(options)
        per_length = -(-options.num_candidates // min(options.num_candidates, high - low + 1))
        # A model that says the same two pieces in a row twice in a summary makes a mistake.
        writing = Writing(options.num_beams, per_length, True)
        return self.model.generator.write(source, self.lengths(source, options), writing)

    def _drafts(self, source: Source, options: SummarizerOptions) -> list[Summary]:
        """A summary of every document, of which nothing but the text is known."""
        found = self._candidates(source, replace(options, num_candidates=1))
        texts = self.vocabulary.decode_all(found.words)
        return [Summary(text.strip(), None, 0.0, None) for text in texts]

    def _best(self, source: Source, options: SummarizerOptions) -> list[Summary]:
        """The best candidate of every document."""
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
        """Score and human-likeness ``[candidates]`` of candidates of the documents of ``source``.

        The score is that of a noisy channel, a sum of logarithms: how likely the generator finds length and
        words; how likely the reconstructor finds the document given the words, which counts less, as a
        document is much longer; and how human the discriminator finds every word.
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
    """Pass values on if all of them are numbers.

    Raises:
        SummGANError: Some are not, as damaged weights compute them.
    """
    if values.isnan().any():
        raise SummGANError(
            "The model computes no numbers of this text: its weights are damaged, or too large for its dtype."
        )
    return values
