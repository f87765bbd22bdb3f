"""The commands ``summarize``, ``score`` and ``tokenizer``, without the parsing of their options.

Each takes its options as a dict and ``say`` for messages to the user, and returns an exit status.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm
from transformers.utils import logging as transformers_logging

from summgan.data.piles import document_beside, references_of
from summgan.data.readers import Row, count_rows, read_rows, resolve_files
from summgan.data.readers.standard_input import standard_input
from summgan.errors import RowError, SummGANError
from summgan.evaluation.scoring import ScoreReport, describe_report, evaluate_summaries
from summgan.files import check_folder, check_output, write_folder, write_text
from summgan.options.configuration import TokenizerOptions
from summgan.options.generation import SummarizerOptions
from summgan.text.vocabulary import Vocabulary
from summgan.writing.output import PrintedRecords, RecordFile, describe_files
from summgan.writing.records import Record, failed_record, in_order, read_items, read_summaries, record
from summgan.writing.summarizer import CHUNK, Summarizer

Say = Callable[[str], None]

_NOT_SETTINGS = ("output", "resume", "device", "batch_size")
_SHOWN = 5
_WHERE = {"references": "references", "documents": "in documents"}
_NOTHING = {"summary_text": "", "reconstruction": None, "reconstruction_loss": None, "human_likeness": None}


def summarize(options: dict[str, Any], say: Say) -> int:
    """Summarize files or standard input; unusable rows are reported and counted."""
    how = SummarizerOptions(
        **{field.name: options[field.name] for field in fields(SummarizerOptions)}
    ).check()
    with open_output(options, PrintedRecords("summary_text")) as output:
        rows = read_items(options["files"], options["document_column"], "document", "--document_column")
        rows = islice(rows, output.done, None)
        if output.done:
            say(f"Continuing after row {output.done:,}.")
        transformers_logging.disable_progress_bar()  # the bar of loading weights, which takes no time
        summarizer = Summarizer.from_pretrained(options["model"], options["device"], options["dtype"])
        progress = Progress(output.done, count_rows(resolve_files(options["files"])))

        def make(rows: list[Row]) -> Iterator[Record]:
            for row, summary in summarizer.stream(rows, how, progress.done):
                if isinstance(summary, SummGANError):
                    yield failed_record(summary, _NOTHING)
                else:
                    values = asdict(summary)
                    del values["sources"]  # longer than the summary, and available from Python
                    yield record(row, values)

        ready = standard_input().ready if options["files"] == ["-"] else lambda: True
        records = in_order(rows, how.batch_size * CHUNK, make, _NOTHING, ready)
        status = extend_records(output, records, progress, "summarized", say)
        output.finish()
    if not output.done:
        say(f"There are no documents in {', '.join(options['files'])}.")
    return status


def open_output(options: dict[str, Any], screen: PrintedRecords, **more: Any) -> RecordFile | PrintedRecords:
    """Open the ``--output`` of a call for records; without one, return ``screen``.

    Args:
        options: Options of the call, among them ``files``, ``model``, ``output`` and ``resume``.
        screen: Receives the records of a call without output.
        **more: Further arguments of `RecordFile`.

    Raises:
        SummGANError: An input does not exist, the output must not be replaced, or ``--resume`` is impossible.
    """
    if options["resume"] and not options["output"]:
        raise SummGANError("--resume needs --output: only a file can be continued.")
    inputs = resolve_files(options["files"])
    if not options["output"]:
        return screen
    if options["resume"] and Path("-") in inputs:
        raise SummGANError("--resume needs files: standard input cannot be read a second time.")
    settings = {name: value for name, value in options.items() if name not in _NOT_SETTINGS}
    read = [path for path in inputs if path != Path("-")]
    settings["read"] = describe_files([*read, *_model_files(options["model"])])
    return RecordFile(options["output"], settings, options["resume"], inputs, **more)


def _model_files(model: str) -> list[Path]:
    """Files of weights, configuration and vocabulary in a model folder; none for a hub name."""
    folder = Path(model)
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.suffix in (".json", ".safetensors", ".model")]


class Progress:
    """Progress bar of finished documents, many of which wait to be written in order.

    Args:
        initial: Number of documents that an earlier call has written.
        total: Number of all documents, if known.
    """

    def __init__(self, initial: int, total: int | None):
        self.bar = tqdm(initial=initial, total=total, unit="document", disable=None)
        self._ahead = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.close()

    def done(self, count: int) -> None:
        """Count documents that are finished and will be written later."""
        self._ahead += count
        self.bar.update(count)

    def written(self) -> None:
        """Count a document that is written, unless `done` has counted it."""
        if self._ahead:
            self._ahead -= 1
        else:
            self.bar.update()


def extend_records(
    output: RecordFile | PrintedRecords, records: Iterable[Record], progress: Progress, done: str, say: Say
) -> int:
    """Write records and report the rows that failed.

    Args:
        output: Destination of the records.
        records: Records, in order.
        progress: Progress bar, which is closed at the end.
        done: Participle of the message about failed rows, such as ``summarized``.
        say: Receives the messages.

    Returns:
        Exit status: 0, or 1 if some rows failed.
    """
    messages: list[str] = []

    def noted() -> Iterator[Record]:
        for values in records:
            if "error" in values and len(messages) < _SHOWN:
                messages.append(values["error"])
            yield values
            progress.written()

    with progress:
        output.extend(noted())
    for message in messages:
        say(message)
    if output.failed:
        say(f"{output.failed:,} of {output.done:,} rows could not be {done} and stayed empty.")
    return 1 if output.failed else 0


def score(options: dict[str, Any], say: Say) -> int:
    """Print the table of scores, and write all figures to ``--output``."""
    report_file = Path(options["output"]) if options["output"] else None
    if report_file:
        names = [options[name] for name in ("predictions", "references", "documents", "compare")]
        check_output(report_file, resolve_files([name for name in names if name]))
        _check_report(report_file)
    column = options["prediction_column"]
    predictions = read_summaries(options["predictions"], column, "scored 0", say)
    references, documents = _references(options, say)
    if options["documents"]:
        documents = _texts(options["documents"], options["document_column"], "document", "--document_column")
    compare = {}
    if options["compare"]:
        compare[Path(options["compare"]).name] = read_summaries(options["compare"], column, "scored 0", say)
    given: dict[str, list | None] = {"predictions": predictions, "references": references}
    given |= {"documents": documents} | compare
    columns: dict[str, list] = _aligned({name: texts for name, texts in given.items() if texts is not None})
    kept = [row for row, texts in enumerate(columns["references"]) if texts]
    if len(kept) < len(columns["references"]):
        rows = len(columns["references"])
        say(f"Left out {rows - len(kept):,} of {rows:,} rows, which had no reference.")
    columns = {name: [texts[row] for row in kept] for name, texts in columns.items()}
    report = evaluate_summaries(
        columns["predictions"],
        columns["references"],
        columns.get("documents"),
        compare={name: columns[name] for name in compare},
        stemmer=options["stemmer"],
        seed=options["seed"],
    )
    print(describe_report(report))
    if report_file:
        write_text(report_file, json.dumps(report.to_dict(), indent=1) + "\n")
    return 0


def _check_report(path: Path) -> None:
    """Check that an existing file is a report of scores, which may be replaced."""
    if not path.exists():
        return
    try:
        ours = json.loads(path.read_bytes() or b"{}").keys() <= {field.name for field in fields(ScoreReport)}
    except (OSError, ValueError, AttributeError, RecursionError):
        ours = False
    if not ours:
        raise SummGANError(
            f"--output {path} already exists and is not a report of scores; name another, or move it away."
        )


def _aligned(columns: dict[str, list]) -> dict[str, list]:
    """Cut columns to one length; only blank lines at the end of a file are cut off.

    Raises:
        SummGANError: The columns differ in more than such lines.
    """
    shortest = min(len(texts) for texts in columns.values())
    count = max(shortest, *(_used(texts) for texts in columns.values()))
    short = [name for name, texts in columns.items() if len(texts) < count]
    if short:
        other = short[0] if short[0] != "predictions" else max(columns, key=lambda name: len(columns[name]))
        raise SummGANError(
            f"There are {len(columns['predictions'])} predictions but {len(columns[other])} "
            f"{_WHERE.get(other, f'in {other}')}; every file must have one row for each document, in order."
        )
    return {name: texts[:count] for name, texts in columns.items()}


def _used(texts: list) -> int:
    """Number of texts up to the last that is not empty."""
    return max((index for index, text in enumerate(texts, 1) if text), default=0)


def _texts(path: str, column: str | None, role: str, option: str) -> list[str]:
    """Texts of a file in order, with the blank lines of a txt; an unusable row stops the call."""
    return [row.text for row in read_rows(path, column, role, option=option, keep_blank=True)]


def _references(options: dict[str, Any], say: Say) -> tuple[list[list[str]], list[str] | None]:
    """References of each document (none for a blank line), and the documents if the rows contain them."""
    column, path = options["reference_column"], options["references"]
    rows = list(read_rows(path, column, "reference", option="--reference_column", keep_blank=True))
    references = [references_of(row, row.column) if row.text else [] for row in rows]
    if options["documents"]:
        return references, None
    found = [document_beside(row, options["document_column"]) for row in rows]
    documents = [document for document in found if document]
    if documents and len(documents) < len(rows):
        row = rows[found.index(None)]
        raise RowError("has no document, although other rows have one.", row.file, row.line)
    return references, documents or None


def tokenizer(options: dict[str, Any], say: Say) -> int:
    """Learn a vocabulary from files and save it to the folder ``--output``."""
    folder = Path(options["output"])
    check_output(folder, resolve_files(options["files"]))
    check_folder(folder)
    rows = read_rows(options["files"], options["column"], option="--column")
    texts = tqdm((row.text for row in rows), unit="text", disable=None)
    names = [field.name for field in fields(TokenizerOptions) if field.name != "path"]
    made = Vocabulary.train(texts, **{name: options[name] for name in names})
    write_folder(folder, made.save_pretrained)
    say(f"{len(made):,} pieces in {folder}.")
    return 0
