"""`HashIndex`: the documents nearest to a text by their codes.

Binary codes are compared by their Hamming distance, and all of them: the index is faiss's flat one. Paths in
a tree are compared by the nodes that they share from the root, and those that share as many by the cosine of
the vectors on them. A saved index is a folder with ``index.json``, which holds the fingerprint of the model,
the documents and their paths; bits are in ``index.faiss``.
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
    """A document that is found.

    Attributes:
        row: Its row in the index.
        distance: Binary: bits that differ. Tree: levels below the last node that both paths share.
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
        """Raises ValueError, or an error of faiss, where the file does not fit."""
        index = _faiss().read_index_binary(str(folder / _INDEX))
        if index.ntotal != len(values["texts"]) or index.d != encoder.model.config.size:
            raise ValueError("other bits than documents")
        return cls(encoder, index)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write a file of its own, and answer what is to stand in ``index.json``."""
        _faiss().write_index_binary(self.index, str(folder / _INDEX))
        return {}

    def add(self, codes: Codes) -> None:
        self.index.add(codes.bits)

    def search(self, codes: Codes, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and rows of the nearest ``k`` to one code."""
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
        """Raises ValueError, KeyError or TypeError where the paths do not fit."""
        made = cls(encoder)
        paths = np.array(values["paths"])
        wanted = (len(values["texts"]), made.paths.shape[1])
        whole = paths.dtype == np.int64 and paths.shape == wanted
        if not whole or not ((paths >= 0) & (paths < made.branching)).all():
            raise ValueError("other paths than documents")
        made.add(Codes(ids=paths))
        return made

    def save(self, folder: Path) -> dict[str, Any]:
        """What is to stand in ``index.json``."""
        return {"paths": self.paths.tolist()}

    def add(self, codes: Codes) -> None:
        self.paths = np.concatenate([self.paths, np.asarray(codes.ids)])
        self.directions = self._directions(self.paths)

    def _directions(self, paths: np.ndarray) -> np.ndarray:
        """Unit vectors ``[paths, hidden]`` of what is rebuilt from."""
        with torch.inference_mode():
            vectors = self.encoder.model.path_vectors(torch.from_numpy(paths))
            return F.normalize(vectors.float(), dim=-1).cpu().numpy()

    def search(self, codes: Codes, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and rows of the nearest ``k`` to one code; the order of the documents decides at last."""
        asked = np.asarray(codes.ids)
        shared = np.logical_and.accumulate(self.paths == asked, axis=1).sum(1)
        # Rounded, so that documents on one path are equal whatever the order of the sum was.
        cosine = (self.directions @ self._directions(asked)[0]).round(5)
        rows = np.lexsort((-cosine, -shared))[:k]
        return self.paths.shape[1] - shared[rows], rows


_INDEXES: dict[str, type[_BitIndex] | type[_PathIndex]] = {"binary": _BitIndex, "tree": _PathIndex}


class HashIndex:
    """Documents with their bits or paths.

    Args:
        encoder: Encodes documents and texts; its code is binary or a tree.
        texts: Documents.
        codes: Codes of the documents; computed here by default.

    Raises:
        SummGANError: The code is of another kind, or faiss, which bits need, is not installed.
    """

    def __init__(self, encoder: Encoder, texts: Sequence[str], codes: Codes | None = None):
        refuse_unindexed(encoder.kind)
        self.encoder, self.texts = encoder, list(texts)
        self._index = _INDEXES[encoder.kind](encoder)
        self._index.add(encoder.encode(self.texts) if codes is None else codes)

    def search(self, text: str, k: int = 10) -> list[Hit]:
        """The ``k`` nearest documents, nearest first.

        Raises:
            SummGANError: The text is empty, or ``k`` is not from 1 to the number of documents.
        """
        if not 1 <= k <= len(self.texts):
            raise SummGANError(f"k is {k}; it must be from 1 to {len(self.texts)}, its documents.")
        distances, rows = self._index.search(self.encoder.encode([text]), k)
        pairs = zip(rows.tolist(), distances.tolist(), strict=True)
        return [Hit(row, distance, self.texts[row]) for row, distance in pairs]

    def save(self, folder: str | Path) -> None:
        """Write the index; it appears whole or not at all."""

        def fill(path: Path) -> None:
            values = {"fingerprint": self.encoder.fingerprint, "texts": self.texts} | self._index.save(path)
            write_text(path / _DOCUMENTS, json.dumps(values, ensure_ascii=False))

        write_folder(Path(folder), fill)

    @classmethod
    def load(cls, folder: str | Path, encoder: Encoder) -> HashIndex:
        """Read an index.

        Raises:
            SummGANError: A file is missing or damaged, or another model made it.
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
                f"The index {str(folder)!r} was made by another model; give that one, or make it again."
            )
        return made


def refuse_unindexed(kind: str) -> None:
    """Refuse a code that no index can hold.

    Raises:
        SummGANError: Naming its kind.
    """
    if kind not in INDEXED:
        raise SummGANError(f"An index needs a binary code or a tree; this model's code is {kind}.")
