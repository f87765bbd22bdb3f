"""Rows to memory-mapped datasets: the two unlabelled piles, and pairs for validation.

A pile is copied once into Arrow files in the `datasets` cache, under a key made of the files' names,
sizes and times, so a corpus larger than memory trains and a changed file is read again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from summgan.errors import SummGANError
from summgan.readers import Row, read_rows, resolve_files
from summgan.text import normalize, split_sentences, split_words

if TYPE_CHECKING:
    from datasets import Dataset

logger = logging.getLogger(__name__)

Paths = str | Path | Sequence[str | Path]

_SHOWN = 3
_FINGERPRINT_ROWS = 2000


class BadRows:
    """Counts rows that could not be used and keeps the first messages; pass it as ``on_bad_row``."""

    def __init__(self):
        self.count = 0
        self.messages: list[str] = []

    def __call__(self, error: SummGANError) -> None:
        """Take one error."""
        self.count += 1
        if len(self.messages) < _SHOWN:
            self.messages.append(str(error))

    def report(self) -> str | None:
        """One sentence, or None when all rows were good."""
        if not self.count:
            return None
        more = " ..." if self.count > len(self.messages) else ""
        return f"{self.count:,} bad rows were skipped: {' '.join(self.messages)}{more}"


def load_texts(
    paths: Paths,
    column: str | None = None,
    role: str = "document",
    skip_bad_rows: bool = False,
    cache_dir: str | None = None,
) -> Dataset:
    """One pile of texts as a memory-mapped dataset with the column ``text``.

    Args:
        paths: Files, folders, patterns.
        column: Of the text; found by itself when it has a usual name.
        role: ``document`` or ``sentence``.
        skip_bad_rows: Skip and report rows that cannot be used.
        cache_dir: Where the copy is kept; the cache of `datasets` by default.

    Raises:
        SummGANError: A file or row cannot be used, there is no text, or no room for the copy.
    """
    from datasets import Dataset, Features, Value
    from datasets.exceptions import DatasetGenerationError

    files = resolve_files(paths)
    # Tuples: `datasets` would call the generator once for every entry of a list.
    arguments = {
        "files": tuple(str(file) for file in files),
        "column": column,
        "role": role,
        "skip_bad_rows": skip_bad_rows,
        "versions": tuple(tuple(_version(file)) for file in files),
    }
    features = Features({"text": Value("string"), "bad_rows": Value("string")})
    try:
        data = Dataset.from_generator(_generate, features=features, gen_kwargs=arguments, cache_dir=cache_dir)
    except DatasetGenerationError as error:
        if isinstance(error.__cause__, SummGANError):
            raise error.__cause__ from None
        raise
    except PermissionError as error:
        raise SummGANError(
            f"The text cannot be copied to {error.filename}: {error.strerror}. Name a writable folder "
            "with --data.cache_dir or HF_HOME."
        ) from error
    # The last row carries the report, so that it is not lost when the copy is used again.
    report = data[len(data) - 1]["bad_rows"]
    if report:
        logger.warning(report)
    if len(data) == 1:
        raise SummGANError(f"There is no {role} in {', '.join(arguments['files'])}.")
    return data.select(range(len(data) - 1)).select_columns(["text"])


def _generate(
    files: tuple[str, ...], column: str | None, role: str, skip_bad_rows: bool, versions: tuple
) -> Iterator[dict[str, str | None]]:
    bad = BadRows()
    for row in read_rows(files, column, role, bad if skip_bad_rows else None):
        yield {"text": row.text, "bad_rows": None}
    yield {"text": "", "bad_rows": bad.report()}


def _version(file: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of a file, or of all files of a folder."""
    files = sorted(p for p in file.rglob("*") if p.is_file()) if file.is_dir() else [file]
    return [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in files]


@dataclass(frozen=True)
class Pairs:
    """Documents, with references where there are any.

    Attributes:
        documents: Texts.
        references: For each document its summaries by people, or None for all.
        ids: The rows' ids, or their line numbers.
    """

    documents: list[str]
    references: list[list[str]] | None
    ids: list[str]


def load_pairs(
    paths: Paths,
    document_column: str | None = None,
    summary_column: str | None = None,
    skip_bad_rows: bool = False,
) -> Pairs:
    """Documents and, where a column holds them, their references; read into memory.

    Args:
        paths: Files, folders, patterns.
        document_column: Found by itself when it has a usual name.
        summary_column: Of one text or a list of texts; else ``references`` or ``summary``.
        skip_bad_rows: Skip and report rows that cannot be used.

    Raises:
        SummGANError: A file or row cannot be used.
    """
    bad = BadRows()
    rows: list[Row] = []
    references: list[list[str] | None] = []
    for row in read_rows(paths, document_column, "document", bad if skip_bad_rows else None):
        try:
            references.append(_references(row, summary_column))
        except SummGANError as error:
            if not skip_bad_rows:
                raise
            bad(error)
            continue
        rows.append(row)
    if report := bad.report():
        logger.warning(report)
    if not rows:
        raise SummGANError(f"There is no document in {paths}.")
    complete = all(reference is not None for reference in references)
    return Pairs(
        [row.text for row in rows],
        references if complete else None,
        [str(row.fields.get("id", row.line)) for row in rows],
    )


def _references(row: Row, column: str | None) -> list[str] | None:
    if column is None:
        column = next((name for name in ("references", "summary") if name in row.fields), None)
        if column is None:
            return None
    return references_of(row, column)


def references_of(row: Row, column: str) -> list[str]:
    """The references of a row: one text or a list of texts.

    Raises:
        SummGANError: There is no text.
    """
    value: Any = row.fields.get(column)
    texts = [value] if isinstance(value, str) else value
    usable = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
    cleaned = [text for text in map(normalize, texts) if text] if usable else []
    if not cleaned:
        raise SummGANError(f"{row.file}:{row.line}: {column} holds no text.")
    return cleaned


def corpus_fingerprint(dataset: Dataset) -> str:
    """A hash of the number of rows and of up to 2,000 of them, evenly spread."""
    digest = hashlib.sha256(str(len(dataset)).encode())
    step = max(1, len(dataset) // _FINGERPRINT_ROWS)
    for text in dataset.select(range(0, len(dataset), step))["text"]:
        digest.update(text.encode())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Overlap:
    """Human sentences that also stand in the documents.

    Attributes:
        count: How many.
        share: Of all sentences.
        examples: A few.
    """

    count: int
    share: float
    examples: list[str]


def find_overlap(documents: Dataset, sentences: Dataset, limit: int = 5) -> Overlap:
    """Sentences that are a sentence (or the whole) of a document, case and punctuation aside."""
    known: set[int] = set()
    for rows in documents.iter(1000):
        for text in rows["text"]:
            known.add(_key(text))
            known.update(_key(sentence) for sentence in split_sentences(text))
    found, examples = 0, []
    for rows in sentences.iter(1000):
        for text in rows["text"]:
            if _key(text) in known:
                found += 1
                examples += [text] if len(examples) < limit else []
    return Overlap(found, found / len(sentences), examples)


def _key(text: str) -> int:
    return hash(tuple(split_words(text)))
