import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from summgan.errors import SummGANError
from summgan.files import (
    MANIFEST,
    check_output,
    incomplete,
    is_ours,
    locked,
    recover_all,
    remove_folder,
    write_file,
    write_folder,
    write_text,
    writing,
)


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)


def make(folder, *names):
    write_folder(folder, lambda path: [(path / name).write_text(name) for name in names])


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    def fill(folder):
        (folder / "half").write_text("x")
        raise RuntimeError("power cut")

    make(tmp_path / "kept", "old")
    for name in ("kept", "new"):
        with pytest.raises(RuntimeError):
            write_folder(tmp_path / name, fill)
    assert files(tmp_path / "kept") == ["old"]
    assert not (tmp_path / "new").exists()
    make(tmp_path / "new", "whole")
    assert files(tmp_path / "new") == ["whole"]
    assert files(tmp_path) == ["kept", "new"]


def test_a_folder_of_ours_is_replaced_with_all_that_is_in_it(tmp_path):
    write_folder(tmp_path / "k", lambda path: (path / "deep" / "er").mkdir(parents=True))
    make(tmp_path / "k", "new")
    assert files(tmp_path / "k") == ["new"]


@pytest.mark.parametrize("strange", ["precious", ".hidden", "deep/precious", "empty/", MANIFEST, "link"])
@pytest.mark.parametrize("ours", [True, False])
def test_what_summgan_has_not_made_is_never_replaced(tmp_path, strange, ours):
    folder = tmp_path / "k"
    if ours:
        make(folder, "old")
    if strange == MANIFEST and ours:
        pytest.skip("that is the sign of a folder of ours")
    path = folder / strange
    path.parent.mkdir(parents=True, exist_ok=True)
    if strange.endswith("/"):
        path.mkdir()
    elif strange == "link":
        path.symlink_to(tmp_path)
    else:
        path.write_text("dear to me")
    before = sorted(folder.rglob("*"))
    with pytest.raises(SummGANError, match="summgan has not made"):
        make(folder, "new")
    remove_folder(folder)
    assert sorted(folder.rglob("*")) == before


def test_a_file_is_no_folder_and_an_empty_folder_is_free(tmp_path):
    (tmp_path / "file").write_text("dear to me")
    with pytest.raises(SummGANError, match="is a file, not a folder"):
        make(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "dear to me"
    (tmp_path / "empty").mkdir()
    make(tmp_path / "empty", "new")
    assert is_ours(tmp_path / "empty")


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    make(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    make(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and files(tmp_path / "real") == ["new"]


def test_what_a_kill_between_the_renames_leaves_is_recovered(tmp_path):
    make(tmp_path / "k", "old")
    os.rename(tmp_path / "k", tmp_path / ".k.replaced")
    recover_all(tmp_path)
    assert files(tmp_path / "k") == ["old"] and files(tmp_path) == ["k"]
    # After a kill behind both renames, the older folder only has to be deleted.
    make(tmp_path / ".k.replaced", "older")
    recover_all(tmp_path)
    assert files(tmp_path / "k") == ["old"] and files(tmp_path) == ["k"]


def test_what_a_kill_before_the_renames_leaves_goes(tmp_path):
    make(incomplete(tmp_path / "k"), "half")
    make(tmp_path / "k", "new")
    assert files(tmp_path) == ["k"] and files(tmp_path / "k") == ["new"]


@pytest.mark.parametrize("content", [[], [MANIFEST], [f".{MANIFEST}.incomplete"]])
def test_what_was_only_just_begun_goes_too(tmp_path, content):
    for name in ("k", "other"):
        incomplete(tmp_path / name).mkdir()
        for file in content:
            (incomplete(tmp_path / name) / file).write_text('{"half')
    make(tmp_path / "k", "new")
    recover_all(tmp_path)
    assert files(tmp_path) == ["k"]


def test_half_of_an_older_folder_is_not_recovered(tmp_path):
    make(tmp_path / ".k.replaced", "one", "two")
    (tmp_path / ".k.replaced" / "one").unlink()
    recover_all(tmp_path)
    assert files(tmp_path) == []


class Killed(BaseException):
    """Stands for a kill."""


@pytest.mark.parametrize("number", range(1, 4))
def test_a_folder_that_is_half_deleted_has_no_name_and_goes_later(tmp_path, monkeypatch, number):
    make(tmp_path / "k", "one", "two")
    unlink, left = os.unlink, number

    def killed(*arguments, **options):
        nonlocal left
        left -= 1
        if not left:
            raise Killed
        unlink(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", killed)
        with pytest.raises(Killed):
            remove_folder(tmp_path / "k")
    assert files(tmp_path) == [".k.incomplete"]
    recover_all(tmp_path)
    assert files(tmp_path) == []


@pytest.mark.parametrize("number", [1, 2])
def test_an_error_between_the_renames_puts_the_older_folder_back(tmp_path, monkeypatch, number):
    make(tmp_path / "k", "old")
    rename, left = os.rename, number

    def killed(*arguments):
        nonlocal left
        left -= 1
        if not left:
            raise Killed
        rename(*arguments)

    monkeypatch.setattr(os, "rename", killed)
    with pytest.raises(Killed):
        make(tmp_path / "k", "new")
    assert files(tmp_path) == ["k"] and files(tmp_path / "k") == ["old"]


def test_a_strange_temporary_folder_is_not_deleted(tmp_path):
    incomplete(tmp_path / "k").mkdir()
    (incomplete(tmp_path / "k") / "precious").write_text("x")
    with pytest.raises(SummGANError, match="move it away"):
        make(tmp_path / "k", "new")
    assert (incomplete(tmp_path / "k") / "precious").exists()


def test_texts_are_replaced(tmp_path):
    for text in ("one", "two\r\n"):
        write_text(tmp_path / "a.json", text)
    assert (tmp_path / "a.json").read_bytes() == b"two\r\n" and files(tmp_path) == ["a.json"]


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path):
    def fill(path):
        path.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_text(tmp_path / "a", "old")
    with pytest.raises(SummGANError, match="a cannot be written: No space left on device"):
        write_file(tmp_path / "a", fill)
    assert (tmp_path / "a").read_text() == "old" and files(tmp_path) == ["a"]


def test_errors_of_the_system_become_sentences(tmp_path):
    with pytest.raises(SummGANError, match="missing/a cannot be written: No such file or directory"):
        write_text(tmp_path / "missing" / "a", "x")
    with pytest.raises(SummGANError, match="b cannot be written: Read-only file system"), writing("b"):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def test_errors_of_libraries_in_rust_become_sentences():
    message = "b cannot be written: No space left on device"
    with pytest.raises(SummGANError, match=message), writing("b"):
        raise Exception("No space left on device (os error 28)")
    with pytest.raises(RuntimeError), writing("b"):
        raise RuntimeError("something else")


def test_a_file_system_without_locks_is_written_all_the_same(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)
    with locked(tmp_path):
        make(tmp_path / "k", "new")
    assert files(tmp_path / "k") == ["new"]


def test_an_output_is_no_input(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.jsonl", "in/1.txt"):
        (tmp_path / name).write_text("x\n")
    (tmp_path / "link.jsonl").symlink_to("a.jsonl")
    os.link(tmp_path / "a.jsonl", tmp_path / "hard.jsonl")
    for output in ("a.jsonl", "link.jsonl", "hard.jsonl", "in/../a.jsonl"):
        with pytest.raises(SummGANError, match="--output .* is read by this call"):
            check_output(tmp_path / output, [tmp_path / "a.jsonl"])
    with pytest.raises(SummGANError, match="is in the input folder"):
        check_output(tmp_path / "in" / "out.txt", [tmp_path / "in"])
    with pytest.raises(SummGANError, match="--index"):
        check_output(tmp_path, [tmp_path / "in" / "1.txt"], "--index")
    check_output(tmp_path / "b.jsonl", [tmp_path / "a.jsonl", tmp_path / "in", "-"])


def test_only_one_process_writes(tmp_path):
    program = (
        "import sys, pathlib; from summgan.files import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path)]
    other = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(SummGANError, match="by another process"), locked(tmp_path):
            pass
    finally:
        other.kill()
        other.communicate()
    with locked(tmp_path):
        pass


def test_a_helper_process_does_not_hold_what_its_parent_held(tmp_path):
    ready, begun = os.pipe()
    with locked(tmp_path):
        helper = os.fork()
        if not helper:
            os.write(begun, b"!")
            time.sleep(60)
            os._exit(0)
        os.read(ready, 1)
    try:
        with locked(tmp_path):
            pass
    finally:
        os.kill(helper, signal.SIGKILL)
        os.waitpid(helper, 0)


def test_a_link_to_a_folder_of_ours_is_not_deleted(tmp_path):
    make(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    remove_folder(tmp_path / "link")
    assert files(tmp_path) == ["link", "real"] and files(tmp_path / "real") == ["old"]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"files": 3}', '{"files": null}', "[" * 100_000])
def test_an_odd_list_of_files_makes_no_folder_ours(tmp_path, content):
    make(tmp_path / "k", "old")
    (tmp_path / "k" / MANIFEST).write_text(content)
    assert not is_ours(tmp_path / "k")
    (tmp_path / "k" / MANIFEST).write_text(json.dumps({"made_by": "summgan", "files": ["old"]}))
    assert is_ours(tmp_path / "k")
