"""`HashIndex`: finds the documents nearest to a text by their codes.

Binary codes are compared exhaustively by Hamming distance (faiss's flat index). Paths in a tree are compared
by the number of nodes that they share from the root; ties are broken by the cosine of the vectors that the
reconstructor reads. A saved index is a folder: ``index.json`` holds the fingerprint of the model, the
documents and their paths, and ``index.faiss`` the bits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from summgan.codes.encoder import Codes, Encoder
from summgan.errors import SummGANError
from summgan.files import recover, write_folder, write_text

INDEXED = ("binary", "tree")
"""Kinds of code that have an index."""

_INDEX, _DOCUMENTS = "index.faiss", "index.json"


def _faiss() -> ModuleType:
    try:
        import faiss
    except ImportError as error:
        raise SummGANError('HashIndex needs faiss: pip install "summgan[search]".') from error
    return faiss


@dataclass(frozen=True)
class Hit:
    """A document that a search has found.

    Attributes:
        row: Row of the document in the index.
        distance: Binary: number of bits that differ. Tree: number of levels below the last shared node.
        text: The document.
    """

    row: int
    distance: int
    text: str


class _BitIndex:
    """Bits ``[documents, bytes]`` in faiss."""

    def __init__(self, encoder: Encoder, index: Any = None):
        self.index = _faiss().IndexBinaryFlat(encoder.model.config.size) if index is None else index

    @classmethod
    def load(cls, encoder: Encoder, folder: Path, values: dict[str, Any]) -> _BitIndex:
        """Read the bits; raises ValueError or an error of faiss if the file does not fit."""
        index = _faiss().read_index_binary(str(folder / _INDEX))
        if index.ntotal != len(values["texts"]) or index.d != encoder.model.config.size:
            raise ValueError("the bits do not fit the documents")
        return cls(encoder, index)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the bits into a file, and return the fields for ``index.json``."""
        _faiss().write_index_binary(self.index, str(folder / _INDEX))
        return {}

    def add(self, codes: Codes) -> None:
        self.index.add(codes.bits)

    def search(self, codes: Codes, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Find distances and rows of the ``k`` documents nearest to one code."""
        distances, rows = self.index.search(codes.bits, k)
        return distances[0], rows[0]


class _PathIndex:
    """Paths ``[documents, depth]``, compared one by one."""

    def __init__(self, encoder: Encoder):
        config = encoder.model.config
        self.encoder, self.branching = encoder, config.size
        self.paths = np.zeros((0, config.length), np.int64)

    @classmethod
    def load(cls, encoder: Encoder, folder: Path, values: dict[str, Any]) -> _PathIndex:
        """Take the paths from ``index.json``; raises ValueError, KeyError or TypeError if they do not fit."""
        made = cls(encoder)
        paths = np.array(values["paths"])
        wanted = (len(values["texts"]), made.paths.shape[1])
        whole = paths.dtype == np.int64 and paths.shape == wanted
        if not whole or not ((paths >= 0) & (paths < made.branching)).all():
            raise ValueError("the paths do not fit the documents")
        made.add(Codes(ids=paths))
        return made

    def save(self, folder: Path) -> dict[str, Any]:
        """Return the fields for ``index.json``."""
        return {"paths": self.paths.tolist()}

    def add(self, codes: Codes) -> None:
        self.paths = np.concatenate([self.paths, np.asarray(codes.ids)])
        self.directions = self._directions(self.paths)

    def _directions(self, paths: np.ndarray) -> np.ndarray:
        """Unit vectors ``[paths, hidden]`` of paths, in the direction that the reconstructor reads."""
        with torch.inference_mode():
            vectors = self.encoder.model.path_vectors(torch.from_numpy(paths))
            return F.normalize(vectors.float(), dim=-1).cpu().numpy()

    def search(self, codes: Codes, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Find distances and rows of the ``k`` documents nearest to one code; the earlier row wins a tie."""
        query = np.asarray(codes.ids)
        shared = np.logical_and.accumulate(self.paths == query, axis=1).sum(1)
        # Rounded, so that documents on one path tie whatever the order of summation.
        cosine = (self.directions @ self._directions(query)[0]).round(5)
        rows = np.lexsort((-cosine, -shared))[:k]
        return self.paths.shape[1] - shared[rows], rows


_INDEXES: dict[str, type[_BitIndex] | type[_PathIndex]] = {"binary": _BitIndex, "tree": _PathIndex}


class HashIndex:
    """A searchable index of documents by their bits or paths.

    Args:
        encoder: Encodes documents and queries; its code is binary or a tree.
        texts: Documents.
        codes: Codes of the documents; computed here by default.

    Raises:
        SummGANError: The code is of another kind, or the code is binary and faiss is not installed.
    """

    def __init__(self, encoder: Encoder, texts: Sequence[str], codes: Codes | None = None):
        refuse_unindexed(encoder.kind)
        self.encoder, self.texts = encoder, list(texts)
        self._index = _INDEXES[encoder.kind](encoder)
        self._index.add(encoder.encode(self.texts) if codes is None else codes)

    def search(self, text: str, k: int = 10) -> list[Hit]:
        """Find the ``k`` nearest documents, nearest first.

        Raises:
            SummGANError: The text is empty, or ``k`` is not between 1 and the number of documents.
        """
        if not 1 <= k <= len(self.texts):
            raise SummGANError(
                f"k is {k}; it must be from 1 to {len(self.texts)}, the number of documents in the index."
            )
        distances, rows = self._index.search(self.encoder.encode([text]), k)
        pairs = zip(rows.tolist(), distances.tolist(), strict=True)
        return [Hit(row, distance, self.texts[row]) for row, distance in pairs]

    def save(self, folder: str | Path) -> None:
        """Write the index into a folder, which appears when it is complete."""

        def fill(path: Path) -> None:
            values = {"fingerprint": self.encoder.fingerprint, "texts": self.texts} | self._index.save(path)
            write_text(path / _DOCUMENTS, json.dumps(values, ensure_ascii=False))

        write_folder(Path(folder), fill)

    @classmethod
    def load(cls, folder: str | Path, encoder: Encoder) -> HashIndex:
        """Read an index from a folder.

        Args:
            folder: Folder that `save` or ``summgan encode --index`` has written.
            encoder: The model that made the index.

        Raises:
            SummGANError: A file is missing or damaged, or another model made the index.
        """
        refuse_unindexed(encoder.kind)
        folder = Path(folder)
        recover(folder)
        made = cls.__new__(cls)
        try:
            kept = json.loads((folder / _DOCUMENTS).read_text(encoding="utf-8"))
            fingerprint, texts = kept["fingerprint"], [str(text) for text in kept["texts"]]
            if fingerprint == encoder.fingerprint:
                made.encoder, made.texts = encoder, texts
                made._index = _INDEXES[encoder.kind].load(encoder, folder, kept)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, RecursionError) as error:
            raise SummGANError(
                f"The index {str(folder)!r} cannot be read: a file is missing or damaged. Make it again with "
                "summgan encode --index."
            ) from error
        if fingerprint != encoder.fingerprint:
            raise SummGANError(
                f"The index {str(folder)!r} was made by another model; give that model, or make the index "
                "again with summgan encode --index."
            )
        return made


def refuse_unindexed(kind: str) -> None:
    """Check that a code has an index.

    Raises:
        SummGANError: The code is of another kind.
    """
    if kind not in INDEXED:
        raise SummGANError(f"An index needs a binary code or a tree; this model's code is {kind}.")
