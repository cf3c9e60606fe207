"""Center and scale of features, for `kerasae.layers.Standardization`."""

import numpy as np

_NORMAL_RANGE = 1.349  # interquartile range of N(0, 1)


def robust(x: np.ndarray, floor: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Median of each feature as center, and interquartile range / 1.349 as scale.

    The divisor makes the scale the standard deviation of normal data. If the interquartile range is 0 (half of the
    values are equal), the scale is the standard deviation; for a constant feature it is 1.

    Args:
        x: Features `(n, d)`.
        floor: Smallest scale, in standard deviations of the feature.

    Returns:
        Center and scale, each `(d,)`.

    >>> robust(np.array([[0.0], [1.0], [2.0], [3.0], [1000.0]]), floor=0.0)[0]
    array([2.])
    """
    low, center, high = np.percentile(x, (25, 50, 75), axis=0)
    spread = x.std(axis=0)
    scale = np.where(high > low, np.maximum((high - low) / _NORMAL_RANGE, floor * spread), spread)
    return center, np.where(scale > 1e-9 * (1 + np.abs(center)), scale, 1.0)


def common(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each feature as center, and one scale for all: the root of the mean variance, or 1 if that is 0."""
    scale = float(np.sqrt(np.mean(x.var(axis=0)))) or 1.0
    return x.mean(axis=0), np.full(x.shape[1], scale)
