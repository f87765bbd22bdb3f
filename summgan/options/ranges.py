"""Ranges of options: the types of the fields, the words for each range, and the check of values.

The command line checks a value when it parses it; `checked` does so for options that are made in Python.
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
"""Largest number of leaves of a tree."""

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
    """Check all options of a block.

    Args:
        block: Dataclass of options, which may contain other blocks.
        prefix: Prefix of the names of fields in messages, such as ``--training.``.

    Returns:
        A copy in which every number is a plain Python number.

    Raises:
        SummGANError: A value is not in the range of its field; the message names the field, the value and
            what it must be.
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
    """Check a value and convert it to the type of its option.

    NumPy numbers become plain ones; truth values are not numbers. Texts and lists of texts are returned
    unchanged, as they are checked where they are used.

    Args:
        value: Value that the user gives.
        kind: Type of the option: a number with a range, ``bool``, a `Literal`, or one of these or None.
        name: Name of the option, for the message.

    Raises:
        SummGANError: The value has the wrong type or is out of range, as NaN and infinity always are.
    """
    for one in _alternatives(kind):
        try:
            return _converted(value, one)
        except (TypeError, ValueError, OverflowError):
            continue
    raise SummGANError(refusal(name, value, kind) + ".")


def refusal(name: str, value: Any, kind: Any) -> str:
    """Say, in a sentence without its full stop, that an option cannot have a value.

    Args:
        name: Name of the option.
        value: Value that the user gives.
        kind: Type of the option.
    """
    shown = str(value) if _is_number(value, float) else f"{value!r:.60}"
    return f"{name} is {shown}; it must be {wanted(kind, value)}"


def wanted(kind: Any, value: Any = None) -> str:
    """Say what the value of an option must be; only its range if the value has the right type."""
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
    """Return the plain type on which a type with a range is based."""
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
    """Tell whether a value is a finite number of type ``base``."""
    try:
        if base is int:
            return not isinstance(value, bool | np.bool_) and math.isfinite(operator.index(value))
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False
