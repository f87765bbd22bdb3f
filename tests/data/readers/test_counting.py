import gzip
import json

import pyarrow
import pyarrow.parquet
import pytest

from summgan.data.readers import count_rows, read_rows, resolve_files


def test_the_count_is_that_of_reading(tmp_path):
    lines = ["one", "", "two\u2028three", "four"]
    (tmp_path / "a.txt").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": line or "x"}) for line in lines) + "\n\n")
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a", "b"]}), tmp_path / "a.parquet")
    (tmp_path / "folder").mkdir()
    for name in ("1.txt", "2.txt"):
        (tmp_path / "folder" / name).write_text("text")
    for name, count in {"a.txt": 4, "a.jsonl": 4, "a.parquet": 2, "folder": 2}.items():
        paths = [str(tmp_path / name)]
        assert count_rows(resolve_files(paths)) == len(list(read_rows(paths, keep_blank=True))) == count
    assert count_rows(resolve_files([str(tmp_path / "a.txt"), str(tmp_path / "a.parquet")])) == 6


@pytest.mark.parametrize("name", ["a.csv", "a.txt.gz", "a.parquet"])
def test_what_only_reading_tells_is_not_guessed(tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(b"text\na\n") if name.endswith(".gz") else b"text\na\n")
    assert count_rows(resolve_files([tmp_path / name, "-"])) is None
    assert count_rows(resolve_files(tmp_path / name)) is None
