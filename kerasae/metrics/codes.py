"""Metrics of codes: size of the values, distance from the prior, accuracy of a classifier on them."""

import numpy as np

from kerasae.metrics.measurement import LABELED


def flat(x: np.ndarray) -> np.ndarray:
    """Flatten arrays `(n, ...)` to vectors `(n, d)`."""
    return np.asarray(x).reshape(len(x), -1)


def forest_accuracy(z_train: np.ndarray, y_train: np.ndarray, z_test: np.ndarray, y_test: np.ndarray) -> float:
    """Accuracy of a random forest of 100 trees that classifies codes.

    Args:
        z_train, z_test: Codes `(n, ...)` of any shape, or images.
        y_train, y_test: Classes `(n,)`.

    Returns:
        Fraction of `y_test` that is predicted correctly, from 0 to 1.

    References:
        Random forests (Breiman, 2001)

    >>> z = np.repeat([[0.0, 1.0], [2.0, 3.0]], 50, axis=0)
    >>> forest_accuracy(z, z[:, 0] > 1, z, z[:, 0] > 1)
    1.0
    """
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(100, random_state=0).fit(flat(z_train), y_train)
    return float(forest.score(flat(z_test), y_test))


def mmd_to_prior(z: np.ndarray, seed: int = 0, most: int = 2000) -> float:
    """Distance of codes from the prior N(0, I): an unbiased estimate of the squared maximum mean discrepancy.

    `MMD² = E k(z, z′) + E k(p, p′) − 2 E k(z, p)`, with p from the prior and the inverse
    multiquadratic kernel `k(a, b) = C / (C + ‖a − b‖²)`, where `C = 2 d` is the mean squared distance of
    two points of the prior.

    Args:
        z: Codes `(n, d)`.
        seed: Seed of the prior samples, as many as codes, and of the random subset of codes.
        most: At most this many codes are used (a random subset).

    Returns:
        A number without unit: about 0 (or slightly negative, by chance) for codes from the prior, about 1 for codes
        far away from it.

    Raises:
        ValueError: If `z` is not of shape `(n, d)`, or there are fewer than two codes.

    References:
        A kernel two-sample test (Gretton et al., 2012)
        Wasserstein auto-encoders (Tolstikhin et al., 2018): the kernel

    >>> z = np.random.default_rng(1).normal(size=(2000, 8))
    >>> abs(mmd_to_prior(z)) < 1e-3 < mmd_to_prior(z + 0.5)
    True
    """
    from scipy.spatial.distance import cdist

    z = np.asarray(z, "float64")
    if z.ndim != 2 or len(z) < 2:
        raise ValueError(f"z must be two codes or more, shape (n, d). Received shape: {z.shape}. Flatten the codes.")
    rng = np.random.default_rng(seed)
    z = z if len(z) <= most else z[rng.choice(len(z), most, replace=False)]
    prior, scale = rng.standard_normal(z.shape), 2 * z.shape[1]

    def mean_kernel(a, b, pairs: int) -> float:
        return float(np.sum(scale / (scale + cdist(a, b, "sqeuclidean")))) / pairs

    def mean_within(a) -> float:
        n = len(a)  # excludes pairs of a point with itself, whose kernel is 1
        return mean_kernel(a, a, n * (n - 1)) - 1 / (n - 1)

    return mean_within(z) + mean_within(prior) - 2 * mean_kernel(z, prior, len(z) * len(prior))


def mean_absolute_code(measurement) -> float:
    """Mean absolute value of the codes."""
    return float(np.mean(np.abs(measurement.codes)))


def codebook_use(measurement) -> float:
    """Fraction of a codebook's vectors that at least one input uses, from 0 to 1."""
    indices = measurement.model.encode_indices(measurement.x)
    return len(np.unique(indices)) / measurement.model.codebook_size


def dead_units(measurement) -> float:
    """Fraction of the code's units that no input uses, from 0 to 1."""
    return float((measurement.codes == 0).all(axis=0).mean())


def distance_to_prior(measurement) -> float:
    """`mmd_to_prior` of samples of the posterior if there is one, else of the codes."""
    if not measurement.is_variational:
        return mmd_to_prior(measurement.codes)
    return mmd_to_prior(measurement.model.sample(measurement.x, seed=0, **measurement.condition))


def accuracy_of_forest(measurement) -> float:
    """`forest_accuracy` of the codes, trained on the first 1,000 training images."""
    train = measurement.dataset
    z_train = measurement.model.encode(train.x_train[:LABELED])
    return forest_accuracy(z_train, train.y_train[:LABELED], measurement.codes, measurement.label)
