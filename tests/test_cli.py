import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from summgan import __version__, cli
from summgan.cli import main
from summgan.readers import read_rows
from summgan.tokenization import load_tokenizer, save_tokenizer


@pytest.fixture
def model(tokenizer, tiny_model, tmp_path):
    tiny_model(tokenizer).save_pretrained(tmp_path / "model")
    save_tokenizer(tokenizer, tmp_path / "model")
    return str(tmp_path / "model")


@pytest.fixture
def call(capsys):
    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return status, captured.out, captured.err

    return run


def test_help_and_version(call, capsys):
    status, text, _ = call("--help")
    assert status == 0 and all(name in text for name in ("train", "summarize", "score", "demo"))
    assert call("--version")[1].strip() == __version__
    for name in ("train", "summarize", "score", "tokenizer", "demo"):
        with pytest.raises(SystemExit) as stopped:
            main([name, "--help"])
        assert stopped.value.code == 0
    assert "Unlabelled texts to learn to summarize" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sumarize"], "no command 'sumarize' (did you mean 'summarize'?)"),
        (["train", "--training.lerning_rate", "1"], "did you mean 'training.learning_rate'?"),
        (["train", "--training.seed", "x"], "training.seed"),
        (["train", "none.yaml"], "none.yaml"),
        (["train"], "No documents are given: name files with --data.documents"),
        (["summarize", "x.txt"], "no such file"),
        (["summarize", "x.txt", "--model", "m", "--num_beam", "3"], "num_beam"),
        (
            ["summarize", "x.txt", "--model", "m", "--num_beams", "0"],
            "num_beams must be at least 1",
        ),
        (["summarize", "x.txt", "--model", "m", "--resume"], "--resume needs --output"),
        (["score", "--predictions", "none.txt", "--references", "x"], "none.txt: no such file"),
        (["tokenizer", "none.txt", "--output", "t"], "none.txt: no such file"),
    ],
)
def test_mistakes_are_one_sentence(call, arguments, message):
    status, out, err = call(*arguments)
    assert status == 2 and message in err and not out
    assert len(err.strip().splitlines()) <= 2


def test_unknown_keys_of_a_file_name_the_nearest(call, write):
    path = write("config.yaml", ["training:", "  lerning_rate: 1.0"])
    status, _, err = call("train", path)
    assert status == 2 and "did you mean 'training.learning_rate'?" in err


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
    assert "d.jsonl:2: broken JSON" in rows[1]["error"] and "1 rows could not be summarized" in err
    assert rows[0]["summary_text"] and rows[3]["line"] == 4


def test_an_interrupted_output_is_gone_on_with(call, model, write, documents, tmp_path):
    path, output = write("d.txt", documents[:5]), tmp_path / "out.txt"
    arguments = ("summarize", path, "--model", model, "--output", output)
    assert call(*arguments)[0] == 0
    whole = output.read_text()
    settings_and_rows = tmp_path / "out.jsonl.partial"
    jsonl = tmp_path / "out.jsonl"
    more = (*arguments[:-1], jsonl)
    assert call(*more)[0] == 0
    rows = jsonl.read_text().splitlines(keepends=True)
    jsonl.unlink()
    settings = {
        "files": [path], "model": model, "document_column": None, "max_words": None, "min_words": None,
        "num_beams": 4, "num_candidates": 4, "reconstruct": False, "dtype": "float32",
    }  # fmt: skip
    settings_and_rows.write_text(json.dumps(settings) + "\n" + "".join(rows[:2]))
    status, _, err = call(*more, "--resume")
    assert status == 0, err
    assert "Going on after 2 rows" in err
    assert [json.loads(row)["summary_text"] for row in jsonl.read_text().splitlines()] == whole.splitlines()


def test_standard_input_is_summarized(model, documents):
    done = subprocess.run(
        [sys.executable, "-m", "summgan", "summarize", "--model", model],
        input="\n".join(documents[:2]),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


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
    assert status == 0 and "50.0" in text and "1 rows of" in err and "score 0" in err


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
    assert 300 < len(load_tokenizer(tmp_path / "t")) <= 450


def test_importing_is_quick_and_brings_no_heavy_library():
    heavy = "('torch', 'transformers', 'datasets')"
    code = f"import sys, summgan; print(sorted(m for m in {heavy} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    import summgan

    assert "Summarizer" in dir(summgan)
    for name in summgan.__all__:
        assert getattr(summgan, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Sumarizer'"):
        _ = summgan.Sumarizer


def test_a_command_that_is_terminated_stops_as_by_ctrl_c(monkeypatch, capsys):
    def run(namespace, parser):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setitem(cli._COMMANDS, "demo", (cli._demo_parser, run))
    assert cli.main(["demo"]) == 130
    assert capsys.readouterr().err == "\nsummgan demo: stopped.\n"
    assert signal.getsignal(signal.SIGTERM) == before
