"""`Summarizer`: the interface to a trained model; texts, lists or files in, summaries out.

A text that is too long for the model is cut into windows (`windows.py`), and the summaries of the windows
replace it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, overload

import torch
from huggingface_hub import HfApi
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from summgan.arguments import device_of, one_text, texts_of
from summgan.data.readers import Row, read_rows
from summgan.errors import SummGANError
from summgan.files import write_folder
from summgan.model_folder import CONFIG, read_object, required_file
from summgan.networks.modeling import SummGAN
from summgan.networks.path_model import PathConfig, PathModel
from summgan.networks.words import MAX_UNITS
from summgan.options.configuration import DEFAULT_MODEL
from summgan.options.generation import SummarizerOptions
from summgan.text.casing import TRUECASE_FILE
from summgan.text.script import count_units, is_unspaced
from summgan.text.vocabulary import Vocabulary
from summgan.writing.candidates import SummaryWriter
from summgan.writing.path_summaries import PathSummaries
from summgan.writing.summary import Summary
from summgan.writing.windows import cut
from summgan.writing.writer import Answer, OnDone, Writer, tell_nobody

_IN_PACKAGE = Path(__file__).parents[1] / "pretrained"
CHUNK = 16
"""Number of batches whose texts are sorted by length together."""
_SHORTER = 0.75  # largest share of a text's pieces in the summaries of its windows, so that shortening ends


class Summarizer:
    """Summarizes texts with a trained model, by default with the one in the package for English news.

    Args:
        model: A path model, or the three networks around a decoder.
        tokenizer: Vocabulary of the three networks, or a tokenizer of transformers that keeps case; None for
            a path model, which has its own.

    Attributes:
        writer: Writer of the summaries, with its ``model``.
    """

    writer: Writer

    def __init__(
        self,
        model: PathModel | SummGAN | str = DEFAULT_MODEL,
        tokenizer: Vocabulary | PreTrainedTokenizerBase | None = None,
    ):
        if model == DEFAULT_MODEL and tokenizer is None:
            self.writer = self.from_pretrained().writer
        elif isinstance(model, PathModel) and tokenizer is None:
            self.writer = PathSummaries(model.eval())
        else:
            vocabulary = check_pair(model, tokenizer)
            assert isinstance(model, SummGAN)
            self.writer = SummaryWriter(model.eval(), vocabulary)

    @property
    def model(self) -> PreTrainedModel:
        """The trained model."""
        return self.writer.model

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer of the model."""
        return self.writer.tokenizer

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path = DEFAULT_MODEL,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype = "float32",
    ) -> Summarizer:
        """Load a model folder (or hub name) made by ``summgan train``, or the model in the package.

        Args:
            folder: Folder with config.json, model.safetensors and tokenizer.json. ``news-en`` is the model in
                the package, unless there is a folder of that name.
            device: Device such as ``cpu`` or ``cuda``; by default a GPU if there is one.
            dtype: Type of the weights (of a path model, only of its encoder): ``float32``, ``bfloat16`` or
                ``float16``. On a processor that supports it, ``bfloat16`` writes 1.5 times as many texts per
                second.

        Raises:
            SummGANError: There is no such model, or one of its files is missing or damaged.
        """
        dtype, device = _dtype(dtype), device_of(device)
        if folder == DEFAULT_MODEL and not Path(folder).is_dir():
            folder = _IN_PACKAGE / DEFAULT_MODEL
        if _model_type(folder) == PathConfig.model_type:
            return cls(PathModel.from_pretrained(folder, dtype=dtype).to(device))
        model = SummGAN.from_pretrained(folder, dtype=dtype)
        vocabulary = Vocabulary.from_pretrained(folder)
        try:
            required_file(folder, "tokenizer.json")
            check_pair(model, vocabulary)
        except SummGANError as error:
            raise SummGANError(f"No summgan model can be loaded from {str(folder)!r}: {error}") from error
        return cls(model.to(device), vocabulary)

    def save_pretrained(self, folder: str | Path) -> None:
        """Save all that `from_pretrained` needs: weights, configuration, tokenizer, and true case or words.

        Args:
            folder: Folder to write, which appears when it is complete. An older one is replaced if summgan
                has made it.

        Raises:
            SummGANError: The folder contains other files, or cannot be written.
        """
        write_folder(Path(folder), self.writer.save)

    def push_to_hub(self, repo_id: str, private: bool | None = None, **options) -> str:
        """Upload all that `from_pretrained` needs to a repository on the hub, which is created if necessary.

        Args:
            repo_id: Name of the repository, such as ``name/model``.
            private: Whether a new repository is private; by default as the account is set.
            **options: ``token`` of the hub, and options of huggingface_hub's ``upload_folder``, such as
                ``commit_message``.

        Returns:
            URL of the commit.

        Raises:
            SummGANError: The hub cannot be reached, or refuses the upload.
        """
        api = HfApi(token=options.pop("token", None))
        with tempfile.TemporaryDirectory() as folder:
            self.writer.save(Path(folder))
            try:
                repository = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
                options = {"commit_message": "Upload a summgan model"} | options
                return str(api.upload_folder(repo_id=repository, folder_path=folder, **options))
            except Exception as error:  # the hub's client has a class for each kind of failure
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                raise SummGANError(f"The model cannot be pushed to {repo_id!r}: {reason}") from error

    @overload
    def __call__(self, documents: str, **options: Any) -> Summary: ...
    @overload
    def __call__(self, documents: Iterable[str], **options: Any) -> list[Summary]: ...
    def __call__(self, documents: str | Iterable[str], **options: Any) -> Summary | list[Summary]:
        """Summarize one text, or a list, Series, array, generator or other iterable of texts.

        Args:
            documents: One text or several texts.
            **options: Fields of `SummarizerOptions`: ``max_words``, ``min_words``, ``num_beams``,
                ``num_candidates``, ``channel_weight``, ``reconstruct``, ``batch_size``.

        Returns:
            A `Summary` for a string, otherwise a list of them in the same order.

        Raises:
            SummGANError: A value is not a text or is empty, or an option is out of range.
        """
        how = SummarizerOptions(**options).check()
        if isinstance(documents, str):
            return _summary(self._summarize([one_text(documents, "The document")], how)[0], "The document")
        answers = self._summarize(texts_of(documents, "documents"), how)
        return [_summary(answer, f"documents[{index}]") for index, answer in enumerate(answers)]

    def outline(self, document: str, lengths: Sequence[int] = (3, 6, 12, 24)) -> list[Summary]:
        """Write nested summaries of one text, each of which contains all words of the one before.

        Args:
            document: Text to outline.
            lengths: Number of words of each level, rising. All lengths that the text does not exceed are
                replaced by one level with all words of the text.

        Returns:
            One summary per level; its sources say where its words stand in the text.

        Raises:
            SummGANError: The model has a decoder, the text is empty or too long, or the lengths do not
                rise or are not from 1 to 256.
        """
        if not isinstance(self.writer, PathSummaries):
            raise SummGANError("Only a model that writes paths can outline a text; this one has a decoder.")
        check_levels(lengths)
        return self.writer.outline(one_text(document, "The document"), lengths)

    def summarize_file(self, path: str | Path, column: str | None = None, **options) -> list[Summary]:
        """Summarize the documents of a file (or folder, or pattern), in order.

        Args:
            path: File in any format that training reads.
            column: Column of the document; usual names are found without it.
            **options: Fields of `SummarizerOptions`.

        Raises:
            SummGANError: The file or one of its rows is unusable, or an option is out of range.
        """
        return self.summarize_files([path], column, **options)

    def summarize_files(
        self, paths: Sequence[str | Path], column: str | None = None, **options
    ) -> list[Summary]:
        """Summarize the documents of several files, in order; see `summarize_file`."""
        how = SummarizerOptions(**options).check()
        answers = self.stream(read_rows(paths, column), how)
        return [_summary(answer, f"{row.file}:{row.line}") for row, answer in answers]

    def stream(
        self, rows: Iterable[Row], options: SummarizerOptions, on_done: OnDone = tell_nobody
    ) -> Iterator[tuple[Row, Answer]]:
        """Summarize any number of rows, in order and with constant memory.

        With a ``batch_size`` of 1, each row is answered before the next one is read. Otherwise 16 batches are
        collected and sorted by length.

        Args:
            rows: Rows with one text each.
            options: How the summaries are written.
            on_done: Called with the number of rows that have just been answered, before they are yielded.

        Yields:
            Each row with its `Summary`, or with a `SummGANError` that says why it has none.

        Raises:
            SummGANError: An option is out of range.
        """
        options = options.check()
        rows = iter(rows)
        size = options.batch_size * CHUNK if options.batch_size > 1 else 1
        while chunk := list(islice(rows, size)):
            answers: list[Answer | None] = [None] * len(chunk)
            texts = {}
            for index, row in enumerate(chunk):
                try:
                    texts[index] = one_text(row.text, "The text")
                except SummGANError as error:
                    answers[index] = error
            made = self._summarize([*texts.values()], options, on_done)
            for index, answer in zip(texts, made, strict=True):
                answers[index] = answer
            yield from zip(chunk, answers, strict=True)

    def _summarize(
        self, texts: Sequence[str], options: SummarizerOptions, on_done: OnDone = tell_nobody
    ) -> list[Answer]:
        """Summarize normalized texts; those that are too long, by way of summaries of their windows."""
        answers: dict[int, Answer] = {}
        windows = {index: self._windows(text) for index, text in enumerate(texts)}
        shortened = [index for index, parts in windows.items() if len(parts) > 1]
        while long := {index: parts for index, parts in windows.items() if len(parts) > 1}:
            for index, text in zip(long, self._shortened([*long.values()], options), strict=True):
                if isinstance(text, SummGANError):
                    answers[index] = text
                    del windows[index]
                else:
                    windows[index] = self._windows(text)
        for index, (text,) in windows.items():
            least = min(options.min_words or 1, count_units(texts[index]))
            if count_units(text) < least:
                answers[index] = SummGANError(
                    f"min_words is {options.min_words}, but the model can write at most {count_units(text)} "
                    "words about a text of this length; lower it."
                )
        fitting = {index: text for index, (text,) in windows.items() if index not in answers}
        answers |= zip(fitting, self.writer([*fitting.values()], options, on_done), strict=True)
        for index in shortened:
            if isinstance(answer := answers[index], Summary):
                answers[index] = replace(answer, sources=None)  # they refer to the shortened text
        return [answers[index] for index in range(len(texts))]

    def _shortened(self, texts: Sequence[list[str]], options: SummarizerOptions) -> list[str | SummGANError]:
        """Join the summaries of the windows of each text to one shorter text.

        It has at most three quarters of the pieces of the windows, so that repeated shortening ends. If it
        has more, the largest number of words of a window's summary is halved; if that is one word already,
        the text is an error.
        """
        low, high = self.writer.length_range(options)
        high = min(high, max(count_units(part) for parts in texts for part in parts))
        results: dict[int, str | SummGANError] = {}
        while todo := [index for index in range(len(texts)) if index not in results]:
            how = replace(options, min_words=min(low, high), max_words=high)
            answers = iter(self.writer([part for index in todo for part in texts[index]], how, drafts=True))
            for index in todo:
                parts = texts[index]
                found = list(islice(answers, len(parts)))
                joined = _joined([a.summary_text for a in found if isinstance(a, Summary)])
                if not joined:
                    results[index] = next(a for a in found if isinstance(a, SummGANError))
                elif self.writer.size(joined) <= _SHORTER * sum(map(self.writer.size, parts)):
                    results[index] = joined
                elif high == 1:
                    results[index] = SummGANError(
                        f"The text cannot be shortened to the {self.writer.room} pieces that the model reads "
                        "at once, because its words have too many pieces; leave it out."
                    )
            high = max(1, high // 2)
        return [results[index] for index in range(len(texts))]

    def _windows(self, text: str) -> list[str]:
        """Cut a text into parts that fit the model, between sentences if possible."""
        return cut(text, self.writer.room, self.writer.size)


def check_levels(lengths: Sequence[int]) -> None:
    """Check the numbers of words of the levels of an outline.

    Raises:
        SummGANError: The numbers do not rise, or are not from 1 to 256.
    """
    whole = [isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= MAX_UNITS for n in lengths]
    if not whole or not all(whole) or any(a >= b for a, b in pairwise(lengths)):
        raise SummGANError(f"lengths is {[*lengths]}; it must be rising whole numbers from 1 to {MAX_UNITS}.")


def check_pair(model: object, tokenizer: Vocabulary | PreTrainedTokenizerBase | None) -> Vocabulary:
    """Check that a model and a tokenizer belong together.

    Returns:
        The vocabulary; a tokenizer of transformers is converted to one.

    Raises:
        SummGANError: One of the two is missing, or their vocabularies differ.
    """
    if not isinstance(model, SummGAN) or not isinstance(tokenizer, Vocabulary | PreTrainedTokenizerBase):
        raise SummGANError(
            f"A Summarizer needs a SummGAN and its tokenizer, not {type(model).__name__} and "
            f"{type(tokenizer).__name__}; Summarizer.from_pretrained(folder) loads both."
        )
    vocabulary = tokenizer if isinstance(tokenizer, Vocabulary) else Vocabulary(tokenizer)
    tokenizer = vocabulary.tokenizer
    config = model.config
    advice = "give the tokenizer that the model was trained with."
    pieces = [piece or "" for piece in tokenizer.convert_ids_to_tokens([*range(len(tokenizer))])]
    if len(pieces) > config.vocab_size:
        raise SummGANError(
            f"The tokenizer has {len(pieces)} pieces, but the vocabulary of the model has "
            f"{config.vocab_size}; {advice}"
        )
    for name in ("pad_token_id", "eos_token_id"):
        theirs, ours = getattr(tokenizer, name), getattr(config, name)
        if theirs != ours:
            raise SummGANError(f"The tokenizer has {name} {theirs}, but the model {ours}; {advice}")
    model.generator.check_pieces(pieces)
    if vocabulary.drops_case and vocabulary.truecaser is None:
        raise SummGANError(
            f"The tokenizer drops case, but there is no {TRUECASE_FILE} to restore it; copy that file from "
            "the folder of the training run, load the folder with Vocabulary.from_pretrained, and save "
            "models with Summarizer.save_pretrained."
        )
    return vocabulary


def _joined(summaries: list[str]) -> str:
    """Join summaries as the sentences of one text."""
    if not summaries:
        return ""
    return ("。" if is_unspaced(summaries[0][-1]) else ". ").join(summaries)


def _summary(answer: Answer, name: str) -> Summary:
    """Return an answer that is a summary, and raise one that is an error."""
    if isinstance(answer, SummGANError):
        raise SummGANError(f"{name}: {answer}") from answer
    return answer


def _model_type(folder: str | Path) -> object:
    """Kind of model in a folder; None if it cannot be read, for which loading gives the reason."""
    try:
        return read_object(required_file(folder, CONFIG)).get("model_type")
    except SummGANError:
        return None


def _dtype(name: str | torch.dtype) -> torch.dtype:
    known = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    dtype = known.get(name) if isinstance(name, str) else name
    if dtype is None or dtype not in known.values():
        raise SummGANError(f"dtype must be one of {', '.join(known)}, not {name!r}.")
    return dtype
