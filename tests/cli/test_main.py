import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from summgan import __version__
from summgan.cli import main as cli
from summgan.cli.main import main


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
        (["train", "--training.seed", "x"], "--training.seed is 'x'; it must be a whole number"),
        (["train", "--model.copy", "y"], "--model.copy is 'y'; it must be one of 'words', 'pieces', 'no'"),
        (["train", "--training.use_cpu", "y"], "--training.use_cpu is 'y'; it must be true or false"),
        (["train", "--training.learning_rate", "y"], "--training.learning_rate is 'y'; it must be a number"),
        (
            ["summarize", "x.txt", "--max_words", "3.5"],
            "--max_words is 3.5; it must be a whole number",
        ),
        (["summarize", "x.txt", "--max_words", "nan"], "--max_words is 'nan'; it must be a whole number"),
        (["score", "--predictions", "x", "--references", "x", "--seed", "y"], "--seed is 'y'"),
        (
            ["score", "--predictions", "x", "--references", "x", "--seed=-1"],
            "--seed is -1; it must be from 0",
        ),
        (["train", "none.yaml"], "none.yaml"),
        (["train"], "No documents are given: name files with --data.documents"),
        (["summarize", "x.txt"], "no such file"),
        (["summarize", "x.txt", "--model", "m", "--num_beam", "3"], "num_beam"),
        (
            ["summarize", "x.txt", "--model", "m", "--num_beams", "0"],
            "--num_beams is 0; it must be from 1 to 256",
        ),
        (["summarize", "x.txt", "--model", "m", "--resume"], "--resume needs --output"),
        (["score", "--predictions", "none.txt", "--references", "x"], "none.txt: no such file"),
        (["tokenizer", "none.txt", "--output", "t"], "none.txt: no such file"),
    ],
)
def test_mistakes_are_one_sentence(call, arguments, message):
    status, out, err = call(*arguments)
    assert status == 2 and message in err and not out
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("name", cli._COMMANDS)
def test_the_help_of_every_option_is_a_sentence(name):
    parser = cli._COMMANDS[name][0]()
    options = [
        action for action in parser._actions if action.help and action.dest not in ("help", "print_config")
    ]
    for action in options:
        text = " ".join(action.help.split())
        known = text == "==SUPPRESS==" or text == "Path to a configuration file."
        assert known or re.fullmatch(r"[A-Z].*\.", text), f"{name} --{action.dest}: {text}"
        assert len(text) < 160, f"{name} --{action.dest}: {text}"


def test_unknown_keys_of_a_file_name_the_nearest(call, write):
    path = write("config.yaml", ["training:", "  lerning_rate: 1.0"])
    status, _, err = call("train", path)
    assert status == 2 and "did you mean 'training.learning_rate'?" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["summarize", ""],
        ["summarize", "x.txt", ""],
        ["summarize", "x.txt", "--model", ""],
        ["summarize", "x.txt", "--output", ""],
        ["search", "", "--index", "i", "--model", "m"],
        ["tokenizer", "x.txt", "--output", ""],
        ["score", "--predictions", "", "--references", "x"],
        ["train", "--data.documents", ""],
    ],
)
def test_an_empty_name_is_refused(call, arguments):
    status, out, err = call(*arguments)
    assert status == 2 and err.count("\n") <= 2 and not out


def test_a_terminal_of_few_characters_is_no_traceback(model, chinese_documents, monkeypatch):
    lines = io.BytesIO(chinese_documents[0].encode() + b"\nCaf\xc3\xa9 \xe2\x80\xa6\n\xff\n")
    for name, stream in (("stdin", lines), ("stdout", io.BytesIO()), ("stderr", io.BytesIO())):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(stream, "ascii", write_through=True))
    assert main(["summarize", "--model", model]) == 1
    out, err = (stream.buffer.getvalue() for stream in (sys.stdout, sys.stderr))
    assert len(out.splitlines()) == 3 and out.isascii() and err.isascii() and b"Traceback" not in err


def test_who_stops_reading_gets_no_traceback(model, write, documents):
    arguments = [
        sys.executable,
        "-m",
        "summgan",
        "summarize",
        write("d.txt", documents[:40]),
        "--model",
        model,
    ]
    with subprocess.Popen(
        [*arguments, "--batch_size", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
    assert b"Traceback" not in err and b"Exception" not in err and process.returncode == 1


def test_importing_is_quick_and_brings_no_heavy_library():
    heavy = "('torch', 'transformers', 'datasets')"
    code = f"import sys, summgan; print(sorted(m for m in {heavy} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    import summgan

    assert "Summarizer" in dir(summgan)
    for name in summgan.__all__:
        assert getattr(summgan, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Sumarizer'"):
        _ = summgan.Sumarizer


def test_a_command_that_is_stopped_before_it_has_read_its_options_has_no_traceback(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setitem(cli._COMMANDS, "demo", (interrupted, None))
    assert cli.main(["demo"]) == 130
    assert capsys.readouterr().err == "\nsummgan demo: stopped.\n"


def test_a_command_that_is_terminated_stops_as_by_ctrl_c(monkeypatch, capsys):
    def run(namespace, parser):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setitem(cli._COMMANDS, "demo", (cli._demo_parser, run))
    assert cli.main(["demo"]) == 130
    assert capsys.readouterr().err == "\nsummgan demo: stopped.\n"
    assert signal.getsignal(signal.SIGTERM) == before
