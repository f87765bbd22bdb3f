"""Training on short texts: names and their abbreviations, in characters."""

from dataclasses import replace

import pytest
import torch
from accelerate.state import AcceleratorState

from summgan.data.order import Share
from summgan.networks.path_model import PathModel
from summgan.options.configuration import Options
from summgan.randomness import RandomStream
from summgan.text.words import words_of
from summgan.training.short_text_task import ShortTextTask
from summgan.training.trainer import train

PLACES, KINDS = "北京 上海 天津 南京 武汉 台湾 厦门 四川".split(), "大学 医院 剧院 银行".split()
NAMES = [place + kind for place in PLACES for kind in KINDS]
SHORT = [place[0] + kind[0] for place in PLACES for kind in KINDS]


@pytest.fixture
def options(write, tmp_path):
    base = Options()
    return replace(
        base,
        data=replace(
            base.data,
            documents=write("names.txt", NAMES * 2),
            sentences=write("short.txt", SHORT),
            validation=write("watched.txt", NAMES[:8]),
            max_document_length=8,
            cache_dir=str(tmp_path / "cache"),
        ),
        tokenizer=replace(base.tokenizer, model_type="char", vocabulary_size=400),
        model=replace(
            base.model,
            generator="short-paths",
            hidden_size=32,
            encoder_layers=1,
            attention_heads=2,
            inserted_words=0,
            forms=0,
            dropout=0.0,
        ),
        training=replace(
            base.training,
            output_dir=str(tmp_path / "run"),
            warm_start_steps=2,
            adversarial_steps=2,
            per_device_train_batch_size=8,
            save_steps=1,
            eval_steps=4,
            logging_steps=1,
            use_cpu=True,
        ),
    )


def go(options, **further):
    AcceleratorState._reset_state(True)
    return train(options, say=lambda text: None, **further)


def test_it_trains_and_its_model_writes_characters_of_the_name(options, tmp_path):
    state = go(options)
    rows = {step: {} for step in (1, 2, 3, 4)}
    for row in state.history:
        rows[row["step"]] |= row
    assert rows[1].keys() >= {"hidden", "human", "written", "reconstruction"} and "whole" not in rows[1]
    assert rows[4].keys() >= {"hidden", "whole", "rebuilt"}
    model = PathModel.from_pretrained(tmp_path / "run")
    (summary,) = model.write([words_of("台湾大学")], (model.config.shortest, model.config.longest), 4)
    assert set(summary.text) <= set("台湾大学")
    assert (model.config.shortest, model.config.longest) == (2, 2)


def test_without_hidden_sentences_the_critics_alone_teach(options):
    critics = replace(options.training.critics, hidden_sentences=0.0)
    task = ShortTextTask.prepare(
        replace(options, training=replace(options.training, critics=critics)), print, None
    )
    batch = task.batches(Share(4))[2]
    figures = [set(objective.figures) for objective in task.losses(batch, 2)]
    assert not any("hidden" in names for names in figures)
    assert "whole" in figures[0] and "reconstruction" in figures[1] and "human" in figures[2]


def test_a_resumed_run_ends_as_one_that_was_not_interrupted(options, tmp_path):
    go(options)
    folder = tmp_path / "run"
    whole = PathModel.from_pretrained(folder).state_dict()
    for name in ("checkpoint-4", "model.safetensors"):
        (folder / name).rename(tmp_path / f"away-{name}")
    assert go(options, resume=True).step == 4
    again = PathModel.from_pretrained(folder).state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_sentences_hidden_in_made_up_names_teach_to_shorten_real_ones(options):
    task = ShortTextTask.prepare(options, print, None)
    optimizer = torch.optim.Adam(task.model.generator.parameters(), 0.01)
    losses = []
    for step in range(30):
        batch = task.batches(Share(16))[step]
        objective = task.hidden_objective(RandomStream.of(batch.rows, step))
        optimizer.zero_grad()
        objective.total.backward()
        optimizer.step()
        losses.append(float(objective.figures["hidden"]))
    assert losses[-1] < losses[0] / 2
    task.model.eval()
    written = task.model.write([words_of(name) for name in NAMES], (2, 2), 8)
    hits = [summary.text == short for summary, short in zip(written, SHORT, strict=True)]
    assert sum(hits) > len(hits) / 2
