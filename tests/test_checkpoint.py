import json

import pytest
import torch

from summgan.checkpoint import (
    TrainerState,
    checkpoints,
    find_checkpoint,
    load_state,
    load_tensors,
    publish_model,
    save_checkpoint,
)
from summgan.errors import SummGANError


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
