"""Points near a curve in the plane."""

import numpy as np

from kerasae.data.dataset import Dataset, data_set

SINE_LIMIT = 2.2


@data_set
def sine(n: int = 1000, noise: float = 0.06, seed: int = 0) -> Dataset:
    """Noisy points of a sine: a one-dimensional manifold in the plane.

    Points `(t, sin t) + ε`, t evenly spaced in [-2.2, 2.2], `ε ~ N(0, noise²)` on both coordinates.

    Args:
        n: Number of points in each of the training set and the test set, which differ in their noise.
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
    """A few training points of the sine, each many times: too few to learn the curve from.

    Args:
        points: Number of points, evenly chosen from the 1000 of `sine`: with 25, every 40th.
        copies: Number of times that each point is repeated.

    Returns:
        `x_train (points · copies, 2)` and its t; the test set of `sine`.
    """
    whole = sine()
    every = len(whole.x_train) // points
    x, t = whole.x_train[::every][:points], whole.y_train[::every][:points]
    return Dataset(np.tile(x, (copies, 1)), np.tile(t, copies), whole.x_test, whole.y_test)


@data_set
def two_moons(n: int = 1000, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Noisy points of two interleaved half circles: scikit-learn's `make_moons`.

    A one-dimensional code can follow one curve without a break, and these are two.

    Args:
        n: Number of points in each of the training set and the test set.
        noise: Standard deviation of the noise on both coordinates.
        seed: Seed of the noise and of the order of the points.

    Returns:
        `x_train, x_test (n, 2)`, with the half circle of each point, 0 or 1, as `y_train, y_test (n,)`.
    """
    from sklearn.datasets import make_moons

    state = np.random.RandomState(seed)
    (x_train, y_train), (x_test, y_test) = (make_moons(n, noise=noise, random_state=state) for _ in range(2))
    return Dataset(x_train.astype("float32"), y_train, x_test.astype("float32"), y_test)
