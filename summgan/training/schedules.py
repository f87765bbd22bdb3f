"""Learning rate and temperature as plain functions of the step."""

from __future__ import annotations

import math


def learning_rate_factor(step: int, steps: int, warmup_steps: int, kind: str) -> float:
    """Share of the peak learning rate at ``step`` of a stage of ``steps``.

    Args:
        step: Number of the step, from 0.
        steps: Length of the stage.
        warmup_steps: Steps of the linear rise.
        kind: ``linear`` or ``cosine`` (both fall to a tenth), or ``constant``.
    """
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    done = (step - warmup_steps) / max(1, steps - warmup_steps)
    if kind == "constant":
        return 1.0
    remaining = 1.0 - done if kind == "linear" else (1.0 + math.cos(math.pi * done)) / 2
    return 0.1 + 0.9 * remaining


def temperature(step: int, steps: int, start: float, end: float) -> float:
    """Exponential interpolation from ``start`` at step 0 to ``end`` at the last step."""
    done = min(1.0, step / max(1, steps - 1))
    return start * (end / start) ** done
