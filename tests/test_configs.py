from itertools import pairwise
from pathlib import Path

import pytest

from summgan.demo.run import demo_options, plain_options
from summgan.networks.modeling import SummGAN
from summgan.options.parsing import load_options

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))


def test_all_are_there():
    names = {path.stem for path in CONFIGS}
    assert names >= {"demo", "small", "base", "pretrained", "reinforce", "plain"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_configuration_loads_and_every_line_says_what_it_is(path):
    options, resume = load_options([str(path)])
    assert not resume and options.data.documents
    lines = path.read_text(encoding="utf-8").splitlines()
    for line, following in pairwise(lines):
        if line.startswith("  ") and ":" in line and not line.strip().endswith(":"):
            assert "#" in line or following.strip().startswith("#"), line


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_model_can_be_built_from_it(path, tokenizer):
    options, _ = load_options([str(path), "--model.hidden_size", "32"])
    if options.model.backbone is None:
        assert SummGAN.from_options(options.model, tokenizer).config.vocab_size == len(tokenizer)


def test_the_demo_trains_both_systems_alike(tmp_path):
    ours = demo_options(tmp_path, 3)
    plain = plain_options(ours)
    assert plain.training.loss_weights.adversarial == plain.training.loss_weights.back_cycle == 0
    for name in ("warm_start_steps", "adversarial_steps", "per_device_train_batch_size", "seed"):
        assert getattr(plain.training, name) == getattr(ours.training, name)
    assert plain.model == ours.model and plain.data == ours.data
    assert ours.training.loss_weights.adversarial > 0
