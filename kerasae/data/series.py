"""Read a long series as standardized windows."""

from pathlib import Path

import numpy as np

from kerasae import _checks
from kerasae.data.frames import is_frame
from kerasae.data.source import Source
from kerasae.data.tables import table
from kerasae.data.windows import windows
from kerasae.preprocessing import SeriesPreprocessing


def series(what, length: int, stride: int = 1, **options) -> Source:
    """Cut a long series into windows and standardize its channels.

    Args:
        what: Equally spaced values `(steps, channels)`, or `(steps,)` for one channel; or a CSV file or a data frame
            whose rows are the steps and whose columns are the channels.
        length: Number of steps per window.
        stride: Number of steps from the start of one window to the start of the next.
        **options: Arguments of `table`, for files and data frames.

    Returns:
        A `Source` whose `raw` is the series and whose `x` are the windows `(n, length, channels)`, float32. `per_step`
        maps errors of windows back to steps.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the series is shorter than one window or has missing values, or `length` or `stride` is not a
            positive integer.
        TypeError: If the values are not numbers.

    >>> series(np.sin(np.arange(100)), length=20, stride=10).x.shape
    (9, 20, 1)
    """
    name = str(what) if isinstance(what, str | Path) else "a data frame" if is_frame(what) else "an array"
    raw = np.asarray(what if name == "an array" else table(what, **options).raw)
    if raw.dtype.kind not in "biuf":
        raise TypeError(f"A series must consist of numbers. Received an array of {raw.dtype}.")
    raw = raw[:, None] if raw.ndim == 1 else raw
    n = len(windows(raw, length, stride))
    if not np.isfinite(raw).all():
        step, channel = np.argwhere(~np.isfinite(raw))[0]
        raise ValueError(
            f"A series must have a number at each step. Received none at step {step}, channel {channel}. Fill the gap, "
            "for example with np.interp, or use the steps on one side of it."
        )
    return Source(
        kind="series",
        description=f"{_checks.counted(n, 'window')} of {length} of the {len(raw):,} steps of {name}, standardized",
        raw=raw,
        preprocessing=SeriesPreprocessing.fitted(raw, length, stride),
    )
