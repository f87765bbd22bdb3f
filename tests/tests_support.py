"""Helpers that several test files import."""

import os
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import psutil
import torch
from datasets import Dataset

from summgan.data.batches import Stage, SummaryBatches
from summgan.data.order import Share
from summgan.networks.salience import Salience
from summgan.options.configuration import Options, TrainingOptions
from summgan.text.boundaries import UnitBoundaries
from summgan.text.pieces import length_table
from summgan.text.units import UnitCounter, effect_of
from summgan.training.summary_task import SummaryTask

TEXTS = frozenset(("documents", "sentences", "noised", "targets", "content", "damaged"))

MIXED = [
    "こんにちはTuesday 今日は晴れです",
    "2024年の東京Olympics iPhoneを買った",
    "ฉันกินข้าว ที่นี่ กำลัง",
    "ខ្ញុំទៅផ្សារ ភាសាខ្មែរ",
    "안녕하세요 여러분 반가워요",
    "👩\u200d👩\u200d👧 family ❤\ufe0f 👍🏽 ok",
    "ﾊﾝｶｸ ｶﾞｷﾞ カナ",
    "葛\U000e0100城市 あ\u3099 test",
    "The cat sat on the mat, twice.",
    "हिन्दी भाषा में ကျွန်တော်",
    "naïve café ا ب ت مَה",
    "Nguyễn Văn Erdoğan ở Hà Nội",
]


def make_batches(tokenizer, documents, sentences, share, seed=1, texts=TEXTS, **more):
    """Make batches of tokenized texts, by default with every kind of text."""

    def tokenized(texts):
        ids = tokenizer(texts, add_special_tokens=False).input_ids
        ids = [[*row, tokenizer.eos_token_id] for row in ids]
        return Dataset.from_dict({"input_ids": ids, "length": [len(row) for row in ids]})

    corpora = SimpleNamespace(
        vocabulary=SimpleNamespace(boundaries=UnitBoundaries(length_table(tokenizer))),
        documents=tokenized(documents),
        sentences=tokenized(sentences),
        word_weights=torch.ones(len(tokenizer)),
        salience=Salience(len(tokenizer)),
    )
    return SummaryBatches(corpora, share, seed, [Stage(1, texts)], **more)


def make_batch(tokenizer, documents, sentences, size=4):
    """Make the first batch of `make_batches`."""
    return make_batches(tokenizer, documents, sentences, Share(size))[0]


def letters(*sentences):
    """Make a dataset in which each letter is a word and the end piece is 0."""
    return Dataset.from_dict({"input_ids": [[*map(ord, sentence), 0] for sentence in sentences]})


class Letters(UnitBoundaries):
    """Boundaries in which each piece is a unit."""

    def __init__(self):
        counter = UnitCounter([effect_of("\u5b57")] * 128, [-1] * 128)
        super().__init__(SimpleNamespace(counter=counter, parts={}))


def make_task(model, kind=SummaryTask, **training):
    """Make the task of a model with options of training, without text."""
    weights, salience = model.reconstructor.word_weights, model.generator.bottleneck.salience
    corpora = SimpleNamespace(word_weights=weights, salience=salience, fingerprint="")
    return kind(Options(training=TrainingOptions(**training)), model, corpora)


def environment(**more):
    """Environment of a command that runs in its own process."""
    root = str(Path(__file__).parents[1])
    return os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"} | more


def launch(processes, arguments, output_dir):
    """Run ``summgan train`` on several processes; kill a launch that hangs, and repeat it once.

    On a busy machine, PyTorch's gloo process group sometimes fails to start or to stop.
    """
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", str(processes)]
    log = output_dir.with_name(f"{output_dir.name}.log")
    for attempt in range(2):
        port = ["--master_port", str(20_000 + (os.getpid() + attempt * 997) % 20_000)]
        command = [*launcher, *port, "-m", "summgan", "train", *arguments]
        with log.open("w") as file:  # waiting for a pipe would last until the last process ends
            process = subprocess.Popen(command, env=environment(), stderr=file)
        try:
            return process.wait(timeout=120), log.read_text()
        except subprocess.TimeoutExpired:
            # The workers are in sessions of their own.
            for one in [*psutil.Process(process.pid).children(recursive=True), process]:
                one.kill()
            process.wait()
            shutil.rmtree(output_dir, ignore_errors=True)
    return None, "hung twice"


class WellFormed(HTMLParser):
    """Checks that all tags are closed in order, except void ones."""

    VOID = {"meta", "input"}

    def __init__(self):
        super().__init__()
        self.open, self.tags = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
