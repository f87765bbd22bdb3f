"""Significance: bootstrap intervals and the paired bootstrap test (Koehn 2004)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_CHUNK = 100


@dataclass(frozen=True)
class PairedTest:
    """Difference of the means of two systems on the same items.

    Attributes:
        difference: Mean of the first system minus mean of the second.
        low: Lower end of the 95 % interval of the difference.
        high: Upper end of that interval.
        p_value: Two-sided p-value.
    """

    difference: float
    low: float
    high: float
    p_value: float


def bootstrap_interval(
    values: np.ndarray, level: float = 0.95, samples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Compute the bootstrap percentile interval of the mean of ``values`` ``[items]``.

    Args:
        values: One value per item.
        level: Confidence level, from 0 to 1.
        samples: Number of bootstrap samples.
        seed: Seed of the resampling.

    Returns:
        Lower and upper end.
    """
    means = np.concatenate(list(_resampled_means(np.asarray(values, float), samples, seed)))
    tail = (1 - level) / 2
    return float(np.quantile(means, tail)), float(np.quantile(means, 1 - tail))


def paired_bootstrap(first: np.ndarray, second: np.ndarray, samples: int = 2000, seed: int = 0) -> PairedTest:
    """Compare two systems on the same items.

    Args:
        first: ``[items]`` values of the first system.
        second: ``[items]`` values of the second system.
        samples: Number of bootstrap samples.
        seed: Seed of the resampling.
    """
    differences = np.asarray(first, float) - np.asarray(second, float)
    means = np.concatenate(list(_resampled_means(differences, samples, seed)))
    # Ties count on both sides, so that no system is significantly better than itself.
    side = min((means <= 0).mean(), (means >= 0).mean())
    low, high = np.quantile(means, (0.025, 0.975))
    p_value = min(1.0, 2 * max(side, 1 / samples))
    return PairedTest(float(differences.mean()), float(low), float(high), float(p_value))


def _resampled_means(values: np.ndarray, samples: int, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    for start in range(0, samples, _CHUNK):
        count = min(_CHUNK, samples - start)
        yield values[rng.integers(0, len(values), (count, len(values)))].mean(1)
