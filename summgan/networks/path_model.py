"""`PathModel`: a path generator, its discriminator and their word table as one model.

A folder of the model has its weights, configuration, tokenizer and word table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedModel, PreTrainedTokenizerBase
from transformers.configuration_utils import PreTrainedConfig

from summgan.errors import SummGANError
from summgan.model_folder import CheckedModel, Wanted, check_fields, check_harmless, find_file, first_line
from summgan.networks.critics import GapDiscriminator
from summgan.networks.lattice import Lattice, lattice_of
from summgan.networks.outline import outline
from summgan.networks.path_generator import CountedPrior, PathGenerator
from summgan.networks.path_writer import PathWriter
from summgan.networks.reranker import Reranker
from summgan.networks.spelling import Speller, Spelling
from summgan.networks.visits import visits
from summgan.networks.words import MAX_UNITS
from summgan.text.vocabulary import load_tokenizer
from summgan.text.word_table import WORDS_FILE, TextRows, WordTable, rows_of
from summgan.text.words import Source, Words
from summgan.text.written import written

_LAYER = re.compile(r"layers?\.(\d+)\.")
_FIELDS: dict[str, Wanted] = {
    "insertable": (int, 0, 4096),
    "band": (int, 1, 4096),
    "shortest": (int, 1, MAX_UNITS),
    "longest": (int, 1, MAX_UNITS),
    "window": (int, 8, 65536),
    "path_temperature": (float, 1e-3, 1e3),
    "reranker": (int, 0, 4096),
}


class PathConfig(PreTrainedConfig):
    """Configuration of a `PathModel`, which is rebuilt from it and the word table.

    Args:
        encoder: Configuration of the generator's encoder, as a dict with its ``model_type``.
        discriminator: Configuration of the discriminator's encoder; None for a model without a discriminator.
        insertable: Number of different words that may be inserted.
        band: Largest number of vertices that an edge goes ahead.
        shortest: Number of words of the shortest summary.
        longest: Number of words of the longest summary.
        window: Number of pieces of a document that the encoder reads at once.
        path_temperature: Temperature of the distribution that the generator learned.
        reranker: Width of the reranker; 0 for a model without a reranker.
    """

    model_type = "summgan-paths"

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,
        discriminator: dict[str, Any] | None = None,
        insertable: int = 0,
        band: int = 127,
        shortest: int = 6,
        longest: int = 15,
        window: int = 160,
        path_temperature: float = 0.6,
        reranker: int = 0,
        **kwargs: Any,
    ):
        self.encoder, self.discriminator, self.insertable = encoder, discriminator, insertable
        self.band, self.shortest, self.longest = band, shortest, longest
        self.window, self.path_temperature, self.reranker = window, path_temperature, reranker
        super().__init__(**kwargs)

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Any:
        """Make a configuration of the fields of a ``config.json``, which are all checked.

        Raises:
            SummGANError: A field is missing, out of range or of a wrong type, or names code to run.
        """
        check_harmless(config_dict, cls.model_type)
        config_dict = {"reranker": 0, **config_dict}  # older models lack the field
        check_fields(config_dict, _FIELDS)
        for name in ("encoder", "discriminator"):
            fields = config_dict.get(name)
            if fields is None and name == "discriminator":
                continue
            if not isinstance(fields, dict) or not isinstance(fields.get("model_type"), str):
                raise SummGANError(
                    f"{name} in config.json must be the configuration of an encoder of transformers"
                )
            check_harmless(fields, fields["model_type"])
        return super().from_dict(config_dict, **kwargs)


@dataclass(frozen=True)
class PathSummary:
    """A summary as text, and its words."""

    text: str
    words: tuple[Source, ...]


class PathModel(CheckedModel):
    """Generator and discriminator with a common word table.

    Args:
        config: The configuration.
        table: Word table; without it the model cannot be used until `know` is called.
        tokenizer: Tokenizer of all encoders.
    """

    config_class = PathConfig
    noun = "path model"
    optional_tables = ("replay.", "likeness.", "reconstructor.", "discriminator.")  # only used in training
    config: PathConfig
    table: WordTable
    tokenizer: PreTrainedTokenizerBase

    def __init__(
        self,
        config: PathConfig,
        table: WordTable | None = None,
        tokenizer: PreTrainedTokenizerBase | None = None,
    ):
        super().__init__(config)
        empty = torch.zeros(0, dtype=torch.long)
        prior = CountedPrior(empty, empty, empty, empty, empty, empty.new_zeros(config.insertable))
        speller = Speller(empty.new_zeros(0, 1), empty.new_zeros(3), 0, 0, 0)
        generator = PathGenerator(new_encoder(config.encoder), speller, prior, band=config.band)
        width = generator.encoder.config.hidden_size
        reranker = Reranker(width, config.reranker) if config.reranker else None
        self.writer = PathWriter(generator, config.path_temperature, reranker)
        self.discriminator = (
            GapDiscriminator(new_encoder(config.discriminator), speller) if config.discriminator else None
        )
        if table is not None and tokenizer is not None:
            self.know(table, tokenizer)
            self.spell()
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Keep the weights that the networks have initialized themselves."""

    @property
    def generator(self) -> PathGenerator:
        """The generator of the writer."""
        return self.writer.generator

    def know(self, table: WordTable, tokenizer: PreTrainedTokenizerBase) -> None:
        """Set the word table and the tokenizer, which is all that `write` needs.

        Raises:
            SummGANError: The table and the configuration differ in the number of words to insert.
        """
        found, wanted = len(table.inserted), self.config.insertable
        if found != wanted:
            raise SummGANError(
                f"its word table has {found} words to insert, but insertable in config.json is {wanted}"
            )
        self.table, self.tokenizer, self.spelling = table, tokenizer, Spelling(tokenizer)
        self.generator.prior = prior_of(table).to(self.device)
        self.writer.know(torch.as_tensor(table.lengths, device=self.device))

    def spell(self) -> None:
        """Spell all words of the table for training; `write` spells only those of its texts."""
        speller = self.spelling.speller(self.table.strings).to(self.device)
        self.generator.speller = speller
        if self.discriminator is not None:
            self.discriminator.speller = speller

    @torch.no_grad()
    def take_weights(self, other: PathModel) -> None:
        """Copy the weights of another model, but neither its word table nor its mean scores of each length.

        What the other model lacks keeps its initial weights: words to insert, discriminator, reranker.

        Raises:
            SummGANError: The networks of the other model have other sizes.
        """
        mine, theirs = self.state_dict(), other.state_dict()
        head = {f"writer.generator.edge.{name}" for name in ("weight", "bias")}
        parts = {"discriminator.": other.discriminator, "writer.reranker.": other.writer.reranker}
        taken = ("writer.generator.", *(name for name, part in parts.items() if part is not None))
        for name in mine:
            if name in head or not name.startswith(taken):
                continue
            if name not in theirs or mine[name].shape != theirs[name].shape:
                raise SummGANError(
                    f"{name} has another size in the model to start from: give the model.backbone, "
                    "model.encoder_layers and model.hidden_size with which that model was trained"
                )
            mine[name].copy_(theirs[name])
        ours, known = ([table.strings[row] for row in table.inserted] for table in (self.table, other.table))
        shared = [(at, known.index(word)) for at, word in enumerate(ours) if word in known]
        for name in head:
            for at, place in [(-1, -1), *shared]:
                mine[name][1 + at].copy_(theirs[name][1 + place])

    def lattice(self, table: WordTable, rows: TextRows, texts: Sequence[int]) -> Lattice:
        """Build the lattices of documents.

        Args:
            table: Word table.
            rows: All documents as rows of the table.
            texts: Indices of the documents in ``rows``.
        """
        taken = {name: column.to(self.device) for name, column in rows.take(texts).items()}
        forms = torch.as_tensor(table.forms, device=self.device)
        return lattice_of(taken["ids"], taken["after"], taken["hold"], taken["need"], forms)

    @torch.no_grad()
    def write(
        self,
        texts: Sequence[Words],
        lengths: tuple[int, int],
        batch_size: int,
        on_done: Callable[[int], object] = lambda count: None,
    ) -> list[PathSummary]:
        """Summarize documents, each in the best number of words.

        Args:
            texts: Documents of at least one word, split by `words_of`; all their words are read.
            lengths: Smallest and largest number of words of a summary.
            batch_size: Largest number of documents that are processed at once. Those of one batch have about
                the same number of pieces, because the encoder's time is that of the longest one.
            on_done: Called after each batch with its number of documents.
        """
        table, writer = self._knowing(texts)
        rows = rows_of(table, texts, max(len(text.strings) for text in texts) if texts else 0)
        each = torch.arange(lengths[0], lengths[1] + 1, device=self.device)
        pieces = (writer.generator.speller.pieces >= 0).sum(1).cpu().numpy()[rows.ids] + (rows.after > 0)
        before, ends = np.append(0, np.cumsum(pieces)), np.cumsum(rows.sizes)
        summaries: dict[int, PathSummary] = {}
        for part in batches_by_size((before[ends] - before[ends - rows.sizes]).tolist(), batch_size):
            best = writer(self.lattice(table, rows, part), each)
            columns = (best.words.tolist(), best.places.tolist(), best.probabilities.tolist())
            for row, ids, places, shares in zip(part, *columns, strict=True):
                summaries[row] = _summary(table, texts[row], ids, places, shares)
            on_done(len(part))
        return [summaries[row] for row in range(len(texts))]

    @torch.no_grad()
    def outline(self, text: Words, lengths: Sequence[int]) -> list[PathSummary]:
        """Write nested summaries of a document: each one's words are among those of the next; see `outline`.

        Args:
            text: The document, with at least as many words as the longest summary.
            lengths: Number of words of each summary, in ascending order.
        """
        table, writer = self._knowing([text])
        lattice = self.lattice(table, rows_of(table, [text], len(text.strings)), range(1))
        scores, units = writer.generator(lattice), torch.tensor([lengths], device=self.device)
        paths, values = outline(scores.total, units)
        soft, levels = scores.at(writer.temperature), []
        for level, path in enumerate(paths):
            shares, _ = visits(soft, path, units[:, level], values[:, level] / writer.temperature)
            vertices = path.vertices[0][path.mask[0]]
            ids, places = lattice.words[0, vertices].tolist(), lattice.places[0, vertices].tolist()
            levels.append(_summary(table, text, ids, places, shares[0].tolist()))
        return levels

    def _knowing(self, texts: Sequence[Words]) -> tuple[WordTable, PathWriter]:
        """Make a table of the words of texts, and a writer that uses it."""
        table = self.table.about(texts)
        names = ("classes", "worth", "unseen", "inserted")
        columns = (torch.as_tensor(getattr(table, name), device=self.device) for name in names)
        speller = self.spelling.speller(table.strings).to(self.device)
        return table, self.writer.of(self.generator.knowing(self.generator.prior.of(*columns), speller))

    def save(self, folder: Path) -> None:
        """Write weights, configuration, tokenizer and word table to a folder."""
        self.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        self.table.save(folder)

    @classmethod
    def from_pretrained(cls, folder: str | Path, **options: Any) -> Any:  # type: ignore[override]
        """Load what `save` wrote; see `CheckedModel.from_pretrained`.

        The option ``dtype`` is the type of the generator's encoder; everything else is float32.

        Raises:
            SummGANError: The folder has no model, a damaged one or one of another kind.
        """
        encoder_dtype = options.pop("dtype", torch.float32)
        model = super().from_pretrained(folder, dtype=torch.float32, **options)
        model.generator.encoder.to(encoder_dtype)
        try:
            file = find_file(folder, WORDS_FILE)
            if file is None:
                raise SummGANError(f"it has no {WORDS_FILE}")
            table = WordTable.load(file)
            tokenizer = load_tokenizer(folder)
            if len(tokenizer) > model.generator.encoder.get_input_embeddings().num_embeddings:
                raise SummGANError("its tokenizer has more pieces than its encoder has embeddings")
            model.know(table, tokenizer)
        except (SummGANError, OSError, ValueError) as error:
            raise SummGANError(
                f"No {cls.noun} can be loaded from {str(folder)!r}: {first_line(error)}"
            ) from error
        return model.eval()


def _summary(
    table: WordTable, text: Words, ids: list[int], places: list[int], shares: list[float]
) -> PathSummary:
    """Make a summary of rows of the word table, padded with -1, and of their places and probabilities."""
    ids = [row for row in ids if row >= 0]
    surface = table.surface(text, ids, places[: len(ids)])
    words = tuple(
        Source(
            word,
            text.begins[place] if place >= 0 else None,
            text.begins[place] + len(text.strings[place]) if place >= 0 else None,
            share,
        )
        for word, place, share in zip(surface, places, shares, strict=False)
    )
    return PathSummary(written(text, surface, places[: len(ids)]), words)


def batches_by_size(sizes: Sequence[int], batch_size: int) -> list[list[int]]:
    """Arrange texts in batches, from the longest to the shortest.

    Args:
        sizes: Number of pieces of each text.
        batch_size: Largest number of texts in a batch.

    Returns:
        Indices of the texts in each batch; none has less than three quarters of the pieces of the longest.
    """
    batches: list[list[int]] = []
    for row in sorted(range(len(sizes)), key=lambda row: -sizes[row]):
        if not batches or len(batches[-1]) == batch_size or 4 * sizes[row] < 3 * sizes[batches[-1][0]]:
            batches.append([])
        batches[-1].append(row)
    return batches


def new_encoder(fields: dict[str, Any] | None) -> PreTrainedModel:
    """Make a new encoder of transformers from the fields of its configuration."""
    encoder = AutoModel.from_config(AutoConfig.for_model(**(fields or {})))
    # A pooler's output is not used; several processes would wait for gradients that it never gets.
    for name, parameter in encoder.named_parameters():
        if name.startswith("pooler."):
            parameter.requires_grad_(False)
    return encoder


def start_from(made: PreTrainedModel, encoder: PreTrainedModel) -> None:
    """Copy weights into an encoder from one with at least as many layers.

    From a deeper encoder, evenly spaced layers are taken, the first and the last included.

    Args:
        made: The encoder to change.
        encoder: The encoder to copy from.
    """
    few, many = made.config.num_hidden_layers, encoder.config.num_hidden_layers
    taken = {str(round(place * (many - 1) / max(1, few - 1) - 1e-6)): str(place) for place in range(few)}
    weights = {}
    for name, weight in encoder.state_dict().items():
        found = _LAYER.search(name)
        if found is None:
            weights[name] = weight
        elif found[1] in taken:
            weights[f"{name[: found.start(1)]}{taken[found[1]]}{name[found.end(1) :]}"] = weight
    made.load_state_dict(weights)
    made.get_input_embeddings().requires_grad_(False)  # so that rare words keep their meaning


def prior_of(table: WordTable) -> CountedPrior:
    """Make the counted prior of a word table."""
    names = ("classes", "worth", "unseen", "pairs", "gains", "inserted")
    return CountedPrior(*(torch.as_tensor(getattr(table, name)) for name in names))


AutoConfig.register(PathConfig.model_type, PathConfig, exist_ok=True)
AutoModel.register(PathConfig, PathModel, exist_ok=True)
