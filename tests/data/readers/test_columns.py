import io
import json
import re

import pyarrow
import pyarrow.parquet
import pytest
from datasets import Dataset

from summgan.data.piles import references_of
from summgan.data.readers import read_rows
from summgan.errors import RowError, SummGANError

SHORT = ("sentence", "summary", "reference")


@pytest.mark.parametrize("name", ["title", "Headline", "SUMMARY", " subject ", "highlights", "abstract"])
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_text_beside_a_title_is_the_document(name, ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    row = {name: "short", "text": "long"}
    path.write_text(f"{name},text\nshort,long\n" if ending == "csv" else json.dumps(row))
    assert [row.text for row in read_rows(path)] == ["long"]
    for role in SHORT:
        assert [row.text for row in read_rows(path, role=role)] == ["short"]


FOUND = [
    # role, columns, the column that is found
    ("document", ["title", "Text"], "Text"),
    ("document", ["document", "text"], "document"),
    ("document", ["article", "highlights", "id"], "article"),
    ("document", ["text", "content"], "text"),
    ("sentence", ["sentence", "title"], "sentence"),
    ("sentence", ["text"], "text"),
    ("summary", ["file", "line", "id", "summary_text", "reconstruction", "error"], "summary_text"),
    ("summary", ["document", "summary", "prediction"], "prediction"),
    ("reference", ["references", "summary"], "references"),
    ("reference", ["document", "Summary"], "Summary"),
]


@pytest.mark.parametrize(("role", "names", "found"), FOUND)
def test_the_column_is_found_by_role(role, names, found, write):
    path = write("a.jsonl", [json.dumps({name: f"in {name}" for name in names})])
    (row,) = read_rows(path, role=role)
    assert row.column == found and row.text == f"in {found}"


EQUAL = [
    ("sentence", "title", "headline"),
    ("summary", "Summary", "title"),
    ("reference", "subject", "title"),
    ("document", "document", "article"),
    ("document", "Text", "text"),
]


@pytest.mark.parametrize(("role", "one", "other"), EQUAL)
def test_two_of_equal_right_are_refused(role, one, other, write):
    path = write("a.jsonl", [json.dumps({one: "a", other: "b", "n": 1})])
    message = f"may be in '{one}' or in '{other}'; name its column with --data.x_column"
    with pytest.raises(SummGANError, match=re.escape(message)):
        list(read_rows(path, role=role, option="--data.x_column", on_bad_row=lambda error: None))
    assert [row.text for row in read_rows(path, other, role)] == ["b"]


def test_the_case_of_a_wanted_column_matters_only_where_there_are_two(write):
    path = write("a.jsonl", ['{"Story": "a"}'])
    assert [row.text for row in read_rows(path, "story")] == ["a"]
    path = write("a.jsonl", ['{"Story": "a", "STORY": "b"}'])
    assert [row.text for row in read_rows(path, "STORY")] == ["b"]
    with pytest.raises(SummGANError, match="'story' may be 'Story' or 'STORY'; write --x exactly"):
        list(read_rows(path, "story", option="--x"))


@pytest.mark.parametrize("role", ["document", *SHORT])
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "saved"])
def test_a_file_without_a_known_column_is_refused(role, ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    if ending == "parquet":
        pyarrow.parquet.write_table(pyarrow.table({"odd": ["a", "b"]}), path)
    elif ending == "saved":
        Dataset.from_dict({"odd": ["a", "b"]}).save_to_disk(path)
    else:
        path.write_text("odd\na\nb\n" if ending == "csv" else '{"odd": "a"}\n{"odd": "b"}\n')
    with pytest.raises(SummGANError, match="columns are odd. Name one with --prediction_column") as caught:
        list(read_rows(path, role=role, on_bad_row=lambda error: None, option="--prediction_column"))
    assert not isinstance(caught.value, RowError)


def test_a_row_without_the_column_harms_no_other(write):
    path = write("a.jsonl", ['{"error": "none"}', '{"text": "a"}', '{"error": "none"}', '{"text": "b"}'])
    errors = []
    assert [row.text for row in read_rows(path, on_bad_row=errors.append)] == ["a", "b"]
    assert [error.line for error in errors] == [1, 3]


def test_the_text_of_a_row_without_a_title_is_no_sentence(write):
    path = write("a.jsonl", ['{"text": "long"}', '{"title": "short", "text": "long"}', '{"text": "long"}'])
    errors = []
    assert [row.text for row in read_rows(path, role="sentence", on_bad_row=errors.append)] == ["short"]
    assert [error.line for error in errors] == [1, 3]
    assert [row.text for row in read_rows(path)] == ["long"] * 3


def test_references_may_be_lists_in_every_format(tmp_path):
    lists = [["a", "b"], ["c"]]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"abstract": values}) for values in lists))
    (tmp_path / "b.json").write_text(json.dumps([{"abstract": values} for values in lists]))
    (tmp_path / "c.csv").write_text('abstract,id\n"[""a"", ""b""]",1\nc,2\n')
    pyarrow.parquet.write_table(pyarrow.table({"abstract": lists}), tmp_path / "d.parquet")
    for path in sorted(tmp_path.iterdir()):
        for column in (None, "abstract"):
            rows = list(read_rows(path, column, "reference"))
            assert [row.text for row in rows] == ["a", "c"]
            assert [references_of(row, row.column) for row in rows] == lists, path


BAD_REFERENCES = [
    ("[]", "references has no text"),
    ('["", " "]', "references has no text"),
    ('["a", 3]', r"references has an int \(3\) instead of a text"),
    ('[["a"]]', "references has a list instead of a text"),
    ("null", "references has null instead of a text"),
    ('{"a": 1}', "references has a dict instead of a text"),
]


@pytest.mark.parametrize(("value", "message"), BAD_REFERENCES)
def test_references_that_are_no_texts_are_named(value, message, write):
    with pytest.raises(RowError, match=f"a.jsonl:1: {message}"):
        list(read_rows(write("a.jsonl", [f'{{"references": {value}}}']), role="reference"))


def test_a_list_is_no_document(write):
    with pytest.raises(RowError, match="a.jsonl:1: text is a list, not a text"):
        list(read_rows(write("a.jsonl", ['{"text": ["a"]}'])))


@pytest.mark.parametrize("name", ["a.txt", "folder", "-"])
def test_plain_text_has_no_other_columns(name, tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    for path in ("a.txt", "folder/b.txt"):
        (tmp_path / path).write_text("one\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"one\n")))
    monkeypatch.chdir(tmp_path)
    assert [row.text for row in read_rows(name, "text")] == ["one"]
    with pytest.raises(
        SummGANError, match=f"{name}: plain text has no column 'story', only text; leave --x out"
    ):
        list(read_rows(name, "story", option="--x", on_bad_row=lambda error: None))
