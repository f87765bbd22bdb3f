"""Tries unusual texts, impossible options and damaged model folders."""

from __future__ import annotations

import functools
import json
import math
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch
from fault_setting import Setting, Verdict, call, check_call, encode, summarize
from fault_values import ODD_ARGUMENTS, ODD_STRINGS, ODD_TEXT_ARGUMENTS, PIECES
from safetensors.torch import load_file, save_file

from summgan import Encoder, Summarizer
from summgan.errors import SummGANError
from summgan.text.script import count_units

SECONDS = 30  # most processor time for the three calls with a text
LONGEST = 20_000  # characters of a text
# Options for which a large number is valid but takes too long to try.
ENDLESS = re.compile("steps|accumulation|batch_size|documents$|layers|workers|samples_per_document")


def load_models_once() -> None:
    """Cache models between calls, since these tries are about inputs and options, not about models."""
    for kind in (Summarizer, Encoder):
        kind.from_pretrained = _kept(kind.from_pretrained)


def _kept(load: Callable[..., Any]) -> Callable[..., Any]:
    kept = functools.cache(load)

    def loaded(*arguments: Any, **named: Any) -> Any:
        plain = all(isinstance(a, str | Path | None) for a in (*arguments, *named.values()))
        return (kept if plain else load)(*arguments, **named)

    return loaded


@functools.cache
def _summarizer(name: str) -> Summarizer:
    return Summarizer.from_pretrained(name, "cpu")


# Texts -------------------------------------------------------------------------------------------


def try_text(setting: Setting, rng: Random, folder: Path) -> Verdict:
    """Summarize an unusual text alone and beside another one, which must not change either summary."""
    parts = [rng.choice(PIECES) for _ in range(rng.choice((1, 1, 2, 3, 5)))]
    if rng.random() < 0.5:
        parts.insert(rng.randint(0, len(parts)), rng.choice(setting.documents))
    text = rng.choice((" ", "", "\n", ". ")).join(parts) * rng.choice((1, 1, 1, 1, 3, 20))
    text = text[:LONGEST]
    name, other = (
        rng.choice((("paths", 3), ("paths", 3), ("decoder", 3), ("news-en", 1)))[0],
        setting.documents[0],
    )
    model = _summarizer(name if name == "news-en" else str(setting.folder / name))
    most = rng.choice((None, 1, 2, 5, 20))
    verdict = Verdict(f"{name}, at most {most} units: {ascii(text[:60])}, {len(text)} characters")
    began = time.process_time()
    try:
        alone = model(text, max_words=most, num_candidates=1, num_beams=1)
        found = model([other, text], max_words=most, num_candidates=1, num_beams=1)
        whole = model(other, max_words=most, num_candidates=1, num_beams=1)
    except SummGANError as error:
        _check_sentence(error, verdict)
        return verdict
    except Exception as error:
        verdict.failed.append(f"{type(error).__name__}: {str(error)[:200]}")
        return verdict
    if (seconds := time.process_time() - began) > SECONDS:
        verdict.failed.append(f"took {seconds:.0f} s")
    for summary in (alone, found[1]):
        written = summary.summary_text
        if not written.strip() or re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", written):
            verdict.failed.append(f"the summary is {ascii(written[:80])}")
        if most is not None and count_units(written) > most:
            verdict.failed.append(f"{count_units(written)} units instead of {most}: {ascii(written[:80])}")
    if found[0].summary_text != whole.summary_text:
        verdict.lost.append("it changes the summary of a text beside it")
    if found[1].summary_text != alone.summary_text:
        verdict.lost.append("its summary changes beside another text")
    return verdict


def _check_sentence(error: Exception, verdict: Verdict) -> None:
    if not str(error).strip() or len(str(error)) > 1500:
        verdict.failed.append(f"an error of {len(str(error))} characters: {str(error)[:200]}")


# Options -----------------------------------------------------------------------------------------


def try_option(setting: Setting, rng: Random, folder: Path) -> Verdict:
    """Try an unusual value for an option of a command or for an argument in Python."""
    return (_try_command_option if rng.random() < 0.6 else _try_argument)(setting, rng, folder)


@functools.cache
def _names(command: str) -> list[str]:
    """List the options of a command, from its help."""
    return sorted(
        set(re.findall(r"--([a-z][\w.]*)", call([command, "--help"]).out)) - {"help", "print_config"}
    )


def _try_command_option(setting: Setting, rng: Random, folder: Path) -> Verdict:
    documents = folder / "file.txt"
    documents.write_text("\n".join(setting.documents[:3]) + "\n", encoding="utf-8")
    kind = rng.choice(("paths", "decoder", "binary"))
    stages = {} if kind == "binary" else {"warm_start_steps": 1, "adversarial_steps": 1}
    calls: dict[str, Callable[[], list[str]]] = {
        "summarize": lambda: [*summarize(setting.paths), "file.txt"],
        "encode": lambda: [*encode(setting.code), "file.txt", "--output", "codes.jsonl"],
        "score": lambda: ["score", "--predictions", "file.txt", "--references", "file.txt"],
        "tokenizer": lambda: ["tokenizer", "file.txt", "--output", "made", "--vocabulary_size", "290"],
        "train": lambda: setting.training(kind, folder / "model", **stages),
    }
    command = rng.choice([*calls])
    name, value = rng.choice(_names(command)), rng.choice(ODD_STRINGS)
    if ENDLESS.search(name) and len(value) > 6:
        value = "7"
    arguments = [*calls[command](), f"--{name}={value}" if rng.random() < 0.8 else f"--{name}"]
    verdict = Verdict(f"{command} {ascii(arguments[-1][:80])}")
    before = documents.read_bytes()
    called = call(arguments)
    check_call(called, verdict)
    if documents.read_bytes() != before:
        verdict.lost.append("the input file has changed")
    return verdict


def _try_argument(setting: Setting, rng: Random, folder: Path) -> Verdict:
    words, codes = _summarizer(str(setting.paths)), Encoder.from_pretrained(str(setting.code), "cpu")
    text, odd, odd_text = setting.documents[0], rng.choice(ODD_ARGUMENTS), rng.choice(ODD_TEXT_ARGUMENTS)
    names = ("max_words", "min_words", "num_beams", "num_candidates", "batch_size")
    name = rng.choice(names)
    path = folder / "file.jsonl"
    path.write_text(json.dumps({"text": text}) + "\n", encoding="utf-8")
    tries: dict[str, Callable[[], Any]] = {
        f"Summarizer(...)(text, {name}={odd!r})": lambda: words(text, **{name: odd}),
        f"Summarizer(...)({ascii(odd_text)[:60]})": lambda: words(odd_text),
        f"summarize_file(path, {name}={odd!r})": lambda: words.summarize_file(path, **{name: odd}),
        f"summarize_file({odd!r})": lambda: words.summarize_file(odd),
        f"summarize_file(path, column={odd!r})": lambda: words.summarize_file(path, column=odd),
        f"Summarizer.from_pretrained({odd!r})": lambda: Summarizer.from_pretrained(odd),
        f"from_pretrained(device={odd!r})": lambda: Summarizer.from_pretrained(str(setting.paths), odd),
        f"from_pretrained(dtype={odd!r})": lambda: Summarizer.from_pretrained(setting.paths, "cpu", odd),
        "Summarizer(model)": lambda: Summarizer(words.model)(text),
        f"encode({ascii(odd_text)[:60]})": lambda: codes.encode(odd_text),
        f"encode(text, batch_size={odd!r})": lambda: codes.encode(text, batch_size=odd),
        f"Encoder.from_pretrained({odd!r})": lambda: Encoder.from_pretrained(odd),
    }
    what = rng.choice([*tries])
    verdict = Verdict(what)
    must = isinstance(odd, float | str | bytes | list | dict) and f"{name}={odd!r}" in what
    try:
        found = tries[what]()
    except SummGANError as error:
        _check_sentence(error, verdict)
    except TypeError as error:
        if not re.search(f"{name}|text|document|tokenizer|path|folder|device|dtype|column", str(error)):
            verdict.failed.append(f"a TypeError that names no argument: {str(error)[:200]}")
    except Exception as error:
        verdict.failed.append(f"{type(error).__name__}: {str(error)[:200]}")
    else:
        if must:
            verdict.failed.append(f"the value is accepted as a number: {str(found)[:100]}")
    return verdict


# Folders -----------------------------------------------------------------------------------------


def try_folder(setting: Setting, rng: Random, folder: Path) -> Verdict:
    """Use a damaged model: it must give a one-sentence error, or work."""
    kind = rng.choice(("paths", "decoder", "binary"))
    damaged = folder / "damaged"
    damaged.mkdir()
    for file in (setting.folder / kind).iterdir():
        if file.is_file() and file.suffix != ".html":
            shutil.copy(file, damaged)
    file = damaged / rng.choice(sorted(p.name for p in damaged.iterdir() if p.suffix != ".md"))
    data = file.read_bytes()
    ways = ["missing", "truncated", "empty", "bytes", "folder"]
    ways += ["object", "value", "value", "value", "json"] if file.suffix == ".json" else []
    ways += ["nan", "tensor", "sizes"] if file.suffix == ".safetensors" else []
    way = rng.choice(ways)
    _DAMAGES[way](file, data, rng)
    verdict = Verdict(f"{kind}, {file.name}: {way} {_difference(file, data)}")
    text = folder / "text.txt"
    text.write_text(setting.documents[0] + "\n", encoding="utf-8")
    output = folder / "out.jsonl"
    command = encode(damaged) if kind == "binary" else summarize(damaged)
    called = call([*command, str(text), "--output", str(output)])
    check_call(called, verdict)
    if called.status == 2 and "damaged" not in called.err:
        verdict.failed.append(f"the error does not name the folder: {called.err[-300:]}")
    if called.status == 2 and len(called.err.strip().splitlines()) > 2:
        verdict.failed.append(f"the error has more than one sentence: {called.err[:300]}")
    if called.status == 0 and (way in ("nan", "sizes") or (way, file.name) == ("object", "config.json")):
        verdict.failed.append("the damaged model is used")
    return verdict


def _difference(file: Path, before: bytes) -> str:
    """Show the damaged place of a JSON file, for people."""
    if not file.is_file() or file.suffix != ".json":
        return ""
    after = file.read_bytes()
    start = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
    return ascii(after[max(0, start - 40) : start + 40].decode("utf-8", "replace"))


def _value(file: Path, data: bytes, rng: Random) -> None:
    """Replace the value of one key of a JSON file, at any depth."""
    values = json.loads(data)
    place: Any = values
    while True:
        keys = [*place] if isinstance(place, dict) else [*range(len(place))]
        key = rng.choice(keys)
        if not isinstance(place[key], dict | list) or not place[key] or rng.random() < 0.3:
            break
        place = place[key]
    odd = (
        None,
        -1,
        0,
        3.5,
        10**12,
        1e300,
        "x",
        "",
        [],
        {},
        [1],
        {"a": 1},
        True,
        math.nan,
        "\ud800",
        "../x",
        [[]],
    )
    place[key] = rng.choice(odd)
    file.write_text(json.dumps(values), encoding="utf-8")


def _tensors(file: Path, change: Callable[[dict[str, torch.Tensor], str], None], rng: Random) -> None:
    tensors = load_file(file)
    change(tensors, rng.choice(sorted(tensors)))
    save_file(tensors, file, metadata={"format": "pt"})


def _nan(tensors: dict[str, torch.Tensor], name: str) -> None:
    for key, tensor in tensors.items():
        tensors[key] = torch.full_like(tensor, math.nan) if tensor.is_floating_point() else tensor


def _sizes(tensors: dict[str, torch.Tensor], name: str) -> None:
    tensors[name] = torch.zeros(tuple(n + 1 for n in tensors[name].shape) or (2,))


def _bytes(file: Path, data: bytes, rng: Random) -> None:
    place = rng.randrange(len(data))
    file.write_bytes(data[:place] + rng.randbytes(20) + data[place + 20 :])


def _folder(file: Path, data: bytes, rng: Random) -> None:
    file.unlink()
    file.mkdir()


_DAMAGES: dict[str, Callable[[Path, bytes, Random], Any]] = {
    "missing": lambda file, data, rng: file.unlink(),
    "truncated": lambda file, data, rng: file.write_bytes(data[: rng.randrange(len(data))]),
    "empty": lambda file, data, rng: file.write_bytes(b""),
    "bytes": _bytes,
    "folder": _folder,
    "object": lambda file, data, rng: file.write_bytes(b"{}"),
    "json": lambda file, data, rng: file.write_bytes(
        rng.choice((b"[]", b"null", b"3", b"[" * 100_000, b'"x"'))
    ),
    "value": _value,
    "nan": lambda file, data, rng: _tensors(file, _nan, rng),
    "tensor": lambda file, data, rng: _tensors(file, lambda t, name: t.pop(name), rng),
    "sizes": lambda file, data, rng: _tensors(file, _sizes, rng),
}
