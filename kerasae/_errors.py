"""Wording that several modules' errors share."""

import difflib
from collections.abc import Iterable


def unknown(kind: str, name: str, names: Iterable[str]) -> ValueError:
    """The error for a name that isn't there: the closest ones, then all."""
    names = list(names)
    close = difflib.get_close_matches(str(name), names, n=2, cutoff=0.5)
    guess = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    return ValueError(f"No {kind} named {name!r}.{guess} Known: {', '.join(names) or 'none'}.")
