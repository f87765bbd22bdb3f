"""From the user's files to what training reads: tokenized piles, a vocabulary, and their statistics.

This runs before the training, on every process alike; `datasets` memory-maps the texts.
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
_PER_WATCHED = 20  # one in so many documents is held out for validation


@dataclass(frozen=True)
class Corpora:
    """The texts of a training run with their statistics.

    Attributes:
        vocabulary: Vocabulary of both piles.
        documents: Rows with ``input_ids``, cut at the longest length and with the end piece, and ``length``.
        sentences: Human sentences in such rows; if they are learned from neighbours, also with ``neighbour``,
            ``coverage`` and ``supported`` (see `neighbours.py`).
        human_sentences: Texts of the sentences, at most 100,000, for the fluency score.
        validation: Documents for validation, with references if they are known.
        validation_neighbours: By row of ``validation``, the human sentence that the document covers most, if
            it covers at least half of it.
        word_weights: ``[vocabulary]`` inverse document frequencies, with mean 1 over the running text.
        salience: Salience of pieces and positions, see `summgan.networks.salience`.
        fingerprint: Hash that changes when a pile changes.
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
        say: Receives sentences about what is found.
        checkpoint: Folder of the vocabulary of a resumed run; without it, one is loaded or learned.

    Raises:
        SummGANError: A file, a column or a pile is missing or unusable.
    """
    disable_progress_bars()
    transformers_logging.disable_progress_bar()
    data = options.data
    documents, sentences, fingerprint = load_piles(data)
    warn_of_overlap(documents, sentences, say)
    documents, validation = split_validation(options, documents, say)
    say(
        f"{len(documents):,} documents and {len(sentences):,} human sentences for training, "
        f"{len(validation.documents):,} documents for validation."
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


def warn_of_overlap(documents: Dataset, sentences: Dataset, say: Callable[[str], None]) -> None:
    """Say so if sentences are copies of parts of documents."""
    overlap = find_overlap(documents, sentences)
    if overlap.count:
        say(
            f"{overlap.count} of the sentences ({overlap.share:.1%}) are also in the documents, such as "
            f"{overlap.examples[0]!r}. If the sentences are taken from the documents, give others."
        )


def load_piles(data: DataOptions) -> tuple[Dataset, Dataset, str]:
    """Load documents and human sentences, and a fingerprint that changes when one of them does.

    Args:
        data: Files and columns of the piles.

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
    """Return the human sentences, at most 100,000, for the language model of the validation."""
    return list(sentences.select(range(min(len(sentences), _FLUENCY_SAMPLE)))["text"])


def split_validation(
    options: Options, documents: Dataset, say: Callable[[str], None]
) -> tuple[Dataset, Pairs]:
    """Split the documents into those to train on and those for validation.

    Validation takes ``data.validation``, or else up to a twentieth of the documents, which training then does
    not read; if there are fewer than twenty, it takes them all, and training reads them too.
    """
    data, limit = options.data, options.training.eval_documents
    if data.validation:
        pairs = load_pairs(data.validation, data.document_column, data.summary_column, data.skip_bad_rows)
        references = None if pairs.references is None else pairs.references[:limit]
        return documents, Pairs(pairs.documents[:limit], references, pairs.ids[:limit])
    if len(documents) < _PER_WATCHED:
        say(
            f"There are fewer than {_PER_WATCHED} documents, so none is held out: validation uses those that "
            "are trained on. Name others with --data.validation."
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
            "the previous one."
        ) from error


def alternate_texts(documents: Dataset, sentences: Dataset) -> Iterator[str]:
    """Alternate the texts of both piles, so that the first ones are a sample of both."""
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
    """Add to each sentence its nearest document (``neighbour``) and its ``coverage``."""
    found = find_neighbours(documents["text"][:], sentences["text"])
    near = int((found.coverage >= LEAST_COVERAGE).sum())
    say(
        f"{near:,} of the sentences ({near / len(sentences):.0%}) are near some document, which has at "
        f"least {LEAST_COVERAGE:.0%} of their words."
    )
    columns = {"neighbour": found.documents, "coverage": found.coverage}
    for name, values in columns.items():
        sentences = sentences.add_column(name, values.tolist())
    return sentences


def _nearest_sentences(documents: list[str], sentences: Dataset) -> dict[int, str]:
    """Find, by row of a document, the sentence that it covers most, if that is enough."""
    found = find_neighbours(documents, sentences["text"])
    # Later entries replace earlier ones, so the nearest of several sentences stays.
    near = [row for row in np.argsort(found.coverage, kind="stable") if found.coverage[row] >= LEAST_COVERAGE]
    texts = sentences.select(near)["text"]
    return dict(zip(found.documents[near].tolist(), texts, strict=True))


def _with_support(documents: Dataset, sentences: Dataset, frequent: list[bool], same: list[int]) -> Dataset:
    """Mark the pieces of each sentence that its neighbour also has, or that are too frequent to matter.

    The other pieces do not follow from the document, and a generator must not learn to invent them.
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
    """Cut long documents, and report their number."""
    lengths = np.asarray(documents.with_format("numpy")["length"][:])
    long = int((lengths > longest).sum())
    if not long:
        return documents
    say(
        f"{long:,} of the documents ({long / len(lengths):.1%}) are cut after {longest} pieces "
        "(--data.max_document_length)."
    )

    def cut(rows: dict) -> dict:
        ids = [vocabulary.ended(row[:-1], longest) for row in rows["input_ids"]]
        return {"input_ids": ids, "length": [len(row) for row in ids]}

    return documents.map(cut, batched=True)


def _leave_out(sentences: Dataset, longest: int, say: Callable[[str], None]) -> Dataset:
    """Leave long sentences out, and report their number."""
    lengths = np.asarray(sentences.with_format("numpy")["length"][:])
    kept = np.flatnonzero(lengths <= longest)
    if not len(kept):
        raise SummGANError(
            f"All sentences have more than {longest} pieces; raise --data.max_sentence_length, or give "
            "shorter sentences."
        )
    if len(kept) < len(lengths):
        say(
            f"{len(lengths) - len(kept):,} of the sentences are left out, with more than {longest} pieces "
            "(--data.max_sentence_length)."
        )
        sentences = sentences.select(kept)
    return sentences


def measure_lengths(sentences: Dataset, vocabulary: Vocabulary) -> HumanLengths:
    """Measure the lengths of human sentences, and the pieces per unit that suffice for 99 % of them."""
    words, mask = pad(sentences.select(range(min(len(sentences), 5000)))["input_ids"])
    units = (vocabulary.lengths.counter.count(words)[0] * mask).sum(1).clamp_min(1).float()
    pieces = (mask.sum(1) - 1) / units
    return HumanLengths(
        summary_length=round(float(units.mean())),
        shortest_summary=round(float(units.quantile(0.1))),
        longest_summary=round(float(units.quantile(0.9))),
        pieces_per_unit=max(1.5, float(pieces.quantile(0.99))),
    )
