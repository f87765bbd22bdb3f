import gzip
import io
import json

import pyarrow
import pyarrow.parquet
import pytest
from datasets import Dataset, DatasetDict

from summgan.data.readers import read_rows, resolve_files
from summgan.errors import SummGANError

TEXTS = ["One text, with a comma.", "台湾大学今天开放", 'Quotes " and\ttabs', "last"]
CLEAN = ["One text, with a comma.", "台湾大学今天开放", 'Quotes " and tabs', "last"]


def as_csv(delimiter):
    import csv

    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter)
    writer.writerow(["id", "document"])
    writer.writerows([[index, text] for index, text in enumerate(TEXTS)])
    return buffer.getvalue().encode()


def as_parquet():
    buffer = io.BytesIO()
    table = pyarrow.table({"id": range(len(TEXTS)), "document": TEXTS})
    pyarrow.parquet.write_table(table, buffer)
    return buffer.getvalue()


FILES = {
    "a.txt": ("\n".join(t.replace("\t", " ") for t in TEXTS) + "\n\n").encode(),
    "a.jsonl": "\n".join(json.dumps({"document": t, "id": 1}) for t in TEXTS).encode(),
    "strings.jsonl": "\n".join(json.dumps(t) for t in TEXTS).encode(),
    "array.json": json.dumps([{"document": t} for t in TEXTS]).encode(),
    "a.csv": as_csv(","),
    "a.tsv": as_csv("\t"),
    "a.parquet": as_parquet(),
}


def texts(*arguments, **options):
    return [row.text for row in read_rows(*arguments, **options)]


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_every_format_is_read_plain_and_zipped(name, zipped, tmp_path):
    path = tmp_path / (name + ".gz" * zipped)
    path.write_bytes(gzip.compress(FILES[name]) if zipped else FILES[name])
    assert texts(path) == CLEAN


def test_several_files_patterns_and_folders_are_in_order(tmp_path):
    for index, text in enumerate(("b one", "a two")):
        (tmp_path / f"{'ba'[index]}.jsonl").write_text(json.dumps({"text": text}))
    assert texts(tmp_path) == texts(str(tmp_path / "*.jsonl")) == ["a two", "b one"]
    assert texts([tmp_path / "b.jsonl", tmp_path / "a.jsonl"]) == ["b one", "a two"]


def test_a_folder_of_text_files_is_one_document_each(tmp_path):
    (tmp_path / "2.txt").write_text("second\nwith two lines")
    (tmp_path / "1.txt.gz").write_bytes(gzip.compress(b"first"))
    assert texts(tmp_path) == ["first", "second with two lines"]


def test_saved_datasets_are_read(tmp_path):
    data = Dataset.from_dict({"text": CLEAN})
    data.save_to_disk(tmp_path / "one")
    DatasetDict({"train": data, "test": data.select([0])}).save_to_disk(tmp_path / "two")
    assert texts(tmp_path / "one") == texts(tmp_path / "two") == CLEAN


def test_standard_input_is_a_text_a_line(monkeypatch):
    class Input:
        buffer = io.BytesIO(b"one\n\ntwo\n")

    monkeypatch.setattr("sys.stdin", Input())
    assert texts("-") == ["one", "two"]


def test_columns_are_found_or_named(write):
    path = write("a.jsonl", ['{"article": "x", "body": "y", "odd": "z"}'])
    assert texts(path) == ["x"]
    assert texts(path, "odd") == ["z"]
    with pytest.raises(SummGANError, match=r"a.jsonl:1: there is no column 'none', only article"):
        texts(path, "none")
    with pytest.raises(SummGANError, match="Name one with column"):
        texts(path, role="summary")


def test_rows_know_where_they_stand(write):
    path = write("a.csv", ["id,text", '7,"two', 'lines"', "8,one"])
    rows = list(read_rows(path))
    assert [(row.line, row.text, row.fields["id"]) for row in rows] == [
        (2, "two lines", "7"),
        (4, "one", "8"),
    ]


BAD = {
    "a.jsonl": (b'{"text": "good"}\n{"text": 3}\n', ":2: text is an int"),
    "b.jsonl": (b'{"text": "good"}\n\n{broken\n', ":3: broken JSON"),
    "c.jsonl": (b'{"text": "good"}\n{"text": null}\n', ":2: text is null"),
    "d.jsonl": (b'{"text": "good"}\n{"text": "  "}\n', ":2: text is empty"),
    "e.jsonl": (b'{"text": "good"}\n[1]\n', ":2: is a list"),
    "f.txt": (b"good\ncaf\xe9\n", ":2: byte 4 is not UTF-8"),
    "g.csv": (b"text,n\ngood,1\ntoo,many,cells\n", ":3: has 3 columns where the header has 2"),
    "h.csv": (b"text,n\ngood,1\ncaf\xe9,2\n", ":3: byte 4 is not UTF-8"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named_and_can_be_skipped(name, tmp_path):
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content + b"good too" + b",3" * name.endswith("csv"))
    if name.endswith("jsonl"):
        (tmp_path / name).write_bytes(content + b'{"text": "good too"}')
    with pytest.raises(SummGANError) as caught:
        texts(tmp_path / name)
    assert f"{name}{message}" in str(caught.value)
    errors = []
    assert texts(tmp_path / name, on_bad_row=errors.append) == ["good", "good too"]
    assert len(errors) == 1 and message in str(errors[0])


HOPELESS = {
    "a.txt.gz": (gzip.compress(b"some text " * 2000)[:40], "damaged or cut off"),
    "b.txt.gz": (b"not gzip", "damaged or cut off"),
    "c.parquet": (b"not parquet", "not a readable parquet file"),
    "d.txt": ("caf\xe9".encode("utf-16"), "is UTF-16; save it as UTF-8"),
    "e.json": (b"[1, 2", "broken JSON"),
    "f.docx": (b"x", "the extension must be one of .txt"),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_a_file_that_cannot_be_read_is_named(name, tmp_path):
    content, message = HOPELESS[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SummGANError, match=message) as caught:
        texts(tmp_path / name, on_bad_row=lambda error: None)
    assert name in str(caught.value)


def test_missing_files_and_empty_folders_are_named(tmp_path):
    with pytest.raises(SummGANError, match="none.txt: no such file"):
        resolve_files(str(tmp_path / "none.txt"))
    with pytest.raises(SummGANError, match="no such file, folder, or pattern"):
        resolve_files(str(tmp_path / "*.txt"))
    with pytest.raises(SummGANError, match="the folder has no file"):
        resolve_files(tmp_path)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbffirst\n")
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbftext,n\nfirst,1\n")
    assert texts(tmp_path / "a.txt") == texts(tmp_path / "b.csv") == ["first"]


@pytest.mark.parametrize("column", [3, [3], {}, b"text"])
def test_a_column_has_a_name(write, column):
    with pytest.raises(SummGANError, match="column must be the name of a column, not"):
        list(read_rows(write("d.jsonl", ['{"text": "a"}']), column))
