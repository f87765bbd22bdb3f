"""Rows to memory-mapped datasets: the piles of documents and human sentences, and pairs for validation.

A pile is copied once into Arrow files in the `datasets` cache, under a key made of the names, sizes and times
of its files. So a corpus may be larger than memory, and a changed file is read again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from summgan.data.readers import Row, read_rows, resolve_files
from summgan.data.readers.columns import find_column, is_usual
from summgan.data.readers.paths import STANDARD_INPUT
from summgan.data.readers.values import Problem, text_of, texts_of
from summgan.errors import RowError, SummGANError
from summgan.text.script import split_sentences, split_words

if TYPE_CHECKING:
    from datasets import Dataset

logger = logging.getLogger(__name__)

Paths = str | Path | Sequence[str | Path]

_SHOWN = 3
_FINGERPRINT_ROWS = 2000
_READING = 2  # version of the readers: raised when they read a file differently, so that no old copy is used
_SKIP = " Correct it, or skip such rows with --data.skip_bad_rows true."


class BadRows:
    """Counts unusable rows and keeps the first messages; pass it as ``on_bad_row``."""

    def __init__(self):
        self.count = 0
        self.messages: list[str] = []

    def __call__(self, error: RowError) -> None:
        """Count one error."""
        self.count += 1
        if len(self.messages) < _SHOWN:
            self.messages.append(str(error))

    def report(self) -> str | None:
        """Return a sentence about the skipped rows; None if there are none."""
        if not self.count:
            return None
        more = " ..." if self.count > len(self.messages) else ""
        return f"Bad rows that were skipped: {self.count:,}. {' '.join(self.messages)}{more}"


def load_texts(
    paths: Paths,
    column: str | None = None,
    role: str = "document",
    skip_bad_rows: bool = False,
    cache_dir: str | None = None,
) -> Dataset:
    """Load a pile as a memory-mapped dataset with the column ``text``.

    Args:
        paths: Files, folders or patterns.
        column: Column of the text; usual names are found without it.
        role: ``document`` or ``sentence``.
        skip_bad_rows: Whether unusable rows are skipped and reported, instead of raising an error.
        cache_dir: Folder for the copy; by default the cache of `datasets`.

    Raises:
        SummGANError: A file or row is unusable, there is no text, or the copy cannot be written.
    """
    from datasets import Dataset, Features, Value
    from datasets.exceptions import DatasetsError
    from pyarrow import ArrowException

    files = resolve_files(paths)
    if any(str(file) == STANDARD_INPUT for file in files):
        raise SummGANError("Training reads its text more than once; write standard input to a file first.")
    # These are tuples, because `datasets` would call the generator once for each entry of a list.
    names = tuple(str(file) for file in files)
    arguments = {
        "files": names,
        "column": column,
        "role": role,
        "skip_bad_rows": skip_bad_rows,
        "versions": (_READING, *(tuple(_version(file)) for file in files)),
    }
    features = Features({"text": Value("string"), "bad_rows": Value("string")})
    try:
        data = Dataset.from_generator(_generate, features=features, gen_kwargs=arguments, cache_dir=cache_dir)
        # The last row has the report, which is needed again when the copy is reused.
        report = data[len(data) - 1]["bad_rows"]
    except (DatasetsError, ArrowException, OSError, ValueError) as error:
        raise _of_user(error) or _no_copy(error, cache_dir) from error
    if report:
        logger.warning(report)
    if len(data) == 1:
        raise SummGANError(f"There are no {role}s in {', '.join(names)}. {report or ''}".rstrip())
    return data.select(range(len(data) - 1)).select_columns(["text"])


def _of_user(error: BaseException | None) -> SummGANError | None:
    """Find our own error among those that `datasets` has wrapped around it."""
    while error is not None and not isinstance(error, SummGANError):
        error = error.__cause__ or error.__context__
    return error


def _no_copy(error: BaseException, cache_dir: str | None) -> SummGANError:
    """Say what prevents the copy of the text: no room, no permission, or a damaged older copy."""
    from datasets.config import HF_DATASETS_CACHE

    folder = cache_dir or HF_DATASETS_CACHE
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return SummGANError(
                f"The text cannot be copied to {folder}: {cause.strerror}. Name a folder with enough space "
                "and write permission with --data.cache_dir or HF_HOME."
            )
        cause = cause.__cause__ or cause.__context__
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return SummGANError(
        f"The copy of the text in {folder} cannot be used ({reason}). Delete the folder, or name another "
        "with --data.cache_dir or HF_HOME."
    )


def _generate(
    files: tuple[str, ...], column: str | None, role: str, skip_bad_rows: bool, versions: tuple
) -> Iterator[dict[str, str | None]]:
    bad = BadRows()
    for row in _rows(files, column, role, bad if skip_bad_rows else None):
        yield {"text": row.text, "bad_rows": None}
    yield {"text": "", "bad_rows": bad.report()}


def _rows(paths: Paths, column: str | None, role: str, bad: BadRows | None) -> Iterator[Row]:
    """Rows for training, with messages that have the full names of its options."""
    try:
        yield from read_rows(paths, column, role, bad, option=f"--data.{role}_column")
    except RowError as error:
        raise RowError(error.reason + _SKIP, error.file, error.line) from None


def _version(file: Path) -> list[tuple[str, int, int]]:
    """Name, size in bytes and time of a file, or of all files in a folder."""
    files = sorted(p for p in file.rglob("*") if p.is_file()) if file.is_dir() else [file]
    try:
        return [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    except OSError as error:
        raise SummGANError(f"{error.filename}: cannot be read ({error.strerror}).") from error


@dataclass(frozen=True)
class Pairs:
    """Documents, with their references if they are known.

    Attributes:
        documents: Texts of the documents.
        references: One or more summaries by people for each document; None if there are none at all.
        ids: Ids of the rows, or their line numbers.
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
    """Load documents, with their references if a column has them, into memory.

    Args:
        paths: Files, folders or patterns.
        document_column: Column of the document; usual names are found without it.
        summary_column: Column of one reference or a list of them; usual names are found without it.
        skip_bad_rows: Whether unusable rows are skipped and reported, instead of raising an error.

    Raises:
        SummGANError: A file or row is unusable, or there are no documents.
    """
    bad = BadRows()
    found: list[tuple[Row, list[str] | None]] = []
    for row in _rows(paths, document_column, "document", bad if skip_bad_rows else None):
        try:
            found.append((row, _references(row, summary_column)))
        except RowError as error:
            _take(error, bad, skip_bad_rows)
    if any(references for _, references in found):
        for row, references in found:
            if not references:
                missing = RowError("has no summary, although other rows have one.", row.file, row.line)
                _take(missing, bad, skip_bad_rows)
        found = [(row, references) for row, references in found if references]
    report = bad.report()
    if report:
        logger.warning(report)
    if not found:
        raise SummGANError(f"There are no documents in {paths}. {report or ''}".rstrip())
    kept = [references for _, references in found if references]
    return Pairs(
        [row.text for row, _ in found],
        kept or None,
        [str(row.line if row.fields.get("id") is None else row.fields["id"]) for row, _ in found],
    )


def _take(error: RowError, bad: BadRows, skip: bool) -> None:
    if not skip:
        raise RowError(error.reason + _SKIP, error.file, error.line)
    bad(error)


def _references(row: Row, column: str | None) -> list[str] | None:
    """References in the row of a document; None if no column has any."""
    # A usual name of a document is a reference only if the user names it.
    names = tuple(name for name in row.fields if not is_usual(name, "document") or column)
    if column is None and not any(is_usual(name, "reference") for name in names):
        return None
    try:
        name, _ = find_column(names, "reference", "--data.summary_column", column)
    except Problem as problem:
        raise RowError(str(problem), row.file, row.line) from None
    return references_of(row, name)


def references_of(row: Row, column: str) -> list[str]:
    """Return the references in a column of a row, which has one text or a list of texts.

    Raises:
        RowError: The column has no text.
    """
    try:
        return texts_of(row.fields[column], column)
    except Problem as problem:
        raise RowError(str(problem), row.file, row.line) from None


def document_beside(row: Row, column: str | None) -> str | None:
    """Return the document in the row of a reference; None if no column has one.

    Args:
        row: Row of a reference.
        column: Column of the document, or None to find it by its name.

    Raises:
        RowError: The column does not exist or has no text, or two columns may be meant.
    """
    names = tuple(name for name in row.fields if name != row.column)
    if column is None and not any(is_usual(name, "document") for name in names):
        return None
    try:
        name, _ = find_column(names, "document", "--document_column", column)
        return text_of(row.fields[name], name)
    except Problem as problem:
        raise RowError(str(problem), row.file, row.line) from None


def corpus_fingerprint(dataset: Dataset) -> str:
    """Hash the number of rows and about 2,000 of them, evenly spread."""
    digest = hashlib.sha256(str(len(dataset)).encode())
    step = max(1, len(dataset) // _FINGERPRINT_ROWS)
    for text in dataset.select(range(0, len(dataset), step))["text"]:
        digest.update(text.encode())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Overlap:
    """Human sentences that are also in the documents.

    Attributes:
        count: Number of such sentences.
        share: Share of all sentences, from 0 to 1.
        examples: A few of them.
    """

    count: int
    share: float
    examples: list[str]


def find_overlap(documents: Dataset, sentences: Dataset, limit: int = 5) -> Overlap:
    """Find sentences that are a sentence or the whole of a document, ignoring case and punctuation."""
    known: set[int] = set()
    for rows in documents.iter(1000):
        for text in rows["text"]:
            known.add(_key(text))
            known.update(_key(sentence) for sentence in split_sentences(text))
    found = 0
    examples: list[str] = []
    for rows in sentences.iter(1000):
        for text in rows["text"]:
            if _key(text) in known:
                found += 1
                examples += [text] if len(examples) < limit else []
    return Overlap(found, found / len(sentences), examples)


def _key(text: str) -> int:
    return hash(tuple(split_words(text)))
