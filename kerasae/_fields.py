"""Validation of fields from JSON of any source. Each error message begins with the name of the field."""

import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

_MAX_NUMBERS = 100_000


def is_integer(value) -> bool:
    """Whether a value is a Python or NumPy integer, not a boolean."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value) -> bool:
    """Whether a value is a Python or NumPy real number, not a boolean."""
    return isinstance(value, Real) and not isinstance(value, bool)


def integers(name: str, values: Any, most: int) -> tuple[int, ...]:
    """Return one or more integers from 1 to `most` as a tuple, or raise ValueError."""
    given = tuple(values) if isinstance(values, Sequence) and not isinstance(values, str) else ()
    if not given or not all(is_integer(value) and 1 <= value <= most for value in given):
        raise wrong(name, f"made of integers from 1 to {most}", values)
    return tuple(map(int, given))


def numbers(name: str, values) -> tuple[float, ...]:
    """Return the finite numbers of a sequence or an array as a tuple, or raise ValueError."""
    given = values.tolist() if hasattr(values, "tolist") else values
    given = tuple(given) if isinstance(given, list | tuple) else ()
    if not 1 <= len(given) <= _MAX_NUMBERS or not all(is_number(value) and math.isfinite(value) for value in given):
        raise wrong(name, f"1 to {_MAX_NUMBERS} finite numbers", values)
    return tuple(map(float, given))


def one_of(name: str, value, known: Iterable[str]) -> str:
    """Return `value` if it is one of the known strings, or raise ValueError."""
    if not isinstance(value, str) or value not in known:
        raise wrong(name, f"one of {', '.join(known)}", value)
    return value


def wrong(name: str, expected: str, value) -> ValueError:
    """Return the error for a field that has a wrong type or is out of bounds."""
    return ValueError(f"{name} must be {expected}. Received: {brief(value)}.")


def brief(value) -> str:
    """Return at most 100 characters of `repr(value)`, for an error message."""
    return repr(value)[:100]
