"""`Summarizer`: the door to a trained model. Texts, lists or files in, summaries out.

Candidates of several lengths are written of each document and the best one is chosen by what summgan is
about: how well the document can be rebuilt from it, how human it reads, and how sure the generator is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase

from summgan.architecture import SummGANConfig
from summgan.batches import pad
from summgan.bottlenecks.code import Code, Source
from summgan.bottlenecks.words import MAX_UNITS, ended_mask
from summgan.configuration import DEFAULT_MODEL
from summgan.errors import SummGANError
from summgan.finishing import finish
from summgan.modeling import SummGAN
from summgan.readers import Row, read_rows
from summgan.text import (
    is_unspaced,
    join_units,
    normalize,
    split_sentences,
    split_units,
)
from summgan.tokenization import load_tokenizer

logger = logging.getLogger(__name__)

_IN_PACKAGE = Path(__file__).parent / "pretrained"
_CHUNKS = 16  # batches that are sorted by length together


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
        max_words: Most units (words; characters in scripts without spaces); by default as many as
            nine in ten human sentences have.
        min_words: Fewest units; by default as many as the shortest tenth of human sentences has.
        num_beams: Width of the beam search, 1 is greedy; an exact search (``writer: search``) needs none.
        num_candidates: Summaries written of each document, of which the best is returned: one of each
            of the likeliest lengths allowed, or several where fewer are allowed and the decoder writes.
        reconstruct: Whether to write the reconstruction out.
        batch_size: Documents at a time.
    """

    max_words: int | None = None
    min_words: int | None = None
    num_beams: int = 4
    num_candidates: int = 4
    reconstruct: bool = True
    batch_size: int = 32

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            SummGANError: Naming the option.
        """
        for name in ("num_beams", "num_candidates", "batch_size"):
            if getattr(self, name) < 1:
                raise SummGANError(f"{name} must be at least 1, not {getattr(self, name)}.")
        for name in ("max_words", "min_words"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= MAX_UNITS:
                raise SummGANError(f"{name} must be from 1 to {MAX_UNITS}, not {value}.")
        if self.max_words and self.min_words and self.min_words > self.max_words:
            raise SummGANError(f"min_words ({self.min_words}) is more than max_words ({self.max_words}).")

    def range(self, config: SummGANConfig) -> tuple[int, int]:
        """Shortest and longest length allowed."""
        high = self.max_words or max(config.longest_summary, self.min_words or 1)
        return self.min_words or min(config.shortest_summary, high), high


class Summarizer:
    """Summarizes texts with a trained model; without arguments, English news with the one in the package.

    Args:
        model: The three networks.
        tokenizer: Their vocabulary.
    """

    def __init__(self, model: SummGAN | None = None, tokenizer: PreTrainedTokenizerBase | None = None):
        if model is None:
            loaded = self.from_pretrained()
            model, tokenizer = loaded.model, loaded.tokenizer
        self.model, self.tokenizer = model.eval(), tokenizer

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path = DEFAULT_MODEL,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype = "float32",
    ) -> Summarizer:
        """Load a model folder (or hub name) made by ``summgan train``, or the model in the package.

        Args:
            folder: With config.json, model.safetensors and tokenizer.json; ``news-en``, where there is no
                such folder, is the model in the package.
            device: Such as ``cpu`` or ``cuda``; a GPU if there is one by default.
            dtype: ``float32``, ``bfloat16`` or ``float16``.

        Raises:
            SummGANError: There is no such model, or it is damaged.
        """
        dtype = _dtype(dtype)
        if folder == DEFAULT_MODEL and not Path(folder).is_dir():
            folder = _IN_PACKAGE / DEFAULT_MODEL
        try:
            model, found = SummGAN.from_pretrained(
                str(folder), dtype=dtype, use_safetensors=True, output_loading_info=True
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise SummGANError(
                f"No summgan model can be loaded from {str(folder)!r}: "
                f"{str(error).splitlines()[0]} Give the output_dir of a finished training, or one "
                "of its checkpoints."
            ) from error
        # transformers would fill what is missing with random numbers, and say so in passing.
        if odd := sorted({*found["missing_keys"], *found["unexpected_keys"]}):
            raise SummGANError(
                f"The weights in {str(folder)!r} are damaged or of another version of summgan: {odd[0]} and "
                f"{len(odd) - 1} more tensors are missing or unknown. Train the model again."
            )
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            model.to(device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise SummGANError(f"The device {str(device)!r} cannot be used: {reason}") from error
        return cls(model, load_tokenizer(folder))

    def __call__(
        self,
        documents: str | Sequence[str],
        max_words: int | None = None,
        min_words: int | None = None,
        num_beams: int = 4,
        num_candidates: int = 4,
        reconstruct: bool = True,
        batch_size: int = 32,
    ) -> Summary | list[Summary]:
        """Summarize one text or a list of texts; the options are those of `SummarizerOptions`.

        Returns:
            A `Summary` for a string, a list in the same order for a list.

        Raises:
            SummGANError: A text is empty or no text, or an option is out of range.
        """
        options = SummarizerOptions(max_words, min_words, num_beams, num_candidates, reconstruct, batch_size)
        options.check()
        if isinstance(documents, str):
            return self._summarize([_checked(documents, "The document")], options)[0]
        if not isinstance(documents, Sequence):
            raise SummGANError(f"Give a text or a list of texts, not a {type(documents).__name__}.")
        texts = [_checked(text, f"documents[{index}]") for index, text in enumerate(documents)]
        return self._summarize(texts, options)

    def summarize_file(self, path: str | Path, column: str | None = None, **options) -> list[Summary]:
        """Summaries of the documents of a file (or folder, or pattern), in order.

        Args:
            path: Of any format that training reads.
            column: Of the document; found by itself when it has a usual name.
            **options: Fields of `SummarizerOptions`.

        Raises:
            SummGANError: The file or one of its rows cannot be used.
        """
        return self.summarize_files([path], column, **options)

    def summarize_files(
        self, paths: Sequence[str | Path], column: str | None = None, **options
    ) -> list[Summary]:
        """The same for several files, one after the other."""
        rows = read_rows(paths, column)
        return [summary for _, summary in self.stream(rows, SummarizerOptions(**options))]

    def stream(self, rows: Iterable[Row], options: SummarizerOptions) -> Iterator[tuple[Row, Summary]]:
        """Rows with their summaries, in order, however many there are."""
        options.check()
        rows = iter(rows)
        while chunk := list(islice(rows, options.batch_size * _CHUNKS)):
            yield from zip(chunk, self._summarize([row.text for row in chunk], options), strict=True)

    def _summarize(self, texts: list[str], options: SummarizerOptions) -> list[Summary]:
        """Summaries of normalized texts; long ones by way of summaries of their windows."""
        windows = [self._windows(text) for text in texts]
        short = [parts[0] for parts in windows if len(parts) == 1]
        for_short = iter(self._summarize_windows(short, options))
        return [
            next(for_short) if len(parts) == 1 else self._summarize_long(parts, options) for parts in windows
        ]

    def _summarize_long(self, parts: list[str], options: SummarizerOptions) -> Summary:
        """Summarize each window, then the sequence of these summaries."""
        first_pass = replace(options, reconstruct=False, num_candidates=1)
        summaries = self._summarize_windows(parts, first_pass)
        texts = [summary.summary_text for summary in summaries]
        joined = ("。" if is_unspaced(texts[0][-1]) else ". ").join(texts)
        return self._summarize([joined], options)[0]

    def _windows(self, text: str) -> list[str]:
        """Parts of a text that fit the model, cut between sentences where possible."""
        room = self.model.config.longest_document - 1
        if len(text) <= room or len(self._ids(text)) <= room:
            return [text]
        parts: list[str] = []
        for sentence in split_sentences(text):
            for piece in self._fitting(sentence, room):
                together = join_units([parts[-1], piece]) if parts else piece
                if parts and len(self._ids(together)) <= room:
                    parts[-1] = together
                else:
                    parts.append(piece)
        return parts

    def _fitting(self, sentence: str, room: int) -> Iterator[str]:
        """The sentence, halved until each part fits."""
        units = split_units(sentence)
        if len(self._ids(sentence)) <= room or len(units) < 2:
            yield sentence
            return
        half = len(units) // 2
        for part in (units[:half], units[half:]):
            yield from self._fitting(join_units(part), room)

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False, verbose=False).input_ids

    @torch.inference_mode()
    def _summarize_windows(self, texts: list[str], options: SummarizerOptions) -> list[Summary]:
        """Summaries of texts that fit, in batches of similar length."""
        room = self.model.config.longest_document
        ids = [[*self._ids(t)[: room - 1], self.tokenizer.eos_token_id] for t in texts]
        writable = self.model.generator.bottleneck.writable.tolist()
        for text, row in zip(texts, ids, strict=True):
            if not any(writable[piece] for piece in row):
                logger.warning(
                    "Nothing of %r is in the vocabulary of the model, so its summary is not about it.",
                    text[:40],
                )
        order = sorted(range(len(texts)), key=lambda index: len(ids[index]))
        results: list[Summary | None] = [None] * len(texts)
        for start in range(0, len(order), options.batch_size):
            rows = order[start : start + options.batch_size]
            batch = [tensor.to(self.model.device) for tensor in pad([ids[row] for row in rows])]
            for row, summary in zip(rows, self._best(*batch, options), strict=True):
                text = finish(self.tokenizer, summary.summary_text, texts[row])
                rebuilt = summary.reconstruction
                if rebuilt is not None:
                    rebuilt = finish(self.tokenizer, rebuilt, text)
                results[row] = replace(summary, summary_text=text, reconstruction=rebuilt)
        return results

    def _lengths(self, source: Source, options: SummarizerOptions) -> list[list[int]]:
        """The likeliest lengths allowed, of every document."""
        low, high = options.range(self.model.config)
        log_probs = self.model.generator.length_log_probs(source)
        lengths = []
        for row in log_probs:
            # A summary is never longer than its document.
            longest = int(row.isfinite().nonzero().max())
            allowed = torch.arange(min(low, longest), min(high, longest) + 1, device=row.device)
            best = row[allowed].topk(min(options.num_candidates, len(allowed))).indices
            lengths.append(allowed[best].tolist())
        return lengths

    def _best(self, ids: Tensor, mask: Tensor, options: SummarizerOptions) -> list[Summary]:
        """The best candidate of every document, for a batch ``[batch, source]``."""
        source = self.model.encode(ids, mask)
        lengths = self._lengths(source, options)
        # Where fewer lengths are allowed than candidates are wanted, each length gets several.
        low, high = options.range(self.model.config)
        beams = -(-options.num_candidates // min(options.num_candidates, high - low + 1))
        if self.model.config.writer == "search":
            beams = 1  # the best of each length is known
        # Every pair of document and length is a row of its own.
        owners = [row for row, wanted in enumerate(lengths) for _ in wanted]
        units = torch.tensor([length for wanted in lengths for length in wanted], device=ids.device)
        words = self.model.generate(
            ids[owners],
            mask[owners],
            units,
            num_beams=max(options.num_beams, beams),
            num_return_sequences=beams,
            no_repeat_bigrams=True,  # in a summary that is a fault of the model
        )
        owners = [owner for owner in owners for _ in range(beams)]
        scores, human = self._judge(words, ids[owners], mask[owners])
        chosen = [
            max(
                (c for c, owner in enumerate(owners) if owner == row),
                key=scores.tolist().__getitem__,
            )
            for row in range(len(lengths))
        ]
        words = words[chosen]
        code = self.model.reconstructor.code_of(words, ended_mask(words, self.model.config.eos_token_id))
        losses = self.model.reconstruction_loss(code, ids, mask)
        rebuilt = self._rebuild(code) if options.reconstruct else [None] * len(chosen)
        texts = self.tokenizer.batch_decode(words, skip_special_tokens=True)
        return [
            Summary(
                text.strip(),
                again,
                float(loss),
                None if human is None else float(human[index]),
            )
            for text, again, loss, index in zip(texts, rebuilt, losses, chosen, strict=True)
        ]

    def _judge(self, words: Tensor, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """Score and human-likeness ``[rows]`` of candidates ``[rows, length]``.

        The score is that of a noisy channel: the logarithms of how likely the generator finds length and
        words, how likely the reconstructor finds the document given the words (which counts less, as a
        document is much longer), and how human the discriminator finds every word; with the salience of
        what is said.
        """
        config, bottleneck = self.model.config, self.model.generator.bottleneck
        words_mask = ended_mask(words, config.eos_token_id)
        source = self.model.encode(ids, mask)
        scores = self.model.generator.log_likelihood(source, words, words_mask)
        if config.channel_weight:
            code = self.model.reconstructor.code_of(words, words_mask)
            losses = self.model.reconstruction_loss(code, ids, mask)
            scores = scores - config.channel_weight * losses * mask.sum(1)
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
        longest = self.model.config.max_document_length
        documents = self.model.reconstructor.sample(code, longest)
        return self.tokenizer.batch_decode(documents, skip_special_tokens=True)


def _checked(text: str, name: str) -> str:
    """Normalized text.

    Raises:
        SummGANError: It is none, or empty.
    """
    if not isinstance(text, str):
        raise SummGANError(f"{name} is a {type(text).__name__}, not a text.")
    text = normalize(text)
    if not text:
        raise SummGANError(f"{name} is empty; there is nothing to summarize.")
    return text


def _dtype(name: str | torch.dtype) -> torch.dtype:
    known = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    dtype = known.get(name, name) if isinstance(name, str) else name
    if dtype not in known.values():
        raise SummGANError(f"dtype must be one of {', '.join(known)}, not {name!r}.")
    return dtype
