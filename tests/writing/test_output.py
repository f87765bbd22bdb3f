import csv
import errno
import json
import os
import subprocess
import sys

import pyarrow.parquet
import pytest

from summgan.data.readers import Row, read_rows
from summgan.errors import RowError, SummGANError
from summgan.files import incomplete
from summgan.writing.output import CODE_FORMATS, PrintedRecords, RecordFile, describe_files
from summgan.writing.records import failed_record, record

EMPTY = {"summary_text": "", "human_likeness": None}
RECORDS = [
    record(Row("d", "a.txt", 1, {"id": 7}), {"summary_text": "台湾, one", "human_likeness": 0.5}),
    failed_record(RowError("broken", "a.txt", 2), EMPTY),
    record(Row("d", "a.txt", 3, {}), {"summary_text": "three", "human_likeness": None}),
]
FORMATS = ["jsonl", "txt", "csv", "parquet"]
# Line ends for some programs, which must not end a record.
ODD = "one\u2028two\u2029three\x85four\x0bfive\x1csix\r\nseven"


def made(path, records=RECORDS, **arguments):
    with RecordFile(path, {"model": "m"}, **arguments) as output:
        output.extend(records)
        output.finish()
    return path


def interrupted(path, records, half=b""):
    with RecordFile(path, {"model": "m"}) as output:
        output.extend(records)
    partial = path.with_name(path.name + ".partial")
    with partial.open("ab") as file:
        file.write(half)
    return partial


def read(path):
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


@pytest.mark.parametrize("extension", FORMATS)
def test_every_format_keeps_rows_in_place(extension, tmp_path):
    path = tmp_path / f"out.{extension}"
    with RecordFile(path, {}) as output:
        output.extend(RECORDS)
        assert not path.exists() and output.done == 3 and output.failed == 1
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


def test_a_failed_row_says_where_it_stands(tmp_path):
    row = read(made(tmp_path / "out.jsonl"))[1]
    assert row == {"file": "a.txt", "line": 2, **EMPTY, "error": "a.txt:2: broken"}


@pytest.mark.parametrize(
    "half", [b"", b'{"summary_text": "half a li', b'{"file": "a"}', b"\x00\x00\x00", b"\n\n"]
)
def test_an_interrupted_file_is_gone_on_with(tmp_path, half):
    path = tmp_path / "out.jsonl"
    partial = interrupted(path, RECORDS[:2], half)
    with pytest.raises(SummGANError, match="pass --resume to continue it"):
        RecordFile(path, {"model": "m"})
    with pytest.raises(SummGANError, match=r"made with other files or options \(model\)"):
        RecordFile(path, {"model": "other"}, resume=True)
    with RecordFile(path, {"model": "m"}, resume=True) as again:
        assert again.done == 2 and again.failed == 1
        assert list(again.records()) == RECORDS[:2]
        again.extend(RECORDS[2:])
        again.finish()
    assert read(path) == RECORDS and not partial.exists()


@pytest.mark.parametrize("extension", ["jsonl", "csv", "parquet"])
def test_records_end_with_a_line_feed_alone(tmp_path, extension):
    path = tmp_path / f"out.{extension}"
    rows = [record(Row("d", ODD, n, {"id": ODD + str(n)}), {"summary_text": "x"}) for n in range(1, 9)]
    partial = interrupted(path, rows[:4])
    assert partial.read_bytes().count(b"\n") == 5 == len(partial.read_text("utf-8").splitlines())
    with RecordFile(path, {"model": "m"}, resume=True) as output:
        assert output.done == 4
        output.extend(rows[4:])
        output.finish()
    kept = read(path)
    assert [row["id"] for row in kept] == [row["id"] for row in rows]
    assert {row["file"] for row in kept} == {ODD}


@pytest.mark.parametrize("kept", [7, 2**80, 1.5, "x", None], ids=str)
@pytest.mark.parametrize("extension", ["jsonl", "csv", "parquet"])
def test_ids_of_every_kind_are_kept(tmp_path, extension, kept):
    rows = [record(Row("d", "a", n, {"id": i}), {"summary_text": "x"}) for n, i in enumerate([kept, "b"])]
    (first, second) = read(made(tmp_path / f"out.{extension}", rows))
    assert second["id"] == "b"
    if extension == "jsonl":
        assert first["id"] == kept
    else:
        assert first["id"] == str(kept) if kept is not None else not first["id"]


@pytest.mark.parametrize("extension", FORMATS)
def test_half_a_character_is_no_traceback(tmp_path, extension):
    rows = [record(Row("d", "a\udcff", 1, {"id": "x\ud800"}), {"summary_text": "x"})]
    path = made(tmp_path / f"out.{extension}", rows)
    if extension == "jsonl":
        assert read(path)[0]["id"] == "x\ud800"
    elif extension != "txt":
        assert read(path)[0]["id"] == "x\ufffd" and read(path)[0]["file"] == "a\ufffd"


@pytest.mark.parametrize("sign", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "=cmd|' /C calc'!A0"])
def test_cells_of_csv_are_no_formulas(tmp_path, sign):
    rows = [record(Row("d", sign, 1, {"id": sign}), {"summary_text": sign, "human_likeness": -0.5})]
    (row,) = read(made(tmp_path / "out.csv", rows))
    assert row["summary_text"] == row["id"] == row["file"] == f"'{sign}" and row["human_likeness"] == "-0.5"
    assert read(made(tmp_path / "out.jsonl", rows))[0]["id"] == sign


def test_columns_that_come_late_are_columns_from_the_first_row(tmp_path):
    rows = [record(Row("d", "a", n, {}), {"codes": [n, n + 1]}) for n in range(1500)]
    rows += [failed_record(RowError("bad", "a", 1500), {})]
    rows += [record(Row("d", "a", 1501, {"id": 3}), {"codes": [1, 2]})]
    for extension in ("csv", "parquet"):
        path = made(tmp_path / f"out.{extension}", rows, formats=CODE_FORMATS)
        kept = read(path)
        assert len(kept) == 1502 and kept[1500]["error"] and kept[1501]["id"] == "3"
        assert kept[7]["codes"] in ([7, 8], "[7, 8]") and kept[0]["error"] in (None, "")


def test_bad_names_are_refused_before_anything_is_done(tmp_path):
    with pytest.raises(SummGANError, match=r"the extension must be one of .jsonl, .txt"):
        RecordFile(tmp_path / "out.docx", {})
    with pytest.raises(SummGANError, match="the folder does not exist"):
        RecordFile(tmp_path / "none" / "out.txt", {})
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(SummGANError, match="exists and is not a file"):
        RecordFile(tmp_path / "folder.csv", {})
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_nothing_is_left_of_a_call_that_fails_before_its_first_record(tmp_path):
    def fails():
        raise SummGANError("no such model")
        yield

    with pytest.raises(SummGANError, match="no such model"):
        made(tmp_path / "out.jsonl", fails())
    assert not list(tmp_path.iterdir())
    made(tmp_path / "out.jsonl")


def test_an_output_of_ours_is_replaced_and_nothing_else(tmp_path):
    for extension in ("jsonl", "csv", "parquet"):
        path = made(tmp_path / f"out.{extension}")
        assert len(read(made(path, RECORDS[:1]))) == 1
    mine = {
        "notes.txt": b"dear to me",
        "a.jsonl": b'{"text": "a"}\n',
        "judged.jsonl": b'{"file": "a", "line": 1, "summary_text": "b", "my_judgement": "good"}\n',
        "half.jsonl": b'{"file": "a", "line": 1, "summary_text": "b"}\nand my notes\n',
        "a.csv": b"text\na\n",
        "judged.csv": b"file,line,summary_text,good\na,1,b,yes\n",
        "odd.csv": b"\xff\x00\n",
        "odd.parquet": b"PAR1PAR1",
    }
    for name, content in mine.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SummGANError, match="nothing in it says that summgan made it"):
            made(tmp_path / name)
        assert (tmp_path / name).read_bytes() == content
    (tmp_path / "empty.txt").touch()
    made(tmp_path / "empty.txt")


def test_a_partial_file_of_somebody_else_is_left_alone(tmp_path):
    partial = tmp_path / "out.jsonl.partial"
    for content in ("", "my notes\n", "[]\n", '{"model": "m"}\n'):
        partial.write_text(content)
        with pytest.raises(SummGANError, match="summgan has not made it; move it away"):
            RecordFile(tmp_path / "out.jsonl", {"model": "m"}, resume=True)
        assert partial.read_text() == content


def test_no_input_is_an_output(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "a"}\n')
    with pytest.raises(SummGANError, match="is read by this call"):
        RecordFile(path, {}, inputs=[path])


def test_what_was_read_is_noticed_when_it_changes(tmp_path):
    read_file, path = tmp_path / "in.txt", tmp_path / "out.jsonl"
    read_file.write_text("one\ntwo\n")
    with RecordFile(path, {"read": describe_files([read_file])}) as output:
        output.extend(RECORDS[:1])
    os.utime(read_file)  # a new time, but the same text
    RecordFile(path, {"read": describe_files([read_file])}, resume=True).__exit__()
    read_file.write_text("one\nTWO\n")
    with pytest.raises(SummGANError, match=r"in.txt has changed since .*out.jsonl.partial was made"):
        RecordFile(path, {"read": describe_files([read_file])}, resume=True)


def test_a_full_disk_keeps_what_is_written(tmp_path, monkeypatch):
    path = tmp_path / "out.jsonl"
    write = os.write

    def full(handle, data):
        if b"three" in data:
            write(handle, data[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(handle, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(SummGANError, match="out.jsonl.partial cannot be written: No space left"):
        made(path)
    monkeypatch.undo()
    with RecordFile(path, {"model": "m"}, resume=True) as output:
        assert output.done == 2
        output.extend(RECORDS[2:])
        output.finish()
    assert read(path) == RECORDS


def test_a_disk_that_is_full_at_the_end_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SummGANError, match="out.csv cannot be written: No space left"):
        made(path)
    monkeypatch.undo()
    assert not path.exists() and not incomplete(path).exists()
    made(path, [], resume=True)
    assert len(read(path)) == 3


def test_a_second_process_is_refused(tmp_path):
    path = tmp_path / "out.jsonl"
    program = (
        "import sys, time\nfrom summgan.writing.output import RecordFile\n"
        "with RecordFile(sys.argv[1], {}) as output:\n"
        "    output.extend([{'summary_text': 'x'}]); print('there', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout.readline() == b"there\n"
        with pytest.raises(SummGANError, match="is being written by another process"):
            RecordFile(path, {}, resume=True)
        with pytest.raises(SummGANError, match="left from an interrupted call"):
            RecordFile(path, {})
    finally:
        other.kill()
        other.communicate()
    with RecordFile(path, {}, resume=True) as output:
        assert output.done == 1


def test_of_two_that_begin_at_once_one_is_refused(tmp_path):
    path = tmp_path / "out.jsonl"
    with RecordFile(path, {}) as first, RecordFile(path, {}) as second:
        first.extend(RECORDS[:1])
        with pytest.raises(SummGANError, match="is being written by another process"):
            second.extend(RECORDS[:1])
        first.extend(RECORDS[1:])
        first.finish()
    assert read(path) == RECORDS


def test_each_record_is_on_disk_before_the_next_is_made(tmp_path):
    path = tmp_path / "out.jsonl"

    def records():
        for values in RECORDS:
            yield values
            lines = (tmp_path / "out.jsonl.partial").read_bytes().split(b"\n")[:-1]
            assert json.loads(lines[-1]) == values

    made(path, records())


def test_records_without_a_file_are_printed(capsys):
    with PrintedRecords("summary_text") as output:
        output.extend(RECORDS)
        output.finish()
    assert capsys.readouterr().out == "台湾, one\n\nthree\n" and output.failed == 1
    with PrintedRecords(None) as output:
        output.extend(RECORDS)
    assert not capsys.readouterr().out and not list(output.records())
