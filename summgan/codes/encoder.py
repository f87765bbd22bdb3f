"""`Encoder`: the door to a trained code. Texts or files in; clusters, packed bits, code ids or paths out."""

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
        ids: One-hot: ``[documents]`` cluster ids. VQ: ``[documents, length]`` entries. Tree:
            ``[documents, length]`` branches from the root. Else None.
        probabilities: One-hot: ``[documents, classes]``. Tree: ``[documents, length]`` of the nodes on the
            path, which fall towards the leaf. Else None.
        bits: Binary: ``[documents, size / 8]`` uint8, the first bit the highest of the first byte.
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
                f"The bag of words has {words} words, but the model {model.config.vocabulary_size}; give the "
                "one that the model was trained with."
            )
        self.model, self.bag_of_words = model.eval(), bag_of_words

    @classmethod
    def from_pretrained(cls, folder: str | Path, device: str | torch.device | None = None) -> Encoder:
        """Load a folder (or hub name) made by ``summgan train`` with a ``code.kind`` other than words.

        Raises:
            SummGANError: There is no such model, or it is damaged; nothing that is missing is made up.
        """
        device = device_of(device)
        model = CodeAutoencoder.from_pretrained(folder)
        return cls(model.to(device), BagOfWords.load(folder))

    def save_pretrained(self, folder: str | Path) -> None:
        """Save all that `from_pretrained` needs.

        Args:
            folder: Appears when it is complete. An older one is replaced if summgan has made it.

        Raises:
            SummGANError: The folder holds something else, or cannot be written.
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
        """Changes with the weights or the vocabulary."""
        digest = hashlib.sha256("\n".join(self.bag_of_words.words).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def encode(self, texts: str | Iterable[str], batch_size: int = 256) -> Codes:
        """Codes of texts, in order.

        Args:
            texts: One text, or a list, Series, array, generator or other iterable of several.
            batch_size: Texts at a time; it does not change the codes.

        Raises:
            SummGANError: A text is empty or no text.
        """
        batch_size = checked_value(batch_size, PositiveInt, "batch_size")
        texts = [one_text(texts, "The text")] if isinstance(texts, str) else texts_of(texts, "texts")
        starts = range(0, max(1, len(texts)), batch_size)  # of no texts there are no codes, in one part
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
        """Codes of the documents of a file, folder or pattern, in order.

        Raises:
            SummGANError: The file or one of its rows cannot be used.
        """
        return self.encode([row.text for row in read_rows(path, column)], batch_size)

    def stream(self, rows: Iterable[Row], batch_size: int = 256) -> Iterator[tuple[Row, Codes]]:
        """Rows with the codes of one document each, in order, however many there are."""
        rows = iter(rows)
        while chunk := list(islice(rows, batch_size)):
            codes = self.encode([row.text for row in chunk], batch_size)
            for index, row in enumerate(chunk):
                one = slice(index, index + 1)
                values = (codes.ids, codes.probabilities, codes.bits)
                yield row, Codes(*(None if value is None else value[one] for value in values))
