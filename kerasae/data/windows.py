"""Cut a long series into windows, and map values of windows back to steps."""

import numpy as np

from kerasae._checks import positive_size


def windows(series, length: int, stride: int = 1) -> np.ndarray:
    """Cut a long series into windows of one length.

    Args:
        series: Equally spaced values `(steps, channels)`, or `(steps,)` for one channel.
        length: Number of steps per window.
        stride: Number of steps from the start of one window to the start of the next. With `stride=length`, windows do
            not overlap.

    Returns:
        Windows `(n, length, channels)` of the dtype of the series, with `n = (steps - length) // stride + 1`. Steps
        after the last whole window are dropped.

    Raises:
        ValueError: If the series is shorter than one window or has another number of axes, or `length` or `stride` is
            not a positive integer.

    >>> windows(np.arange(6), length=3, stride=2)[..., 0]
    array([[0, 1, 2],
           [2, 3, 4]])
    """
    length, stride = positive_size("length", length), positive_size("stride", stride)
    series = np.asarray(series)
    series = series[:, None] if series.ndim == 1 else series
    if series.ndim != 2:
        raise ValueError(
            f"A series must have shape (steps, channels) or (steps,). Received: {series.shape}. "
            "For several series, cut each one into windows and join the windows with np.concatenate."
        )
    if len(series) < length:
        raise ValueError(
            f"A series must have at least as many steps as a window. Received {len(series)} steps and length={length}. "
            "Choose a shorter window."
        )
    views = np.lib.stride_tricks.sliding_window_view(series, length, axis=0)[::stride]
    return np.ascontiguousarray(np.moveaxis(views, -1, 1))


def per_step(errors, stride: int = 1, steps: int | None = None) -> np.ndarray:
    """Average the values of overlapping windows for each step of the series.

    Args:
        errors: Values per step of each window `(n, length)`, or also per channel `(n, length, channels)`, in the order
            of `windows`.
        stride: As for `windows`.
        steps: Number of steps of the series. Default: up to the end of the last window.

    Returns:
        `(steps,)` or `(steps, channels)`, float64: for each step, the mean over the windows that cover it. Steps that
        no window covers are NaN: those after the last whole window, and those between windows if `stride > length`.

    Raises:
        ValueError: If `errors` has another number of axes or is empty, or the windows cover more than `steps` steps.

    >>> per_step([[1.0, 2.0], [4.0, 6.0]], stride=1, steps=4)
    array([ 1.,  3.,  6., nan])
    """
    errors, stride = np.asarray(errors, "float64"), positive_size("stride", stride)
    if errors.ndim not in (2, 3) or not errors.size:
        raise ValueError(f"errors must have shape (n, length) or (n, length, channels). Received: {errors.shape}.")
    n, length = errors.shape[:2]
    covered = (n - 1) * stride + length
    steps = covered if steps is None else positive_size("steps", steps)
    if steps < covered:
        raise ValueError(
            f"steps must be at least {covered}, which {n} windows of {length} steps cover with stride {stride}. "
            f"Received: {steps}. Pass the stride that the windows were cut with."
        )
    total, count = np.zeros((steps, *errors.shape[2:])), np.zeros((steps, *[1] * (errors.ndim - 2)))
    for i in range(length):  # step i of all windows; these are distinct steps of the series
        rows = slice(i, i + (n - 1) * stride + 1, stride)
        total[rows] += errors[:, i]
        count[rows] += 1
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
