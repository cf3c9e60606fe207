"""Read untrusted JSON."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerasae.files import reading

_MAX_DEPTH = 32


def read_json(path: Path, limit: int = reading.MAX_JSON) -> dict:
    """Read a JSON file of at most `limit` bytes that contains an object.

    Raises:
        ValueError: If the file is not a regular file or is too large; otherwise as for `parse_json`.
    """
    try:
        content = reading.read_bytes(path, limit)
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    return parse_json(content, path)


def parse_json(content: bytes, source: str | Path) -> dict:
    """Parse the content of a JSON file that contains an object.

    Args:
        content: UTF-8 text.
        source: Name of the file, for error messages.

    Raises:
        ValueError: If the content is not UTF-8, not JSON, not an object, is nested deeper than 32 levels, or has NaN,
            infinity, or a control character in a text.
    """
    try:
        parsed = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
        if not isinstance(parsed, dict):
            raise ValueError(f"expected an object, received {type(parsed).__name__}")
        for value in _values(parsed):
            if isinstance(value, str) and not value.isprintable():
                raise ValueError(f"a text with control characters: {value[:40]!r}")
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError("a number that is not finite")
    except (ValueError, RecursionError) as error:
        raise _damaged(source, error) from error
    return parsed


def _damaged(source: str | Path, error: Exception) -> ValueError:
    return ValueError(
        f"{source} must be JSON as kerasae or Keras writes it. It is damaged: {reading.brief(error)}. "
        "Install kerasae or the entry again."
    )


def _refuse_constant(name: str):
    raise ValueError(f"{name} is not a number")


def _values(content, depth: int = 0) -> Iterator[Any]:
    """Yield all keys and values, at every depth."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"nested deeper than {_MAX_DEPTH} levels")
    if isinstance(content, dict):
        yield from content
        content = list(content.values())
    if isinstance(content, list):
        for value in content:
            yield from _values(value, depth + 1)
    else:
        yield content
