"""The data of a code's training: bags of words of the user's documents, and similar documents of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from datasets import disable_progress_bars
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from summgan.codes.bags import BagOfWords, most_similar, principal_directions
from summgan.data.order import Share
from summgan.data.piles import corpus_fingerprint, load_texts
from summgan.errors import SummGANError
from summgan.options.configuration import Options
from summgan.randomness import derive_seed

_DIRECTIONS = 100


@dataclass(frozen=True)
class CodeCorpus:
    """The data of a code's training.

    Attributes:
        bag_of_words: The vocabulary.
        texts: Training documents.
        rows: Sparse bags of the training documents.
        projection: ``[words, directions]`` principal directions of the bags.
        similar: ``[documents, similar_documents]`` rows of the most similar other documents.
        validation: Sparse bags of the held-out documents.
        fingerprint: Hash of the documents.
    """

    bag_of_words: BagOfWords
    texts: list[str]
    rows: list[tuple[Tensor, Tensor]]
    projection: Tensor
    similar: Tensor
    validation: list[tuple[Tensor, Tensor]]
    fingerprint: str


def prepare_code_corpus(options: Options, say: Callable[[str], None]) -> CodeCorpus:
    """Read the documents, and find their vocabulary, principal directions and similar documents.

    A twentieth of them, at most ``training.eval_documents``, is held out for validation.

    Raises:
        SummGANError: A file cannot be used, or there are too few documents for the code.
    """
    disable_progress_bars()
    data, code = options.data, options.code
    if not data.documents:
        raise SummGANError("No documents are given: name files with --data.documents.")
    loaded = load_texts(
        data.documents,
        data.document_column,
        "document",
        skip_bad_rows=data.skip_bad_rows,
        cache_dir=data.cache_dir,
    )
    texts = list(loaded["text"])
    if code.kind == "tree" and code.least_documents > len(texts):
        raise SummGANError(
            f"--code.length is {code.length} but there are {len(texts)} documents; a tree with {code.size} "
            f"branches per node has {code.least_documents} leaves. Lower --code.length or give more "
            "documents."
        )
    if code.kind in ("one-hot", "vq") and code.size > len(texts):
        raise SummGANError(
            f"--code.size is {code.size} but there are {len(texts)} documents; "
            "lower --code.size or give more documents."
        )
    count = min(options.training.eval_documents, max(1, len(texts) // 20))
    held_out = set(np.linspace(0, len(texts) - 1, count, dtype=int).tolist())
    training = [text for index, text in enumerate(texts) if index not in held_out]
    if code.similar_documents >= len(training):
        raise SummGANError(
            f"--code.similar_documents is {code.similar_documents} but there are {len(training)} documents "
            "to train on; lower it or give more documents."
        )
    say(f"{len(training):,} documents for training, {count:,} for validation.")
    bag_of_words = BagOfWords.fit(training, code.vocabulary_size, code.max_document_frequency)
    rows = bag_of_words.rows(training)
    bags = bag_of_words.dense(rows)
    projection = principal_directions(bags, _DIRECTIONS)
    similar = most_similar(F.normalize(bags @ projection, dim=-1), code.similar_documents)
    validation = bag_of_words.rows([texts[index] for index in sorted(held_out)])
    return CodeCorpus(
        bag_of_words, training, rows, projection, similar, validation, corpus_fingerprint(loaded)
    )


@dataclass(frozen=True)
class CodeBatch:
    """A micro-batch of documents.

    Attributes:
        rows: ``[batch]`` number of each row in the run, from which its noise follows.
        bags: ``[batch, words]``.
        similar: ``[batch, words]`` bag of a document similar to each.
    """

    rows: Tensor
    bags: Tensor
    similar: Tensor

    def to(self, device: torch.device) -> CodeBatch:
        """Copy the batch to a device."""
        return CodeBatch(self.rows.to(device), self.bags.to(device), self.similar.to(device))


class CodeBatches(Dataset):
    """Micro-batches of one process by number; each is a pure function of the seed and its number.

    Two processes together read the rows of one process with a micro-batch twice as large.

    Args:
        corpus: Documents of the run.
        seed: Seed of the run.
        share: The part of each batch that this process reads.
    """

    def __init__(self, corpus: CodeCorpus, seed: int, share: Share):
        self.corpus, self.seed, self.share = corpus, seed, share

    def __getitem__(self, number: int) -> CodeBatch:
        """Return the micro-batch with this number."""
        corpus, share = self.corpus, self.share
        # All processes draw the same batch, and each takes its part.
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "bags", number, 0))
        size, first = share.batch_size * share.processes, share.batch_size * share.rank
        mine = slice(first, first + share.batch_size)
        chosen = torch.randint(len(corpus.rows), (size,), generator=generator)[mine]
        places = torch.randint(corpus.similar.shape[1], (size,), generator=generator)[mine]
        others = corpus.similar[chosen, places]
        dense = corpus.bag_of_words.dense
        return CodeBatch(
            torch.tensor(share.rows(number)),
            dense([corpus.rows[index] for index in chosen.tolist()]),
            dense([corpus.rows[index] for index in others.tolist()]),
        )
