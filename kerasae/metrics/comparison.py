"""Compare measured figures with the figures on a card."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from kerasae.metrics.table import METRICS, RELATIVE


class Comparison(NamedTuple):
    """A measured figure and the one on a card.

    Attributes:
        measured: Measured value; NaN if the figure was not measured.
        stated: Value on the card; None if the card lacks it.
        difference: Difference of the two, absolute or relative to `stated`; NaN if one of them is missing.
        tolerance: Largest allowed difference.
        is_absolute: Whether `difference` and `tolerance` are absolute.
    """

    measured: float
    stated: float | None
    difference: float
    tolerance: float
    is_absolute: bool

    @property
    def is_tolerable(self) -> bool:
        """Whether the difference is within the tolerance; True for a figure that the card lacks."""
        return self.stated is None or self.difference <= self.tolerance


def compare(measured: Mapping[str, float], stated: Mapping[str, float]) -> dict[str, Comparison]:
    """Compare figures with those on a card.

    Args:
        measured: Measured figures, as `metrics.figures` returns them.
        stated: Figures on the card.

    Returns:
        A `Comparison` for each key in `measured` or `stated`.

    >>> compare({"mse": 0.02001}, {"mse": 0.02})["mse"].is_tolerable
    False
    """
    return {key: _compared(key, measured.get(key, math.nan), stated.get(key)) for key in {**measured, **stated}}


def _compared(key: str, measured: float, stated: float | None) -> Comparison:
    metric = METRICS.get(key)
    is_absolute = metric is not None and metric.is_absolute
    if stated is None:
        return Comparison(measured, None, math.nan, RELATIVE, is_absolute)
    tolerance = metric.tolerance(stated) if metric else RELATIVE
    difference = abs(measured - stated)
    return Comparison(
        measured, stated, difference if is_absolute or not stated else difference / abs(stated), tolerance, is_absolute
    )
