"""Files and folders that appear whole or not at all, and never in the place of what is not ours.

Everything is written beside its final name (``.<name>.incomplete``) and renamed. A folder that summgan makes
lists its files in ``summgan.json``; only a folder with no other files than these is ever replaced or
deleted. A crash between the two renames of a replacement is mended by `recover`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from summgan.errors import SummGANError

try:
    import fcntl
except ImportError:  # Windows has no such locks; there the user has to take care
    fcntl = None  # type: ignore[assignment]

MANIFEST = "summgan.json"
"""The list of a folder's files, by which a folder of ours is known."""
_held: set[int] = set()  # what `locked` has open


def _let_go() -> None:
    while _held:
        os.close(_held.pop())


if fcntl:  # a helper process, as of a data loader, must not hold what its parent holds, and outlive it
    os.register_at_fork(after_in_child=_let_go)


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Say in a sentence that something cannot be written: a full disk, a missing permission, ...

    Args:
        path: What is written, for the message.

    Raises:
        SummGANError: In the place of an `OSError`, or what safetensors and tokenizers make of one.
    """
    try:
        yield
    except OSError as error:
        raise SummGANError(f"{path} cannot be written: {error.strerror or error}.") from error
    except Exception as error:
        # Libraries in Rust have errors of their own; that of tokenizers is a plain `Exception`.
        if not isinstance(error, SafetensorError) and "(os error " not in str(error):
            raise
        raise SummGANError(f"{path} cannot be written: {error}.") from error


def incomplete(path: Path) -> Path:
    """Under which name something is written before it gets its own."""
    return path.with_name(f".{path.name}.incomplete")


def write_file(path: str | Path, fill: Callable[[Path], object]) -> None:
    """Make a file that appears under ``path`` only when it is complete, in place of any older one.

    Args:
        path: Its final name.
        fill: Writes the file under the temporary name that it is given.

    Raises:
        SummGANError: It cannot be written; the older file is still there.
    """
    path = Path(path).resolve()  # a link stays a link
    temporary = incomplete(path)
    try:
        with writing(path):
            fill(temporary)
            os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, see `write_file`."""
    write_file(path, lambda file: file.write_text(text, encoding="utf-8", newline="\n"))


def write_folder(path: str | Path, fill: Callable[[Path], object]) -> None:
    """Make a folder that appears under ``path`` only when it is complete.

    Args:
        path: Its final name. A folder of ours of that name is replaced; see `check_folder`.
        fill: Writes the files into the temporary folder that it is given.

    Raises:
        SummGANError: Something else has the name, another process writes it too, or it cannot be written.
    """
    path = Path(path).resolve()
    temporary, replaced = incomplete(path), _replaced(path)
    with writing(path):
        recover(path)
        check_folder(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_incomplete(path)
        temporary.mkdir()
        try:
            with locked(temporary, path):
                _write_manifest(temporary)  # from now on it is ours, whatever happens
                fill(temporary)
                _write_manifest(temporary)
                if path.exists():
                    os.rename(path, replaced)
                os.rename(temporary, path)
        except BaseException:
            with suppress(OSError, SummGANError):
                recover(path)
                _delete(temporary)
            raise
        with suppress(OSError):
            _delete(replaced)


def check_folder(path: str | Path) -> None:
    """Refuse a name that is taken by something that summgan has not made.

    Raises:
        SummGANError: It is a file, or a folder with files that are not in its ``summgan.json``.
    """
    path = Path(path)
    if not path.exists():
        return
    if not path.is_dir():
        raise SummGANError(f"{path} is a file, not a folder: name another folder, or move it away.")
    if any(path.iterdir()) and not is_ours(path):
        strange = sorted(_files(path) - _listed(path))
        raise SummGANError(
            f"{path} holds what summgan has not made ({', '.join(strange[:3])}): name another folder, or "
            "move that away."
        )


def is_ours(folder: Path) -> bool:
    """Whether summgan has made a folder, and nobody has put anything else into it."""
    return _files(folder) <= _listed(folder)


def is_whole(folder: Path) -> bool:
    """Whether it is ours and all its files are there."""
    return _files(folder) == _listed(folder)


def claim(folder: Path) -> None:
    """Take a folder that an older version has made, without a list of its files, for ours."""
    with writing(folder):
        _write_manifest(folder)


def remove_folder(folder: Path) -> None:
    """Delete a folder of ours; any other one, or a link to one, stays as it is."""
    if is_ours(folder) and not folder.is_symlink():
        with writing(folder):
            _remove_incomplete(folder)
            os.rename(folder, incomplete(folder))  # half a folder never has the name of a whole one
            _delete(incomplete(folder))


def recover(path: Path) -> None:
    """Mend what a crash has left of replacing a folder: the older one gets its name back, or goes."""
    replaced = _replaced(path)
    if not replaced.is_dir() or not is_ours(replaced):
        return
    with writing(path):
        if path.exists() or not is_whole(replaced):
            _delete(replaced)
        else:
            os.rename(replaced, path)


def recover_all(folder: Path) -> None:
    """`recover` for everything in a folder, and delete what was begun there and never finished.

    Only for who knows that nobody else is writing there.
    """
    for replaced in folder.glob(".*.replaced"):
        recover(folder / replaced.name[1 : -len(".replaced")])
    for begun in folder.glob(".*.incomplete"):
        if begun.is_dir() and _was_begun_by_us(begun):
            with writing(begun):
                _delete(begun)


def check_output(path: str | Path, inputs: Iterable[str | Path], option: str = "--output") -> None:
    """Refuse an output that is one of the inputs, or would be read as one the next time.

    Args:
        path: Of the output, which need not be there yet.
        inputs: Files and folders that are read.
        option: Names the output, for the message.

    Raises:
        SummGANError: They are the same by their real paths, or the output is directly in an input folder.
    """
    path = Path(path)
    for file in map(Path, inputs):
        if _same(path, file) or (path.is_dir() and file.resolve().is_relative_to(path.resolve())):
            raise SummGANError(f"{option} {path}: is read by this call; name another output.")
        if file.is_dir() and path.resolve().is_relative_to(file.resolve()):
            raise SummGANError(f"{option} {path}: stands in the folder {file}, which is read; name another.")


@contextmanager
def locked(path: Path, name: Path | None = None) -> Iterator[None]:
    """Hold a file or folder that is there, so that no second process writes it at the same time.

    Args:
        path: What is held; the lock ends with the process, whatever ends it.
        name: What the message calls it.

    Raises:
        SummGANError: Another process holds it.
    """
    if fcntl is None:
        yield
        return
    with writing(path):
        handle = os.open(path, os.O_RDONLY)
        _held.add(handle)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SummGANError(
                f"{name or path} is being written by another process: wait for it, or name another output."
            ) from None
        except OSError:
            pass  # a file system without locks, as on some networks; there the user has to take care too
        yield
    finally:
        if handle in _held:
            _held.remove(handle)
            os.close(handle)


def _replaced(path: Path) -> Path:
    return path.with_name(f".{path.name}.replaced")


def _same(first: Path, second: Path) -> bool:
    if first.exists() and second.exists():
        return os.path.samefile(first, second)
    return first.resolve() == second.resolve()


def _files(folder: Path) -> set[str]:
    """Names of all that is in a folder, relative to it; of folders in it only if they are empty."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if not path.is_dir() or path.is_symlink() or not any(path.iterdir())
    }


def _listed(folder: Path) -> set[str]:
    """The files that summgan has made a folder with; none where nothing says so."""
    try:
        kept = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {MANIFEST, *kept["files"]} if kept["made_by"] == "summgan" else set()
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return set()


def _write_manifest(folder: Path) -> None:
    kept = {"made_by": "summgan", "files": sorted(_files(folder) - {MANIFEST})}
    begun = incomplete(folder / MANIFEST)
    begun.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    os.replace(begun, folder / MANIFEST)


def _was_begun_by_us(temporary: Path) -> bool:
    """Whether a folder under a temporary name is ours: its list, if only an empty one, comes first."""
    begun = {MANIFEST, incomplete(Path(MANIFEST)).name}
    return _files(temporary) <= begun or bool(_listed(temporary))


def _remove_incomplete(path: Path) -> None:
    """Delete what an interrupted call has left under a temporary name."""
    temporary = incomplete(path)
    if not temporary.exists():
        return
    if not temporary.is_dir() or not _was_begun_by_us(temporary):
        raise SummGANError(f"{temporary} has the name of a temporary folder but is not ours; move it away.")
    with locked(temporary, path):
        _delete(temporary)


def _delete(folder: Path) -> None:
    """Delete a folder of ours, its list last: whatever interrupts this, the rest is known as ours."""
    if not folder.exists():
        return
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MANIFEST:
            os.unlink(path)
    with suppress(FileNotFoundError):
        os.unlink(folder / MANIFEST)
    folder.rmdir()
