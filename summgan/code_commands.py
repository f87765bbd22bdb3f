"""What the commands ``encode`` and ``search`` do, apart from parsing their options."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from transformers.utils import logging as transformers_logging

from summgan.encoder import Codes, Encoder
from summgan.errors import SummGANError
from summgan.output import SummaryFile
from summgan.readers import read_rows
from summgan.search import HashIndex


def encode(options: dict[str, Any], say: Callable[[str], None]) -> int:
    """Write codes, a row for each document, and an index if one is wanted."""
    if not (options["output"] or options["index"]):
        raise SummGANError("Name an --output file, an --index folder, or both.")
    output = None
    if options["output"]:
        if options["output"].endswith(".txt"):
            raise SummGANError("--output must be .parquet, .jsonl or .csv.")
        output = SummaryFile(options["output"], {"model": options["model"], "files": options["files"]})
    transformers_logging.disable_progress_bar()
    encoder = Encoder.from_pretrained(options["model"], options["device"])
    texts, bits, records = [], [], []
    for row, codes in encoder.stream(
        read_rows(options["files"], options["document_column"]), options["batch_size"]
    ):
        records.append({"file": row.file, "line": row.line} | _ids(row.fields) | _record(codes))
        if options["index"]:
            texts.append(row.text)
            bits.append(codes.bits)
    if output:
        output.extend(records)
        output.finish()
    if options["index"]:
        bits = None if encoder.kind != "binary" else np.concatenate(bits)
        HashIndex(encoder, texts, bits).save(options["index"])
    say(f"{len(records):,} documents encoded.")
    return 0


def _ids(fields: dict[str, Any]) -> dict[str, Any]:
    return {"id": fields["id"]} if "id" in fields else {}


def _record(codes: Codes) -> dict[str, Any]:
    """One document's code as plain values."""
    if codes.bits is not None:
        return {"bits": codes.bits[0].tobytes().hex()}
    if codes.probabilities is not None:
        probabilities = [round(p, 6) for p in codes.probabilities[0].tolist()]
        return {"cluster": int(codes.ids[0]), "probabilities": probabilities}
    return {"codes": codes.ids[0].tolist()}


def search(options: dict[str, Any]) -> int:
    """Print what is nearest, a JSON line each."""
    transformers_logging.disable_progress_bar()
    encoder = Encoder.from_pretrained(options["model"], options["device"])
    for hit in HashIndex.load(options["index"], encoder).search(options["text"], options["k"]):
        line = {"distance": hit.distance, "row": hit.row, "text": hit.text}
        print(json.dumps(line, ensure_ascii=False))
    return 0
