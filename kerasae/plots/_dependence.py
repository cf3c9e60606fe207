"""Which coordinates of codes depend on each other most."""

import numpy as np

_BINS = 8
_WIDEST = 64  # coordinates that are compared


def most_dependent(z: np.ndarray) -> tuple[int, int, float]:
    """The pair of coordinates with the largest mutual information, and this information in nats.

    Each coordinate is divided into 8 bins with the same number of codes, so the estimate does not depend on the scale
    and also finds dependence without correlation. The mean estimate for independent coordinates, (8 − 1)² / 2n, is
    subtracted. Of more than 64 coordinates, the 64 with the largest variance are compared.

    Args:
        z: Codes `(n, d)` with at least two coordinates.

    References:
        Elements of information theory (Cover & Thomas, 1991)
        Note on the bias of information estimates (Miller, 1955)

    >>> z = np.random.default_rng(0).normal(size=(2000, 3))
    >>> z[:, 2] = z[:, 0] ** 2
    >>> most_dependent(z)[:2]
    (0, 2)
    """
    compared = np.sort(np.argsort(-z.var(axis=0), kind="stable")[:_WIDEST])
    indicators = np.stack([_in_bins(z[:, i]) for i in compared], axis=1)  # (n, d, bins)
    n, d, bins = indicators.shape
    flat = indicators.reshape(n, -1)
    together = (flat.T @ flat).reshape(d, bins, d, bins) / n
    alone = flat.mean(axis=0).reshape(d, bins)
    independent = alone[:, :, None, None] * alone
    terms = together * np.log(np.where(together > 0, together, 1) / np.where(independent > 0, independent, 1))
    information = terms.sum(axis=(1, 3)) - (bins - 1) ** 2 / (2 * n)
    information[np.tril_indices(d)] = -np.inf
    i, j = np.unravel_index(np.argmax(information), information.shape)
    return int(compared[i]), int(compared[j]), max(0.0, float(information[i, j]))


def _in_bins(values: np.ndarray) -> np.ndarray:
    """For each value 1 in its bin of about equally many, 0 in the others, `(n, bins)`. Equal values share a bin."""
    edges = np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1])
    return np.eye(_BINS, dtype="float32")[np.searchsorted(edges, values)]
