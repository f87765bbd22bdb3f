"""`Encoder`: turns texts or files into classes, packed bits, codebook entries or paths by a trained code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from summgan.arguments import device_of, one_text, texts_of
from summgan.codes.bags import BagOfWords
from summgan.codes.model import CodeAutoencoder
from summgan.data.readers import Row, read_rows
from summgan.errors import SummGANError
from summgan.files import write_folder
from summgan.options.ranges import PositiveInt, checked_value


@dataclass(frozen=True)
class Codes:
    """Codes of documents.

    Attributes:
        ids: One-hot: classes ``[documents]``. VQ: codebook entries ``[documents, length]``. Tree: branches
            ``[documents, length]`` from the root. Otherwise None.
        probabilities: One-hot: ``[documents, classes]``. Tree: probabilities ``[documents, length]`` of the
            nodes on the path, falling towards the leaf. Otherwise None.
        bits: Binary: ``[documents, size / 8]`` uint8; the first bit is the highest of the first byte.
            Otherwise None.
    """

    ids: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    bits: np.ndarray | None = None


class Encoder:
    """Encodes texts with a trained code.

    Args:
        model: From `CodeAutoencoder.from_pretrained`.
        bag_of_words: Its vocabulary.
    """

    def __init__(self, model: CodeAutoencoder, bag_of_words: BagOfWords):
        if not isinstance(model, CodeAutoencoder) or not isinstance(bag_of_words, BagOfWords):
            raise SummGANError(
                f"An Encoder needs a CodeAutoencoder and its BagOfWords, not {type(model).__name__} and "
                f"{type(bag_of_words).__name__}; Encoder.from_pretrained(folder) loads both."
            )
        if (words := len(bag_of_words.words)) != model.config.vocabulary_size:
            raise SummGANError(
                f"The bag of words has {words} words, but the model has {model.config.vocabulary_size}; give "
                "the bag of words that the model was trained with."
            )
        self.model, self.bag_of_words = model.eval(), bag_of_words

    @classmethod
    def from_pretrained(cls, folder: str | Path, device: str | torch.device | None = None) -> Encoder:
        """Load a code that ``summgan train`` has made.

        Args:
            folder: Folder or hub name.
            device: Device to run on, by default a GPU if there is one.

        Raises:
            SummGANError: There is no such model, or a file is missing or damaged.
        """
        device = device_of(device)
        model = CodeAutoencoder.from_pretrained(folder)
        return cls(model.to(device), BagOfWords.load(folder))

    def save_pretrained(self, folder: str | Path) -> None:
        """Save everything that `from_pretrained` needs.

        Args:
            folder: Folder to write; it appears when it is complete. An existing folder is replaced only if
                summgan has made it.

        Raises:
            SummGANError: The folder holds files of another origin, or cannot be written.
        """

        def fill(path: Path) -> None:
            self.model.save_pretrained(path)
            self.bag_of_words.save(path)

        write_folder(Path(folder), fill)

    @property
    def kind(self) -> str:
        """``one-hot``, ``binary``, ``vq`` or ``tree``."""
        return self.model.config.kind

    @property
    def fingerprint(self) -> str:
        """Hash of the weights and the vocabulary, which identifies the model."""
        digest = hashlib.sha256("\n".join(self.bag_of_words.words).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def encode(self, texts: str | Iterable[str], batch_size: int = 256) -> Codes:
        """Encode texts, in order.

        Args:
            texts: One text, or several as a list, Series, array, generator or other iterable.
            batch_size: Number of texts encoded at once; it does not change the codes.

        Raises:
            SummGANError: A text is empty or not a string.
        """
        batch_size = checked_value(batch_size, PositiveInt, "batch_size")
        texts = [one_text(texts, "The text")] if isinstance(texts, str) else texts_of(texts, "texts")
        starts = range(0, max(1, len(texts)), batch_size)  # no texts make one empty part
        parts = [self._encode(texts[start : start + batch_size]) for start in starts]
        fields = ("ids", "probabilities", "bits")
        columns = {name: [getattr(part, name) for part in parts] for name in fields}
        return Codes(**{n: None if c[0] is None else np.concatenate(c) for n, c in columns.items()})

    @torch.inference_mode()
    def _encode(self, texts: list[str]) -> Codes:
        code = self.model.encode(self.bag_of_words.vectors(texts).to(self.model.device))
        ids = code.given("codes").cpu().numpy()
        if self.kind == "binary":
            return Codes(bits=np.packbits(ids.astype(np.uint8), axis=1))
        if self.kind == "one-hot":
            return Codes(ids=ids[:, 0], probabilities=code.given("probabilities")[:, 0].cpu().numpy())
        if self.kind == "tree":
            return Codes(ids=ids, probabilities=code.given("probabilities").cpu().numpy())
        return Codes(ids=ids)

    def encode_file(self, path: str | Path, column: str | None = None, batch_size: int = 256) -> Codes:
        """Encode the documents of a file, folder or pattern, in order.

        Args:
            path: Path to read; see `read_rows`.
            column: Column with the text; found by its usual names if None.
            batch_size: Number of documents encoded at once.

        Raises:
            SummGANError: The file or one of its rows cannot be used.
        """
        return self.encode([row.text for row in read_rows(path, column)], batch_size)

    def stream(self, rows: Iterable[Row], batch_size: int = 256) -> Iterator[tuple[Row, Codes]]:
        """Yield each row with the code of its document, in order; rows are read ``batch_size`` at a time."""
        rows = iter(rows)
        while chunk := list(islice(rows, batch_size)):
            codes = self.encode([row.text for row in chunk], batch_size)
            for index, row in enumerate(chunk):
                one = slice(index, index + 1)
                values = (codes.ids, codes.probabilities, codes.bits)
                yield row, Codes(*(None if value is None else value[one] for value in values))
