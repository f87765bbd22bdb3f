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


NO_TEXT = {
    "zipped.txt": (gzip.compress(b"text"), "is compressed with gzip; give its name the ending .gz"),
    "twice.txt.gz": (gzip.compress(gzip.compress(b"text")), "is compressed with gzip"),
    "office.csv": (b"PK\x03\x04 and so on", "is a zip archive"),
    "a.jsonl": (b"PAR1\x15\x04", "is a parquet file; give its name the ending .parquet"),
    "image.txt": (b"\x89PNG\r\n\x1a\n", "is an image"),
    "utf16.txt": ("text".encode("utf-16"), "is UTF-16; save it as UTF-8"),
    "utf16.jsonl": ('{"text": "a"}'.encode("utf-16"), "is UTF-16; save it as UTF-8"),
    "utf32.txt": ("text".encode("utf-32"), "is UTF-32; save it as UTF-8"),
    "unmarked.txt": ("text\nmore".encode("utf-16-le"), "is UTF-16 without a mark, or no text"),
    "unmarked.json": ('["a"]'.encode("utf-16-be"), "is UTF-16 without a mark, or no text"),
    "unmarked32.txt": ("text".encode("utf-32-le"), "is UTF-16 without a mark, or no text"),
    "binary.txt": (bytes(200), "is UTF-16 without a mark, or no text"),
    "mac.txt": (b"one\rtwo\rthree\r", r"its lines end with \\r alone"),
    "empty.txt.gz": (b"", "damaged or cut off"),
    "empty.parquet": (b"", "not a readable parquet file"),
}


@pytest.mark.parametrize("name", NO_TEXT)
def test_what_is_surely_no_text_is_refused(name, tmp_path):
    (tmp_path / name).write_bytes(NO_TEXT[name][0])
    with pytest.raises(SummGANError, match=f"{name}: .*{NO_TEXT[name][1]}") as caught:
        read(tmp_path / name)
    assert not isinstance(caught.value, RowError)


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv", "a.tsv", "a.json.gz"])
def test_an_empty_file_has_no_rows(name, tmp_path):
    (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith("gz") else b"")
    assert read(tmp_path / name) == ([], [])


def test_lines_end_with_line_feeds_alone(tmp_path):
    odd = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\r"
    (tmp_path / "a.txt").write_text("".join(f"a{c}b\n" for c in odd) + "c\r\nd\r", newline="")
    rows = list(read_rows(tmp_path / "a.txt"))
    assert [row.line for row in rows] == list(range(1, len(odd) + 3))
    assert [row.text for row in rows[-3:]] == ["a b", "c", "d"]


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


@pytest.mark.parametrize("first", [bytes(40), bytes(1), b'{"text": "a' + bytes(40) + b'"}', bytes(7)])
def test_a_first_row_of_nul_bytes_harms_no_other(first, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(first + b'\n{"text": "two"}\n')
    errors = []
    rows = [row.text for row in read_rows(tmp_path / "a.jsonl", on_bad_row=errors.append)]
    assert rows == ["two"] and [error.line for error in errors] == [1]
