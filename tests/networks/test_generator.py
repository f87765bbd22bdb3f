"""A user's own generator: runs the code of docs/extending.md unchanged, with the options of a tiny run."""

import re
from pathlib import Path

import pytest
import torch

from summgan.errors import SummGANError

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
TINY = (
    "--training.warm_start_steps=1 --training.adversarial_steps=2 --training.use_cpu=true "
    "--training.per_device_train_batch_size=4 --training.eval_documents=4 --model.hidden_size=32 "
    "--tokenizer.vocabulary_size=500 --training.samples_per_document=2"
).split()


def code_of(section):
    """Join the Python code of a section of the page into one program."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return "".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


@pytest.fixture
def run(tmp_path, monkeypatch, documents, sentences):
    """Runs the program of a section beside two piles of text, and returns its variables."""

    def go(section):
        for name, lines in (("documents.txt", documents), ("sentences.txt", sentences)):
            (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        program = code_of(section)
        assert "[*piles, " in program
        names = {"tiny": TINY, "__name__": "page"}
        exec(compile(program.replace("[*piles, ", "[*piles, *tiny, "), "extending.md", "exec"), names)
        return names

    return go


def test_a_generator_of_ones_own_trains_loads_and_summarizes(run, documents, capsys):
    names = run("A generator")
    generator = names["summarizer"].model.generator
    assert type(generator).__name__ == "LeadGenerator"
    assert generator.early != 0.1  # it has learned something
    summaries = names["summarizer"](documents[:3], min_words=4, max_words=4)
    assert [summary.summary_text for summary in summaries] == [
        " ".join(text.split()[:4]) for text in documents[:3]
    ]
    assert summaries[0].reconstruction_loss > 0 and 0 < summaries[0].human_likeness < 1
    assert len(capsys.readouterr().out.splitlines()[-1].split()) <= 6
    with pytest.raises(SummGANError, match="A LeadGenerator has no decoder"):
        names["summarizer"].model(
            torch.ones(1, 3, dtype=torch.long), labels=torch.ones(1, 2, dtype=torch.long)
        )
