import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from accelerate.state import AcceleratorState

from summgan.errors import SummGANError
from summgan.options.configuration import ModelOptions
from summgan.training.runtime import StopSignal, changes_between
from summgan.training.trainer import train


@pytest.fixture
def options(small_run):
    sizes = {"hidden_size": 16, "encoder_layers": 1, "decoder_layers": 1, "attention_heads": 2}
    return small_run(
        ModelOptions("decoder", discriminator_hidden_size=8, **sizes),
        warm_start_steps=2,
        adversarial_steps=0,
        per_device_train_batch_size=4,
        eval_documents=2,
        sample_steps=0,
    )


def test_trackers_get_the_figures_and_missing_ones_are_named(options):
    training = replace(options.training, report_to="tensorboard")
    train(replace(options, training=training))
    assert list(Path(training.output_dir).rglob("events.out.tfevents*"))
    AcceleratorState._reset_state(True)
    missing = replace(training, report_to="trackio", output_dir=training.output_dir + "2")
    with pytest.raises(SummGANError, match="report_to trackio: it is not installed; pip install trackio"):
        train(replace(options, training=missing))


def test_processes_that_do_not_see_each_other_are_refused(options, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setattr(
        "summgan.training.runtime.Accelerator", lambda **options: type("A", (), {"num_processes": 1})
    )
    with pytest.raises(SummGANError, match="3 processes were launched but do not see each other"):
        train(options)


def test_changed_options_are_named_with_both_values():
    old = {"training": {"seed": 0, "learning_rate": 0.1}, "gone": 1}
    new = {"training": {"seed": 0, "learning_rate": 0.2}, "data": {"stemming": None}}
    assert changes_between(old, new) == [
        "data.stemming was missing, is None",
        "gone was 1, is missing",
        "training.learning_rate was 0.1, is 0.2",
    ]
    assert changes_between(old, old) == []


def test_the_first_signal_is_a_request_and_the_second_stops_at_once():
    before = signal.getsignal(signal.SIGTERM)
    with StopSignal() as stop:
        assert not stop.requested
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) == before


def test_another_thread_leaves_signals_alone():
    found = []

    def enter():
        with StopSignal() as stop:
            found.append((stop.requested, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=enter)
    before = signal.getsignal(signal.SIGTERM)
    thread.start()
    thread.join()
    assert found == [(False, before)]
