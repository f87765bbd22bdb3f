"""What the commands ``summarize``, ``score`` and ``tokenizer`` do, apart from parsing their options.

Each takes its options as a dict and ``say`` for sentences to the user, and returns an exit status.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm
from transformers.utils import logging as transformers_logging

from summgan.data import references_of
from summgan.errors import SummGANError
from summgan.evaluation.scoring import describe_report, evaluate_summaries
from summgan.files import write_folder, write_text
from summgan.output import SummaryFile, failed_record, record
from summgan.readers import Row, read_rows
from summgan.summarizer import Summarizer
from summgan.summary import SummarizerOptions
from summgan.text import normalize
from summgan.tokenization import save_tokenizer, train_tokenizer

Say = Callable[[str], None]

_OPTIONS = ("max_words", "min_words", "num_beams", "num_candidates", "reconstruct", "batch_size")
_NOT_SETTINGS = ("output", "resume", "device", "batch_size")


def summarize(options: dict[str, Any], say: Say) -> int:
    """Summarize files or standard input; rows that cannot be used are reported and counted."""
    how = SummarizerOptions(**{name: options[name] for name in _OPTIONS})
    how.check()
    settings = {k: v for k, v in options.items() if k not in _NOT_SETTINGS}
    output = None
    if options["output"]:
        output = SummaryFile(options["output"], settings, options["resume"])
    elif options["resume"]:
        raise SummGANError("--resume needs --output: only a file can be gone on with.")
    errors: list[SummGANError] = []
    rows = _rows_and_errors(options["files"] or ["-"], options["document_column"])
    done = output.done if output else 0
    if done:
        say(f"Going on after {done:,} rows.")
    rows = islice(rows, done, None)
    transformers_logging.disable_progress_bar()  # of reading weights, which takes no time
    summarizer = Summarizer.from_pretrained(options["model"], options["device"], options["dtype"])
    records = _records(summarizer, rows, how, errors)
    records = tqdm(records, initial=done, unit="document", disable=None)
    if output:
        output.extend(records)
        output.finish()
    else:
        for values in records:
            print(values["summary_text"], flush=True)
    for error in errors[:5]:
        say(str(error))
    if errors:
        say(f"{len(errors):,} rows could not be summarized; their places are empty.")
    return 1 if errors else 0


def _rows_and_errors(
    files: list[str], column: str | None, role: str = "document"
) -> Iterator[Row | SummGANError]:
    """Rows in order, with the error in the place of a row that cannot be used."""
    bad: list[SummGANError] = []
    for row in read_rows(files, column, role, on_bad_row=bad.append):
        yield from bad
        bad.clear()
        yield row
    yield from bad


def _records(
    summarizer: Summarizer,
    rows: Iterator[Row | SummGANError],
    how: SummarizerOptions,
    errors: list[SummGANError],
) -> Iterator[dict[str, Any]]:
    """One record for every row or error, in order."""
    while chunk := list(islice(rows, how.batch_size * 16)):
        good = [row for row in chunk if isinstance(row, Row)]
        summaries = summarizer.stream(good, how)
        for row in chunk:
            answer = next(summaries)[1] if isinstance(row, Row) else row
            if isinstance(answer, SummGANError):
                errors.append(answer)
                yield failed_record(answer)
            else:
                yield record(row, answer)


def score(options: dict[str, Any], say: Say) -> int:
    """Print the table of scores, and write all figures if asked to."""
    predictions = _summaries(options["predictions"], options["prediction_column"], say)
    references, documents = _references(options)
    if options["documents"]:
        rows = read_rows(options["documents"], options["document_column"])
        documents = [row.text for row in rows]
    compare = {}
    if options["compare"]:
        name = Path(options["compare"]).name
        compare[name] = _summaries(options["compare"], options["prediction_column"], say)
    texts = {"documents": documents, "--compare": compare and next(iter(compare.values()))}
    for name, rows in texts.items():
        if rows and len(rows) != len(predictions):
            raise SummGANError(
                f"There are {len(predictions)} predictions but {len(rows)} in {name}; every file must "
                "have one row for each document, in the same order."
            )
    report = evaluate_summaries(
        predictions,
        references,
        documents,
        compare=compare,
        stemmer=options["stemmer"],
        seed=options["seed"],
    )
    print(describe_report(report))
    if options["output"]:
        write_text(Path(options["output"]), json.dumps(report.to_dict(), indent=1) + "\n")
    return 0


def _summaries(path: str, column: str | None, say: Say) -> list[str]:
    """Summaries in order; a row without one scores nothing, and is counted."""
    rows = list(_rows_and_errors([path], column, "summary"))
    missing = [str(row) for row in rows if not isinstance(row, Row)]
    if missing:
        say(f"{len(missing):,} rows of {path} hold no summary and score 0: {missing[0]}")
    return [row.text if isinstance(row, Row) else "" for row in rows]


def _references(options: dict[str, Any]) -> tuple[list[list[str]], list[str] | None]:
    """References of each document, and the documents where the same rows hold them."""
    column, path = options["reference_column"], options["references"]
    rows = list(read_rows(path, None if column == "references" else column, role="reference"))
    several = column or ("references" if rows and "references" in rows[0].fields else None)
    references = [references_of(row, several) if several else [row.text] for row in rows]
    name = options["document_column"] or "document"
    if not options["documents"] and rows and all(name in row.fields for row in rows):
        return references, [normalize(str(row.fields[name])) for row in rows]
    return references, None


def tokenizer(options: dict[str, Any], say: Say) -> int:
    """Learn a vocabulary and save it."""
    rows = read_rows(options["files"], options["column"])
    texts = tqdm((row.text for row in rows), unit="text", disable=None)
    made = train_tokenizer(texts, options["vocabulary_size"], options["byte_fallback"])
    write_folder(Path(options["output"]), lambda folder: save_tokenizer(made, folder))
    say(f"{len(made):,} pieces in {options['output']}.")
    return 0
