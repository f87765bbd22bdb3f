import json

import pyarrow.parquet
import pytest

from summgan.errors import SummGANError
from summgan.output import SummaryFile, failed_record, record
from summgan.readers import Row, read_rows
from summgan.summarizer import Summary

RECORDS = [
    record(Row("d", "a.txt", 1, {"id": 7}), Summary("台湾, one", "again", 1.5, 0.5)),
    failed_record(SummGANError("a.txt:2: broken")),
    record(Row("d", "a.txt", 3, {}), Summary("three", None, 2.5, None)),
]


@pytest.mark.parametrize("extension", ["jsonl", "txt", "csv", "parquet"])
def test_every_format_keeps_rows_in_place(extension, tmp_path):
    path = tmp_path / f"out.{extension}"
    output = SummaryFile(path, {})
    output.extend(RECORDS)
    assert not path.exists()
    output.finish()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    if extension == "txt":
        assert path.read_text(encoding="utf-8").split("\n") == ["台湾, one", "", "three", ""]
    elif extension == "parquet":
        table = pyarrow.parquet.read_table(path)
        assert table["summary_text"].to_pylist() == ["台湾, one", "", "three"]
        assert table["id"].to_pylist() == ["7", None, None]
    else:
        errors = []
        rows = list(read_rows(path, role="summary", on_bad_row=errors.append))
        assert [row.text for row in rows] == ["台湾, one", "three"] and len(errors) == 1
        assert rows[0].fields["id"] in (7, "7")


def test_an_interrupted_file_is_gone_on_with(tmp_path):
    path = tmp_path / "out.jsonl"
    SummaryFile(path, {"model": "m"}).extend(RECORDS[:1])
    with open(tmp_path / "out.jsonl.partial", "a") as file:
        file.write('{"summary_text": "half a li')
    with pytest.raises(SummGANError, match="pass --resume to go on with it"):
        SummaryFile(path, {"model": "m"})
    with pytest.raises(SummGANError, match="made with other files or options"):
        SummaryFile(path, {"model": "other"}, resume=True)
    again = SummaryFile(path, {"model": "m"}, resume=True)
    assert again.done == 1
    again.extend(RECORDS[1:])
    again.finish()
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert rows == RECORDS


def test_bad_names_are_refused_before_anything_is_done(tmp_path):
    with pytest.raises(SummGANError, match=r"the extension must be one of .jsonl, .txt"):
        SummaryFile(tmp_path / "out.docx", {})
    with pytest.raises(SummGANError, match="the folder does not exist"):
        SummaryFile(tmp_path / "none" / "out.txt", {})
