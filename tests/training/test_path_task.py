"""Training a path generator from files to a model that writes, and resuming."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from paths_support import byte_level_tokenizer
from safetensors.torch import load_file
from tests_support import launch
from transformers import AutoModel, BertConfig, LlamaConfig, LlamaForCausalLM

from summgan.data.order import Share
from summgan.errors import SummGANError
from summgan.networks.path_model import PathModel
from summgan.networks.path_writer import PathWriter
from summgan.options.configuration import Options
from summgan.randomness import RandomStream
from summgan.text.pieces import stemmer
from summgan.text.words import words_of
from summgan.training.path_task import PathTask, length_range
from summgan.training.trainer import train


@pytest.fixture
def options(write, documents, sentences, tmp_path):
    base = Options()
    return replace(
        base,
        data=replace(
            base.data,
            documents=write("documents.txt", documents[:60]),
            sentences=write("sentences.txt", sentences[:80]),
            cache_dir=str(tmp_path / "cache"),
        ),
        tokenizer=replace(base.tokenizer, vocabulary_size=400),
        model=replace(base.model, hidden_size=16, encoder_layers=1, attention_heads=2),
        training=replace(
            base.training,
            output_dir=str(tmp_path / "run"),
            warm_start_steps=1,
            adversarial_steps=2,
            per_device_train_batch_size=4,
            adversarial_learning_rate=1e-3,
            discriminator_learning_rate=5e-4,
            save_steps=1,
            eval_steps=3,
            logging_steps=1,
            use_cpu=True,
        ),
    )


def go(options, **further):
    AcceleratorState._reset_state(True)
    said = []
    return train(options, task=PathTask, say=said.append, **further), said


def test_it_trains_from_files_and_writes_again_from_its_folder(options, documents, tmp_path):
    state, said = go(options)
    assert state.step == 3
    assert any("57 documents and 80 human sentences" in line for line in said)
    rows = {step: {} for step in (1, 2, 3)}
    for row in state.history:
        rows[row["step"]] |= row
    assert "edges" not in rows[1]  # only the critics learn
    assert rows[3].keys() >= {"edges", "paths", "words", "human", "written", "eval_score", "rebuilt"}
    assert "reconstruction" in rows[1]  # it learns with the discriminator
    assert rows[3]["generator_grad_norm"] > 0 and rows[3]["discriminator_encoder_grad_norm"] > 0
    model = PathModel.from_pretrained(tmp_path / "run")
    texts = [documents[-1], "Quetzalcoatl said that the old bridge in Xanadu would be painted in 1999."]
    lengths = model.config.shortest, model.config.longest
    summaries = [written.text for written in model.write([words_of(text) for text in texts], lengths, 8)]
    assert not {"quetzalcoatl", "xanadu"} & model.table.rows.keys()  # words without counts are not saved
    assert model.table.added == 0
    for text, summary in zip(texts, summaries, strict=True):
        allowed = {word.lower() for word in words_of(text).strings}
        allowed |= {model.table.strings[row] for row in model.table.inserted}
        assert {word.lower() for word in words_of(summary).strings} <= allowed
        assert model.config.shortest <= len(words_of(summary).strings) <= model.config.longest
    half = PathModel.from_pretrained(tmp_path / "run", dtype=torch.bfloat16)
    assert half.generator.encoder.dtype == torch.bfloat16
    assert half.writer.usual.dtype == half.generator.edge.weight.dtype == torch.float32
    for written in half.write([words_of(text) for text in texts], lengths, 8):
        assert model.config.shortest <= len(written.words) <= model.config.longest
    assert json.loads((tmp_path / "run" / "config.json").read_text())["model_type"] == "summgan-paths"


def test_a_resumed_run_ends_as_one_that_was_not_interrupted(options, tmp_path):
    go(options)
    folder = tmp_path / "run"
    whole = PathModel.from_pretrained(folder).state_dict()
    tokenizer = (folder / "tokenizer_config.json").read_bytes()
    for name in ("checkpoint-3", "model.safetensors"):
        path = folder / name
        path.rename(tmp_path / f"away-{name}")
    state, _ = go(options, resume=True)
    assert state.step == 3
    again = PathModel.from_pretrained(folder).state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert (folder / "tokenizer_config.json").read_bytes() == tokenizer


def test_usual_scores_are_measured_once_for_all_that_is_done_with_the_same_weights(options, monkeypatch):
    measured, measure = [], PathWriter.measure

    def counted(writer, *inputs):
        measure(writer, *inputs)
        measured.append(writer.usual.clone())

    monkeypatch.setattr(PathWriter, "measure", counted)
    go(options)  # saves at every step; scores, keeps and saves at the last
    assert len(measured) == 3
    assert not torch.equal(measured[1], measured[2])
    task = PathTask.prepare(options, print, None)
    task.validate()
    task.sample(0)
    assert len(measured) == 4
    with torch.no_grad():
        task.model.generator.edge.weight.add_(1.0)
    task.sample(0)
    assert len(measured) == 5


def test_two_processes_play_the_game_of_one(options, tmp_path):
    options = replace(options, model=replace(options.model, dropout=0.0))
    go(options)
    given = {
        "data.documents": options.data.documents,
        "data.sentences": options.data.sentences,
        "data.cache_dir": options.data.cache_dir,
        "tokenizer.vocabulary_size": 400,
        "training.use_cpu": "true",
        "training.output_dir": tmp_path / "two",
        "training.per_device_train_batch_size": 2,
    }
    names = ("hidden_size", "encoder_layers", "attention_heads", "dropout")
    given |= {f"model.{name}": getattr(options.model, name) for name in names}
    names = ("warm_start_steps", "adversarial_steps", "adversarial_learning_rate", "save_steps", "eval_steps")
    names += ("discriminator_learning_rate", "logging_steps")
    given |= {f"training.{name}": getattr(options.training, name) for name in names}
    arguments = [text for name, value in given.items() for text in (f"--{name}", str(value))]
    status, message = launch(2, arguments, tmp_path / "two")
    assert status == 0, message[-3000:]
    one, two = (
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("run", "two")
    )
    compared = 0
    for row, other in zip(one, two, strict=True):
        for name in ("edges", "reward", "rebuilt", "generator_grad_norm"):  # the discriminator has dropout
            if name in row:
                # Each process spoils the first of its own human sentences, and shows every other summary.
                assert other[name] == pytest.approx(row[name], rel=8e-2), (row["step"], name)
                compared += 1
    assert compared == 8
    saved = load_file(tmp_path / "two" / "checkpoint-3" / "model.safetensors")
    assert saved["replay.seen"] == 12  # of both processes: each adds two of its eight summaries in a step
    assert (saved["replay.words"][:12, 0] >= 0).all()


def test_a_pretrained_encoder_starts_all_three(options, tmp_path, tokenizer):
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    encoder = AutoModel.from_config(config)
    encoder.save_pretrained(tmp_path / "encoder")
    tokenizer.save_pretrained(tmp_path / "encoder")
    named = replace(options, model=replace(options.model, backbone=str(tmp_path / "encoder")))
    task = PathTask.prepare(named, print, None)
    wanted = encoder.get_input_embeddings().weight
    assert task.rates() == {
        "generator": 1e-3,
        "discriminator": 5e-4,
        "generator_encoder": 6e-5,
        "discriminator_encoder": 6e-5,
    }
    for network in (task.game.generator, task.game.discriminator, task.game.likeness):
        assert torch.equal(network.encoder.get_input_embeddings().weight, wanted)
    assert not any(p.requires_grad for p in task.game.likeness.parameters())
    assert task.game.reconstruction is None and "reconstruction" not in task.learning_rates(0)
    unknown = replace(options, model=replace(options.model, backbone=str(tmp_path / "nothing")))
    with pytest.raises(SummGANError, match=r"--model.backbone .*nothing"):
        PathTask.prepare(unknown, print, None)


def test_a_trained_model_goes_on_with_a_language_model_as_critic(options, tmp_path, documents):
    go(options)
    learned = PathModel.from_pretrained(tmp_path / "run")
    tokenizer = byte_level_tokenizer(documents)
    tokenizer.save_pretrained(tmp_path / "reader")
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    network = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes))
    network.save_pretrained(tmp_path / "reader")
    more = replace(
        options,
        model=replace(
            options.model, start_from=str(tmp_path / "run"), language_model=str(tmp_path / "reader")
        ),
        training=replace(options.training, output_dir=str(tmp_path / "more"), warm_start_steps=0),
    )
    task = PathTask.prepare(more, print, None)
    wanted, begun = learned.state_dict(), task.model.state_dict()
    assert all(torch.equal(wanted[name], begun[name]) for name in wanted if "usual" not in name)
    state, _ = go(more)
    assert state.step == 2 and all(row["fluency"] < 0 for row in state.history if "fluency" in row)
    assert all(row["foresight"] > 0 for row in state.history if "fluency" in row)
    found = PathModel.from_pretrained(tmp_path / "more")
    assert not any("network" in name for name in found.state_dict())
    assert learned.writer.reranker is None and found.config.reranker == 128
    before = task.model.writer.reranker.state_dict()
    assert all(
        not torch.equal(before[name], value) for name, value in found.writer.reranker.state_dict().items()
    )
    for name in ("checkpoint-2", "model.safetensors"):
        (tmp_path / "more" / name).rename(tmp_path / f"away-{name}")
    state, _ = go(more, resume=True)
    resumed = PathModel.from_pretrained(tmp_path / "more").state_dict()
    assert state.step == 2
    assert all(torch.equal(resumed[name], value) for name, value in found.state_dict().items())
    again = replace(more, model=replace(more.model, start_from=str(tmp_path / "more")))
    begun = PathTask.prepare(again, print, None).model.state_dict()
    assert all(
        torch.equal(begun[name], value) for name, value in found.state_dict().items() if "usual" not in name
    )
    for folder in ("run", "reader"):
        (tmp_path / folder / "tokenizer.json").rename(tmp_path / f"{folder}.json")
    with pytest.raises(SummGANError, match=r"--model.language_model .*reader.* cannot be used"):
        PathTask.fluency(more, learned.table)
    wider = replace(more, model=replace(more.model, hidden_size=32))
    for folder in ("run", "reader"):
        (tmp_path / f"{folder}.json").rename(tmp_path / folder / "tokenizer.json")
    with pytest.raises(SummGANError, match=r"another size in the model to start from"):
        PathTask.prepare(wider, print, None)


def test_a_reconstruction_without_weight_is_not_built(options):
    critics = replace(options.training.critics, reconstruction=0.0)
    without = replace(options, training=replace(options.training, critics=critics))
    task = PathTask.prepare(without, print, None)
    assert task.game.reconstruction is None and set(task.passes) == {"generator", "discriminator"}
    assert PathTask.prepare(options, print, None).game.rules.reconstruction_weight == 0.1


def test_rates_rise_and_fall_and_the_generator_waits(options):
    longer = replace(options, training=replace(options.training, warm_start_steps=50, adversarial_steps=150))
    task = PathTask.prepare(longer, print, None)
    assert task.learning_rates(49)["generator"] == 0
    assert task.learning_rates(49)["discriminator"] == pytest.approx(5e-4 * (1 - 0.8 * 49 / 200))
    assert task.learning_rates(50)["generator"] == pytest.approx(1e-3 / 40 * (1 - 0.95 / 4))
    assert task.learning_rates(199)["generator_encoder"] == pytest.approx(1e-3 * (1 - 0.95 * 199 / 200))


def test_lengths_are_those_of_most_human_sentences():
    shares = torch.tensor([0, 0.01, 0.01, 0.02, 0.3, 0.4, 0.2, 0.04, 0.01, 0.01]).numpy()
    assert length_range(shares, 4) == (4, 7)
    assert length_range(shares, 1) == (3, 7)
    assert stemmer(None) is None
    assert stemmer("english")("closes") == stemmer("english")("closed")


def test_a_folder_without_its_words_is_refused(options, tmp_path):
    go(replace(options, training=replace(options.training, adversarial_steps=0)))
    (tmp_path / "run" / "words.npz").unlink()
    with pytest.raises(SummGANError, match=r"words\.npz"):
        PathModel.from_pretrained(tmp_path / "run")


@pytest.mark.parametrize(
    ("documents", "sentences", "message"),
    [
        (
            ["Anna paints.", "... !!! ???"],
            ["Anna opens hall today"],
            "All documents have fewer than 10 words",
        ),
        (["Anna said that the old hall is old and that it closes."], ["Anna", "!!!"], "All sentences have"),
    ],
)
def test_text_that_is_too_short_for_paths_is_one_sentence(options, write, documents, sentences, message):
    files = {"documents": write("few.txt", documents), "sentences": write("few-sentences.txt", sentences)}
    with pytest.raises(SummGANError, match=message):
        go(replace(options, data=replace(options.data, **files)))


def test_reading_says_what_is_left_out(options, write):
    documents = [
        f"The town {word} opens a hall for all the people on Monday night." for word in "abcdefghijkl"
    ]
    sentences = [f"Town {word} opens a hall" for word in "abcdefghijkl"] * 4
    files = {
        "documents": [
            str(
                write(
                    "more.txt",
                    [*documents, *documents, "Too short.", sentences[0] + ". It is new."],
                )
            )
        ],
        "sentences": [str(write("said.txt", [*sentences, "Hall", sentences[0]]))],
        "max_document_length": 11,
    }
    said = []
    PathTask.read(replace(options, data=replace(options.data, **files)), said.append)
    (line,) = [text for text in said if "Left out" in text]
    assert "2 documents of under 10 words, the ends of 23 documents of over 11 words" in line
    assert "1 sentences of other than 5 to " in line
    assert any("are also in the documents" in text for text in said)


def test_a_reward_of_the_user_is_followed_and_logged(options):
    page = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
    names = {}
    (code,) = re.findall(r"```python\n(# own_reward.py.*?)```", page, re.DOTALL)
    exec(compile(code, "own_reward.py", "exec"), names)
    state = train(options, say=print, task=names["BeginsAlikeTask"])
    rows = [row for row in state.history if "begins_alike" in row]
    assert rows and all(0 <= row["begins_alike"] <= 1 for row in rows)
    wholes = []
    for task_class in (PathTask, names["BeginsAlikeTask"]):
        task = task_class.prepare(options, print, None)
        batch = task.batches(Share(4))[0]
        play = task.game.draw(batch, RandomStream.of(batch.rows, 0), 99)
        wholes.append(task.game.judge(play)[1])
    alike = (play.drawn.places[:, 0] == 0).float().view_as(wholes[1])
    assert torch.allclose(wholes[1] - wholes[0], 5 * alike, atol=1e-5) and 0 < alike.mean() < 1
