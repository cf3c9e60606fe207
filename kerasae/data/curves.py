"""Synthetic data sets: noisy points near a curve in the plane."""

import numpy as np

from kerasae._checks import integer, positive_size
from kerasae.data.dataset import Dataset, data_set

SINE_LIMIT = 2.2


@data_set
def sine(n: int = 1000, noise: float = 0.06, seed: int = 0) -> Dataset:
    """Generate noisy points of a sine, a one-dimensional manifold in the plane.

    The points are `(t, sin t) + ε`, with t evenly spaced in [-2.2, 2.2] and `ε ~ N(0, noise²)` on both coordinates.

    Args:
        n: Number of points in the training set and in the test set, which differ only in their noise.
        noise: Standard deviation of the noise.
        seed: Seed of the noise.

    Returns:
        `x_train, x_test (n, 2)`, with the t of each point as `y_train, y_test (n,)`.
    """
    t = np.linspace(-SINE_LIMIT, SINE_LIMIT, n)
    curve = np.stack([t, np.sin(t)], axis=1)
    rng = np.random.default_rng(seed)
    train, test = ((curve + rng.normal(0.0, noise, curve.shape)).astype("float32") for _ in range(2))
    return Dataset(train, t, test, t)


@data_set
def sine_excerpt(points: int = 25, copies: int = 4000) -> Dataset:
    """Take a few points of `sine` for training, too few to learn the curve, and repeat them.

    Args:
        points: Number of distinct points, evenly spaced among the 1000 of `sine`: with 25, every 40th.
        copies: Number of copies of each point.

    Returns:
        `x_train (points · copies, 2)` and t as `y_train`; the test set of `sine`.

    Raises:
        ValueError: If `points` is not an integer from 1 to 1000, or `copies` is not a positive integer.
    """
    whole = sine()
    most = len(whole.x_train)
    if not 1 <= integer("points", points) <= most:
        raise ValueError(
            f"points must be an integer from 1 to {most}, the number of points of sine(). Received: {points}. "
            "Use sine(n) to generate more points."
        )
    every, copies = most // points, positive_size("copies", copies)
    x, t = whole.x_train[::every][:points], whole.y_train[::every][:points]
    return Dataset(np.tile(x, (copies, 1)), np.tile(t, copies), whole.x_test, whole.y_test)


@data_set
def two_moons(n: int = 1000, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Generate noisy points of two interleaved half circles with scikit-learn's `make_moons`.

    These are two separate curves, which the single curve decoded from a one-dimensional code cannot follow exactly.

    Args:
        n: Number of points in the training set and in the test set.
        noise: Standard deviation of the noise on both coordinates.
        seed: Seed of the noise and of the order of the points.

    Returns:
        `x_train, x_test (n, 2)`, with the half circle of each point, 0 or 1, as `y_train, y_test (n,)`.
    """
    from sklearn.datasets import make_moons

    state = np.random.RandomState(seed)
    (x_train, y_train), (x_test, y_test) = (make_moons(n, noise=noise, random_state=state) for _ in range(2))
    return Dataset(x_train.astype("float32"), y_train, x_test.astype("float32"), y_test)
