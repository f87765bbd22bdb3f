"""A path generator with its critics and its words as one model, and as a folder.

The folder has the weights, the configurations of the encoders, the tokenizer and the table of words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.configuration_utils import PreTrainedConfig

from summgan.errors import SummGANError
from summgan.model_folder import CONFIG, WEIGHTS, CheckedModel, present_names, read_object, required_file
from summgan.networks.critics import GapDiscriminator, Likeness
from summgan.networks.path_generator import CountedPrior, Lattice, PathGenerator, lattice_of
from summgan.networks.path_writer import PathWriter
from summgan.networks.spelling import Speller
from summgan.text.word_table import TextRows, WordTable, rows_of
from summgan.text.words import Words

_LAYER = re.compile(r"layers?\.(\d+)\.")


class PathConfig(PreTrainedConfig):
    """What is needed to build a `PathModel` again, beside its words.

    Args:
        encoder: Configuration of the generator's encoder, as a dict with its ``model_type``.
        discriminator: The same for the discriminator's; None for a model without it.
        likeness: The same for the sentence encoder's; None for a model without it.
        band: Vertices that a leap goes at most.
        shortest: Words of the shortest summary.
        longest: Words of the longest summary.
        longest_document: Words of a document that are read.
        path_temperature: Temperature of the distribution that the generator learned.
    """

    model_type = "summgan-paths"

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,
        discriminator: dict[str, Any] | None = None,
        likeness: dict[str, Any] | None = None,
        band: int = 127,
        shortest: int = 6,
        longest: int = 15,
        longest_document: int = 56,
        path_temperature: float = 0.6,
        **kwargs: Any,
    ):
        self.encoder, self.discriminator, self.likeness = encoder, discriminator, likeness
        self.band, self.shortest, self.longest = band, shortest, longest
        self.longest_document, self.path_temperature = longest_document, path_temperature
        super().__init__(**kwargs)


class PathModel(CheckedModel):
    """Generator, discriminator and likeness around one table of words.

    Args:
        config: Sizes.
        table: Words of both piles.
        tokenizer: Tokenizer of all encoders.
        encoder: Pretrained encoder that all three start from; new ones if None.
    """

    config_class = PathConfig
    noun = "path model"
    optional_tables = ("replay.",)  # of a training
    writer: PathWriter

    def __init__(
        self,
        config: PathConfig,
        table: WordTable,
        tokenizer: PreTrainedTokenizerBase,
        encoder: PreTrainedModel | None = None,
    ):
        super().__init__(config)
        self.table, self.tokenizer = table, tokenizer

        def new(fields: dict[str, Any]) -> PreTrainedModel:
            made = AutoModel.from_config(AutoConfig.for_model(**fields))
            if encoder is not None:
                start_from(made, encoder)
            return made

        speller = Speller.of(tokenizer, table.strings)
        generator = PathGenerator(new(config.encoder or {}), speller, prior_of(table), band=config.band)
        self.writer = PathWriter(
            generator,
            torch.as_tensor(table.lengths),
            GapDiscriminator(new(config.discriminator), speller) if config.discriminator else None,
            Likeness(new(config.likeness), speller) if config.likeness else None,
            temperature=config.path_temperature,
        )
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Leave all weights as the networks have made them."""

    def lattice(self, table: WordTable, rows: TextRows, texts: range) -> Lattice:
        """Some of many documents, by rows of a table, as lattices."""
        taken = {name: column.to(self.device) for name, column in rows.take(texts).items()}
        forms = torch.as_tensor(table.forms, device=self.device)
        return lattice_of(taken["ids"], taken["after"], taken["hold"], taken["need"], forms)

    @torch.no_grad()
    def write(self, texts: list[Words], batch_size: int = 64) -> list[str]:
        """Summaries of documents of one word or more, of the length that the critics choose.

        Args:
            texts: Documents, split by `words_of`. Words beyond ``longest_document`` are not read.
            batch_size: Documents at once.
        """
        table = self.table.with_words(texts)
        rows = rows_of(table, texts, self.config.longest_document)
        lengths = torch.arange(self.config.shortest, self.config.longest + 1, device=self.device)
        summaries = []
        with self._knowing(table):
            for start in range(0, len(texts), batch_size):
                part = range(start, min(len(texts), start + batch_size))
                written = self.writer(self.lattice(table, rows, part), lengths, by_critics=True)
                said = zip(part, written.words.tolist(), written.places.tolist(), strict=True)
                summaries += [table.text(texts[row], words, places) for row, words, places in said]
        return summaries

    @contextmanager
    def _knowing(self, table: WordTable) -> Iterator[None]:
        """Read with a table that has more words, at its end, than the model's own."""
        generator = self.writer.generator
        networks = [n for n in (generator, self.writer.discriminator, self.writer.likeness) if n is not None]
        prior, speller = generator.prior, generator.speller
        if table is not self.table:
            generator.prior = prior_of(table).to(self.device)
            more = Speller.of(self.tokenizer, table.strings[len(self.table.strings) :]).to(self.device)
            pieces = torch.cat([speller.pieces, more.pieces])
            wider = Speller(pieces, speller.marks, speller.begin, speller.end, speller.padding)
            for network in networks:
                network.speller = wider
        try:
            yield
        finally:
            generator.prior = prior
            for network in networks:
                network.speller = speller

    def save(self, folder: Path) -> None:
        """Write weights, configuration, tokenizer and words into a folder."""
        self.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        self.table.save(folder)

    @classmethod
    def load(cls, folder: Path) -> PathModel:
        """Read what `save` wrote.

        Raises:
            SummGANError: There is no such model, or a file of it is damaged.
        """
        try:
            config = PathConfig.from_dict(read_object(required_file(folder, CONFIG)))
            tokenizer = AutoTokenizer.from_pretrained(folder)
            model = cls(config, WordTable.load(folder), tokenizer)
            saved = load_file(required_file(folder, WEIGHTS))
            weights = {name: saved[own] for own, name in present_names(saved, model).items()}
            model.load_state_dict(weights)
        except (SummGANError, SafetensorError, OSError, ValueError, RuntimeError) as error:
            raise SummGANError(f"No path model can be loaded from {str(folder)!r}: {error}") from error
        return model.eval()


def start_from(made: PreTrainedModel, encoder: PreTrainedModel) -> None:
    """Give a model the weights of one that has as many layers or more.

    Of more, those are taken that stand evenly between the first and the last.
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
    made.get_input_embeddings().requires_grad_(False)  # what is rare in the piles keeps its meaning


def prior_of(table: WordTable) -> CountedPrior:
    """What was counted, as scores."""
    names = ("classes", "worth", "unseen", "pairs", "gains", "inserted")
    return CountedPrior(*(torch.as_tensor(getattr(table, name)) for name in names))
