import gzip

import pytest

from summgan.data.readers import read_rows
from summgan.errors import RowError, SummGANError

NO_TEXT = {
    "zipped.txt": (gzip.compress(b"text"), "is compressed with gzip; give its name the ending .gz"),
    "twice.txt.gz": (gzip.compress(gzip.compress(b"text")), "is compressed with gzip"),
    "office.csv": (b"PK\x03\x04 and so on", "is a zip archive"),
    "a.jsonl": (b"PAR1\x15\x04", "is a parquet file; give its name the ending .parquet"),
    "image.txt": (b"\x89PNG\r\n\x1a\n", "is an image"),
    "utf16.txt": ("text".encode("utf-16"), "is UTF-16; save it as UTF-8"),
    "utf16.jsonl": ('{"text": "a"}'.encode("utf-16"), "is UTF-16; save it as UTF-8"),
    "utf32.txt": ("text".encode("utf-32"), "is UTF-32; save it as UTF-8"),
    "unmarked.txt": ("text\nmore".encode("utf-16-le"), "is UTF-16 without a byte order mark, or not text"),
    "unmarked.json": ('["a"]'.encode("utf-16-be"), "is UTF-16 without a byte order mark, or not text"),
    "unmarked32.txt": ("text".encode("utf-32-le"), "is UTF-16 without a byte order mark, or not text"),
    "binary.txt": (bytes(200), "is UTF-16 without a byte order mark, or not text"),
    "mac.txt": (b"one\rtwo\rthree\r", r"its lines end with \\r alone"),
    "empty.txt.gz": (b"", "damaged or cut off"),
    "empty.parquet": (b"", "not a readable parquet file"),
}


def read(path, **options):
    errors = []
    rows = list(read_rows(path, on_bad_row=errors.append, **options))
    return [row.text for row in rows], errors


@pytest.mark.parametrize("name", NO_TEXT)
def test_what_is_surely_no_text_is_refused(name, tmp_path):
    (tmp_path / name).write_bytes(NO_TEXT[name][0])
    with pytest.raises(SummGANError, match=f"{name}: .*{NO_TEXT[name][1]}") as caught:
        read(tmp_path / name)
    assert not isinstance(caught.value, RowError)


def test_lines_end_with_line_feeds_alone(tmp_path):
    odd = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\r"
    (tmp_path / "a.txt").write_text("".join(f"a{c}b\n" for c in odd) + "c\r\nd\r", newline="")
    rows = list(read_rows(tmp_path / "a.txt"))
    assert [row.line for row in rows] == list(range(1, len(odd) + 3))
    assert [row.text for row in rows[-3:]] == ["a b", "c", "d"]


@pytest.mark.parametrize("first", [bytes(40), bytes(1), b'{"text": "a' + bytes(40) + b'"}', bytes(7)])
def test_a_first_row_of_nul_bytes_harms_no_other(first, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(first + b'\n{"text": "two"}\n')
    errors = []
    rows = [row.text for row in read_rows(tmp_path / "a.jsonl", on_bad_row=errors.append)]
    assert rows == ["two"] and [error.line for error in errors] == [1]
