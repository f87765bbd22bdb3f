"""Helpers that several test files import."""

from types import SimpleNamespace

import torch
from datasets import Dataset

from summgan.data.batches import Stage, SummaryBatches
from summgan.data.order import Share
from summgan.networks.salience import Salience
from summgan.options.configuration import Options, TrainingOptions
from summgan.text.boundaries import UnitBoundaries
from summgan.text.pieces import length_table
from summgan.text.units import UnitCounter, effect_of
from summgan.training.summary_task import SummaryTask

TEXTS = frozenset(("documents", "sentences", "noised", "targets", "content", "damaged"))


def make_batches(tokenizer, documents, sentences, share, seed=1, texts=TEXTS, **more):
    """Batches of tokenized texts, by default with all that there is."""

    def tokenized(texts):
        ids = tokenizer(texts, add_special_tokens=False).input_ids
        ids = [[*row, tokenizer.eos_token_id] for row in ids]
        return Dataset.from_dict({"input_ids": ids, "length": [len(row) for row in ids]})

    corpora = SimpleNamespace(
        vocabulary=SimpleNamespace(boundaries=UnitBoundaries(length_table(tokenizer))),
        documents=tokenized(documents),
        sentences=tokenized(sentences),
        word_weights=torch.ones(len(tokenizer)),
        salience=Salience(len(tokenizer)),
    )
    return SummaryBatches(corpora, share, seed, [Stage(1, texts)], **more)


def make_batch(tokenizer, documents, sentences, size=4):
    """The first of such batches."""
    return make_batches(tokenizer, documents, sentences, Share(size))[0]


def letters(*sentences):
    """Every letter is a word; the end piece is 0."""
    return Dataset.from_dict({"input_ids": [[*map(ord, sentence), 0] for sentence in sentences]})


class Letters(UnitBoundaries):
    """Boundaries where every piece is a unit."""

    def __init__(self):
        counter = UnitCounter([effect_of("\u5b57")] * 128, [-1] * 128)
        super().__init__(SimpleNamespace(counter=counter, parts={}))


def make_task(model, kind=SummaryTask, **training):
    """A task of a model and options of training, without text."""
    weights, salience = model.reconstructor.word_weights, model.generator.bottleneck.salience
    corpora = SimpleNamespace(word_weights=weights, salience=salience, fingerprint="")
    return kind(Options(training=TrainingOptions(**training)), model, corpora)
