"""Names, patterns and folders to files, in a fixed order."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from summgan.data.readers.values import shown
from summgan.errors import SummGANError

FORMATS = (".txt", ".jsonl", ".json", ".csv", ".tsv", ".parquet")
STANDARD_INPUT = "-"
_SAVED = ("dataset_info.json", "dataset_dict.json")


def resolve_files(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """Resolve names, patterns and folders to files, in a fixed order.

    A name that exists is that file, whatever characters it contains. A folder of text files (one document per
    file) and a saved dataset are returned as the folder itself; any other folder is replaced by its data
    files.

    Raises:
        SummGANError: A name matches nothing, cannot be read, or has an unknown format.
    """
    found: list[Path] = []
    for name in [paths] if isinstance(paths, str | Path) else paths:
        found += _resolve(str(name))
    return found


def _resolve(name: str) -> list[Path]:
    path = Path(name)
    if name == STANDARD_INPUT:
        return [path]
    if not name or "\0" in name:
        raise SummGANError(f"{name!r} is not the name of a file; give a file, a folder or a pattern.")
    try:
        matches = (
            [path] if path.exists() else [Path(match) for match in sorted(glob.glob(name, recursive=True))]
        )
        if not matches:
            raise SummGANError(f"{shown(path)}: no such file, folder, or pattern that matches one.")
        return [file for match in matches for file in _expand(match)]
    except OSError as error:
        where = shown(Path(error.filename or name))
        raise SummGANError(f"{where[:200]}: cannot be read ({error.strerror}).") from error


def _expand(path: Path) -> list[Path]:
    if not path.is_dir():
        file_format(path)
        return [_regular(path)]
    if is_saved(path):
        return [path]
    files = data_files(path)
    if not files:
        raise SummGANError(f"{shown(path)}: the folder has no file with the extension {', '.join(FORMATS)}.")
    if all(_suffix(file) == ".txt" for file in files):
        return [path]
    return files


def data_files(folder: Path) -> list[Path]:
    """List the files of a folder that have a known extension, sorted.

    Raises:
        SummGANError: One of them is not a regular file, so that its content would be left out silently.
    """
    return [_regular(path) for path in sorted(folder.iterdir()) if _suffix(path) in FORMATS]


def _regular(path: Path) -> Path:
    if path.is_file():
        return path
    if path.is_dir():
        raise SummGANError(
            f"{shown(path)}: is a folder within a folder of files; name it separately, or move it away."
        )
    if path.is_symlink() and not path.exists():
        raise SummGANError(f"{shown(path)}: is a link to a file that does not exist.")
    raise SummGANError(f"{shown(path)}: is not a regular file; '-' reads standard input.")


def is_saved(folder: Path) -> bool:
    """Tell whether a folder is a dataset saved by `datasets`."""
    return any((folder / name).is_file() for name in _SAVED)


def _suffix(path: Path) -> str:
    """The extension, without a final .gz."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def file_format(path: Path) -> str:
    """Return the extension that says how a file is read, without a final .gz.

    Raises:
        SummGANError: The extension is not one of `FORMATS`.
    """
    if _suffix(path) not in FORMATS:
        raise SummGANError(
            f"{shown(path)}: the extension must be one of {', '.join(FORMATS)}, also with .gz."
        )
    return _suffix(path)
