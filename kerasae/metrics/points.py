"""Metrics of points in the plane, and of linear models."""

import numpy as np

from kerasae import data, models
from kerasae.metrics.baselines import fit_pca
from kerasae.metrics.pixels import mean_squared_error


def rms_distance_to_sine(points: np.ndarray) -> float:
    """Root mean square distance of points `(n, 2)` to the curve `(t, sin t)`, t in [-2.2, 2.2]."""
    from scipy.spatial import KDTree

    t = np.linspace(-data.SINE_LIMIT, data.SINE_LIMIT, 100_001)  # neighbors 4e-5 apart
    distance, _ = KDTree(np.stack([t, np.sin(t)], axis=1)).query(points)
    return float(np.sqrt(np.mean(np.square(distance))))


def angle_to_pca(model: models.LinearAutoencoder, x: np.ndarray) -> float:
    """Largest principal angle between the span of a linear decoder and the PCA subspace of `x`, in degrees."""
    from scipy.linalg import subspace_angles

    origin = model.decode(np.zeros((1, model.latent_dim), "float32"))
    span = (model.decode(np.eye(model.latent_dim, dtype="float32")) - origin).reshape(model.latent_dim, -1)
    return float(np.degrees(subspace_angles(span.T, fit_pca(x, model.latent_dim).components_.T).max()))


def fresh_mse(measurement) -> float:
    """Mean squared error of the test points, which differ from the training points in their noise."""
    x = measurement.dataset.x_test
    return mean_squared_error(x, measurement.model.reconstruct(x))


def rms_distance(measurement) -> float:
    """`rms_distance_to_sine` of the reconstructions."""
    return rms_distance_to_sine(measurement.reconstructions)


def angle(measurement) -> float:
    """`angle_to_pca` on the training set."""
    return angle_to_pca(measurement.model, measurement.dataset.x_train)
