"""Values of JSON as JSON has them: 5 is 5.0, true is not 1, the order of members does not matter."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, TypeGuard


def is_number(value: object) -> TypeGuard[float]:
    """Whether the value is a finite number of JSON, which true and false are not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float holds
        return False


TYPES: Final[Mapping[str, Callable[[object], bool]]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: is_number(value) and float(value).is_integer(),
    "number": is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
"""The types of JSON Schema."""


def same(one: object, other: object) -> bool:
    """Whether two values are equal."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if is_number(one) and is_number(other):
        return one == other
    return type(one) is type(other) and one == other


def key_of(value: object) -> object:
    """What equal values share, and no others; it can be hashed."""
    if isinstance(value, dict):
        return "object", frozenset((name, key_of(one)) for name, one in value.items())
    if isinstance(value, list):
        return "array", tuple(map(key_of, value))
    return ("number" if is_number(value) else type(value).__name__), value


def is_multiple(value: float, step: float) -> bool:
    """Whether the value is the step so many times, up to what division in floats loses."""
    quotient = value / step
    return math.isfinite(quotient) and abs(quotient - round(quotient)) < 1e-9
