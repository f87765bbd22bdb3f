"""Writing of files and folders: completely or not at all, and never over what summgan has not made.

Everything is written under a temporary name beside its final one (``.<name>.incomplete``) and then renamed.
A folder that summgan makes lists its files in ``summgan.json``; only a folder that holds no other files is
ever replaced or deleted. `recover` repairs a replacement that crashed between its two renames.
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
except ImportError:  # Windows has no such locks; there, nothing stops two processes from writing one file
    fcntl = None  # type: ignore[assignment]

MANIFEST = "summgan.json"
"""Name of the file that lists a folder's files and marks the folder as made by summgan."""
_held: set[int] = set()  # file descriptors that `locked` holds open


def _release_locks() -> None:
    while _held:
        os.close(_held.pop())


if fcntl:  # a forked worker, such as a data loader's, may outlive its parent and must not keep its locks
    os.register_at_fork(after_in_child=_release_locks)


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Turn a failure to write (a full disk, a missing permission, ...) into one sentence.

    Args:
        path: Path that is written, for the message.

    Raises:
        SummGANError: Replaces an `OSError`, or the error that safetensors or tokenizers raise for one.
    """
    try:
        yield
    except OSError as error:
        raise SummGANError(f"{path} cannot be written: {error.strerror or error}.") from error
    except Exception as error:
        # Rust libraries raise errors of their own; that of tokenizers is a plain `Exception`.
        if not isinstance(error, SafetensorError) and "(os error " not in str(error):
            raise
        raise SummGANError(f"{path} cannot be written: {error}.") from error


def incomplete(path: Path) -> Path:
    """Return the temporary name under which a file or folder is written."""
    return path.with_name(f".{path.name}.incomplete")


def write_file(path: str | Path, fill: Callable[[Path], object]) -> None:
    """Write a file that appears under ``path`` only when it is complete, and then replaces any older one.

    Args:
        path: Final name.
        fill: Function that writes the file under the temporary name that it gets.

    Raises:
        SummGANError: The file cannot be written; the older one is unchanged.
    """
    path = Path(path).resolve()  # so that a link stays a link
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
    """Write a text to a UTF-8 file, as `write_file` does."""
    write_file(path, lambda file: file.write_text(text, encoding="utf-8", newline="\n"))


def write_folder(path: str | Path, fill: Callable[[Path], object]) -> None:
    """Write a folder that appears under ``path`` only when it is complete.

    Args:
        path: Final name. A folder of that name is replaced if summgan has made it; see `check_folder`.
        fill: Function that writes the files into the temporary folder that it gets.

    Raises:
        SummGANError: The name is taken by something else, another process is writing the folder, or it
            cannot be written.
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
                _write_manifest(temporary)  # from now on the folder is known as ours, whatever happens
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
    """Check that no folder is replaced that summgan has not made.

    Raises:
        SummGANError: The path is a file, or a folder with files that its ``summgan.json`` does not list.
    """
    path = Path(path)
    if not path.exists():
        return
    if not path.is_dir():
        raise SummGANError(f"{path} is a file, not a folder; name another folder, or move the file away.")
    if any(path.iterdir()) and not is_ours(path):
        strange = sorted(_files(path) - _listed(path))
        raise SummGANError(
            f"{path} contains files that summgan has not made ({', '.join(strange[:3])}); name another "
            "folder, or move them away."
        )


def is_ours(folder: Path) -> bool:
    """Tell whether summgan has made a folder and nothing else has been put into it."""
    return _files(folder) <= _listed(folder)


def is_whole(folder: Path) -> bool:
    """Tell whether summgan has made a folder and it holds all its files and nothing else."""
    return _files(folder) == _listed(folder)


def claim(folder: Path) -> None:
    """Mark a folder as made by summgan; older versions made folders without a list of files."""
    with writing(folder):
        _write_manifest(folder)


def remove_folder(folder: Path) -> None:
    """Delete a folder that summgan has made; leave any other folder, and a link to one, as it is."""
    if is_ours(folder) and not folder.is_symlink():
        with writing(folder):
            _remove_incomplete(folder)
            os.rename(folder, incomplete(folder))  # an incomplete folder never has the final name
            _delete(incomplete(folder))


def recover(path: Path) -> None:
    """Finish a replacement that crashed: give the older folder its name back, or delete it."""
    replaced = _replaced(path)
    if not replaced.is_dir() or not is_ours(replaced):
        return
    with writing(path):
        if path.exists() or not is_whole(replaced):
            _delete(replaced)
        else:
            os.rename(replaced, path)


def recover_all(folder: Path) -> None:
    """Call `recover` for everything in a folder, and delete what was begun there and never finished.

    Call this only while no other process writes to the folder.
    """
    for replaced in folder.glob(".*.replaced"):
        recover(folder / replaced.name[1 : -len(".replaced")])
    for unfinished in folder.glob(".*.incomplete"):
        if unfinished.is_dir() and _was_begun_by_us(unfinished):
            with writing(unfinished):
                _delete(unfinished)


def check_output(path: str | Path, inputs: Iterable[str | Path], option: str = "--output") -> None:
    """Check that an output is not one of the inputs, and would not be read as one the next time.

    Args:
        path: Path of the output, which need not exist yet.
        inputs: Files and folders that are read.
        option: Option that names the output, for the message.

    Raises:
        SummGANError: The output is an input (by its real path), contains one, or lies in an input folder.
    """
    path = Path(path)
    for file in map(Path, inputs):
        if _same(path, file) or (path.is_dir() and file.resolve().is_relative_to(path.resolve())):
            raise SummGANError(f"{option} {path} is read by this call; name another output.")
        if file.is_dir() and path.resolve().is_relative_to(file.resolve()):
            raise SummGANError(f"{option} {path} is in the input folder {file}; name another output.")


@contextmanager
def locked(path: Path, name: Path | None = None) -> Iterator[None]:
    """Lock an existing file or folder, so that no second process writes it at the same time.

    Args:
        path: Path to lock; the lock ends with the process, whatever ends the process.
        name: Path that the message names, by default ``path``.

    Raises:
        SummGANError: Another process holds the lock.
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
                f"{name or path} is being written by another process; wait for it, or name another output."
            ) from None
        except OSError:
            pass  # some network file systems have no locks; there, nothing stops a second process
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
    """Names of all files in a folder, relative to it, and of its empty subfolders."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if not path.is_dir() or path.is_symlink() or not any(path.iterdir())
    }


def _listed(folder: Path) -> set[str]:
    """Names of the files in a folder's manifest; none if it has no valid manifest."""
    try:
        kept = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {MANIFEST, *kept["files"]} if kept["made_by"] == "summgan" else set()
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return set()


def _write_manifest(folder: Path) -> None:
    kept = {"made_by": "summgan", "files": sorted(_files(folder) - {MANIFEST})}
    temporary = incomplete(folder / MANIFEST)
    temporary.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, folder / MANIFEST)


def _was_begun_by_us(temporary: Path) -> bool:
    """Tell whether summgan has begun a temporary folder; the manifest is the first file in it."""
    manifests = {MANIFEST, incomplete(Path(MANIFEST)).name}
    return _files(temporary) <= manifests or bool(_listed(temporary))


def _remove_incomplete(path: Path) -> None:
    """Delete the temporary folder that an interrupted call has left."""
    temporary = incomplete(path)
    if not temporary.exists():
        return
    if not temporary.is_dir() or not _was_begun_by_us(temporary):
        raise SummGANError(f"{temporary} has a temporary name, but summgan has not made it; move it away.")
    with locked(temporary, path):
        _delete(temporary)


def _delete(folder: Path) -> None:
    """Delete a folder, its manifest last, so that whatever interrupts this leaves a folder known as ours."""
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
