"""Ranges of options: the types that fields are declared with, the words for each, and their check.

The command line checks a value when it parses it; `checked` does the same for options made in Python.
"""

from __future__ import annotations

import math
import operator
import types
from dataclasses import fields, is_dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from jsonargparse.typing import (
    ClosedUnitInterval,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    restricted_number_type,
)

from summgan.errors import SummGANError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    AtLeastTwo = int
    UpTo256 = int
    UpTo65536 = int
    Seed = int
    UnitIntervalBelowOne = float
    UnitIntervalAboveZero = float
else:
    AtLeastTwo = restricted_number_type("AtLeastTwo", int, (">=", 2))
    UpTo256 = restricted_number_type("UpTo256", int, [(">=", 1), ("<=", 256)])
    UpTo65536 = restricted_number_type("UpTo65536", int, [(">=", 1), ("<=", 65_536)])
    Seed = restricted_number_type("Seed", int, [(">=", 0), ("<", 2**32)])
    UnitIntervalBelowOne = restricted_number_type("UnitIntervalBelowOne", float, [(">=", 0), ("<", 1)])
    UnitIntervalAboveZero = restricted_number_type("UnitIntervalAboveZero", float, [(">", 0), ("<=", 1)])

MOST_LEAVES = 65_536
"""The most leaves that a tree may have."""

_RANGES: dict[Any, str] = {
    PositiveInt: "at least 1",
    NonNegativeInt: "0 or more",
    AtLeastTwo: "at least 2",
    UpTo256: "from 1 to 256",
    UpTo65536: "from 1 to 65536",
    Seed: f"from 0 to {2**32 - 1}",
    PositiveFloat: "more than 0",
    NonNegativeFloat: "0 or more",
    ClosedUnitInterval: "from 0 to 1",
    UnitIntervalBelowOne: "from 0 to less than 1",
    UnitIntervalAboveZero: "more than 0 and at most 1",
}
_NOUNS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    type(None): "null",
}

_Block = TypeVar("_Block", bound="DataclassInstance")


def checked(block: _Block, prefix: str = "") -> _Block:
    """A copy of options in which every number is a plain one.

    Args:
        block: A dataclass of options, which may hold other ones.
        prefix: What stands before the name of a field in a message, such as ``--training.``.

    Raises:
        SummGANError: A value is not of the type of its field; it names field, value and what it must be.
    """
    types_of = get_type_hints(type(block))
    values = {}
    for field in fields(block):
        value, name = getattr(block, field.name), f"{prefix}{field.name}"
        nested = is_dataclass(types_of[field.name])
        values[field.name] = (
            checked(value, f"{name}.") if nested else checked_value(value, types_of[field.name], name)
        )
    return replace(block, **values)


def checked_value(value: Any, kind: Any, name: str) -> Any:
    """A value as what its type says; numbers of numpy count as plain ones, and truth values are no numbers.

    Texts and lists of texts are checked where they are used, and come back as they are.

    Args:
        value: What was given.
        kind: The type of an option: a number with a range, ``bool``, a `Literal`, or one of these or None.
        name: What the option is called in the message.

    Raises:
        SummGANError: It is of another type, or out of range; infinity and NaN are out of every range.
    """
    for one in _alternatives(kind):
        try:
            return _converted(value, one)
        except (TypeError, ValueError, OverflowError):
            continue
    raise SummGANError(refusal(name, value, kind) + ".")


def refusal(name: str, value: Any, kind: Any) -> str:
    """A sentence, without its full stop, about a value that an option cannot have.

    Args:
        name: Of the option.
        value: What was given.
        kind: The type of the option.
    """
    shown = str(value) if _is_number(value, float) else f"{value!r:.60}"
    return f"{name} is {shown}; it must be {wanted(kind, value)}"


def wanted(kind: Any, value: Any = None) -> str:
    """What the value of an option must be; its range alone if it is a number of the right type."""
    return " or ".join(dict.fromkeys(_words(value, one) for one in _alternatives(kind)))


def _alternatives(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (types.UnionType, Union) else (kind,)


def _converted(value: Any, kind: Any) -> Any:
    base = _base(kind)
    if get_origin(kind) is Literal:
        if value in get_args(kind):
            return value
    elif kind is type(None):
        if value is None:
            return None
    elif base is bool:
        if value in (True, False):
            return bool(value)
    elif base not in (int, float):
        return value
    elif not isinstance(value, bool | np.bool_):
        number: int | float = operator.index(value) if base is int else _finite(value)
        return base(kind(number))
    raise ValueError(value)


def _finite(value: Any) -> float:
    if not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(value)
    return float(value)


def _base(kind: Any) -> Any:
    """The plain type that a type with a range is made of."""
    bases = (base for base in (bool, int, float) if isinstance(kind, type) and issubclass(kind, base))
    return next(bases, kind)


def _words(value: Any, kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(repr, get_args(kind)))}"
    noun, span = _NOUNS[get_origin(kind) or _base(kind)], _RANGES.get(kind)
    if span is None:
        return noun
    return span if _is_number(value, _base(kind)) else f"{noun}, {span}"


def _is_number(value: Any, base: type) -> bool:
    """Whether something is a finite number of a type."""
    try:
        if base is int:
            return not isinstance(value, bool | np.bool_) and math.isfinite(operator.index(value))
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False
