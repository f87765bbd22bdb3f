"""Fixtures of `faults.py`: a small corpus, tiny models, and calls of the command in this process."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from summgan.cli.main import main
from summgan.demo.corpus import build_corpus
from summgan.files import write_text

STATUSES = (0, 1, 2, 130)
LENGTH = ["--max_words", "6"]  # a fixed length, so that a document always has the same summary


@dataclass
class Verdict:
    """Result of one try.

    Attributes:
        what: Description of the try, for people.
        failed: Failures: tracebacks, unknown exit statuses, files left behind, missing error messages.
        lost: Rows that are missing, duplicated, out of place or wrong.
        bit_equal: Whether a killed run ended with the files of an uninterrupted one; None for other tries.
    """

    what: str = ""
    failed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    bit_equal: bool | None = None


@dataclass
class Called:
    """Result of a command: exit status (None after a traceback) and output."""

    status: int | None
    out: str
    err: str


@dataclass
class Setting:
    """Models and texts that all tries share.

    Attributes:
        folder: Folder of the models and texts.
        documents: A pool of documents, each of one line.
        summaries: Reference summary of each.
        expected: Summary of each by ``summgan summarize`` with `LENGTH`.
        bits: Code of each by ``summgan encode``.
    """

    folder: Path
    documents: list[str]
    summaries: list[str]
    expected: list[str] = field(default_factory=list)
    bits: list[str] = field(default_factory=list)

    @property
    def paths(self) -> Path:
        """Folder of the path model, which is fast."""
        return self.folder / "paths"

    @property
    def decoder(self) -> Path:
        """Folder of the decoder model."""
        return self.folder / "decoder"

    @property
    def code(self) -> Path:
        """Folder of the binary code."""
        return self.folder / "binary"

    def training(self, kind: str, output: Path, **changes) -> list[str]:
        """Make the call that trains ``paths``, ``decoder`` or ``binary`` into a folder."""
        values = configuration(self.folder, kind)
        values["data"]["cache_dir"] = str(output.with_name("cache"))
        values["training"] |= {"output_dir": str(output)} | changes
        path = output.with_name(f"{output.name}.yaml")
        write_text(path, json.dumps(values))
        return ["train", str(path)]


def configuration(folder: Path, kind: str) -> dict:
    """Make the configuration of a tiny model; it is written as JSON, which is also YAML."""
    data = {"documents": [str(folder / "documents.txt")]}
    training = {
        "per_device_train_batch_size": 2,
        "logging_steps": 1,
        "sample_steps": 0,
        "eval_steps": 3,
        "eval_documents": 3,
        "save_steps": 2,
        "save_total_limit": 1,
        "use_cpu": True,
    }
    if kind == "binary":
        weights = {"adversarial": 0.0, "back_cycle": 0.0, "denoising": 0.0}
        more = {"temperature_end": 1.0, "load_best_model_at_end": False, "loss_weights": weights}
        code = {"kind": "binary", "size": 16, "steps": 12, "hidden_size": 8, "similar_documents": 3}
        return {
            "data": data,
            "code": code | {"max_document_frequency": 0.5},
            "training": training | more,
        }
    model = {
        "hidden_size": 16,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "attention_heads": 2,
        "discriminator_hidden_size": 8,
        "channel_weight": 0.0,
        "generator": kind,
    }
    return {
        "data": data | {"sentences": [str(folder / "sentences.txt")], "max_document_length": 64},
        "tokenizer": {"vocabulary_size": 420},
        "model": model,
        "training": training | {"warm_start_steps": 6, "adversarial_steps": 6},
    }


def make_setting(folder: Path) -> Setting:
    """Write the corpus, train the models, and record their outputs."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = build_corpus(documents=120, sentences=120, validation=0, test=24)
    for name in ("documents", "sentences"):
        write_text(folder / f"{name}.txt", "\n".join(getattr(corpus, name)) + "\n")
    setting = Setting(folder, corpus.test_documents, corpus.test_summaries)
    for kind in ("paths", "decoder", "binary"):
        _succeed(setting.training(kind, folder / kind))
    pool, answer = folder / "pool.txt", folder / "answer.jsonl"
    write_text(pool, "\n".join(setting.documents) + "\n")
    for name, command in (("expected", summarize(setting.paths)), ("bits", encode(setting.code))):
        answer.unlink(missing_ok=True)
        _succeed([*command, str(pool), "--output", str(answer)])
        rows = [json.loads(line) for line in answer.read_text(encoding="utf-8").split("\n")[:-1]]
        setattr(setting, name, [row["summary_text" if name == "expected" else "bits"] for row in rows])
    return setting


def summarize(model: Path) -> list[str]:
    """Begin a call of ``summgan summarize``, without files and output."""
    return ["summarize", "--model", str(model), "--device", "cpu", *LENGTH]


def encode(model: Path) -> list[str]:
    """Begin a call of ``summgan encode``, without files and output."""
    return ["encode", "--model", str(model), "--device", "cpu"]


def _succeed(arguments: list[str]) -> None:
    called = call(arguments)
    if called.status != 0:
        raise SystemExit(f"The models of the benchmark cannot be trained: {called.err}")


def call(arguments: list[str], standard_input: bytes = b"") -> Called:
    """Run the command in this process, with streams like those of a shell."""
    parts = ((standard_input, "strict"), (b"", "strict"), (b"", "backslashreplace"))
    streams = [io.TextIOWrapper(io.BytesIO(data), "utf-8", errors) for data, errors in parts]
    logging.getLogger().handlers.clear()  # they hold the streams of the previous call
    before, (sys.stdin, out, err) = sys.stdin, streams
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main(arguments)
            except SystemExit as stop:
                status = stop.code or 0
            except BaseException:
                status = None
                # Not through the stream, which may be the cause of the failure.
                err.buffer.write(traceback.format_exc().encode("utf-8", "backslashreplace"))
            out.flush()
            err.flush()
    finally:
        sys.stdin = before
    return Called(status, *(s.buffer.getvalue().decode("utf-8", "replace") for s in (out, err)))


def check_call(called: Called, verdict: Verdict) -> None:
    """Check that a call has a known exit status, no traceback, and a message if it failed."""
    if called.status not in STATUSES:
        verdict.failed.append(f"exit status {called.status}: {called.err[-300:]}")
    elif "Traceback (most recent call last)" in called.err:
        verdict.failed.append(f"a traceback: {called.err[-300:]}")
    elif called.status and not called.err.strip():
        verdict.failed.append(f"exit status {called.status} without a message")
