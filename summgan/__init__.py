"""summgan learns to summarize from unlabelled text."""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

# Each is imported when it is first used, because torch and transformers take seconds to import.
_LAZY = {
    "CodeAutoencoder": "summgan.codes.model",
    "CodeTask": "summgan.codes.task",
    "Encoder": "summgan.codes.encoder",
    "HashIndex": "summgan.codes.hash_index",
    "Options": "summgan.options.configuration",
    "Summarizer": "summgan.writing.summarizer",
    "Summary": "summgan.writing.summary",
    "SummGAN": "summgan.networks.modeling",
    "SummGANConfig": "summgan.networks.architecture",
    "SummGANError": "summgan.errors",
    "SummaryTask": "summgan.training.summary_task",
    "Task": "summgan.training.task",
    "Trainer": "summgan.training.trainer",
    "TrainerCallback": "summgan.training.callbacks",
    "train": "summgan.training.trainer",
}

__all__ = sorted([*_LAZY, "__version__"])


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'summgan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
