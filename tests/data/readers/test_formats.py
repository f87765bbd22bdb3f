import gzip

import pytest

from summgan.data.readers.formats import raw_rows
from summgan.errors import RowError, SummGANError


def test_every_line_has_its_number_and_blank_ones_are_nothing(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\n\ncaf\xe9\nfour")
    rows = dict(raw_rows(tmp_path / "a.txt"))
    assert rows[1] == {"text": "one"} and rows[2] is None and rows[4] == {"text": "four"}
    assert isinstance(rows[3], RowError) and "byte 4 is not UTF-8" in str(rows[3])


def test_a_folder_has_a_document_for_each_file(tmp_path):
    (tmp_path / "b.txt").write_text("two\nlines")
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone")
    (tmp_path / "c.txt").write_bytes(b"caf\xe9")
    rows = [values for _, values in raw_rows(tmp_path)]
    assert rows[:2] == [{"text": "one", "id": "a.txt"}, {"text": "two\nlines", "id": "b.txt"}]
    assert "c.txt: byte 4 is not UTF-8" in str(rows[2])


def test_the_rows_before_the_end_of_a_broken_file_are_read(tmp_path):
    packed = gzip.compress(b"one\n" * 9999)
    (tmp_path / "a.txt.gz").write_bytes(packed[:-20])
    *rows, (number, error) = raw_rows(tmp_path / "a.txt.gz")
    assert number == len(rows) + 1 and isinstance(error, RowError)
    assert "damaged or cut off" in str(error) and "The rows before this one are read" in str(error)


def test_a_file_of_which_nothing_can_be_read_is_refused(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(b"no gzip")
    with pytest.raises(SummGANError, match="a.txt.gz: the gzip file is damaged"):
        list(raw_rows(tmp_path / "a.txt.gz"))
