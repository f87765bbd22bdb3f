"""A user's own loss, estimator, callback and task: one new file each, without patching the package."""

import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from torch.utils.data import Dataset
from transformers import PreTrainedConfig, PreTrainedModel

from summgan import SummGANError, Task, train
from summgan.networks.estimators import ESTIMATORS
from summgan.options.configuration import ModelOptions
from summgan.training.summary_task import SummaryTask
from summgan.training.task import ForwardPass, Objective

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
TINY = {"hidden_size": 16, "encoder_layers": 1, "decoder_layers": 1, "attention_heads": 2}


@pytest.fixture
def options(small_run):
    return small_run(
        ModelOptions("decoder", discriminator_hidden_size=8, **TINY),
        warm_start_steps=1,
        adversarial_steps=1,
        per_device_train_batch_size=2,
        logging_steps=1,
        eval_documents=3,
    )


@pytest.fixture
def example(tmp_path):
    """Write a module of docs/extending.md to a file and import it."""

    def load(name):
        (text,) = re.findall(rf"```python\n(# {name}\.py.*?)```", PAGE, re.DOTALL)
        file = tmp_path / f"{name}.py"
        file.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_a_loss_of_the_user_is_trained_and_logged(options, example):
    task, watch = example("own_loss").RareWords, example("own_callback").Watch()
    state = train(options, task=task, callbacks=[watch])
    rows = {row["step"]: row for row in state.history if "reconstruction" in row}
    assert "rare_words" not in rows[1]  # a row of the warm start
    # The weights of words are 1 on average over running text, and never negative.
    assert rows[2]["rare_words"] < 0
    assert watch.losses == pytest.approx([rows[1]["reconstruction"], rows[2]["reconstruction"]], abs=1e-6)
    assert watch.scores.keys() == {2} and [folder.name for folder in watch.folders] == ["checkpoint-2"]
    assert (watch.folders[0] / "model.safetensors").is_file()


@pytest.mark.parametrize("estimator", ["straight-through", "reinforce"])
def test_a_loss_of_the_user_has_a_part_in_the_gradient_with_every_estimator(
    options, example, tmp_path, estimator
):
    """The same for a loss that reaches the generator as a reward."""

    def generator(name, task):
        training = replace(options.training, estimator=estimator, output_dir=str(tmp_path / name))
        AcceleratorState._reset_state(True)
        train(replace(options, training=training), task=task)
        rows = [json.loads(row) for row in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        return next(row["generator_grad_norm"] for row in rows if row["step"] == 2)

    assert generator("plain", SummaryTask) != generator("own", example("own_loss").RareWords)


def test_a_loss_without_a_weight_is_an_error(options, example):
    class Forgetful(example("own_loss").RareWords):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            del self.weights["rare_words"]

    with pytest.raises(
        SummGANError, match="'rare_words' has no weight; there are weights for reconstruction"
    ):
        train(options, task=Forgetful)


def test_an_estimator_of_the_user_is_trained_with(options, example, monkeypatch):
    calls = []
    module = example("own_estimator")
    name, own = "plain-straight-through", module.plain_straight_through
    monkeypatch.setitem(ESTIMATORS, name, lambda *arguments: calls.append(1) or own(*arguments))
    state = train(options, task=module.PlainStraightThrough)
    assert len(calls) == 1 and state.skipped_steps == 0
    log_probs = torch.log_softmax(torch.randn(1, 2, 5), -1).requires_grad_()
    words = own(log_probs, torch.tensor([[3, 1]]), None, 0.5)
    assert torch.allclose(words, torch.nn.functional.one_hot(torch.tensor([[3, 1]]), 5).float())
    words[0, 0, 0].backward()
    assert log_probs.grad[0, 0].abs().sum() > 0


class Slope(PreTrainedModel):
    """A minimal model."""

    config_class = PreTrainedConfig

    def __init__(self):
        super().__init__(PreTrainedConfig())
        self.slope = torch.nn.Parameter(torch.zeros(1))


class Points(dict):
    """A batch of named tensors."""

    def to(self, device):
        return Points({name: values.to(device) for name, values in self.items()})


class Lines(Dataset):
    def __init__(self, share):
        self.share = share

    def __getitem__(self, number):
        x = torch.tensor(self.share.rows(number)).float()
        return Points(x=x, y=3 * x)


class Regression(Task):
    """Learns to multiply by three."""

    def __init__(self, options):
        model = Slope()
        super().__init__(options, model, {"slope": model}, "points")
        self.passes = {"fit": ForwardPass(self.fit, model)}

    @classmethod
    def prepare(cls, options, say, checkpoint):
        return cls(options)

    @classmethod
    def count_steps(cls, options):
        return 4

    def batches(self, share):
        return Lines(share)

    def fit(self, batch):
        loss = (self.model.slope * batch["x"] - batch["y"]).square().mean()
        return Objective(loss, {"error": loss.detach()})

    def losses(self, batch, step):
        yield self.passes["fit"](batch)

    def learning_rates(self, step):
        return {"slope": 0.5}

    def validate(self):
        return {"eval_score": -abs(3 - float(self.model.slope.detach()))}

    def sample(self, step):
        return f"y = {float(self.model.slope.detach()):.2f} x"

    def save(self, folder):
        self.model.save_pretrained(folder)

    def describe(self, state):
        return f"# Slope after {state.step} steps\n"


def test_a_task_of_the_user_has_the_same_loop_checkpoints_and_report(options):
    options = replace(options, training=replace(options.training, eval_steps=2, save_steps=1))
    state = train(options, task=Regression)
    folder = Path(options.training.output_dir)
    errors = [row["error"] for row in state.history if "error" in row]
    assert len(errors) == 4 and state.best_step == 4
    assert (folder / "README.md").read_text() == "# Slope after 4 steps\n"
    assert "summgan, step 4" in (folder / "report.html").read_text()
    (folder / "model.safetensors").unlink()
    assert train(options, task=Regression, resume=True).history == state.history
    assert (folder / "model.safetensors").is_file()


def test_a_task_with_a_method_missing_cannot_be_made(options):
    class Unfinished(Regression):
        sample = Task.sample

    with pytest.raises(TypeError, match="abstract method '?sample"):
        train(options, task=Unfinished)
