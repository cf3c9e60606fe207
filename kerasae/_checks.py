"""Validation of arguments, and error messages shared by several modules."""

import difflib
from collections.abc import Iterable
from numbers import Integral


def positive_size(name: str, size) -> int:
    """Return `size` as a positive integer, or raise ValueError."""
    if not _is_positive(size):
        raise ValueError(f"{name} must be a positive integer. Received: {size!r}")
    return int(size)


def positive_sizes(name: str, sizes, or_none: bool = False) -> tuple[int, ...]:
    """Return one or several positive integers as a tuple, or raise ValueError. `or_none` allows an empty sequence."""
    values = tuple(sizes) if isinstance(sizes, Iterable) else (sizes,)
    if not (values or or_none) or not all(map(_is_positive, values)):
        raise ValueError(f"{name} must be made of positive integers. Received: {sizes!r}")
    return tuple(map(int, values))


def learning_rate(rate: float) -> float:
    """Return a learning rate. ValueError unless it is between 0 and 1."""
    if not 0 < rate < 1:
        raise ValueError(f"learning_rate must be between 0 and 1. Received: {rate}. Usual: 0.001.")
    return rate


def one_of(name: str, value, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of the allowed strings, or raise ValueError."""
    if value not in (allowed := tuple(allowed)):
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}. Received: {value!r}.")
    return value


def integer(name: str, value) -> int:
    """Return `value` as an integer, or raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ValueError(f"{name} must be an integer. Received: {value!r}")
    return int(value)


def _is_positive(size) -> bool:
    return not isinstance(size, bool) and isinstance(size, Integral) and int(size) >= 1


def unknown(kind: str, name: str, names: Iterable[str]) -> ValueError:
    """Return the error for an unknown name, with close matches and all known names."""
    names = list(names)
    close = difflib.get_close_matches(str(name), names, n=2, cutoff=0.5)
    guess = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    return ValueError(f"No {kind} named {name!r}.{guess} Known: {', '.join(names) or 'none'}.")


def counted(n: int, noun: str) -> str:
    """Format a number with its noun: `1 picture`, `12,000 pictures`, `2 classes`."""
    return f"{n:,} {noun}" + ("" if n == 1 else "es" if noun.endswith("s") else "s")
