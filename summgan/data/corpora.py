"""From the user's files to what training reads: tokenized piles, a vocabulary, and their statistics.

Comes before the trainer and runs on every process alike; all of it is memory-mapped by `datasets`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import Dataset, disable_progress_bars
from torch import Tensor
from transformers.utils import logging as transformers_logging

from summgan.data.neighbours import LEAST_COVERAGE, find_neighbours
from summgan.data.padding import pad
from summgan.data.piece_counts import word_weights
from summgan.data.piles import Pairs, corpus_fingerprint, find_overlap, load_pairs, load_texts
from summgan.data.salience_counts import salience_of
from summgan.errors import SummGANError
from summgan.networks.architecture import HumanLengths
from summgan.networks.salience import Salience
from summgan.options.configuration import DataOptions, Options
from summgan.text.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

_FLUENCY_SAMPLE = 100_000
_PER_WATCHED = 20  # documents to learn from for one to watch


@dataclass(frozen=True)
class Corpora:
    """All that a training run knows of its text.

    Attributes:
        vocabulary: Vocabulary of both piles.
        documents: Rows with ``input_ids`` (ended, cut at the longest length) and ``length``.
        sentences: Human sentences in such rows, with their ``neighbour`` and ``coverage`` if wanted; see
            `neighbours.py`.
        human_sentences: Text of (a sample of) the sentences, for the fluency score.
        validation: Documents to watch, perhaps with references.
        validation_neighbours: For rows of these the human sentence of which the document says most, where it
            says half of one.
        word_weights: ``[vocabulary]`` IDF, 1 on average over the running text.
        salience: What says much where, see `salience.py`.
        fingerprint: Changes when a pile changes.
    """

    vocabulary: Vocabulary
    documents: Dataset
    sentences: Dataset
    human_sentences: list[str]
    validation: Pairs
    validation_neighbours: dict[int, str]
    word_weights: Tensor
    salience: Salience
    fingerprint: str


def prepare_corpora(
    options: Options, say: Callable[[str], None] = logger.info, checkpoint: Path | None = None
) -> Corpora:
    """Read, check and tokenize both piles.

    Args:
        options: Options of the run.
        say: Told, in a sentence each, what was found.
        checkpoint: Folder whose vocabulary is used, where a run goes on; else one is loaded or learned.

    Raises:
        SummGANError: A file, a column or a pile is missing or unusable.
    """
    disable_progress_bars()
    transformers_logging.disable_progress_bar()
    data = options.data
    documents, sentences, fingerprint = load_piles(data)
    _warn_of_overlap(documents, sentences, say)
    documents, validation = split_validation(options, documents, say)
    say(
        f"{len(documents):,} documents and {len(sentences):,} human sentences to learn from, "
        f"{len(validation.documents):,} documents to watch."
    )
    vocabulary = _vocabulary(options, documents, sentences, checkpoint)
    human = fluency_sample(sentences)
    beside = {}
    if options.training.neighbour_share:
        beside = _nearest_sentences(validation.documents, sentences)
        sentences = _with_neighbours(documents, sentences, say)
    documents = _cut(_tokenize(documents, vocabulary), vocabulary, data.max_document_length, say)
    sentences = _tokenize(sentences, vocabulary)
    sentences = _leave_out(sentences, data.max_sentence_length, say)
    weights = word_weights(documents, len(vocabulary))
    same, stems, near = vocabulary.spellings(), vocabulary.spellings(data.stemming), None
    if options.training.neighbour_share:
        sentences = _with_support(documents, sentences, (weights < 1).tolist(), same)
        near = sentences.select(np.flatnonzero(np.asarray(sentences["coverage"][:]) >= LEAST_COVERAGE))
    return Corpora(
        vocabulary=vocabulary,
        documents=documents,
        sentences=sentences,
        human_sentences=human,
        validation=validation,
        validation_neighbours=beside,
        word_weights=weights,
        salience=salience_of(documents, sentences, near, stems),
        fingerprint=fingerprint,
    )


def _warn_of_overlap(documents: Dataset, sentences: Dataset, say: Callable[[str], None]) -> None:
    overlap = find_overlap(documents, sentences)
    if overlap.count:
        say(
            f"{overlap.count} of the sentences ({overlap.share:.1%}) also stand in the documents, "
            f"e.g. {overlap.examples[0]!r}: is one pile made of the other?"
        )


def load_piles(data: DataOptions) -> tuple[Dataset, Dataset, str]:
    """Documents and human sentences, and a fingerprint that changes when one of them does.

    Args:
        data: Where they are.

    Raises:
        SummGANError: A file, a column or a pile is missing or unusable.
    """
    for name in ("documents", "sentences"):
        if not getattr(data, name):
            raise SummGANError(f"No {name} are given: name files with --data.{name}.")
    how = (data.skip_bad_rows, data.cache_dir)
    documents = load_texts(data.documents, data.document_column, "document", *how)
    sentences = load_texts(data.sentences, data.sentence_column, "sentence", *how)
    return documents, sentences, f"{corpus_fingerprint(documents)}/{corpus_fingerprint(sentences)}"


def fluency_sample(sentences: Dataset) -> list[str]:
    """The human sentences, 100,000 at most, that the language model of the validation counts."""
    return list(sentences.select(range(min(len(sentences), _FLUENCY_SAMPLE)))["text"])


def split_validation(
    options: Options, documents: Dataset, say: Callable[[str], None]
) -> tuple[Dataset, Pairs]:
    """The documents to train on and those to watch: a twentieth, or all where that is not even one."""
    data, limit = options.data, options.training.eval_documents
    if data.validation:
        pairs = load_pairs(data.validation, data.document_column, data.summary_column, data.skip_bad_rows)
        references = None if pairs.references is None else pairs.references[:limit]
        return documents, Pairs(pairs.documents[:limit], references, pairs.ids[:limit])
    if len(documents) < _PER_WATCHED:
        say(
            f"With fewer than {_PER_WATCHED} documents none is held out: those that are learned from are "
            "watched too. Name others with --data.validation."
        )
        texts = list(documents.select(range(min(limit, len(documents))))["text"])
        return documents, Pairs(texts, None, [str(i) for i in range(len(texts))])
    count = min(limit, len(documents) // _PER_WATCHED)
    held_out = set(np.linspace(0, len(documents) - 1, count, dtype=int).tolist())
    kept = [index for index in range(len(documents)) if index not in held_out]
    texts = list(documents.select(sorted(held_out))["text"])
    return documents.select(kept), Pairs(texts, None, [str(i) for i in sorted(held_out)])


def _vocabulary(
    options: Options, documents: Dataset, sentences: Dataset, checkpoint: Path | None
) -> Vocabulary:
    if checkpoint:
        return _kept_vocabulary(checkpoint)
    name = options.tokenizer.path or options.model.backbone
    if name:
        return Vocabulary.from_pretrained(name)
    return Vocabulary.train(
        alternate_texts(documents, sentences),
        options.tokenizer.vocabulary_size,
        options.tokenizer.byte_fallback,
        options.tokenizer.model_type,
        options.tokenizer.do_lower_case,
    )


def _kept_vocabulary(checkpoint: Path) -> Vocabulary:
    try:
        return Vocabulary.from_pretrained(checkpoint)
    except SummGANError as error:
        raise SummGANError(
            f"The tokenizer in {checkpoint} cannot be read ({error}); delete that checkpoint to resume from "
            "the one before it."
        ) from error


def alternate_texts(documents: Dataset, sentences: Dataset) -> Iterator[str]:
    """Texts of both piles in turn, so that a sample of the first ones knows both."""
    for index in range(max(len(documents), len(sentences))):
        for pile in (documents, sentences):
            if index < len(pile):
                yield pile[index]["text"]


def _tokenize(texts: Dataset, vocabulary: Vocabulary) -> Dataset:
    def encode(rows: dict) -> dict:
        ids = vocabulary.encode_documents(rows["text"])
        return {"input_ids": ids, "length": [len(row) for row in ids]}

    return texts.map(encode, batched=True, remove_columns=["text"])


def _with_neighbours(documents: Dataset, sentences: Dataset, say: Callable[[str], None]) -> Dataset:
    """Note for every sentence the document that says most of it, and how much."""
    found = find_neighbours(documents["text"][:], sentences["text"])
    near = int((found.coverage >= LEAST_COVERAGE).sum())
    say(
        f"{near:,} of the sentences ({near / len(sentences):.0%}) are near some document: it says "
        f"{LEAST_COVERAGE:.0%} of them or more."
    )
    columns = {"neighbour": found.documents, "coverage": found.coverage}
    for name, values in columns.items():
        sentences = sentences.add_column(name, values.tolist())
    return sentences


def _nearest_sentences(documents: list[str], sentences: Dataset) -> dict[int, str]:
    """For rows of documents the sentence of which each says most, if that is enough."""
    found = find_neighbours(documents, sentences["text"])
    # Later ones replace earlier ones, so the nearest of several stays.
    near = [row for row in np.argsort(found.coverage, kind="stable") if found.coverage[row] >= LEAST_COVERAGE]
    texts = sentences.select(near)["text"]
    return dict(zip(found.documents[near].tolist(), texts, strict=True))


def _with_support(documents: Dataset, sentences: Dataset, frequent: list[bool], same: list[int]) -> Dataset:
    """Mark the pieces of every sentence that its neighbour also says, or that are too frequent to matter.

    The others cannot be known from the document, and a generator must not learn to make them up.
    """

    def mark(rows: dict) -> dict:
        near = documents[rows["neighbour"]]["input_ids"]
        flags = []
        for ids, source in zip(rows["input_ids"], near, strict=True):
            said = {same[piece] for piece in source}
            flags.append([int(frequent[piece] or same[piece] in said) for piece in ids])
        return {"supported": flags}

    return sentences.map(mark, batched=True)


def _cut(documents: Dataset, vocabulary: Vocabulary, longest: int, say: Callable[[str], None]) -> Dataset:
    """Cut long documents, and say how many were."""
    lengths = np.asarray(documents.with_format("numpy")["length"][:])
    long = int((lengths > longest).sum())
    if not long:
        return documents
    say(
        f"{long:,} documents ({long / len(lengths):.1%}) have more than {longest} pieces; training "
        "reads their beginnings (data.max_document_length)."
    )

    def cut(rows: dict) -> dict:
        ids = [vocabulary.ended(row[:-1], longest) for row in rows["input_ids"]]
        return {"input_ids": ids, "length": [len(row) for row in ids]}

    return documents.map(cut, batched=True)


def _leave_out(sentences: Dataset, longest: int, say: Callable[[str], None]) -> Dataset:
    """Leave long sentences out, and say how many."""
    lengths = np.asarray(sentences.with_format("numpy")["length"][:])
    kept = np.flatnonzero(lengths <= longest)
    if not len(kept):
        raise SummGANError(
            f"All sentences have more than {longest} pieces: raise --data.max_sentence_length, "
            "or give shorter sentences."
        )
    if len(kept) < len(lengths):
        say(
            f"{len(lengths) - len(kept):,} sentences of more than {longest} pieces are left out "
            "(data.max_sentence_length)."
        )
        sentences = sentences.select(kept)
    return sentences


def measure_lengths(sentences: Dataset, vocabulary: Vocabulary) -> HumanLengths:
    """Lengths of human sentences, and pieces per unit that are enough for 99 of 100."""
    words, mask = pad(sentences.select(range(min(len(sentences), 5000)))["input_ids"])
    units = (vocabulary.lengths.counter.count(words)[0] * mask).sum(1).clamp_min(1).float()
    pieces = (mask.sum(1) - 1) / units
    return HumanLengths(
        summary_length=round(float(units.mean())),
        shortest_summary=round(float(units.quantile(0.1))),
        longest_summary=round(float(units.quantile(0.9))),
        pieces_per_unit=max(1.5, float(pieces.quantile(0.99))),
    )
