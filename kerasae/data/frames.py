"""Data frames of any library that has `columns`, `frame[column]` and `to_numpy`, such as pandas and polars."""

import math
from collections.abc import Sequence

import numpy as np


def is_frame(what) -> bool:
    """Whether `what` is a data frame of pandas or another library."""
    return hasattr(what, "columns") and hasattr(what, "to_numpy")


class Frame:
    """A data frame as a table of numbers.

    Attributes:
        name: Name of the data in descriptions.
        names: Names of the columns, as text.
        first_is_nameless: Always False, since a data frame does not store row numbers as a column.

    Raises:
        ValueError: If there are no rows or no columns, or two columns have the same name.
    """

    name, first_is_nameless = "a data frame", False

    def __init__(self, frame):
        self._frame, self._keys = frame, list(frame.columns)
        self.names = [str(key) for key in self._keys]
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"Columns must have different names. Received: {', '.join(self.names)[:200]}.")
        if not self.names or not len(frame):
            raise ValueError(f"A data frame must have rows and columns. Received shape: {np.shape(frame)}.")

    def numbers(self, names: Sequence[str]) -> np.ndarray:
        """Read columns as float64 `(rows, columns)`. ValueError names the first value that is not a number."""
        return np.stack([self._numbers(name) for name in names], axis=1)

    def values(self, name: str) -> np.ndarray:
        """Read a column."""
        return np.asarray(self._frame[self._keys[self.names.index(name)]])

    def _numbers(self, name: str) -> np.ndarray:
        values = self.values(name)
        if values.dtype.kind not in "biuf":
            values = np.array([_number(value) for value in values])
        numbers = values.astype("float64")
        if not np.isfinite(numbers).all():
            bad = np.flatnonzero(~np.isfinite(numbers))
            value = self.values(name)[bad[0]]
            received = repr(str(value)[:50]) if isinstance(value, str | np.datetime64) else "no finite value"
            more = f" ({len(bad):,} such values)" if len(bad) > 1 else ""
            raise ValueError(
                f"Column {name!r} must have numbers. Received {received} in row {bad[0]}{more}. Fill in such values or "
                "drop their rows; leave a column out with columns=[...]; name a column of labels with label=..."
            )
        return numbers


def _number(value) -> float:
    """Convert a value to a number; NaN if it is not one."""
    try:
        return float(value) if not isinstance(value, str | np.datetime64 | np.timedelta64) else math.nan
    except (TypeError, ValueError):
        return math.nan
