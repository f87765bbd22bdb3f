import numpy as np
import pytest

from summgan.evaluation.significance import bootstrap_interval, paired_bootstrap


def test_the_interval_is_that_of_the_normal_law_for_many_values():
    values = np.random.default_rng(1).normal(5, 2, 2000)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / 2000**0.5
    assert low == pytest.approx(values.mean() - half, abs=0.02)
    assert high == pytest.approx(values.mean() + half, abs=0.02)
    assert bootstrap_interval(values) == (low, high)


def test_a_system_is_no_better_than_itself_and_better_than_a_worse_one():
    rng = np.random.default_rng(2)
    values = rng.normal(30, 10, 500)
    assert paired_bootstrap(values, values).p_value == 1
    better = paired_bootstrap(values, values - rng.normal(1, 3, 500))
    assert better.p_value < 0.01 and better.low > 0 and better.difference == pytest.approx(1, abs=0.4)
    noise = [
        paired_bootstrap(values, values + rng.normal(0, 3, 500), 500, seed).p_value < 0.05
        for seed in range(60)
    ]
    assert sum(noise) <= 9
