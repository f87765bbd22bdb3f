import torch

from summgan.randomness import RandomStream, derive_seed


def stream(rows, *parts):
    return RandomStream.of(torch.tensor(rows), *parts)


def test_a_row_has_the_same_noise_in_any_batch():
    together = stream([0, 1, 2, 3], 7, "step", 5).uniform(3, 4)
    alone = stream([2], 7, "step", 5).uniform(3, 4)
    assert torch.equal(together[2:3], alone)


def test_steps_purposes_and_copies_differ():
    base = stream([0, 1], 7)
    draws = [
        base.uniform(50),
        base.fork("words").uniform(50),
        base.fork("noise").uniform(50),
        stream([0, 1], 8).uniform(50),
    ]
    draws += base.repeat(2).uniform(50)[1::2].unsqueeze(0)
    for first in range(len(draws)):
        for second in range(first):
            assert not torch.equal(draws[first], draws[second])


def test_repeated_rows_follow_each_other():
    assert stream([3, 5], 1).repeat(2).rows == (6, 7, 10, 11)


def test_the_laws_are_right():
    uniform = stream(range(8), 1).uniform(20_000)
    assert abs(uniform.mean() - 0.5) < 0.005
    assert 0 <= uniform.min() and uniform.max() < 1
    exponential = stream(range(8), 2).exponential(20_000)
    assert abs(exponential.mean() - 1) < 0.01
    assert abs(exponential.var() - 1) < 0.03
    assert exponential.min() > 0


def test_seeds_do_not_depend_on_the_process():
    assert derive_seed(0, "documents") == 7940574183369205777
    assert derive_seed(1, 23) != derive_seed(12, 3)


def test_less_noise_is_the_beginning_of_more():
    """The noise of a row does not depend on the length of the other rows in its batch."""
    base = stream([0, 4], 3)
    whole = base.uniform(40, 50).flatten(1)
    for shape in ((1,), (7,), (16,), (17,), (1000,), (3, 50)):
        part = base.uniform(*shape).flatten(1)
        assert torch.equal(part, whole[:, : part.shape[1]])


def test_the_same_request_gets_the_same_noise_again():
    first, second = stream([0, 1], 7), stream([0, 1], 7)
    for make in (lambda s: s, lambda s: s.fork("words", 3), lambda s: s.repeat(3)):
        assert torch.equal(make(first).uniform(9), make(second).uniform(9))
        assert torch.equal(make(first).uniform(9), make(first).uniform(9))


def test_exponential_noise_of_a_uniform_zero_is_still_above_zero(monkeypatch):
    monkeypatch.setattr(RandomStream, "uniform", lambda self, *shape: torch.zeros(2, *shape))
    noise = stream([0, 1], 7).exponential(3)
    assert (noise > 0).all() and torch.isfinite(-noise.log()).all()
