"""Kills commands at random moments, resumes them, and compares all files with an uninterrupted run's."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

from fault_setting import Setting, Verdict, encode, summarize

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
LIMIT = 120  # seconds for one command
ROWS = 60  # rows of the file that is summarized or encoded
MOST_CALLS = 12  # calls until a run must be done
RUN = Path("run")  # output of a try, in the try's own folder
CHOICES = {
    "train": ("paths", "decoder", "binary"),
    "summarize": (".jsonl", ".csv", ".parquet", ".txt"),
    "encode": (".jsonl", ".csv", ".parquet"),
}


def run_command(arguments: list[str], log: str) -> None:
    """Run the command in this process as a shell would, with both streams in a file."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.FileIO(n, "w", closefd=False), line_buffering=True) for n in (1, 2)
    )
    import torch

    from summgan.cli.main import main

    torch.set_num_threads(1)
    os.write(file, b"begun\n")
    raise SystemExit(main(arguments))


def start(arguments: list[str], log: Path) -> BaseProcess:
    """Start the command in the current folder, and wait until its log shows that it runs."""
    # Forking is safe and fast: this process has imported everything and started no thread.
    context = multiprocessing.get_context("fork")
    process = context.Process(target=run_command, args=(arguments, str(log)))
    process.start()
    while process.is_alive() and not (log.is_file() and log.stat().st_size):
        time.sleep(0.001)
    return process


def finish(process: BaseProcess) -> int | None:
    """Wait for a process and return its exit status, or None if it had to be killed."""
    process.join(LIMIT)
    if process.exitcode is None:
        process.kill()
        process.join()
        return None
    return process.exitcode


def try_kill(row: str, setting: Setting, rng: Random, folder: Path) -> Verdict:
    """Kill a command once or several times, resume it, and compare; the current folder is the try's own."""
    kind = row.removeprefix("kill-")
    choice = rng.choice(CHOICES[kind])
    verdict = Verdict(f"{choice}:", bit_equal=False)
    whole = _left_alone(setting, kind, choice, verdict)
    if whole is None:
        return verdict
    files, status, seconds = whole
    command, resumed = _command(setting, kind, choice), []
    kills, done = rng.choice((1, 1, 1, 2, 3)), 0
    for number in range(MOST_CALLS):
        log = Path(f"log-{number}.txt")
        process = start([*command, *resumed], log)
        killed = done < kills and _kill(process, rng, seconds, verdict)
        found = finish(process)
        text = log.read_text(encoding="utf-8", errors="replace")
        if "Traceback (most recent call last)" in text:
            verdict.failed.append(f"call {number}: {text[-300:]}")
        done += killed
        if found == status and done:
            break
        if found == status:  # it ended before the signal: try again
            shutil.rmtree(RUN)
            command = _command(setting, kind, choice)
        elif not killed or found == 2:  # a refusal may also come before the signal
            resumed = _after_refusal(found, text, resumed, verdict)
        else:
            if found not in (130, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGTERM):
                verdict.failed.append(f"exit status {found} of a killed call: {text[-300:]}")
            resumed = ["--resume"]
            if kind != "train" and read_all(RUN).keys() == files.keys():  # everything was written already
                break
        if verdict.failed or verdict.lost:
            return verdict
    else:
        verdict.failed.append(f"not done after {MOST_CALLS} calls")
    _compare(files, read_all(RUN), verdict)
    return verdict


def _after_refusal(found: int | None, text: str, resumed: list[str], verdict: Verdict) -> list[str]:
    """Handle a call that ended by itself with another status: right only if there was nothing to resume."""
    if found == 2 and resumed and "no checkpoint" in text:
        if any(RUN.glob("checkpoint-*")) or any(RUN.glob(".checkpoint-*.replaced")):
            verdict.lost.append(f"checkpoints exist but are not found: {text[-300:]}")
        return []
    verdict.failed.append(f"exit status {found} of a call with {resumed}: {text[-300:]}")
    return resumed


def _kill(process: BaseProcess, rng: Random, seconds: float, verdict: Verdict) -> bool:
    """Wait for a random moment and send a signal; return whether the process was still alive."""
    moment = rng.choice(("time", "time", "file", "rename", "line"))
    number, pause = rng.choice(SIGNALS), rng.choice((0, 0, 0.002, 0.02, 0.1))
    after, lines, share = rng.random() * seconds, rng.randint(1, ROWS), rng.random()
    begun, there = time.monotonic(), _names(RUN)
    while process.is_alive() and time.monotonic() - begun < 2 * seconds:
        if moment == "time" and time.monotonic() - begun > after:
            break
        if moment == "line" and _lines(RUN) > lines:
            break
        if moment in ("file", "rename"):
            new = _names(RUN) - there
            if moment == "file" and new and share < 0.3:
                break
            if moment == "rename" and any(name.endswith((".incomplete", ".replaced")) for name in new):
                break
            there |= {name for name in new if not name.startswith(".")}
            share = share - 0.3 if new else share
        time.sleep(0.001)
    time.sleep(pause)
    if not process.is_alive():
        return False
    os.kill(process.pid, number)
    verdict.what += f" {signal.Signals(number).name} at {moment}"
    return True


def _names(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except FileNotFoundError:
        return set()


def _lines(folder: Path) -> int:
    """Progress of a run: number of rows in its log or its partial output."""
    counts = [0]
    for path in (folder / "log.jsonl", *folder.glob("*.partial")):
        try:
            counts.append(path.read_bytes().count(b"\n"))
        except FileNotFoundError:  # it has just been renamed
            continue
    return max(counts)


# Commands to kill --------------------------------------------------------------------------------


def _command(setting: Setting, kind: str, choice: str) -> list[str]:
    """Make the call, which writes only into `RUN`, so that runs differ only by kills."""
    if kind == "train":
        return setting.training(choice, RUN)
    RUN.mkdir()
    call = summarize(setting.paths) if kind == "summarize" else encode(setting.code)
    call += [str(_documents(setting)), "--batch_size", "1", "--output", str(RUN / f"rows{choice}")]
    return call + (["--index", str(RUN / "index")] if kind == "encode" else [])


def _documents(setting: Setting) -> Path:
    """Write rows with ids of every kind, some without a text."""
    path = setting.folder / "killed.csv"
    if not path.exists():
        temporary = path.with_name(f"{os.getpid()}.csv")
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text"])
            for number in range(ROWS):
                text = setting.documents[number % len(setting.documents)]
                separator = ("", "\u2028", "\u2029", "\x85", "\r\n", "\x1c")[number % 6]
                writer.writerow([f"a{separator}{number}", "" if number in (7, 40) else f"{text} {number}"])
        os.replace(temporary, path)
    return path


def _left_alone(
    setting: Setting, kind: str, choice: str, verdict: Verdict
) -> tuple[dict[str, bytes], int, float] | None:
    """Return files, exit status and seconds of the same call without a kill, which is run once."""
    kept = setting.folder / f"whole-{kind}-{choice.strip('.')}"
    if not kept.exists():
        log = Path("whole.txt")
        process, began = start(_command(setting, kind, choice), log), time.monotonic()
        status = finish(process)
        figures = {"status": status, "seconds": time.monotonic() - began}
        text = log.read_text(encoding="utf-8", errors="replace")
        if status not in (0, 1) or "Traceback" in text:
            verdict.failed.append(f"the uninterrupted run: exit status {status}: {text[-300:]}")
            return None
        mine = kept.with_name(f"{kept.name}-{os.getpid()}")
        mine.mkdir()
        os.rename(RUN, mine / "run")
        (mine / "figures.json").write_text(json.dumps(figures), encoding="utf-8")
        shutil.rmtree("cache", ignore_errors=True)
        with contextlib.suppress(OSError):  # another process has done it
            os.rename(mine, kept)
    figures = json.loads((kept / "figures.json").read_text(encoding="utf-8"))
    return read_all(kept / "run"), figures["status"], figures["seconds"]


def read_all(folder: Path) -> dict[str, bytes]:
    """Read every file below a folder, by its relative path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _compare(whole: dict[str, bytes], found: dict[str, bytes], verdict: Verdict) -> None:
    missing, more = sorted(whole.keys() - found.keys()), sorted(found.keys() - whole.keys())
    other = sorted(name for name in whole.keys() & found.keys() if whole[name] != found[name])
    if missing or more:
        verdict.lost.append(f"missing files {missing}, extra files {more}")
    if other:
        verdict.lost.append(f"different bytes in {other}")
    verdict.bit_equal = not (missing or more or other or verdict.failed)
