"""`RunFolder`: the output folder of a run, in which no file of the user is ever overwritten.

The folder may also hold files of the user. A run refuses to start if a name that it will write is taken by
something that no run has made. It recognizes checkpoints and ``best`` by their lists of files, log and report
by their content, and the files of the published model by their hashes in ``published.json``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from summgan.errors import SummGANError
from summgan.files import (
    check_folder,
    claim,
    incomplete,
    is_ours,
    locked,
    recover_all,
    remove_folder,
    write_folder,
    write_text,
    writing,
)
from summgan.training import checkpoint

FIRST_SAVE = 50
"""Step of the first checkpoint, if none is due earlier."""
LOG, REPORT, BEST = "log.jsonl", "report.html", "best"
_PUBLISHED = "published.json"
_MODEL = (
    "README.md config.json generation_config.json model.safetensors tokenizer.json tokenizer_config.json "
    "spiece.model truecase.json bag_of_words.json"
).split()
_NORM = "_grad_norm"  # suffix of a figure in the first row of every log
_TITLE = re.compile(r"<title>summgan(, step \d+| [\w-]+ code: what each part means)</title>")


class RunFolder:
    """The output folder of one run, locked while it runs.

    Args:
        path: Path of the folder.
        writes: Whether this process writes there; only the first of several does.
    """

    def __init__(self, path: str | Path, writes: bool = True):
        self.path, self.writes = Path(path), writes

    @contextmanager
    def opened(self, resume: bool, steps: int) -> Iterator[RunFolder]:
        """Prepare and lock the folder.

        Args:
            resume: Whether to continue the run in the folder.
            steps: Total number of steps of the run.

        Raises:
            SummGANError: A file would be lost, another run is writing, or there is nothing to resume.
        """
        if not self.writes:
            yield self
            return
        check_parents(self.path, "--training.output_dir")
        new = not self.path.exists()
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        try:
            with locked(self.path):
                self._clean_up()
                self._check(resume, steps)
                yield self
        finally:
            if new:
                with suppress(OSError):  # something is in it
                    self.path.rmdir()

    def _clean_up(self) -> None:
        """Clean up after a killed run, and check that the folder is writable."""
        recover_all(self.path)
        with writing(self.path):
            for name in (LOG, REPORT, _PUBLISHED, *_MODEL):
                incomplete(self.path / name).unlink(missing_ok=True)
            probe = incomplete(self.path / LOG)
            probe.touch()
            probe.unlink()

    def _check(self, resume: bool, steps: int) -> None:
        present = checkpoint.checkpoints(self.path)
        if present and not resume:
            raise SummGANError(
                f"{self.path} already holds checkpoints: continue with --resume, delete the folder, "
                "or name another --training.output_dir."
            )
        step = 0
        if resume:
            newest = checkpoint.find_checkpoint(self.path)
            step = checkpoint.step_of(newest)
            if step > steps:
                raise SummGANError(
                    f"{newest} is beyond the last step of this run ({steps}): train for more steps, delete "
                    "that checkpoint, or name another --training.output_dir."
                )
        for path in self.path.glob("checkpoint-*"):
            number = checkpoint.step_of(path)
            if path not in present and step < number <= steps:
                check_folder(path)
        if (self.path / LOG).exists() and not is_log(self.path / LOG):
            raise self._foreign(LOG)
        if (self.path / REPORT).exists() and not _is_report(self.path / REPORT):
            raise self._foreign(REPORT)
        if resume:
            self._claim_best()
            self._check_published(_MODEL)
        else:
            self._check_empty()

    def _check_empty(self) -> None:
        """Refuse to start where a run has left a model, unless that run ended before its first checkpoint."""
        log, best = self.path / LOG, self.path / BEST
        last = _last_step(log) if log.exists() else 0
        for name in (*_MODEL, _PUBLISHED):
            if (self.path / name).exists():
                raise self._foreign(name)
        if best.exists() and not (best.is_dir() and is_ours(best) and log.exists()):
            raise self._foreign(BEST)
        if last > FIRST_SAVE:
            raise SummGANError(
                f"{log} belongs to a run of {last} steps whose checkpoints are gone: delete it if you no "
                "longer need it, or name another --training.output_dir."
            )

    def _claim_best(self) -> None:
        """Check that ``best`` may be replaced, because this or an older version of summgan made it."""
        best = self.path / BEST
        if not best.exists() or (best.is_dir() and is_ours(best)):
            return
        known = best.is_dir() and {path.name for path in best.iterdir()} <= {*_MODEL}
        if not known or not _is_model(best):
            raise self._foreign(BEST)
        claim(best)

    def _foreign(self, name: str) -> SummGANError:
        return SummGANError(
            f"{self.path / name} is not of this run, which would replace it: move it away, or name "
            "another --training.output_dir."
        )

    def discard(self) -> None:
        """Delete the files of the run in the folder, and nothing else."""
        if not self.path.is_dir():
            return
        with locked(self.path), writing(self.path):
            for path in (*self.path.glob("diverged-*"), *checkpoint.checkpoints(self.path), self.path / BEST):
                if path.is_dir():
                    remove_folder(path)
            for name, digests in self._published().items():
                file = self.path / name
                if file.is_file() and _digest(file) in digests:
                    file.unlink()
            for name, known in (
                (LOG, is_log),
                (REPORT, _is_report),
                (_PUBLISHED, lambda _: self._published()),
            ):
                if known(self.path / name):
                    (self.path / name).unlink()

    # The model ------------------------------------------------------------------------------------

    def keep_best(self, save_model: Callable[[Path], None]) -> None:
        """Replace ``best``."""
        write_folder(self.path / BEST, save_model)

    def publish(self, source: Path) -> None:
        """Copy the model of a checkpoint, or ``best``, to the top of the folder.

        Raises:
            SummGANError: A file of another origin has the name of one of the model's files, or a file cannot
                be written.
        """
        digests = {path.name: _digest(path) for path in checkpoint.model_files(source)}
        self._check_published(digests)
        # Listed as ours before they are copied, so that a crash between two files does no harm.
        known = self._published()
        self._list({name: sorted({*known.get(name, ()), digest}) for name, digest in digests.items()})
        checkpoint.publish_model(source, self.path)
        self._list({name: [digest] for name, digest in digests.items()})

    def _list(self, files: dict[str, list[str]]) -> None:
        kept = {"made_by": "summgan", "files": files}
        write_text(self.path / _PUBLISHED, json.dumps(kept, indent=1) + "\n")

    def _check_published(self, names: Iterable[str]) -> None:
        """Refuse to replace files at the top that no run has published, or that have changed since."""
        if (self.path / _PUBLISHED).exists() and not self._published():
            raise self._foreign(_PUBLISHED)
        for name in names:
            file = self.path / name
            if file.exists() and not self._is_published(file):
                raise self._foreign(name)

    def _is_published(self, file: Path) -> bool:
        if not file.is_file():
            return False
        digest = _digest(file)
        if digest in self._published().get(file.name, ()):
            return True
        # Older versions keep no list; then the file equals that of a checkpoint.
        sources = (self.path / BEST, *checkpoint.checkpoints(self.path))
        others = (source / file.name for source in sources)
        return any(other.is_file() and _digest(other) == digest for other in others)

    def _published(self) -> dict[str, list[str]]:
        try:
            kept = json.loads((self.path / _PUBLISHED).read_text(encoding="utf-8"))
            files = kept["files"] if kept["made_by"] == "summgan" else {}
            return {str(name): list(digests) for name, digests in files.items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}

    # The way back ---------------------------------------------------------------------------------

    def way_back(self, good_step: int | None, resumed: int | None) -> str:
        """Rename the checkpoints after the last good one, and describe how to continue.

        Args:
            good_step: See `TrainerState`.
            resumed: Step at which the run was resumed; None if it was not.
        """
        untried = resumed is not None and (good_step is None or good_step < resumed)
        good = checkpoint.last_good(self.path, resumed if untried else good_step)
        aside = []
        for path in checkpoint.checkpoints(self.path) if self.writes else ():
            if good is None or checkpoint.step_of(path) > checkpoint.step_of(good):
                aside.append(path.with_name(path.name.replace("checkpoint", "diverged")))
                with writing(aside[-1]):
                    if aside[-1].exists():
                        remove_folder(aside[-1])
                    path.rename(aside[-1])
        names = ", ".join(path.name for path in aside)
        if good is None:
            kept = f" ({names} cannot be trained on)" if aside else ""
            return f"start again without --resume: there is no good checkpoint{kept}."
        kept = f" ({names}, from later steps, cannot be trained on)" if aside else ""
        doubt = "; if this happens again, delete it to continue from the one before" if untried else ""
        return f"continue from the last good checkpoint, {good}, with --resume{kept}{doubt}."


def check_parents(path: Path, option: str) -> None:
    """Check that neither an output folder nor a parent of it is a file.

    Args:
        path: Path of the folder.
        option: Option that names it, for error messages.

    Raises:
        SummGANError: One is a file, or the path is impossible.
    """
    try:
        if "\0" in str(path):
            raise ValueError("it contains a NUL")
        files = [parent for parent in (path, *path.parents) if parent.exists() and not parent.is_dir()]
    except (OSError, ValueError) as error:  # too long a name, no permission, ...
        raise SummGANError(f"{option} {str(path)[:99]!r} cannot be a folder: {error}.") from error
    if files:
        raise SummGANError(f"{files[0]} is a file, not a folder: name another {option}.")


def is_log(file: Path) -> bool:
    """Whether a file is the log of a run; an empty file is one too."""
    try:
        with file.open(encoding="utf-8") as lines:
            first = lines.readline()
        row = json.loads(first) if first.endswith("\n") else {}
        known = isinstance(row, dict) and type(row.get("step")) is int
        return (known and any(name.endswith(_NORM) for name in row)) or file.stat().st_size == 0
    except (OSError, ValueError, RecursionError):
        return False


def _last_step(log: Path) -> int:
    """Return the last step in a log, whose last line may be incomplete."""
    last = 0
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            with suppress(ValueError, TypeError, KeyError, RecursionError):
                last = max(last, json.loads(line)["step"])
    return last


def _is_report(file: Path) -> bool:
    """Whether a file is the report of a run, by its title."""
    try:
        with file.open(encoding="utf-8") as lines:
            return bool(_TITLE.search(lines.read(1000)))
    except (OSError, ValueError):
        return False


def _is_model(folder: Path) -> bool:
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
        return kind in ("summgan", "summgan-codes")
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return False


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        for block in iter(lambda: content.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
