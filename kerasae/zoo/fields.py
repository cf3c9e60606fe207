"""Parsers for the fields of a card. Each takes a value of parsed JSON and the name of the field, for error messages.

A value of another type raises ValueError with the name of the field. Imports neither Keras nor NumPy.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

MAX_TEXT = 200  # most characters of a short string


def number(value, name: str) -> float:
    """Parse a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(name, "a number", value)
    return value


def integer(value, name: str) -> int:
    """Parse an integer, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise wrong(name, "an integer, 0 or more", value)
    return value


def text(value, name: str) -> str:
    """Parse a string."""
    if not isinstance(value, str):
        raise wrong(name, "a string", value)
    return value


def tuple_of(parse: Callable, value, name: str) -> tuple:
    """Parse a list as a tuple, each item with `parse`."""
    if not isinstance(value, list | tuple):
        raise wrong(name, "a list", value)
    return tuple(parse(item, f"{name}[{i}]") for i, item in enumerate(value))


def map_of(parse: Callable, value, name: str) -> dict:
    """Parse an object as a dict, each value with `parse`."""
    if not isinstance(value, Mapping):
        raise wrong(name, "an object", value)
    return {key: parse(item, f"{name}.{key}") for key, item in value.items()}


def setting(value, name: str):
    """Parse a string, a number or null."""
    if value is not None and not isinstance(value, str | int | float):
        raise wrong(name, "a string, a number or null", value)
    return value


def limits(value, name: str) -> tuple[float, ...] | None:
    """Parse two numbers, or null."""
    numbers = None if value is None else tuple_of(number, value, name)
    if numbers is not None and len(numbers) != 2:
        raise wrong(name, "two numbers or null", value)
    return numbers


def short_text(value, name: str) -> str:
    """Parse a string of at most `MAX_TEXT` characters."""
    if len(text(value, name)) > MAX_TEXT:
        raise wrong(name, f"a string of at most {MAX_TEXT} characters", value)
    return value


def short_setting(value, name: str):
    """Parse a short string, a number or null."""
    return short_text(value, name) if isinstance(value, str) else setting(value, name)


def short_settings(value, name: str) -> dict[str, Any]:
    """Parse an object of short strings, numbers and nulls."""
    return map_of(short_setting, value, name)


def option(value, name: str):
    """Parse a string, a number, null, or a list of these (as a tuple)."""
    return tuple_of(setting, value, name) if isinstance(value, list | tuple) else setting(value, name)


def options(value, name: str) -> dict[str, Any]:
    """Parse an object of options, each a string, a number, null, or a list of these."""
    return map_of(option, value, name)


def sizes(value, name: str) -> tuple[int, ...]:
    """Parse a list of integers, 0 or more."""
    return tuple_of(integer, value, name)


def texts(value, name: str) -> dict[str, str]:
    """Parse an object of strings."""
    return map_of(text, value, name)


def settings(value, name: str) -> dict[str, Any]:
    """Parse an object of strings, numbers and nulls."""
    return map_of(setting, value, name)


def figures(value, name: str) -> dict[str, float]:
    """Parse an object of numbers."""
    return map_of(number, value, name)


def figures_by_name(value, name: str) -> dict[str, dict[str, float]]:
    """Parse an object of objects of numbers."""
    return map_of(figures, value, name)


def build(cls: type, value, name: str, /, **parsers: Callable):
    """Build a dataclass from an object, one parser per field. Missing fields keep their defaults."""
    if not isinstance(value, Mapping):
        raise wrong(name, "an object", value)
    required = {field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING}
    if missing := sorted(required - set(value)):
        raise ValueError(f"Expected a field {name}.{missing[0]}. Received none.")
    return cls(**{key: parse(value[key], f"{name}.{key}") for key, parse in parsers.items() if key in value})


def wrong(name: str, expected: str, value) -> ValueError:
    """Return the error for a field of a wrong type."""
    return ValueError(f"Field {name} must be {expected}. Received: {str(repr(value))[:100]}.")
