"""The model in the package: it is in the wheel, and its summaries do not depend on how it is called."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from summgan import Summarizer
from summgan.text.script import count_units

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "summgan" / "pretrained" / "news-en"
ARTICLES = [
    "A fire at a furniture factory in the port city of Marlow has killed at least nine people and injured "
    "twenty others, officials said on Tuesday. The cause of the blaze is not yet known.",
    "The parliament of Norland has voted to ban the sale of petrol cars from 2035, after weeks of debate "
    "in which farmers blocked roads around the capital.",
    "Striker Ana Petrov scored twice as Harbour United beat the Rovers 3-1 on Saturday to win the national "
    "cup for the first time in its history.",
]


@pytest.fixture(scope="module")
def summarizer():
    return Summarizer()


def test_it_is_small_and_says_what_it_is_made_of():
    size = sum(file.stat().st_size for file in FOLDER.iterdir())
    assert size <= 40_000_000
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "CC BY-SA 4.0" in card and "Portal:Current events" in card
    assert not list(FOLDER.glob("*.bin")) and not list(FOLDER.glob("*.pt"))


def test_summaries_are_short_and_about_the_article(summarizer):
    for article, topic in zip(
        ARTICLES, (("fire", "factory"), ("petrol", "ban"), ("Harbour", "Rovers")), strict=True
    ):
        text = summarizer(article).summary_text
        assert any(word in text for word in topic), text
        assert 4 <= count_units(text) <= 20


def test_summaries_are_the_same_in_any_batch(summarizer):
    together = [summary.summary_text for summary in summarizer(ARTICLES)]
    assert together == [summarizer(article).summary_text for article in ARTICLES]
    assert together == [summary.summary_text for summary in summarizer(ARTICLES, batch_size=2)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_summaries_are_the_same_on_a_gpu(summarizer):
    there = Summarizer.from_pretrained(device="cuda")
    texts = [[summary.summary_text for summary in each(ARTICLES)] for each in (summarizer, there)]
    assert texts[0] == texts[1]


def test_a_folder_of_that_name_comes_first(tmp_path, monkeypatch, tokenizer, tiny_model):
    tiny_model(tokenizer).save_pretrained(tmp_path / "news-en")
    tokenizer.save_pretrained(tmp_path / "news-en")
    monkeypatch.chdir(tmp_path)
    assert len(Summarizer().tokenizer) == len(tokenizer)


def test_the_wheel_summarizes_without_the_checkout(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    assert (tmp_path / "site/summgan/pretrained/news-en/model.safetensors").is_file()
    code = (
        "import sys, summgan; print(summgan.__file__); print(summgan.Summarizer()(sys.argv[1]).summary_text)"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-c", code, ARTICLES[0]],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    where, summary = done.stdout.splitlines()
    assert str(tmp_path) in where and count_units(summary) >= 4
