"""``summarize``, ``score`` and ``tokenizer`` on files, called as from a shell."""

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from summgan.cli.main import main
from summgan.data.readers import read_rows
from summgan.evaluation.rouge import rouge_scores
from summgan.text.vocabulary import Vocabulary
from summgan.writing.output import PrintedRecords, RecordFile


def test_files_are_summarized_to_files(call, model, write, documents, tmp_path):
    path = write("documents.jsonl", [json.dumps({"text": t, "id": n}) for n, t in enumerate(documents[:4])])
    for name in ("out.jsonl", "out.csv", "out.parquet"):
        output = tmp_path / name
        status, _, err = call("summarize", path, "--model", model, "--output", output)
        assert status == 0, err
        rows = list(read_rows(output, role="summary"))
        assert [str(row.fields["id"]) for row in rows] == ["0", "1", "2", "3"]
    status, out, _ = call("summarize", path, "--model", model)
    assert out.splitlines() == [row.text for row in rows]


def test_one_bad_row_does_not_lose_the_rest(call, model, write, documents, tmp_path):
    lines = [json.dumps({"text": text}) for text in documents[:3]]
    lines.insert(1, "{broken")
    output = tmp_path / "out.jsonl"
    status, _, err = call("summarize", write("d.jsonl", lines), "--model", model, "--output", output)
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert status == 1 and len(rows) == 4
    assert "d.jsonl:2: broken JSON" in rows[1]["error"] and "1 of 4 rows could not be summarized" in err
    assert rows[0]["summary_text"] and rows[3]["line"] == 4


@pytest.fixture
def stopped(monkeypatch):
    """A function that makes later calls stop, as if killed, after a number of records."""

    def after(count):
        extend = RecordFile.extend

        def killed(self, records):
            extend(self, islice(records, count))
            raise KeyboardInterrupt

        monkeypatch.setattr(RecordFile, "extend", killed)

    return after


def test_an_interrupted_output_is_gone_on_with(call, model, write, documents, tmp_path, stopped, monkeypatch):
    lines = [*documents[:3], "", documents[4]]
    path, output = write("d.txt", lines), tmp_path / "out.txt"
    arguments = ("summarize", path, "--model", model, "--output", output)
    assert call(*arguments)[0] == 0
    jsonl = tmp_path / "out.jsonl"
    more = (*arguments[:-1], jsonl)
    assert call(*more)[0] == 0
    whole = jsonl.read_bytes()
    jsonl.unlink()
    stopped(2)
    status, _, err = call(*more)
    assert status == 130 and "stopped. Continue with --resume." in err
    monkeypatch.undo()
    status, _, err = call(*more)
    assert status == 2 and "pass --resume" in err
    status, _, err = call(*more, "--max_words", 3, "--resume")
    assert status == 2 and "made with other files or options (max_words)" in err
    status, _, err = call(*more, "--resume")
    assert status == 0, err
    assert "Continuing after row 2" in err and jsonl.read_bytes() == whole
    assert [json.loads(row)["summary_text"] for row in whole.splitlines()] == output.read_text().splitlines()


def test_a_file_that_was_edited_is_not_gone_on_with(
    call, model, write, documents, tmp_path, stopped, monkeypatch
):
    path, output = write("d.txt", documents[:4]), tmp_path / "out.jsonl"
    arguments = ("summarize", path, "--model", model, "--output", output)
    stopped(2)
    assert call(*arguments)[0] == 130
    monkeypatch.undo()
    write("d.txt", documents[1:5])
    status, _, err = call(*arguments, "--resume")
    assert status == 2 and "d.txt has changed since" in err
    write("d.txt", documents[:4])
    config = Path(model) / "config.json"
    config.write_text(config.read_text() + "\n")
    status, _, err = call(*arguments, "--resume")
    assert status == 2 and "config.json has changed since" in err


def test_earlier_bad_rows_count_after_going_on(call, model, write, documents, tmp_path, stopped, monkeypatch):
    lines = [json.dumps({"text": text}) for text in documents[:4]]
    lines[1] = "{broken"
    path, output = write("d.jsonl", lines), tmp_path / "out.jsonl"
    arguments = ("summarize", path, "--model", model, "--output", output)
    stopped(3)
    assert call(*arguments)[0] == 130
    monkeypatch.undo()
    status, _, err = call(*arguments, "--resume")
    assert status == 1 and "1 of 4 rows could not be summarized" in err
    assert len(output.read_bytes().splitlines()) == 4


def test_a_call_that_fails_leaves_nothing_behind(call, model, write, documents, tmp_path):
    path, output = write("d.txt", documents[:2]), tmp_path / "out.jsonl"
    for wrong in (("--model", "none"), ("--model", model, "--device", "none")):
        status, _, err = call("summarize", path, *wrong, "--output", output)
        assert status == 2 and err, err
        assert [file.name for file in tmp_path.glob("out*")] == []
    assert call("summarize", path, "--model", model, "--output", output)[0] == 0


@pytest.mark.parametrize("output", ["d.jsonl", "./d.jsonl", "link.jsonl", "folder/new.jsonl"])
def test_no_command_writes_over_what_it_reads(call, model, write, documents, tmp_path, output):
    path = write("d.jsonl", [json.dumps({"text": text}) for text in documents[:3]])
    (tmp_path / "link.jsonl").symlink_to(path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("Anna")
    before = Path(path).read_bytes()
    for command in (
        ("summarize", path, tmp_path / "folder", "--model", model, "--output", tmp_path / output),
        ("encode", path, tmp_path / "folder", "--model", model, "--output", tmp_path / output),
        ("encode", path, tmp_path / "folder", "--model", model, "--index", tmp_path / output),
        ("tokenizer", path, tmp_path / "folder", "--output", tmp_path / output),
    ):
        status, _, err = call(*command)
        assert status == 2 and ("is read by this call" in err or "is in the input folder" in err)
    if output != "folder/new.jsonl":
        command = ("score", "--predictions", path, "--references", path, "--output", tmp_path / output)
        status, _, err = call(*command)
        assert status == 2 and "--output" in err
    assert Path(path).read_bytes() == before and len(list(tmp_path.iterdir())) == 4


def test_what_summgan_has_not_made_is_not_replaced(call, model, write, documents, tmp_path):
    path, mine = write("d.txt", documents), tmp_path / "k"
    mine.mkdir()
    (mine / "precious").write_text("x")
    for command in (
        ("tokenizer", path, "--output", mine),
        ("encode", path, "--model", model, "--index", mine),
    ):
        status, _, err = call(*command)
        assert status == 2 and "summgan has not made (precious)" in err
    notes = Path(write("notes.txt", ["dear to me"]))
    status, _, err = call("summarize", path, "--model", model, "--output", notes)
    assert status == 2 and "nothing in it says that summgan made it" in err
    status, _, err = call("score", "--predictions", path, "--references", path, "--output", notes)
    assert status == 2 and "is not a report of scores" in err
    assert [file.name for file in mine.iterdir()] == ["precious"] and notes.read_text() == "dear to me\n"


def test_a_report_of_scores_is_replaced_by_the_next(call, write, tmp_path):
    one, report = write("one.txt", ["a"]), tmp_path / "scores.json"
    for _ in range(2):
        assert call("score", "--predictions", one, "--references", one, "--output", report)[0] == 0
    assert json.loads(report.read_text())["items"] == 1


def test_blank_lines_and_failed_rows_keep_their_place(call, model, write, documents, tmp_path):
    lines = [documents[0], "", documents[1], "   ", "", documents[2], "", ""]
    path, output = write("d.txt", lines), tmp_path / "out.txt"
    assert call("summarize", path, "--model", model, "--output", output)[0] == 0
    written = output.read_text().split("\n")[:-1]
    assert [bool(text) for text in written] == [bool(line.strip()) for line in lines]
    assert call("summarize", path, "--model", model)[1].split("\n")[:-1] == written
    # The references have no blank lines at the end, and none for one of the documents.
    references = write("r.txt", ["Anna opens", "", "Boris", "", "Carla", "Daniel"])
    status, text, err = call(
        "score", "--predictions", output, "--references", references, "--documents", path
    )
    assert status == 0 and "4 items" in text and "Left out 2 of 6 rows" in err, err
    # A document that cannot be read gives one empty summary, also at the end.
    (tmp_path / "bad.txt").write_bytes(b"\xff\n" + documents[0].encode() + b"\n\xff\n")
    bad = tmp_path / "bad-out.txt"
    assert call("summarize", tmp_path / "bad.txt", "--model", model, "--output", bad)[0] == 1
    three = write("three.txt", ["a", "b", "c"])
    status, text, err = call("score", "--predictions", bad, "--references", three)
    assert status == 0 and "3 items" in text and "2 of 3 rows of" in err, err


def test_lines_of_summaries_count_as_they_do_in_python(call, write):
    prediction, reference = "the cat sat\nthe dog ran", "the dog ran\nthe cat sat"
    predictions = write("p.jsonl", [json.dumps({"summary": prediction})])
    for references in ({"summary": reference}, {"references": [reference, "none"]}):
        path = write("r.jsonl", [json.dumps(references)])
        status, out, err = call("score", "--predictions", predictions, "--references", path)
        assert status == 0, err
        row = next(line.split() for line in out.splitlines() if line.startswith("predictions"))
        lsum = rouge_scores([prediction], [reference])["rougeLsum"][0]
        assert float(row[4]) == pytest.approx(lsum) == 100 and float(row[3]) < 60


def test_predictions_without_a_known_column_are_refused(call, write):
    predictions = write("p.jsonl", ['{"wrong": "Lyon rain"}', '{"wrong": "Porto sun"}'])
    references = write("r.txt", ["Lyon rain", "Porto sun"])
    status, out, err = call("score", "--predictions", predictions, "--references", references)
    assert status == 2 and "--prediction_column" in err and not out
    status, out, err = call(
        "score", "--predictions", predictions, "--references", references, "--prediction_column", "wrong"
    )
    assert status == 0 and "100.0" in out


def test_documents_are_counted_when_they_are_done(model, write, documents, monkeypatch, capsys):
    seen, done, written = [], [0], []
    extend = PrintedRecords.extend

    def watched(self, records):
        extend(self, (written.append(done[0]) or values for values in records))

    class Bar:
        def __init__(self, initial, total, **others):
            seen.append(("total", initial, total))

        def update(self, count=1):
            seen.append(count)
            done[0] += count

        def close(self):
            seen.append("closed")

    monkeypatch.setattr("summgan.cli.commands.tqdm", Bar)
    monkeypatch.setattr(PrintedRecords, "extend", watched)
    path = write("d.txt", [*documents[:5], "", *documents[5:7]])
    assert main(["summarize", path, "--model", model, "--batch_size", "2"]) == 0
    out = capsys.readouterr().out
    assert seen[0] == ("total", 0, 8) and seen[-1] == "closed"
    # Each row counts once: seven documents when they are finished, the blank line when it is written.
    assert sum(seen[1:-1]) == 8 == len(out.splitlines())
    assert written[0] == 7


def test_a_document_that_comes_is_summarized_at_once(model, documents):
    arguments = [sys.executable, "-m", "summgan", "summarize", "--model", model]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as process:
        summaries = []
        for document in documents[:3]:
            process.stdin.write(document.encode() + b"\n")
            process.stdin.flush()
            summaries.append(process.stdout.readline())
        process.stdin.write(documents[3].encode())
        process.stdin.close()
        summaries.append(process.stdout.readline())
        assert all(summary.strip() for summary in summaries) and not process.stdout.read()


@pytest.mark.parametrize("size", ["0", "-1", "99999999999999999999"])
def test_a_vocabulary_of_no_possible_size_is_refused(call, write, tmp_path, size):
    status, _, err = call(
        "tokenizer", write("d.txt", ["Anna"]), "--output", tmp_path / "t", f"--vocabulary_size={size}"
    )
    assert status == 2 and f"vocabulary_size is {size}; it must be " in err


def test_the_vocabulary_has_the_kind_and_case_asked_for(call, write, documents, tmp_path):
    arguments = ("--vocabulary_size", 400, "--model_type", "char", "--do_lower_case", "true")
    status, _, err = call("tokenizer", write("d.txt", documents), "--output", tmp_path / "t", *arguments)
    assert status == 0, err
    made = Vocabulary.from_pretrained(tmp_path / "t").tokenizer
    pieces = made.convert_ids_to_tokens(made("Anna", add_special_tokens=False).input_ids)
    assert [piece.strip("\u2581") for piece in pieces if piece != "\u2581"] == list("anna")
    assert (tmp_path / "t" / "truecase.json").is_file()


def test_standard_input_is_summarized(call, model, write, documents, monkeypatch):
    with open(write("d.txt", documents[:2])) as file:
        monkeypatch.setattr(sys, "stdin", file)
        status, out, err = call("summarize", "--model", model)
    assert status == 0, err
    assert len(out.splitlines()) == 2


def test_scores_stand_beside_their_baselines(call, write, tmp_path):
    predictions = write("p.txt", ["Porto mayor closes bridge", "Lyon rain"])
    references = write(
        "r.jsonl",
        [
            json.dumps({"document": "On Monday the mayor of Porto closed", "summary": "Porto mayor closes"}),
            json.dumps({"document": "Rain fell in Lyon today", "summary": "Rain in Lyon"}),
        ],
    )
    other = write("other.txt", ["no", "none"])
    output = tmp_path / "scores.json"
    status, text, err = call(
        "score", "--predictions", predictions, "--references", references, "--compare", other,
        "--output", output,
    )  # fmt: skip
    assert status == 0, err
    for word in ("rouge1", "rougeLsum", "lead", "rule", "novel_words", "95 % intervals", "paired"):
        assert word in text
    scores = json.loads(output.read_text())
    assert scores["systems"]["predictions"]["rouge1"] > scores["systems"]["lead"]["rouge1"]


def test_counts_that_differ_are_named(call, write):
    one, two = write("one.txt", ["a"]), write("two.txt", ["a", "b"])
    status, _, err = call("score", "--predictions", one, "--references", two)
    assert status == 2 and "1 predictions but 2 references" in err
    status, _, err = call("score", "--predictions", one, "--references", one, "--documents", two)
    assert status == 2 and "1 predictions but 2 in documents" in err


def test_rows_without_a_summary_score_nothing(call, write):
    rows = ['{"summary_text": "Lyon rain"}', '{"summary_text": "", "error": "x"}']
    references = write("r.txt", ["Lyon rain", "Porto sun"])
    status, text, err = call("score", "--predictions", write("p.jsonl", rows), "--references", references)
    assert status == 0 and "50.0" in text and "1 of 2 rows of" in err and "scored 0" in err


def test_several_references_and_chinese(call, write):
    references = write("r.jsonl", [json.dumps({"references": ["今天天气不错", "天气"]}, ensure_ascii=False)])
    status, text, err = call(
        "score", "--predictions", write("p.txt", ["今天天气很好"]), "--references", references
    )
    assert status == 0 and "66.7" in text, err


def test_a_vocabulary_is_learned_alone(call, write, documents, tmp_path):
    path = write("d.txt", documents)
    status, _, err = call("tokenizer", path, "--output", tmp_path / "t", "--vocabulary_size", 450)
    assert status == 0, err
    assert 300 < len(Vocabulary.from_pretrained(tmp_path / "t")) <= 450
