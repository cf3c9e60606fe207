"""Select the training inputs that are not suspected to be outliers, before training."""

import numpy as np

from kerasae.outliers.parts import Distances

KEPT = 0.8  # fraction of the training inputs that is kept
_SAMPLE, _ROUNDS = 8, 30  # inputs per random sample, and number of samples


def usual(features: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Select the four fifths of the inputs that are least suspicious.

    The suspicion is the sum of two standardized distances: the robust Mahalanobis distance, and the distance to the
    nearest of 8 randomly drawn inputs, averaged over 30 draws. Both are robust against clusters of outliers as long as
    these are a minority.

    Args:
        features: Features of the inputs `(n, d)`.
        rng: Generator of the draws.

    Returns:
        Sorted indices of the selected inputs.

    References:
        Rapid distance-based outlier detection via sampling (Sugiyama & Borgwardt, 2013); LeSiNN: detecting anomalies
        by identifying least similar nearest neighbours (Pang, Ting & Albrecht, 2015)

    >>> features = np.random.default_rng(0).normal(size=(100, 2))
    >>> features[:5] += 10
    >>> bool(usual(features, np.random.default_rng(0)).min() >= 5)
    True
    """
    if len(features) < 2 * _SAMPLE:
        return np.arange(len(features))
    nearest = np.zeros(len(features))
    for _ in range(_ROUNDS):
        sample = features[rng.choice(len(features), _SAMPLE, replace=False)]
        squares = np.square(features).sum(axis=1)[:, None] + np.square(sample).sum(axis=1) - 2 * features @ sample.T
        nearest += np.sqrt(np.maximum(squares.min(axis=1), 0))
    suspicion = _standardized(Distances.fit(features).of_training(features)) + _standardized(nearest)
    kept = max(2 * _SAMPLE, int(np.ceil(KEPT * len(features))))
    return np.sort(np.argsort(suspicion, kind="stable")[:kept])


def _standardized(distances: np.ndarray) -> np.ndarray:
    """Standardize by median and median absolute deviation, and compress logarithmically."""
    center = np.median(distances)
    u = (distances - center) / (1.4826 * np.median(np.abs(distances - center)) + 1e-9)
    return np.sign(u) * np.log1p(np.abs(u))
