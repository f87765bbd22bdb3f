import math
from dataclasses import dataclass, field, fields
from typing import Literal, get_type_hints

import numpy as np
import pytest
import torch

from summgan.errors import SummGANError
from summgan.options import ranges
from summgan.options.configuration import Options
from summgan.options.generation import SummarizerOptions
from summgan.options.ranges import (
    AtLeastTwo,
    ClosedUnitInterval,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Seed,
    UnitIntervalAboveZero,
    UnitIntervalBelowOne,
    UpTo256,
    UpTo65536,
    checked,
    checked_value,
    refusal,
    wanted,
)


@dataclass
class Inner:
    share: ClosedUnitInterval = 0.5


@dataclass
class Outer:
    count: PositiveInt = 3
    most: UpTo256 | None = None
    kind: Literal["a", "b"] = "a"
    on: bool = False
    name: str | None = None
    inner: Inner = field(default_factory=Inner)


@pytest.mark.parametrize(
    ("kind", "good", "bad", "words"),
    [
        (PositiveInt, (1, 10**30), (0, -1), "at least 1"),
        (NonNegativeInt, (0, 5), (-1,), "0 or more"),
        (AtLeastTwo, (2,), (1, 0), "at least 2"),
        (UpTo256, (1, 256), (0, 257), "from 1 to 256"),
        (UpTo65536, (1, 65_536), (0, 65_537), "from 1 to 65536"),
        (Seed, (0, 2**32 - 1), (-1, 2**32), "from 0 to 4294967295"),
        (PositiveFloat, (1e-9, 3), (0, 0.0, -1.5), "more than 0"),
        (NonNegativeFloat, (0, 0.0, 7.5), (-1e-9,), "0 or more"),
        (ClosedUnitInterval, (0, 1, 0.5), (-0.1, 1.1), "from 0 to 1"),
        (UnitIntervalBelowOne, (0, 0.99), (1, 1.0, -0.1), "from 0 to less than 1"),
        (UnitIntervalAboveZero, (0.01, 1), (0, 1.01), "more than 0 and at most 1"),
    ],
)
def test_a_number_is_in_its_range_or_refused_in_words(kind, good, bad, words):
    for value in good:
        result = checked_value(value, kind, "x")
        assert result == value and type(result) in (int, float)
    for value in bad:
        with pytest.raises(SummGANError, match=rf"^x is {value}; it must be {words}\.$"):
            checked_value(value, kind, "x")
    for value in (math.nan, math.inf, -math.inf, "5", None, True, np.bool_(True), [3], 1j):
        with pytest.raises(SummGANError, match=rf"^x is .*; it must be a (whole )?number, {words}\.$"):
            checked_value(value, kind, "x")


def test_numbers_of_numpy_become_plain_ones():
    for value in (3, np.int64(3), np.uint8(3)):
        assert checked_value(value, PositiveInt, "n") == 3
        assert type(checked_value(value, PositiveInt, "n")) is int
    for value in (3, np.float32(3), np.float64(3)):
        assert type(checked_value(value, PositiveFloat, "n")) is float
    for value in (3.0, 2.5, torch.tensor(1.5), np.float64(3)):
        with pytest.raises(SummGANError, match="n is .*; it must be a whole number"):
            checked_value(value, int, "n")
    with pytest.raises(SummGANError, match="n is .*; it must be a number"):
        checked_value(10**400, PositiveFloat, "n")


def test_other_types_are_named_too():
    for value in (0, "yes", None, math.nan):
        with pytest.raises(SummGANError, match="x is .*; it must be one of 'a', 'b'"):
            checked_value(value, Literal["a", "b"], "x")
    for value in ("yes", None, 2):
        with pytest.raises(SummGANError, match="x is .*; it must be true or false"):
            checked_value(value, bool, "x")
    assert checked_value(np.bool_(True), bool, "x") is True
    with pytest.raises(SummGANError, match="x is 0; it must be from 1 to 256 or null"):
        checked_value(0, UpTo256 | None, "x")


def test_blocks_are_checked_by_the_names_of_their_fields():
    given = Outer(count=np.int64(4), most=np.uint8(9), on=np.bool_(True), inner=Inner(share=1))
    made = checked(given)
    assert made == Outer(4, 9, "a", True, None, Inner(1.0)) and type(made.count) is type(made.most) is int
    assert type(given.count) is np.int64
    for wrong, name in (
        (Outer(count=0), "--x.count is 0"),
        (Outer(kind="c"), "--x.kind is 'c'"),
        (Outer(inner=Inner(share=2)), "--x.inner.share is 2"),
    ):
        with pytest.raises(SummGANError, match=name):
            checked(wrong, "--x.")


def test_what_was_typed_is_said_as_it_was_typed():
    assert refusal("--n", 0, PositiveInt) == "--n is 0; it must be at least 1"
    assert refusal("--n", "x", PositiveInt) == "--n is 'x'; it must be a whole number, at least 1"
    assert refusal("--n", "nan", NonNegativeFloat) == "--n is 'nan'; it must be a number, 0 or more"
    assert refusal("--n", "3", list[str]) == "--n is '3'; it must be a list"
    assert wanted(PositiveInt) == "a whole number, at least 1"


def test_every_range_that_an_option_has_is_in_words():
    def kinds(block):
        for name, kind in get_type_hints(block).items():
            assert name in {one.name for one in fields(block)}
            yield from kinds(kind) if hasattr(kind, "__dataclass_fields__") else [kind]

    for kind in (*kinds(Options), *kinds(SummarizerOptions)):
        assert wanted(kind) and refusal("x", object(), kind)
    assert all(kind in ranges._RANGES for kind in (PositiveInt, Seed))
