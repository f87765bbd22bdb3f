from dataclasses import replace

import numpy as np
import pytest

from summgan.errors import SummGANError
from summgan.options.configuration import (
    CodeOptions,
    LossWeights,
    ModelOptions,
    Options,
    TrainingOptions,
    check_options,
    refuse_weights,
)


def test_the_defaults_can_be_meant_for_words_and_for_every_code():
    assert check_options(Options()) == Options()
    for kind in ("one-hot", "binary", "vq"):
        options = Options(code=CodeOptions(kind=kind))
        assert check_options(options) == options
    options = Options(code=CodeOptions(kind="tree", size=2))
    assert check_options(options) == options


@pytest.mark.parametrize(
    ("block", "values", "message"),
    [
        (
            "training",
            TrainingOptions(learning_rate=float("nan")),
            "--training.learning_rate is nan; it must be",
        ),
        (
            "training",
            TrainingOptions(learning_rate=float("inf")),
            "--training.learning_rate is inf; it must be",
        ),
        ("training", TrainingOptions(estimator="best"), "--training.estimator is 'best'; it must be one of"),
        (
            "training",
            TrainingOptions(max_grad_norm=0),
            "--training.max_grad_norm is 0; it must be more than 0",
        ),
        ("training", TrainingOptions(use_cpu="yes"), "--training.use_cpu is 'yes'; it must be true or false"),
        ("training", TrainingOptions(neighbour_share=1.5), "neighbour_share is 1.5; it must be from 0 to 1"),
        (
            "training",
            TrainingOptions(loss_weights=LossWeights(content=-1)),
            "loss_weights.content is -1; it must be",
        ),
        ("model", ModelOptions(hidden_size=2.5), "--model.hidden_size is 2.5; it must be a whole number"),
        (
            "model",
            ModelOptions(hidden_size=30),
            "attention_heads is 4; it must be a divisor of hidden_size .30",
        ),
        (
            "training",
            TrainingOptions(estimator="hybrid", loss_weights=LossWeights(adversarial=0)),
            "loss_weights.adversarial is 0.0; it must be more than 0 for hybrid",
        ),
        ("code", CodeOptions(kind="binary", size=12), "--code.size is 12; it must be a multiple of 8"),
        (
            "code",
            CodeOptions(kind="tree", size=4, length=9),
            "--code.length is 9; it must be lower, since a tree",
        ),
        (
            "code",
            CodeOptions(max_document_frequency=0),
            "max_document_frequency is 0; it must be more than 0 and",
        ),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(block, values, message):
    with pytest.raises(SummGANError, match=message):
        check_options(replace(Options(), **{block: values}))


def test_numbers_are_plain_afterwards():
    options = check_options(
        Options(training=TrainingOptions(save_steps=np.int64(7), learning_rate=np.float32(1)))
    )
    assert type(options.training.save_steps) is int and type(options.training.learning_rate) is float


def test_a_code_has_no_terms_of_words():
    for weights in (LossWeights(), LossWeights(adversarial=0, back_cycle=0, denoising=0)):
        training = TrainingOptions(loss_weights=weights)
        check_options(Options(training=training, code=CodeOptions(kind="vq")))
    training = TrainingOptions(loss_weights=LossWeights(content=0.3))
    with pytest.raises(SummGANError, match="loss_weights.content is 0.3; it must be left out"):
        check_options(Options(training=training, code=CodeOptions(kind="vq")))
    refuse_weights({"adversarial": 0.0})
    with pytest.raises(SummGANError, match="loss_weights.adversarial is 1.0; .* nothing to judge"):
        refuse_weights({"adversarial": 1.0})


def test_paths_and_decoders_have_their_own_estimators():
    for generator, estimator in (("short-paths", "reinmax"), ("decoder", "log-variance")):
        options = Options(
            model=ModelOptions(generator=generator), training=TrainingOptions(estimator=estimator)
        )
        with pytest.raises(SummGANError, match=f"training.estimator is {estimator}; it must be"):
            check_options(options)


def test_a_code_has_its_own_estimators():
    for kind, estimator in (("binary", "gumbel-rao"), ("vq", "reinforce"), ("one-hot", "hybrid")):
        options = Options(training=TrainingOptions(estimator=estimator), code=CodeOptions(kind=kind))
        with pytest.raises(SummGANError, match=f"estimator is {estimator}; it must be one of .* for {kind}"):
            check_options(options)
