import pytest

from summgan.training.schedules import learning_rate_factor, temperature


@pytest.mark.parametrize("kind", ["linear", "cosine", "constant"])
def test_learning_rates_rise_then_fall(kind):
    factors = [learning_rate_factor(step, 100, 10, kind) for step in range(100)]
    assert factors[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])
    assert factors[10] == pytest.approx(1.0)
    assert factors[-1] == pytest.approx(1.0 if kind == "constant" else 0.1, abs=0.02)
    assert all(a >= b for a, b in zip(factors[10:], factors[11:], strict=False))


def test_temperature_falls_exponentially():
    values = [temperature(step, 5, 2.0, 0.5) for step in range(5)]
    assert values[0] == 2.0 and values[-1] == pytest.approx(0.5)
    assert [a / b for a, b in zip(values, values[1:], strict=False)] == pytest.approx([2**0.5] * 4)
    assert temperature(0, 1, 2.0, 0.5) == 2.0


def test_there_may_be_no_warmup_and_a_single_step():
    assert learning_rate_factor(0, 1, 0, "linear") == 1.0
    assert learning_rate_factor(0, 1, 5, "cosine") == pytest.approx(1 / 6)
    assert temperature(9, 5, 2.0, 0.5) == pytest.approx(0.5)


def test_linear_and_cosine_are_half_way_at_the_same_place():
    for kind in ("linear", "cosine"):
        assert learning_rate_factor(60, 110, 10, kind) == pytest.approx(0.55)
