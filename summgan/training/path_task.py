"""`PathTask`: trains a path generator and its critics.

The generator starts from the counted prior. In the first stage (``warm_start_steps``) only critics learn; in
the second, all play the game of `path_game.py`. With ``model.backbone``, a folder or hub name of a sentence
encoder, generator and discriminator start from its weights, and the similarity of summary and document under
it is the reward for content. Without it they are new, and the reconstructor gives that reward.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    BertConfig,
    PreTrainedModel,
)

from summgan.data.corpora import fluency_sample, load_piles, split_validation, warn_of_overlap
from summgan.data.order import Share
from summgan.data.path_batches import PathBatch, PathBatches
from summgan.data.piles import Pairs
from summgan.data.word_counts import count_words
from summgan.errors import SummGANError
from summgan.networks.architecture import new_stack_config
from summgan.networks.critics import Fluency, Likeness, Reconstruction
from summgan.networks.path_generator import Drawn
from summgan.networks.path_model import PathConfig, PathModel, start_from
from summgan.networks.spelling import speller_of_running_text
from summgan.options.configuration import Options
from summgan.randomness import RandomStream
from summgan.text.pieces import stemmer
from summgan.text.vocabulary import Vocabulary, load_tokenizer
from summgan.text.word_table import TextRows, WordTable, of_length, rows_of
from summgan.text.words import Words, words_of
from summgan.training.checkpoint import TrainerState
from summgan.training.model_card import path_card
from summgan.training.path_game import PathGame, Rules
from summgan.training.task import ForwardPass, Objective, Task
from summgan.training.validation import ReferenceFreeScorer

_ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout")  # 0 makes attention faster
_MEASURED, _AT_ONCE = 256, 64  # documents to measure mean scores on; documents in one pass
_RERANKER = 128  # width of the reranker
_RARE = 0.03  # share of human sentences that are shorter than any summary; and longer


@dataclass(frozen=True)
class PathCorpora:
    """The text that paths are trained on.

    Attributes:
        table: Word table of documents and human sentences.
        documents: Documents for training.
        sentences: Human sentences for training, of the lengths of summaries.
        human_sentences: All human sentences, or a sample of them, as text.
        validation: Documents for validation, perhaps with references.
        fingerprint: Hash that changes when the text changes.
    """

    table: WordTable
    documents: TextRows
    sentences: TextRows
    human_sentences: list[str]
    validation: Pairs
    fingerprint: str


@dataclass(frozen=True)
class Played(Objective):
    """The objective of the generator, with the summaries of the step.

    Attributes:
        drawn: The summaries, from which critics learn.
    """

    drawn: Drawn


class PathTask(Task):
    """Trains a path generator and its critics.

    Args:
        options: All options of the run.
        model: The model to train.
        corpora: The text.
        rules: Rules of the game.
        likeness: Critic of content, not trained and not saved.
        reconstruction: Critic of content, trained and saved in checkpoints.
        fluency: Critic of words and end, not trained and not saved.

    Attributes:
        least_document: Smallest number of words of a document for training.
        game_class: The game; a subclass may add rewards of its own.
        least_sentence: Smallest number of words of a summary; with fewer than 4, no span can be struck out.
    """

    model: PathModel
    game_class: ClassVar[type[PathGame]] = PathGame
    least_document: ClassVar[int] = 10
    least_sentence: ClassVar[int] = 4

    def __init__(
        self,
        options: Options,
        model: PathModel,
        corpora: PathCorpora,
        rules: Rules,
        likeness: Likeness | None = None,
        reconstruction: Reconstruction | None = None,
        fluency: Fluency | None = None,
    ):
        generator, discriminator = model.generator, model.discriminator
        networks: dict[str, nn.Module] = {"generator_encoder": generator.encoder, "generator": generator}
        if discriminator is not None:
            networks["discriminator_encoder"] = discriminator.get_submodule("encoder")
            networks["discriminator"] = discriminator
        reranker = model.writer.reranker if fluency is not None else None
        if reranker is not None:
            networks["reranker"] = reranker
        if reconstruction is not None:
            networks["reconstruction"] = reconstruction
        super().__init__(options, model, networks, corpora.fingerprint)
        self.corpora, self.training = corpora, options.training
        shares = torch.as_tensor(corpora.table.lengths)
        forms, seed = torch.as_tensor(corpora.table.forms), options.training.seed
        critics = discriminator, likeness, reconstruction, fluency, reranker
        self.game = self.game_class(generator, forms, shares, *critics, rules=rules, seed=seed)
        model.add_module("replay", self.game.replay)  # to be saved and moved with the model
        players = [part for part in (generator, likeness, fluency, reranker) if part is not None]
        self.passes = {"generator": ForwardPass(self.play, *players)}
        if discriminator is not None:
            self.passes["discriminator"] = ForwardPass(self.game.discriminator_objective, discriminator)
        if reconstruction is not None:
            self.passes["reconstruction"] = ForwardPass(self.game.reconstruction_objective, reconstruction)
            model.add_module("reconstructor", reconstruction.reconstructor)
            first, second = (f"reconstructor.{half}.embedding.weight" for half in ("encoder", "decoder"))
            model._tied_weights_keys = {second: first}  # one table, saved once
        self._held_out = [words_of(text) for text in corpora.validation.documents]
        self._scorer = ReferenceFreeScorer(corpora.validation, corpora.human_sentences)
        self._measured: list[int] = []

    @classmethod
    def prepare(cls, options: Options, say: Callable[[str], None], checkpoint: Path | None) -> PathTask:
        """Read the text, count its words and build the networks."""
        corpora = cls.read(options, say)
        rules = cls.rules(options, corpora.table.lengths)
        torch.manual_seed(options.training.seed)
        tokenizer, encoder = cls.encoder(options, corpora, checkpoint)
        fields = encoder.config.to_dict() | {"num_hidden_layers": options.model.encoder_layers}
        fields |= {name: 0.0 for name in _ATTENTION_DROPOUT if name in fields}
        fields.pop("_name_or_path", None)  # perhaps a path on this machine
        fluency = cls.fluency(options, corpora.table)
        config = PathConfig(
            fields,
            fields if rules.gap_weight else None,
            insertable=len(corpora.table.inserted),
            shortest=rules.shortest,
            longest=rules.longest,
            path_temperature=rules.temperature,
            reranker=_RERANKER if fluency is not None else 0,
        )
        model = PathModel(config, corpora.table, tokenizer)
        speller = model.generator.speller
        likeness, reconstruction = None, None
        if rules.reconstruction_weight:
            stacks = new_stack_config(options.model, tokenizer)
            reconstruction = Reconstruction(AutoModelForSeq2SeqLM.from_config(stacks), speller)
        if options.model.backbone:
            for network in (model.generator, model.discriminator):
                if network is not None:
                    start_from(cast(PreTrainedModel, network.encoder), encoder)
            likeness = Likeness(encoder, speller) if rules.likeness_weight else None
        if options.model.start_from and checkpoint is None:
            model.take_weights(PathModel.from_pretrained(options.model.start_from))
        return cls(options, model, corpora, rules, likeness, reconstruction, fluency)

    @classmethod
    def fluency(cls, options: Options, table: WordTable) -> Fluency | None:
        """Load the critic of ``model.language_model``; None if there is none or its weight is 0."""
        name = options.model.language_model
        if name is None or not options.training.critics.fluency:
            return None
        dtypes = {"bf16": torch.bfloat16, "fp16": torch.float16}
        dtype = dtypes.get(options.training.mixed_precision, torch.float32)
        tokenizer, network = pretrained("language_model", name, AutoModelForCausalLM, dtype=dtype)
        return Fluency(network, speller_of_running_text(tokenizer, table.strings))

    @classmethod
    def rules(cls, options: Options, shares: np.ndarray) -> Rules:
        """Make the rules of the game.

        Args:
            options: All options of the run.
            shares: ``[longest + 1]`` share of the human sentences with each number of words.
        """
        training = options.training
        shortest, longest = length_range(shares, cls.least_sentence)
        return Rules(
            samples=training.samples_per_document,
            shortest=shortest,
            longest=longest,
            alone=training.warm_start_steps,
            gap_weight=training.critics.discriminator,
            likeness_weight=training.critics.likeness,
            fluency_weight=training.critics.fluency,
            reconstruction_weight=0.0 if options.model.backbone else training.critics.reconstruction,
        )

    @classmethod
    def read(cls, options: Options, say: Callable[[str], None]) -> PathCorpora:
        """Read documents and human sentences, and count their words.

        Raises:
            SummGANError: A file is missing or cannot be used, or all its texts are too short.
        """
        documents, sentences, fingerprint = load_piles(options.data)
        warn_of_overlap(documents, sentences, say)
        documents, validation = split_validation(options, documents, say)
        human, written = ([words_of(text) for text in pile["text"]] for pile in (sentences, documents))
        written = [words for words in written if len(words.strings) >= cls.least_document]
        if not written:
            raise SummGANError(f"All documents have fewer than {cls.least_document} words: give longer ones.")
        table = count_words(
            written, human, stemmer(options.data.stemming), options.model.forms, options.model.inserted_words
        ).with_words([*written, *human])  # words too rare to be counted are treated as unknown ones
        longest, lengths = options.data.max_document_length, length_range(table.lengths, cls.least_sentence)
        long = sum(len(words.strings) > longest for words in written)
        rows = of_length(rows_of(table, human, 64), *lengths)
        few, other = len(documents) - len(written), len(human) - len(rows)
        say(
            f"{len(written):,} documents and {len(human):,} human sentences for training, "
            f"{len(validation.documents):,} documents for validation. Left out: {few:,} documents of under "
            f"{cls.least_document} words, the ends of {long:,} documents of over {longest} words and, but "
            f"for counts, {other:,} sentences of other than {lengths[0]} to {lengths[1]} words."
        )
        if not len(rows):
            raise SummGANError(f"All sentences have fewer than {cls.least_sentence} words: give longer ones.")
        return PathCorpora(
            table, rows_of(table, written, longest), rows, fluency_sample(sentences), validation, fingerprint
        )

    @classmethod
    def encoder(
        cls, options: Options, corpora: PathCorpora, checkpoint: Path | None
    ) -> tuple[Any, PreTrainedModel]:
        """Load tokenizer and encoder of ``model.backbone``, or make new ones of the sizes in the options."""
        name, sizes = options.model.backbone, options.model
        tokenizer: Any
        if name:
            return pretrained("backbone", name, AutoModel)
        if known := checkpoint or sizes.start_from:
            tokenizer = load_tokenizer(known)
        else:
            texts = [" ".join(corpora.table.strings[2:]), *corpora.human_sentences]
            lower = [text.lower() for text in texts]
            tokenizer = Vocabulary.train(
                lower, options.tokenizer.vocabulary_size, model_type=options.tokenizer.model_type
            ).tokenizer
        config = BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=sizes.hidden_size,
            num_hidden_layers=sizes.encoder_layers,
            num_attention_heads=sizes.attention_heads,
            intermediate_size=4 * sizes.hidden_size,
            hidden_dropout_prob=sizes.dropout,
            attention_probs_dropout_prob=sizes.dropout,
        )
        return tokenizer, AutoModel.from_config(config)

    def batches(self, share: Share) -> Dataset:
        """Make batches of documents and human sentences as rows of the word table."""
        return PathBatches(self.corpora.documents, self.corpora.sentences, self.training.seed, share)

    def losses(self, batch: PathBatch, step: int) -> Iterator[Objective]:
        """Yield the objective of the generator, except in the first stage, then those of the critics."""
        stream = RandomStream.of(batch.rows, self.training.seed, "step", step)
        if self.game.alone(step):
            drawn = self.game.draw(batch, stream, step).drawn
        else:
            played = self.passes["generator"](batch, stream, step)
            yield played
            drawn = played.drawn
        if self.game.reconstruction is not None:
            yield self.passes["reconstruction"](drawn, batch.source)
        if self.game.discriminator is not None:
            yield self.passes["discriminator"](drawn, batch.sentences, stream)

    def play(self, batch: PathBatch, stream: RandomStream, step: int) -> Played:
        """Draw summaries and compute the objective of the generator."""
        play = self.game.draw(batch, stream, step)
        learned = self.game.generator_objective(play)
        return Played(learned.total, learned.figures, play.drawn)

    def learning_rates(self, step: int) -> dict[str, float]:
        """Warm up, then decay linearly: generator and reranker to 1/20 of the highest rate, others to 1/5."""
        done, alone = step / self.steps, self.training.warm_start_steps
        playing = min(1.0, max(0, step - alone + 1) / 40) * (1 - 0.95 * done)
        judging = min(1.0, (step + 1) / 30) * (1 - 0.8 * done)
        return {
            name: rate * (playing if name.startswith(("generator", "reranker")) else judging)
            for name, rate in self.rates().items()
        }

    def rates(self) -> dict[str, float]:
        """Return the highest learning rate of each network, lower for encoders that start from a backbone."""
        training = self.training
        new = {
            "generator": training.adversarial_learning_rate,
            "discriminator": training.discriminator_learning_rate,
        }
        slow = training.backbone_learning_rate if self.options.model.backbone else None
        encoders = {f"{name}_encoder": rate if slow is None else slow for name, rate in new.items()}
        known = new | encoders | dict.fromkeys(("reconstruction", "reranker"), training.learning_rate)
        return {name: known[name] for name in self.networks}

    def validate(self) -> dict[str, float]:
        """Compute ``eval_score`` (fluency times content) and its parts, and ROUGE if there are references."""
        summaries = self._write(self._held_out)
        return self._scorer.score(summaries) | self._scorer.rouge(summaries)

    def sample(self, step: int) -> str:
        """Return a document for validation, cut after 200 characters, with its summary."""
        row = step % len(self._held_out)
        (summary,) = self._write([self._held_out[row]])
        return f"[{step}] {self.corpora.validation.documents[row][:200]}\n   summary: {summary}"

    def _write(self, texts: list[Words]) -> list[str]:
        """Summarize texts; the summary of a text without words is empty."""
        self.model.eval()
        self._measure()
        there = [words for words in texts if words.strings]
        lengths = self.model.config.shortest, self.model.config.longest
        written = iter(self.model.write(there, lengths, _AT_ONCE))
        return [next(written).text if words.strings else "" for words in texts]

    def _measure(self) -> None:
        """Measure the mean score of the best path of each length, anew only if weights have changed."""
        changes = [parameter._version for parameter in self.model.generator.parameters()]
        if changes == self._measured:
            return
        self._measured = changes
        longest = self.model.config.longest
        rows = of_length(self.corpora.documents, longest, self.options.data.max_document_length)
        rows = rows if len(rows) else self.corpora.documents
        bounds = range(0, min(len(rows), _MEASURED), _AT_ONCE)
        parts = [range(start, min(len(rows), start + _AT_ONCE)) for start in bounds]
        lattices = [self.model.lattice(self.corpora.table, rows, part) for part in parts]
        self.model.writer.measure(lattices, torch.arange(1, max(2, longest) + 1, device=self.model.device))

    def save(self, folder: Path) -> None:
        """Write weights, configuration, tokenizer and word table to a folder."""
        self.model.eval()
        self._measure()
        self.model.save(folder)

    def describe(self, state: TrainerState) -> str:
        """Write the model card; see `path_card`."""
        return path_card(self.options, state)


def pretrained(option: str, name: str, kind: Any, **options: Any) -> tuple[Any, PreTrainedModel]:
    """Load the tokenizer and the network of a folder or hub name.

    Args:
        option: Name of the option, in ``model``, that gave the folder; for the error message.
        name: Folder or hub name.
        kind: One of transformers' ``AutoModel`` classes.
        **options: Options of its ``from_pretrained``.

    Raises:
        SummGANError: The model is missing or cannot be loaded.
    """
    try:
        return load_tokenizer(name), kind.from_pretrained(name, use_safetensors=True, **options)
    except (OSError, ValueError) as error:
        raise SummGANError(f"--model.{option} {name!r} cannot be used: {error}") from error


def length_range(shares: np.ndarray, least: int) -> tuple[int, int]:
    """Choose the smallest and the largest number of words of a summary.

    Args:
        shares: ``[longest + 1]`` share of the human sentences with each number of words.
        least: Lower bound of the smallest number.
    """
    below = np.cumsum(shares)
    shortest = max(least, int((below < _RARE).sum()))
    return shortest, max(shortest, int((below < 1 - _RARE).sum()))
