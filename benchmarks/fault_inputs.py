"""Passes unusual and damaged inputs to every command, and checks every row of the output."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet
from fault_files import Case, Entry, make_case
from fault_setting import Called, Setting, Verdict, call, check_call, encode, summarize

COMMANDS = {"summarize": 68, "encode": 20, "score": 8, "tokenizer": 3, "train": 1}
OUTPUTS = (".jsonl", ".jsonl", ".jsonl", ".csv", ".parquet", ".txt", None)


def try_input(setting: Setting, rng: Random, folder: Path) -> Verdict:
    """Run a random command with a random input."""
    command = rng.choices([*COMMANDS], [*COMMANDS.values()])[0]
    return _TRIES[command](setting, rng, folder)


def _notes(case: Case) -> str:
    return f"{' '.join(case.notes)}, {len(case.entries)} rows"


def _case(rng: Random, folder: Path, texts: Sequence[str], column: str | None = None) -> Case:
    inputs = folder / "in"
    inputs.mkdir()
    return make_case(rng, inputs, texts, column)


def _try_summarize(setting: Setting, rng: Random, folder: Path) -> Verdict:
    case = _case(rng, folder, setting.documents)
    suffix = rng.choice(OUTPUTS)
    command = [*summarize(setting.paths), "--batch_size", str(rng.randint(1, 8))]
    return _records(case, command, folder, suffix, setting.expected, "summary_text")


def _try_encode(setting: Setting, rng: Random, folder: Path) -> Verdict:
    case = _case(rng, folder, setting.documents)
    suffix = rng.choice((".jsonl", ".csv", ".parquet"))
    command = [*encode(setting.code), "--batch_size", str(rng.randint(1, 8))]
    return _records(case, command, folder, suffix, setting.bits, "bits")


def _records(
    case: Case,
    command: list[str],
    folder: Path,
    suffix: str | None,
    right: list[str],
    name: str,
) -> Verdict:
    """Run a command that writes one row per input row, and check the rows."""
    verdict = Verdict(f"{command[0]} to {suffix}: {_notes(case)}")
    outputs = folder / "out"
    outputs.mkdir()
    output = outputs / f"rows{suffix}"
    called = call([*command, str(case.path)] + (["--output", str(output)] if suffix else []))
    check_call(called, verdict)
    if called.status == 2:
        if not case.refusable and any(entry.intact for entry in case.entries):
            verdict.lost.append(f"the file is refused for damage to rows: {called.err.strip()[-300:]}")
        _check_leftovers(outputs, verdict)
    elif called.status in (0, 1):
        if suffix and [p.name for p in outputs.iterdir()] != [output.name]:
            verdict.failed.append(f"files left behind: {sorted(p.name for p in outputs.iterdir())}")
        else:
            rows = _read(suffix, output, called)
            _compare(case, rows, called, right, name, verdict)
    return verdict


def _check_leftovers(outputs: Path, verdict: Verdict) -> None:
    """Check that a refused call leaves nothing, or a partial output that can be resumed."""
    for path in outputs.iterdir():
        if not path.name.endswith(".partial") or path.read_bytes().count(b"\n") < 2:
            verdict.failed.append(f"a refused call leaves {path.name}")


def _read(suffix: str | None, output: Path, called: Called) -> list[dict[str, Any]]:
    """Read the rows of an output without summgan's readers."""
    if suffix == ".parquet":
        return pyarrow.parquet.read_table(output).to_pylist()
    text = output.read_bytes().decode("utf-8", "surrogatepass") if suffix else called.out
    if suffix == ".csv":
        return [*csv.DictReader(io.StringIO(text, newline=""))]
    lines = text.split("\n")[:-1]
    return [json.loads(line) if suffix == ".jsonl" else {"summary_text": line} for line in lines]


def _compare(
    case: Case, rows: list[dict], called: Called, right: list[str], name: str, verdict: Verdict
) -> None:
    """Check that every intact row appears once, in order and with the right result."""
    errors = [row for row in rows if row.get("error")]
    if called.status == 0 and errors:
        verdict.failed.append(f"exit status 0 with {len(errors)} bad rows")
    for row in rows:
        nothing = not row.get("error") and not row.get(name)
        if nothing and case.notes[0] != "txt" and "error" in row:  # a blank line of a txt is not an error
            verdict.lost.append(f"neither {name} nor error: {row}")
    lines = [int(row["line"]) for row in rows if row.get("line") not in (None, "")]
    if any(a >= b for a, b in zip(lines, lines[1:], strict=False)):
        verdict.lost.append(f"rows duplicated or out of order: lines {lines}")
    if not case.known:
        return
    # A file that may be refused may also give an error in place of each of its rows.
    whole = len(rows) >= len(case.entries)
    if case.notes[0] != "txt" and len(rows) != len(case.entries) and not (case.refusable and whole):
        verdict.lost.append(f"{len(rows)} rows of output for {len(case.entries)} of input")
    place, missing = 0, []
    for entry in case.entries:
        if not entry.intact:
            continue
        found = [i for i, row in enumerate(rows) if _is_of(entry, row, right[entry.document], name)]
        later = [i for i in found if i >= place]
        if later:
            place = later[0] + 1
        else:
            missing.append(f"the row of line {entry.line}, id {entry.id!r}, is missing or wrong")
        if len(found) > 1 and "line" in rows[0]:
            verdict.lost.append(f"the row of line {entry.line}, id {entry.id!r}, appears {len(found)} times")
    if not (case.refusable and whole and len(missing) <= len(errors)):
        verdict.lost += missing


def _is_of(entry: Entry, row: dict[str, Any], right: str, name: str) -> bool:
    if row.get("error") or row.get(name) not in (right, f"'{right}"):
        return False
    if row.get("id") is not None and entry.id is not None:
        return str(row["id"]) in (str(entry.id), f"'{entry.id}")
    return row.get("line") in (None, "") or int(row["line"]) == entry.line


def _try_score(setting: Setting, rng: Random, folder: Path) -> Verdict:
    """Score predictions against themselves: every row in its place has ROUGE-1 100."""
    case = _case(rng, folder, setting.summaries, rng.choice(("summary", "summary_text", "prediction")))
    verdict = Verdict(f"score: {_notes(case)}")
    rows = [{"id": n, "summary": setting.summaries[e.document]} for n, e in enumerate(case.entries)]
    references, output = folder / "references.jsonl", folder / "scores.json"
    references.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    called = call(
        ["score", "--predictions", str(case.path), "--references", str(references), "--output", str(output)]
    )
    check_call(called, verdict)
    whole = case.known and not case.refusable and case.notes[0] != "txt"
    if called.status == 2 and whole:
        verdict.lost.append(f"predictions are refused for damage to rows: {called.err.strip()[-300:]}")
    if called.status == 0 and whole:
        report = json.loads(output.read_text(encoding="utf-8"))
        least = 100 * sum(entry.intact for entry in case.entries) / len(rows)
        if report["items"] != len(rows) or report["systems"]["predictions"]["rouge1"] < least - 0.01:
            verdict.lost.append(
                f"{report['items']} items, {report['systems']['predictions']['rouge1']} < {least}"
            )
    return verdict


def _try_tokenizer(setting: Setting, rng: Random, folder: Path) -> Verdict:
    case = _case(rng, folder, setting.documents)
    verdict = Verdict(f"tokenizer: {_notes(case)}")
    output = folder / "vocabulary"
    called = call(["tokenizer", str(case.path), "--output", str(output), "--vocabulary_size", "290"])
    check_call(called, verdict)
    made = output / "tokenizer.json"
    if called.status == 0 and not made.is_file():
        verdict.failed.append("no tokenizer.json after success")
    if called.status == 2 and output.exists():
        verdict.failed.append("a refused call leaves a folder")
    return verdict


def _try_train(setting: Setting, rng: Random, folder: Path) -> Verdict:
    case = _case(rng, folder, setting.documents)
    kind, skip = rng.choice(("paths", "decoder", "binary")), rng.random() < 0.7
    verdict = Verdict(f"train {kind}{' skipping bad rows' * skip}: {_notes(case)}")
    output = folder / "model"
    stages = {} if kind == "binary" else {"warm_start_steps": 1, "adversarial_steps": 1}
    arguments = setting.training(kind, output, **stages, eval_steps=1)
    files = json.dumps([str(setting.folder / "documents.txt"), str(case.path)], ensure_ascii=True)
    arguments += ["--data.documents", files, "--data.skip_bad_rows", str(skip).lower()]
    called = call(arguments)
    check_call(called, verdict)
    clean = not case.refusable and (skip or all(entry.intact for entry in case.entries))
    if called.status == 2 and clean:
        verdict.lost.append(f"training is refused for damage to rows: {called.err.strip()[-300:]}")
    if called.status == 0 and not (output / "model.safetensors").is_file():
        verdict.failed.append("no model after success")
    return verdict


_TRIES = {
    "summarize": _try_summarize,
    "encode": _try_encode,
    "score": _try_score,
    "tokenizer": _try_tokenizer,
    "train": _try_train,
}
