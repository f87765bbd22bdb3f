"""`HashIndex`: the documents nearest to a text by the Hamming distance of their binary codes.

The distances are exact: faiss's flat binary index compares all documents. A saved index is a folder with
``index.faiss``, and ``index.json`` with the fingerprint of the model and the documents.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from summgan.codes.encoder import Encoder
from summgan.errors import SummGANError
from summgan.files import recover, write_folder, write_text

_INDEX, _DOCUMENTS = "index.faiss", "index.json"


def _faiss() -> ModuleType:
    try:
        import faiss
    except ImportError as error:
        raise SummGANError('HashIndex needs faiss: pip install "summgan[search]".') from error
    return faiss


@dataclass(frozen=True)
class Hit:
    """A document that is found: its row in the index, its Hamming distance in bits, and its text."""

    row: int
    distance: int
    text: str


class HashIndex:
    """Documents with their bits.

    Args:
        encoder: Encodes documents and texts; its code is binary.
        texts: Documents.
        bits: Codes of the documents, ``[documents, bytes]``; computed here by default.

    Raises:
        SummGANError: The code is not binary, or faiss is not installed.
    """

    def __init__(self, encoder: Encoder, texts: Sequence[str], bits: np.ndarray | None = None):
        if encoder.kind != "binary":
            raise SummGANError(f"An index needs a binary code; this model's is {encoder.kind}.")
        self.encoder, self.texts = encoder, list(texts)
        self._index = _faiss().IndexBinaryFlat(encoder.model.config.size)
        self._index.add(encoder.encode(self.texts).bits if bits is None else bits)

    def search(self, text: str, k: int = 10) -> list[Hit]:
        """The ``k`` nearest documents, nearest first.

        Raises:
            SummGANError: The text is empty, or ``k`` is not from 1 to the number of documents.
        """
        if not 1 <= k <= len(self.texts):
            raise SummGANError(f"k is {k}; it must be from 1 to {len(self.texts)}, its documents.")
        distances, rows = self._index.search(self.encoder.encode(text).bits, k)
        pairs = zip(rows[0].tolist(), distances[0].tolist(), strict=True)
        return [Hit(row, distance, self.texts[row]) for row, distance in pairs]

    def save(self, folder: str | Path) -> None:
        """Write the index; it appears whole or not at all."""

        def fill(path: Path) -> None:
            _faiss().write_index_binary(self._index, str(path / _INDEX))
            values = {"fingerprint": self.encoder.fingerprint, "texts": self.texts}
            write_text(path / _DOCUMENTS, json.dumps(values, ensure_ascii=False))

        write_folder(Path(folder), fill)

    @classmethod
    def load(cls, folder: str | Path, encoder: Encoder) -> HashIndex:
        """Read an index.

        Raises:
            SummGANError: A file is missing or damaged, or another model made it.
        """
        folder, faiss = Path(folder), _faiss()
        recover(folder)
        try:
            kept = json.loads((folder / _DOCUMENTS).read_text(encoding="utf-8"))
            fingerprint, texts = kept["fingerprint"], [str(text) for text in kept["texts"]]
            index = faiss.read_index_binary(str(folder / _INDEX))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, RecursionError) as error:
            raise SummGANError(
                f"The index {str(folder)!r} cannot be read: a file is missing or damaged. Make it again with "
                "summgan encode --index."
            ) from error
        if fingerprint != encoder.fingerprint:
            raise SummGANError(
                f"The index {str(folder)!r} was made by another model; give that one, or make it again."
            )
        if index.ntotal != len(texts) or index.d != encoder.model.config.size:
            raise SummGANError(f"The index {str(folder)!r} is damaged: make it again.")
        made = cls.__new__(cls)
        made.encoder, made.texts, made._index = encoder, texts, index
        return made
