import os

import pytest

from summgan.data.readers import read_rows, resolve_files
from summgan.errors import RowError, SummGANError


def texts(*arguments, **options):
    return [row.text for row in read_rows(*arguments, **options)]


@pytest.mark.parametrize("name", ["a[1].txt", "a*.txt", "a?.txt", "-.txt", "ä ö.txt", "台湾.TXT", ".txt.txt"])
def test_a_name_that_exists_is_that_file(name, tmp_path):
    (tmp_path / "a1.txt").write_text("another")
    (tmp_path / name).write_text("this")
    assert texts(str(tmp_path / name)) == ["this"]


def test_a_name_that_is_no_utf_8_can_be_printed(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    with open(path, "wb") as file:
        file.write(b"one\n\xff\n")
    errors = []
    (row,) = read_rows(os.fsdecode(path), on_bad_row=errors.append)
    assert row.file.encode("utf-8").endswith(rb"caf\udce9.txt") and str(errors[0]).encode("utf-8")
    assert [
        row.fields["id"] for row in read_rows(tmp_path, on_bad_row=errors.append)
    ] == []  # it is one document
    assert errors[1].line == 1 and "byte 5 is not UTF-8" in errors[1].reason


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "is not the name of a file"),
        ("a\0b", "is not the name of a file"),
        ("x" * 5000 + ".txt", "cannot be read"),
        ("none.txt", "no such file, folder, or pattern"),
        ("none*.txt", "no such file, folder, or pattern"),
        ("none/deep/[.txt", "no such file, folder, or pattern"),
        (b"caf\xe9.txt".decode("utf-8", "surrogateescape"), r"caf\\udce9.txt: no such file"),
    ],
)
def test_names_of_nothing_are_refused(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SummGANError, match=message):
        texts(name)


@pytest.mark.parametrize("kind", ["a pipe", "a link to nothing", "a link to itself"])
def test_what_is_no_regular_file_is_refused(kind, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    odd = tmp_path / "odd.txt"
    if kind == "a pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to("odd.txt" if kind == "a link to itself" else "nowhere.txt")
    for path in (tmp_path, odd, str(tmp_path / "*.txt")):
        with pytest.raises(SummGANError, match=r"odd.txt: (is not a regular|is a link to a|cannot be read)"):
            texts(path)


def test_a_folder_that_is_called_as_a_file(tmp_path):
    (tmp_path / "x.csv").mkdir()
    (tmp_path / "x.csv" / "part-0.csv").write_text("text,n\none,1\n")
    assert texts(tmp_path / "x.csv") == ["one"]
    (tmp_path / "b.csv").write_text("text,n\ntwo,1\n")
    with pytest.raises(SummGANError, match=r"x.csv: is a folder within a folder of files"):
        texts(tmp_path)


def test_one_document_of_a_folder_harms_no_other(tmp_path):
    contents = {
        "1.txt": b"one",
        "2.txt": b"caf\xe9",
        "3.txt": b"",
        "4.txt": b"\x1f\x8b\x08\x00",
        "5.txt.gz": b"no gzip",
        "6.txt": "sechs".encode("utf-16"),
        "7.txt": b"\xef\xbb\xbfseven\r\nlines\r",
        "8.txt": b"a\0b is eight",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    errors = []
    rows = list(read_rows(tmp_path, on_bad_row=errors.append))
    assert [(row.line, row.text, row.fields["id"]) for row in rows] == [
        (1, "one", "1.txt"),
        (7, "seven lines", "7.txt"),
    ]
    assert [error.line for error in errors] == [2, 3, 4, 5, 6, 8]
    assert all(isinstance(error, RowError) and error.file == str(tmp_path) for error in errors)
    for error, name in zip(errors, ["2.txt", "", "4.txt", "5.txt.gz", "6.txt"], strict=False):
        assert name in str(error)


def test_what_may_not_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.csv").write_text("text,id\na,1\n")

    def refuse(path, *arguments, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.open", refuse)
    for name in ("a.txt", "b.csv"):
        with pytest.raises(SummGANError, match=rf"{name}: may not be read \(Permission denied\)"):
            texts(tmp_path / name)
    monkeypatch.setattr("pathlib.Path.iterdir", refuse)
    with pytest.raises(SummGANError, match=r"cannot be read \(Permission denied\)"):
        resolve_files(tmp_path)
