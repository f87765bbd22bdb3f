"""The commands ``encode`` and ``search``, without the parsing of their options."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from transformers.utils import logging as transformers_logging

from summgan.cli.commands import Progress, Say, extend_records, open_output
from summgan.codes.encoder import Codes, Encoder
from summgan.codes.hash_index import HashIndex, refuse_unindexed
from summgan.data.readers import Row, count_rows, resolve_files
from summgan.errors import SummGANError
from summgan.files import check_folder, check_output
from summgan.writing.output import CODE_FORMATS, PrintedRecords
from summgan.writing.records import Record, in_order, read_items, record

_CHUNK = 4  # batches


def encode(options: dict[str, Any], say: Say) -> int:
    """Write the code of each document as a row, to ``--output`` or an ``--index`` or both."""
    if not (options["output"] or options["index"]):
        raise SummGANError("Name an --output file, an --index folder, or both.")
    if options["index"]:
        check_output(options["index"], resolve_files(options["files"]), "--index")
        check_folder(options["index"])
    transformers_logging.disable_progress_bar()
    with open_output(options, PrintedRecords(None), formats=CODE_FORMATS) as output:
        encoder = Encoder.from_pretrained(options["model"], options["device"])
        if options["index"]:
            refuse_unindexed(encoder.kind)
        items = read_items(options["files"], options["document_column"], "document", "--document_column")
        column = "path" if encoder.kind == "tree" else "bits"
        indexed: list[tuple[str, Any]] = []  # text, and its bits or path as written to the output
        for item, values in zip(islice(items, output.done), output.records(), strict=True):
            if options["index"] and column in values and isinstance(item, Row):
                indexed.append((item.text, values[column]))
        if output.done:
            say(f"Continuing after row {output.done:,}.")

        def make(rows: list[Row]) -> Iterator[Record]:
            for row, codes in encoder.stream(rows, options["batch_size"]):
                values = _values(codes)
                if options["index"]:
                    indexed.append((row.text, values[column]))
                yield record(row, values)

        records = in_order(items, options["batch_size"] * _CHUNK, make, {})
        progress = Progress(output.done, count_rows(resolve_files(options["files"])))
        status = extend_records(output, records, progress, "encoded", say)
        if options["index"]:
            _save_index(encoder, indexed, options["index"])
        output.finish()
    say(f"Encoded {output.done - output.failed:,} of {output.done:,} documents.")
    return status


def _save_index(encoder: Encoder, indexed: list[tuple[str, Any]], folder: str) -> None:
    if not indexed:
        raise SummGANError("There are no documents to index; name files that have some.")
    if encoder.kind == "tree":
        codes = Codes(ids=np.array([path for _, path in indexed]))
    else:
        bits = [np.frombuffer(bytes.fromhex(written), dtype=np.uint8) for _, written in indexed]
        codes = Codes(bits=np.stack(bits))
    HashIndex(encoder, [text for text, _ in indexed], codes).save(folder)


def _values(codes: Codes) -> dict[str, Any]:
    """Convert the code of one document to JSON values."""
    if codes.bits is not None:
        return {"bits": codes.bits[0].tobytes().hex()}
    ids = np.asarray(codes.ids)[0]
    if codes.probabilities is not None:
        probabilities = [round(p, 6) for p in codes.probabilities[0].tolist()]
        if ids.ndim:
            return {"path": ids.tolist(), "probabilities": probabilities}
        return {"cluster": int(ids), "probabilities": probabilities}
    return {"codes": ids.tolist()}


def search(options: dict[str, Any]) -> int:
    """Print the most similar documents of an index, a JSON line each."""
    transformers_logging.disable_progress_bar()
    encoder = Encoder.from_pretrained(options["model"], options["device"])
    for hit in HashIndex.load(options["index"], encoder).search(options["text"], options["k"]):
        line = {"distance": hit.distance, "row": hit.row, "text": hit.text}
        print(json.dumps(line, ensure_ascii=False))
    return 0
