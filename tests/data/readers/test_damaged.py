import gzip
import io
import json

import pytest

from summgan.data.readers import read_rows
from summgan.errors import RowError, SummGANError

TEXTS = [f"text {number} {'x' * (1 + number * 37 % 500)}" for number in range(2000)]
PLAIN = {
    "a.txt": "\n".join(TEXTS),
    "a.jsonl": "\n".join(json.dumps({"text": text}) for text in TEXTS),
    "a.json": json.dumps(TEXTS),
    "a.csv": "id;text\n" + "\n".join(f"{number};{text}" for number, text in enumerate(TEXTS)),
    "a.tsv": "id\ttext\n" + "\n".join(f"{number}\t{text}" for number, text in enumerate(TEXTS)),
}


def read(path, **options):
    errors = []
    rows = list(read_rows(path, on_bad_row=errors.append, **options))
    return [row.text for row in rows], errors


@pytest.mark.parametrize("damage", ["cut off", "checksum", "garbage after"])
@pytest.mark.parametrize("name", PLAIN)
def test_a_damaged_gzip_file_gives_the_rows_before(name, damage, tmp_path):
    data = bytearray(gzip.compress(PLAIN[name].encode()))
    middle = len(data) // 2
    if damage == "cut off":
        del data[middle:]
    elif damage == "checksum":
        data[-8] ^= 1
    else:
        data += b"garbage"
    path = tmp_path / (name + ".gz")
    path.write_bytes(data)
    texts, (error,) = read(path)
    assert len(texts) >= (400 if damage == "cut off" else 1999)
    assert all(text == whole for text, whole in zip(texts, TEXTS, strict=False))
    assert isinstance(error, RowError) and "the gzip file is damaged or cut off" in error.reason
    assert error.line == len(texts) + 1 + name.endswith("sv")
    with pytest.raises(RowError, match="damaged or cut off"):
        list(read_rows(path))


@pytest.mark.parametrize("name", PLAIN)
def test_a_gzip_file_that_is_overwritten_gives_the_rows_before_and_an_error(name, tmp_path):
    data = bytearray(gzip.compress(PLAIN[name].encode()))
    middle = len(data) // 2
    data[middle : middle + 50] = bytes(50)
    (tmp_path / (name + ".gz")).write_bytes(data)
    texts, errors = read(tmp_path / (name + ".gz"))
    assert all(texts[number] == TEXTS[number] for number in range(400))
    assert "the gzip file is damaged or cut off" in errors[-1].reason or name == "a.json"


@pytest.mark.parametrize("name", PLAIN)
def test_gzip_files_of_several_members_are_whole(name, tmp_path):
    data = PLAIN[name].encode()
    (tmp_path / (name + ".gz")).write_bytes(
        gzip.compress(data[:999]) + gzip.compress(data[999:]) + bytes(512)
    )
    assert read(tmp_path / (name + ".gz")) == (TEXTS, [])


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv", "a.tsv", "a.json.gz"])
def test_an_empty_file_has_no_rows(name, tmp_path):
    (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith("gz") else b"")
    assert read(tmp_path / name) == ([], [])


@pytest.mark.parametrize("name", ["a.txt", "-"])
def test_blank_lines_keep_their_place_if_asked_for(name, tmp_path, monkeypatch):
    data = b"\n \none\n\xff\n\n\x00\ntwo\n\n\t\n"
    (tmp_path / "a.txt").write_bytes(data)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    path = name if name == "-" else tmp_path / name
    errors = []
    rows = list(read_rows(path, on_bad_row=errors.append, keep_blank=True))
    assert [(row.line, row.text) for row in rows] == [
        (1, ""), (2, ""), (3, "one"), (5, ""), (7, "two"), (8, ""), (9, ""),
    ]  # fmt: skip
    assert [error.line for error in errors] == [4, 6]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert read(path)[0] == ["one", "two"]


def test_standard_input_that_is_closed_is_named(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(SummGANError, match="Standard input is closed"):
        read("-")
