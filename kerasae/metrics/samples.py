"""Metrics of generated samples, computed from features of a classifier."""

import numpy as np


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance between normal distributions fitted to two sets of features, as in FID.

    `‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½)`

    Args:
        a, b: Features `(n, d)` and `(m, d)`, such as `classifier.FeatureClassifier.features` returns.

    Returns:
        The distance in squared units of the features; 0 for equal means and covariances. It is comparable only
        for the same features and set sizes, not with published FIDs.

    Raises:
        ValueError: If the numbers of features differ, or a set has fewer than two rows.

    References:
        GANs trained by a two time-scale update rule converge to a local Nash equilibrium (Heusel et al., 2017)

    >>> a = np.random.default_rng(0).normal(size=(500, 3))
    >>> round(frechet_distance(a, a + [3.0, 0.0, 0.0]), 6)
    9.0
    """
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(
            "Expected two arrays of features (n, d) and (m, d) with two rows or more. "
            f"Received shapes: {a.shape} and {b.shape}."
        )
    roots, traces = zip(*(_covariance_root(features) for features in (a, b)), strict=True)
    # The trace of (Σ₁ Σ₂)^½ is the sum of singular values of Σ₁^½ Σ₂^½, which avoids complex numbers.
    overlap = np.linalg.norm(roots[0] @ roots[1], "nuc")
    return float(np.sum(np.square(a.mean(axis=0) - b.mean(axis=0))) + sum(traces) - 2 * overlap)


def _covariance_root(features: np.ndarray) -> tuple[np.ndarray, float]:
    """Symmetric square root of the covariance of features, and the trace of the covariance."""
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(features, rowvar=False)))
    values = np.maximum(values, 0)  # rounding can make zeros slightly negative
    return (vectors * np.sqrt(values)) @ vectors.T, float(values.sum())


def distance(measurement) -> float:
    """`frechet_distance` between the features of samples and of the inputs, as many of each."""
    features = measurement.classifier.features
    return frechet_distance(features(measurement.samples), features(measurement.x))


def class_accuracy(measurement) -> float:
    """Fraction of samples that are classified as the class they were generated for."""
    return measurement.classifier.accuracy(measurement.samples, measurement.label)
