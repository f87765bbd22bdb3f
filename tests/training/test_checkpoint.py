import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from summgan.errors import SummGANError
from summgan.training.checkpoint import (
    TrainerState,
    checkpoints,
    find_checkpoint,
    last_good,
    load_state,
    load_tensors,
    publish_model,
    rotate,
    save_checkpoint,
)


def optimizers(model):
    made = {"generator": torch.optim.AdamW(model.generator.parameters(), 0.1)}
    for parameter in model.generator.parameters():
        parameter.grad = torch.randn_like(parameter)
    made["generator"].step()
    return made


def test_everything_comes_back(tokenizer, tiny_model, tmp_path):
    model = tiny_model(tokenizer)
    before = optimizers(model)
    state = TrainerState(step=7, best_score=0.5, history=[{"step": 1, "loss": 2.5}])
    path = save_checkpoint(tmp_path, state, model.save_pretrained, before, 3)
    assert path.name == "checkpoint-7" and load_state(path) == state
    other = tiny_model(tokenizer)
    after = {"generator": torch.optim.AdamW(other.generator.parameters(), 0.1)}
    load_tensors(path, other, after)
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)
    old, new = (made["generator"].state_dict()["state"] for made in (before, after))
    assert old.keys() == new.keys()
    for index in old:
        assert all(torch.equal(old[index][name], new[index][name]) for name in old[index])


def test_the_oldest_are_deleted_and_the_newest_is_found(tokenizer, tiny_model, tmp_path):
    model = tiny_model(tokenizer)
    for step in (2, 4, 10, 9):
        save_checkpoint(tmp_path, TrainerState(step=step), model.save_pretrained, {}, 2)
    assert [path.name for path in checkpoints(tmp_path)] == ["checkpoint-9", "checkpoint-10"]
    assert find_checkpoint(tmp_path).name == "checkpoint-10"


def test_a_published_model_has_no_training_state(tokenizer, tiny_model, tmp_path):
    model = tiny_model(tokenizer)
    path = save_checkpoint(tmp_path, TrainerState(step=1), model.save_pretrained, optimizers(model), 1)
    publish_model(path, tmp_path)
    names = {p.name for p in tmp_path.iterdir() if p.is_file()}
    assert names == {"config.json", "generation_config.json", "model.safetensors"}


def test_the_last_good_one_stays_whatever_the_limit(tokenizer, tiny_model, tmp_path):
    model = tiny_model(tokenizer)
    for step, good in ((2, 1), (4, 3), (6, 3), (8, 3)):
        state = TrainerState(step=step, good_step=good)
        save_checkpoint(tmp_path, state, model.save_pretrained, {}, 1)
    assert [path.name for path in checkpoints(tmp_path)] == ["checkpoint-2", "checkpoint-8"]
    assert last_good(tmp_path, 3).name == "checkpoint-2" and last_good(tmp_path, 1) is None
    rotate(tmp_path, 8, 1)
    assert [path.name for path in checkpoints(tmp_path)] == ["checkpoint-8"]


def test_folders_of_others_are_neither_counted_nor_deleted(tokenizer, tiny_model, tmp_path):
    model = tiny_model(tokenizer)
    (tmp_path / "checkpoint-3").mkdir()
    (tmp_path / "checkpoint-3" / "photo.jpg").write_text("dear to me")
    save_checkpoint(tmp_path, TrainerState(step=1), model.save_pretrained, {}, 2)
    (tmp_path / "checkpoint-1" / "notes.txt").write_text("dear to me too")
    for step in (2, 4, 6, 8):
        save_checkpoint(tmp_path, TrainerState(step=step), model.save_pretrained, {}, 2)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"checkpoint-{step}" for step in (1, 3, 6, 8)]
    assert (tmp_path / "checkpoint-1" / "notes.txt").exists()
    assert [path.name for path in checkpoints(tmp_path)] == [f"checkpoint-{step}" for step in (1, 6, 8)]


def test_damaged_checkpoints_are_named(tokenizer, tiny_model, tmp_path):
    model = tiny_model(tokenizer)
    path = save_checkpoint(tmp_path, TrainerState(step=1), model.save_pretrained, {}, 1)
    with pytest.raises(SummGANError, match="does not fit this model.*configuration that it was made with"):
        load_tensors(path, tiny_model(tokenizer, hidden_size=64), {})
    (path / "trainer_state.json").write_text(json.dumps({"step": 1})[:-2])
    with pytest.raises(SummGANError, match="trainer_state.json cannot be read.*the one before it"):
        load_state(path)
    with pytest.raises(SummGANError, match="no checkpoint in"):
        find_checkpoint(tmp_path / "none")


GOOD = {
    "step": 7,
    "best_step": 4,
    "best_score": 0.5,
    "skipped_steps": 0,
    "skipped_in_a_row": 0,
    "history": [{"step": 1, "loss": 2.5}, {"step": 7, "loss": float("nan")}],
    "options": {"training": {"seed": 0}},
    "fingerprint": "abc",
    "scaler": {},
}


def test_the_state_of_an_older_version_is_read(tmp_path):
    (tmp_path / "checkpoint-7").mkdir()
    (tmp_path / "checkpoint-7" / "trainer_state.json").write_text(json.dumps(GOOD))
    state = load_state(tmp_path / "checkpoint-7")
    assert (state.step, state.good_step, state.moments) == (7, None, None)


@pytest.mark.parametrize(
    "content",
    [
        *("", "{}", "[]", "null", "7", '"step"', '{"step": 7}', "{" * 9, "[" * 100_000, "\xff", "1" * 5000),
        *(
            json.dumps(GOOD | {name: value})
            for name, value in [
                *(("step", value) for value in (-1, 8, 10**9, 7.0, "7", None, True, [7])),
                *(("best_step", value) for value in (-1, "4", 4.5)),
                *(("best_score", value) for value in ("high", float("nan"), float("inf"), [0.5], True)),
                *(("skipped_in_a_row", value) for value in (-1, None, "0", 0.5)),
                *(
                    ("history", value)
                    for value in (None, {}, [1], [[]], [{}], [{"step": "1"}], [{"step": 9}])
                ),
                *(("history", [{"step": 1, "loss": value}]) for value in ("low", None, [1.0])),
                *(("options", value) for value in (None, [], "none")),
                *(("fingerprint", value) for value in (None, 3)),
                *(("scaler", value) for value in (None, [], {"scale": "big"})),
                *(("good_step", value) for value in (-1, "4")),
                *(("moments", value) for value in (-1, "4")),
                ("something_new", 1),
            ]
        ),
    ],
)
def test_an_odd_state_is_one_sentence(tmp_path, content):
    folder = tmp_path / "checkpoint-7"
    folder.mkdir()
    (folder / "trainer_state.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(
        SummGANError, match=r"trainer_state.json cannot be read \(.+\); delete that checkpoint"
    ):
        load_state(folder)


def spoil(file, **changes):
    """Change the tensors of a file by a function; a tensor for which it returns None is removed."""
    tensors = load_file(file)
    for name, change in changes.items():
        changed = change(tensors.pop(name))
        if changed is not None:
            tensors[name] = changed
    save_file(tensors, file)


def first(file, kind):
    return next(name for name, tensor in load_file(file).items() if name.endswith(kind) and tensor.ndim > 1)


DAMAGES = {
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:-100]),
    "empty": lambda file: file.write_bytes(b""),
    "no safetensors": lambda file: file.write_text("hello"),
    "missing": lambda file: file.unlink(),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
    "NaN": lambda file: spoil(file, **{first(file, ""): lambda t: t * float("nan")}),
    "infinite": lambda file: spoil(file, **{first(file, ""): lambda t: t + float("inf")}),
    "a tensor too few": lambda file: spoil(file, **{first(file, ""): lambda t: None}),
    "another shape": lambda file: spoil(file, **{first(file, ""): lambda t: t[:1].clone()}),
    "another type": lambda file: spoil(file, **{first(file, ""): lambda t: t.double()}),
    "nothing in it": lambda file: save_file({}, file),
    "a strange name": lambda file: save_file(load_file(file) | {"generator": torch.zeros(2)}, file),
    "another strange name": lambda file: save_file(load_file(file) | {"a.b.c.d": torch.zeros(2)}, file),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["model.safetensors", "optimizers.safetensors"])
def test_damaged_tensors_are_one_sentence_and_change_nothing(tokenizer, tiny_model, tmp_path, name, damage):
    model = tiny_model(tokenizer)
    made = optimizers(model)
    state = TrainerState(step=7)
    path = save_checkpoint(tmp_path, state, model.save_pretrained, made, 1)
    DAMAGES[damage](path / name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(SummGANError, match=r"checkpoint-7.* \(.+\); (delete that checkpoint|resume with)"):
        load_tensors(path, model, made, state.moments)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    "name",
    [
        *("exp_avg", "generator", "generator.0", "generator.0.exp_avg.x", "generator.x.step"),
        *("generator.99999.step", "reconstructor.0.step", "generator.0.momentum", ""),
    ],
)
def test_moments_of_other_names_are_refused(tokenizer, tiny_model, tmp_path, name):
    model = tiny_model(tokenizer)
    made = optimizers(model)
    path = save_checkpoint(tmp_path, TrainerState(step=7), model.save_pretrained, made, 1)
    file = path / "optimizers.safetensors"
    tensors = load_file(file)
    tensors[name] = tensors.pop(next(iter(tensors)))
    save_file(tensors, file)
    with pytest.raises(SummGANError, match="optimizers.safetensors cannot be read"):
        load_tensors(path, model, made)


def test_weights_that_are_one_tensor_come_back_from_one_name(tokenizer, tiny_model, tmp_path):
    model = tiny_model(tokenizer)
    path = save_checkpoint(tmp_path, TrainerState(step=1), model.save_pretrained, {}, 1)
    assert len(load_file(path / "model.safetensors")) < len(model.state_dict())
    load_tensors(path, tiny_model(tokenizer), {})
