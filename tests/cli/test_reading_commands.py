import csv
import json

import pytest

from summgan.cli.main import main
from summgan.evaluation.reading import SCALES


@pytest.fixture
def files(write):
    documents = write("documents.txt", [f"Document {n} says a thing." for n in range(6)])
    good = write("good.txt", [f"Thing {n} is said" for n in range(6)])
    bad = write("bad.jsonl", [json.dumps({"summary": f"thing thing {n}"}) for n in range(6)])
    return documents, good, bad


def make(files, folder, *more):
    documents, good, bad = files
    systems = ["--summaries", f"ours={good}", bad]
    return main(["compare", "--documents", documents, *systems, "--output", str(folder), *more])


def fill(folder):
    rows = list(csv.DictReader((folder / "sheet.tsv").open(encoding="utf-8", newline=""), delimiter="\t"))
    for row in rows:
        row |= {name: highest * ("is said" in row["summary"]) for name, highest in SCALES.items()}
    path = folder.parent / "filled.tsv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def test_a_sheet_is_made_and_marks_are_read_back(files, tmp_path, capsys):
    folder = tmp_path / "reading"
    assert make(files, folder, "--count", "4") == 0
    assert "4 documents with 8 summaries of 2 systems" in capsys.readouterr().err
    assert {path.name for path in folder.iterdir()} >= {"sheet.html", "sheet.tsv", "key.json"}
    result = tmp_path / "result.json"
    call = ["compare", "--key", str(folder / "key.json"), "--marks", fill(folder), "--output", str(result)]
    assert main(call) == 0
    printed = capsys.readouterr().out
    assert "ours against bad: better 4, same 0, worse 0" in printed and "repeated_words" in printed
    kept = json.loads(result.read_text(encoding="utf-8"))
    assert kept["systems"]["ours"]["accepted"] == 100 and kept["pairs"][0]["first"] == "ours"
    assert kept["automatic"]["bad"]["repeated_words"] == 1


def test_marks_are_never_written_over(files, tmp_path, capsys):
    folder = tmp_path / "reading"
    assert make(files, folder) == 0
    before = (folder / "sheet.tsv").read_bytes()
    assert make(files, folder) == 2
    assert "already exists, perhaps with marks in it" in capsys.readouterr().err
    assert (folder / "sheet.tsv").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "A sheet needs --documents"),
        (["--marks", "m.tsv"], "--marks needs --key"),
        (["--count", "0"], "--count is 0; it must be at least 1"),
        (["--seed", "-1"], "--seed is -1"),
        (["--key", "missing.json", "--marks", "m.tsv"], "No such file"),
    ],
)
def test_what_is_missing_is_said(arguments, message, capsys):
    assert main(["compare", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_blank_lines_keep_their_place(tmp_path, write, capsys):
    documents, summaries = write("d.txt", ["One.", "", "Three."]), write("s.txt", ["a", "", "c"])
    call = ["compare", "--documents", documents, "--summaries", summaries, "--output", str(tmp_path / "r")]
    assert main(call) == 0
    assert "2 documents with 2 summaries" in capsys.readouterr().err


def test_rows_without_a_summary_are_counted(files, tmp_path, write, capsys):
    documents, good, _ = files
    thin = write("thin.jsonl", ['{"summary": "one"}', "{broken", *['{"summary": "x"}'] * 4])
    call = ["compare", "--documents", documents, "--summaries", good, thin, "--output", str(tmp_path / "r")]
    assert main(call) == 0
    said = capsys.readouterr().err
    assert "1 of 6 rows of" in said and "stayed empty on the sheet" in said and "thin.jsonl:2" in said


def test_two_systems_of_one_name_are_refused(files, tmp_path, capsys):
    documents, good, _ = files
    call = ["compare", "--documents", documents, "--summaries", good, good, "--output", str(tmp_path / "r")]
    assert main(call) == 2
    assert "two systems have the same name" in capsys.readouterr().err
