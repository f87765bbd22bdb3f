"""Learning rate and temperature as functions of the step."""

from __future__ import annotations

import math


def learning_rate_factor(step: int, steps: int, warmup_steps: int, kind: str) -> float:
    """Learning rate at a step of a stage, as a fraction of the peak.

    Args:
        step: Number of the step, from 0.
        steps: Number of steps of the stage.
        warmup_steps: Number of steps of the linear rise.
        kind: Schedule after the rise: ``linear`` or ``cosine``, which fall to a tenth, or ``constant``.
    """
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    done = (step - warmup_steps) / max(1, steps - warmup_steps)
    if kind == "constant":
        return 1.0
    remaining = 1.0 - done if kind == "linear" else (1.0 + math.cos(math.pi * done)) / 2
    return 0.1 + 0.9 * remaining


def temperature(step: int, steps: int, start: float, end: float) -> float:
    """Temperature at a step, interpolated exponentially from ``start`` at step 0 to ``end`` at the last."""
    done = min(1.0, step / max(1, steps - 1))
    return start * (end / start) ** done
