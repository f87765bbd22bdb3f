"""The code in the README runs as printed, on a tiny model and small files."""

import gzip
import json
import re
import shlex
from pathlib import Path

import pytest

from summgan.cli.main import main
from summgan.text.vocabulary import Vocabulary

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TINY = (
    "--training.warm_start_steps 2 --training.adversarial_steps 2 --training.use_cpu true "
    "--training.per_device_train_batch_size 2 --training.eval_documents 4 --model.hidden_size 32 "
    "--tokenizer.vocabulary_size 500 --code.steps 2 --code.max_document_frequency 0.5"
)


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture
def workplace(tmp_path, monkeypatch, documents, sentences, tokenizer, tiny_model):
    """A folder with the files and the model that the README names."""
    rows = [json.dumps({"document": d, "summary": s}) for d, s in zip(documents, sentences, strict=True)]
    for name, lines in (
        ("documents.jsonl", rows),
        ("references.jsonl", rows),
        ("headlines.txt", sentences),
        ("summaries.jsonl", [json.dumps({"summary_text": s}) for s in sentences]),
    ):
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, lines in (
        ("train.documents", [json.dumps({"text": text}) for text in documents]),
        ("train.sentences", [json.dumps({"text": text}) for text in sentences]),
        ("valid", rows),
        ("test", rows),
    ):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    tiny_model(tokenizer).save_pretrained(tmp_path / "runs/demo/summgan")
    Vocabulary(tokenizer).save_pretrained(tmp_path / "runs/demo/summgan")
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_runs_and_prints(workplace, capsys):
    assert blocks("python")
    for code in blocks("python"):
        exec(compile(code, "README.md", "exec"), {})
    summary, source, *levels = capsys.readouterr().out.rstrip("\n").split("\n")
    assert source.startswith("Source(word=") and summary.split()[0] in source
    assert [len(level.split()) for level in levels] == [3, 6, 12, 24]


def test_the_commands_run(workplace, capsys):
    commands = [line for block in blocks("bash") for line in block.splitlines() if line]
    ours = [line for line in commands if line.startswith("summgan ")]
    assert {shlex.split(line)[1] for line in ours} == {"train", "summarize", "score", "encode", "search"}
    for line in ours:
        arguments = shlex.split(line)[1:]
        arguments += shlex.split(TINY) if arguments[0] == "train" else []
        assert main(arguments) == 0, (line, capsys.readouterr().err)
    assert (workplace / "runs/mine/model.safetensors").is_file()
    for target in (line.split()[1] for line in commands if line.startswith("make ")):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def test_every_file_that_is_linked_exists():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_continuous_integration_runs_the_readmes_tests():
    assert "make test" in (ROOT / ".ci/run").read_text() and "make test" in README
