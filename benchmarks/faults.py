"""Fault injection: kills, malformed files, unusual texts, impossible options and damaged models.

    python benchmarks/faults.py --kills 100 --inputs 10000 --seed 0 --output results.json

It makes its own corpus and tiny models. Every try follows from its number and the seed, so that a failed try
can be repeated alone, with its folder kept: `--rows inputs --only NUMBER`.

`failed` counts tries with a traceback, an exit status other than 0, 1, 2 and 130, an error without a message,
files left behind, or a hang. `lost` counts tries after which a row is missing, duplicated, out of place or
wrong. `bit_equal` counts killed and resumed runs with the same files as an uninterrupted run.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

# Set before any library of Hugging Face is imported: no network, and no files outside the work folder.
os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}

from fault_setting import Setting, Verdict, make_setting  # noqa: E402
from rows import mean_table, measure, new_parser, say  # noqa: E402
from tqdm import tqdm  # noqa: E402

LIMIT = 60  # most seconds of processor time for a try
MEMORY = 16 * 2**30  # most bytes of address space
SHOWN = 5  # failed tries of a row that are printed
COLUMNS = ("tried", "failed", "lost", "bit_equal", "seconds")
KILLS = ("kill-train", "kill-summarize", "kill-encode")
# Number of tries of a row, as a fraction of --inputs.
SHARES = {"inputs": 1.0, "texts": 0.05, "options": 0.05, "folders": 0.03}
ROWS = (*KILLS, *SHARES)
_PRELOADED = [
    "fault_inputs",
    "fault_kills",
    "fault_others",
    "summgan.cli.commands",
    "summgan.cli.code_commands",
]
_PRELOADED += [
    "summgan.training.trainer",
    "summgan.codes.task",
    "transformers.models.mbart.modeling_mbart",
]


def attempt(row: str, setting: Setting, seed: int, number: int, folder: Path) -> Verdict:
    """Make one try of a row in an empty folder."""
    import fault_inputs
    import fault_kills
    import fault_others

    rng = Random(f"{row} {seed} {number}")
    if row in KILLS:
        return fault_kills.try_kill(row, setting, rng, folder)
    tries = {
        "inputs": fault_inputs.try_input,
        "texts": fault_others.try_text,
        "options": fault_others.try_option,
        "folders": fault_others.try_folder,
    }
    return tries[row](setting, rng, folder)


def work(row: str, setting: Setting, seed: int, numbers: list[int], keep: bool, pipe: Connection) -> None:
    """Make tries in this process, and send the verdict of each through a pipe."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    log = os.open(setting.folder / "noise.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)  # for libraries that bypass Python's streams
    import fault_others
    import torch

    torch.set_num_threads(1)
    if row in ("inputs", "options"):
        fault_others.load_models_once()
    for number in numbers:
        folder = Path(tempfile.mkdtemp(prefix=f"{row}-{number}-", dir=setting.folder))
        os.chdir(folder)
        began = time.process_time()
        try:
            verdict = attempt(row, setting, seed, number, folder)
        except Exception:  # such as an output that cannot be read
            verdict = Verdict("see the traceback", [traceback.format_exc()])
        finally:
            os.chdir(setting.folder)
        if time.process_time() - began > LIMIT:
            verdict.failed.append(f"took {time.process_time() - began:.0f} s of processor time")
        if keep:
            verdict.what += f" (in {folder})"
        else:
            shutil.rmtree(folder, ignore_errors=True)
        pipe.send((number, verdict))
    pipe.close()


class Processes:
    """Makes tries in processes that can be killed; a process that crashes loses only one try.

    Args:
        setting: Models and texts of the tries.
        seed: Seed of all tries.
        jobs: Number of processes at a time.
        keep: Whether to keep the folders of the tries.
    """

    def __init__(self, setting: Setting, seed: int, jobs: int, keep: bool):
        self.setting, self.seed, self.jobs, self.keep = setting, seed, jobs, keep
        # A fork server with everything imported forks fast; it needs the import path of this process.
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        # Killed processes always leave something, of which Python would warn.
        os.environ["PYTHONWARNINGS"] = "ignore::UserWarning:multiprocessing.resource_tracker"
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(_PRELOADED)

    def run(self, row: str, numbers: list[int]) -> dict[int, Verdict]:
        """Make the tries of a row, and return their verdicts by number."""
        verdicts: dict[int, Verdict] = {}
        with tqdm(total=len(numbers), desc=row, unit="try", disable=None) as bar:

            def drive(mine: list[int]) -> None:
                while mine:
                    for number, verdict in self._one_process(row, mine):
                        verdicts[number] = verdict
                        mine = mine[1:]
                        bar.update()

            with ThreadPoolExecutor(self.jobs) as pool:
                list(pool.map(drive, [numbers[job :: self.jobs] for job in range(self.jobs)]))
        return dict(sorted(verdicts.items()))

    def _one_process(self, row: str, numbers: list[int]):
        """Yield numbers with their verdicts until the process is done or has to be killed."""
        mine, theirs = self.context.Pipe(duplex=False)
        arguments = (row, self.setting, self.seed, numbers, self.keep, theirs)
        process = self.context.Process(target=work, args=arguments)
        process.start()
        theirs.close()
        limit = 10 * LIMIT  # seconds of wall-clock time, as the machine may be busy
        try:
            for number in numbers:
                if not mine.poll(limit):
                    yield number, Verdict(failed=[f"no end after {limit} s"])
                    return
                try:
                    yield mine.recv()
                except EOFError:
                    process.join()
                    yield number, Verdict(failed=[f"the process ended with {process.exitcode}"])
                    return
            process.join(LIMIT)
        finally:
            process.kill()
            process.join()


def figures(row: str, verdicts: dict[int, Verdict], seconds: float) -> dict:
    """Count the verdicts of a row, and print the first failed tries."""
    bad = [(n, v) for n, v in verdicts.items() if v.failed or v.lost or v.bit_equal is False]
    found = {
        "tried": len(verdicts),
        "failed": sum(bool(v.failed) for v in verdicts.values()),
        "lost": sum(bool(v.lost) for v in verdicts.values()),
        "seconds": seconds,
        "wrong": [{"number": n, "what": v.what, "failed": v.failed, "lost": v.lost} for n, v in bad],
    }
    if row in KILLS:
        found["bit_equal"] = sum(v.bit_equal is True for v in verdicts.values())
    for wrong in found["wrong"][:SHOWN]:
        reasons = [*wrong["failed"], *wrong["lost"]] or ["different bytes"]
        say(f"{row} {wrong['number']}: {wrong['what']}\n    " + "\n    ".join(reasons[:3]))
    return found


def main() -> None:
    """Make all tries; the exit status is 1 if one fails."""
    parser = new_parser(__doc__, ROWS, "runs/faults", seeds=None, work=True)
    parser.add_argument("--kills", type=int, default=100, help="killed runs of each command")
    parser.add_argument("--inputs", type=int, default=10_000, help="inputs; other rows get a fraction of it")
    parser.add_argument("--seed", type=int, default=0, help="seed of all tries")
    parser.add_argument("--only", type=int, nargs="+", metavar="NUMBER", help="make only these tries")
    parser.add_argument("--jobs", type=int, default=2, help="number of processes at a time")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=arguments.work.resolve()))
    os.environ["HF_HOME"] = str(folder / "cache")
    say("Making a corpus and tiny models ...")
    keep = bool(arguments.only)
    processes = Processes(make_setting(folder), arguments.seed, arguments.jobs, keep)

    def figures_of(row: str, seed: int) -> dict:
        count = arguments.kills if row in KILLS else max(1, round(arguments.inputs * SHARES[row]))
        began = time.monotonic()
        verdicts = processes.run(row, arguments.only or list(range(count)))
        return figures(row, verdicts, time.monotonic() - began)

    results = measure(arguments.rows, [arguments.seed], arguments.output, figures_of, COLUMNS)
    if not keep:
        shutil.rmtree(folder)
    say("\n" + mean_table(results, COLUMNS))
    sys.exit(any(r["failed"] or r["lost"] or r.get("bit_equal", r["tried"]) < r["tried"] for r in results))


if __name__ == "__main__":
    main()
