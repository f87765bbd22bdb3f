"""Summaries of texts that fit the model: candidates of several lengths, of which the best one is chosen.

It is chosen by what summgan is about: how well the document can be rebuilt from it, how human it reads, and
how sure the generator is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from summgan.data.batches import pad
from summgan.errors import SummGANError
from summgan.networks.code import Code, Source
from summgan.networks.modeling import SummGAN
from summgan.networks.words import ended_mask
from summgan.options.generation import SummarizerOptions
from summgan.text.vocabulary import Vocabulary
from summgan.writing.summary import Summary, length_range

logger = logging.getLogger(__name__)

Answer = Summary | SummGANError
"""Of one text; an error says why it has no summary."""
OnDone = Callable[[int], None]
"""Told how many texts more have their answer."""


class SummaryWriter:
    """Writes the summaries of texts of no more than `room` pieces.

    Args:
        model: The three networks.
        vocabulary: Vocabulary of the networks.
    """

    def __init__(self, model: SummGAN, vocabulary: Vocabulary):
        self.model, self.vocabulary = model, vocabulary
        model.generator.bottleneck.set_lengths(vocabulary.lengths_for(model.config.vocab_size))
        self.room = model.config.longest_document - 1

    def ids(self, text: str) -> list[int]:
        """The pieces of a text."""
        return self.vocabulary.encode(text)

    @torch.inference_mode()
    def __call__(
        self,
        texts: Sequence[str],
        options: SummarizerOptions,
        on_done: OnDone = lambda count: None,
        drafts: bool = False,
    ) -> list[Answer]:
        """One answer for every text, made in batches of similar length.

        Args:
            texts: To be summarized.
            options: Checked.
            on_done: Told of each batch.
            drafts: Whether the likeliest length is enough, with no judgement, loss or reconstruction.
        """
        ids = [self.ids(text) for text in texts]
        answers: list[Answer | None] = [None] * len(texts)
        for index, (text, row) in enumerate(zip(texts, ids, strict=True)):
            if len(row) > self.room:
                answers[index] = SummGANError(
                    f"{text[:40]!r} has {len(row)} pieces, but the model reads only {self.room} at once."
                )
        self._warn_of_strange_texts(texts, ids)
        order = [index for index, answer in enumerate(answers) if answer is None]
        order.sort(key=lambda index: len(ids[index]))
        for start in range(0, len(order), options.batch_size):
            rows = order[start : start + options.batch_size]
            for row, answer in zip(
                rows, self._answers([ids[row] for row in rows], options, drafts), strict=True
            ):
                answers[row] = self._finished(answer, texts[row])
            on_done(len(rows))
        return answers

    def _warn_of_strange_texts(self, texts: Sequence[str], ids: Sequence[list[int]]) -> None:
        writable = self.model.generator.bottleneck.writable.tolist()
        for text, row in zip(texts, ids, strict=True):
            if not any(writable[piece] for piece in row):
                logger.warning(
                    "Nothing of %r is in the vocabulary of the model, so its summary is not about it.",
                    text[:40],
                )

    def _answers(self, ids: list[list[int]], options: SummarizerOptions, drafts: bool) -> list[Answer]:
        """Answers to a batch; where a text spoils it, every text is answered by itself."""
        batch = pad([self.vocabulary.ended(row) for row in ids])
        batch = [tensor.to(self.model.device) for tensor in batch]
        try:
            source = self.model.encode(*batch)
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
        """The likeliest lengths allowed, of every document."""
        low, high = length_range(options, self.model.config)
        log_probs = _numbers(self.model.generator.length_log_probs(source))
        lengths = []
        for row in log_probs:
            # A summary is never longer than its document.
            longest = int(row.isfinite().nonzero().max())
            allowed = torch.arange(min(low, longest), min(high, longest) + 1, device=row.device)
            best = row[allowed].topk(min(options.num_candidates, len(allowed))).indices
            lengths.append(allowed[best].tolist())
        return lengths

    def _candidates(self, source: Source, options: SummarizerOptions) -> tuple[Tensor, list[int]]:
        """Candidates ``[rows, length]`` of all documents, and which one each row is of."""
        lengths = self.lengths(source, options)
        # Where fewer lengths are allowed than candidates are wanted, each length gets several.
        low, high = length_range(options, self.model.config)
        beams = -(-options.num_candidates // min(options.num_candidates, high - low + 1))
        if self.model.config.writer == "search":
            beams = 1  # the best of each length is known
        # Every pair of document and length is a row of its own.
        owners = [row for row, wanted in enumerate(lengths) for _ in wanted]
        rows = source.take(owners)
        words = self.model.generate(
            rows.input_ids,
            rows.mask,
            torch.tensor([length for wanted in lengths for length in wanted], device=rows.mask.device),
            num_beams=max(options.num_beams, beams),
            num_return_sequences=beams,
            no_repeat_bigrams=True,  # in a summary that is a fault of the model
            source=rows,
        )
        return words, [owner for owner in owners for _ in range(beams)]

    def _drafts(self, source: Source, options: SummarizerOptions) -> list[Summary]:
        """A summary of every document, of which nothing but the text is known."""
        words, _ = self._candidates(source, replace(options, num_candidates=1))
        texts = self.vocabulary.decode_all(words)
        return [Summary(text.strip(), None, 0.0, None) for text in texts]

    def _best(self, source: Source, options: SummarizerOptions) -> list[Summary]:
        """The best candidate of every document."""
        words, owners = self._candidates(source, options)
        scores, human = self.judge(words, source.take(owners))
        scores = _numbers(scores).tolist()
        chosen = [
            max((c for c, owner in enumerate(owners) if owner == row), key=scores.__getitem__)
            for row in range(len(source.mask))
        ]
        words = words[chosen]
        code = self.model.reconstructor.code_of(words, ended_mask(words, self.model.config.eos_token_id))
        losses = _numbers(self.model.reconstruction_loss(code, source.input_ids, source.mask))
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

    def judge(self, words: Tensor, source: Source) -> tuple[Tensor, Tensor | None]:
        """Score and human-likeness ``[rows]`` of candidates ``[rows, length]`` of documents, one a row.

        The score is that of a noisy channel: the logarithms of how likely the generator finds length and
        words, how likely the reconstructor finds the document given the words (which counts less, as a
        document is much longer), and how human the discriminator finds every word; with the salience of
        what is said.
        """
        config, bottleneck = self.model.config, self.model.generator.bottleneck
        words_mask = ended_mask(words, config.eos_token_id)
        scores = self.model.generator.log_likelihood(source, words, words_mask)
        if config.channel_weight:
            code = self.model.reconstructor.code_of(words, words_mask)
            losses = self.model.reconstruction_loss(code, source.input_ids, source.mask)
            scores = scores - config.channel_weight * losses * source.mask.sum(1)
        if config.salience_weight:
            preferred = bottleneck.preferred(words, words_mask, source)
            scores = scores + config.salience_weight * preferred
        if not config.has_discriminator:
            return scores, None
        discriminator = self.model.discriminator
        logits = discriminator(discriminator.embed(words), words_mask).words
        human = (logits.sigmoid() * words_mask).sum(1) / words_mask.sum(1)
        return scores + (F.logsigmoid(logits) * words_mask).sum(1), human

    def _rebuild(self, code: Code) -> list[str]:
        longest = self.model.config.window
        documents = self.model.reconstructor.sample(code, longest)
        return self.vocabulary.decode_all(documents)


def _numbers(values: Tensor) -> Tensor:
    """The values, if they are numbers.

    Raises:
        SummGANError: The weights lead to others.
    """
    if values.isnan().any():
        raise SummGANError(
            "The model computes no numbers of this text: its weights are damaged, or too large for its dtype."
        )
    return values
