"""Errors of reconstructions and of cleaned images, per value."""

import numpy as np

from kerasae import backends, models

_EPSILON = 1e-7  # keeps the logarithm finite where a float32 sigmoid reaches 0 or 1


def mean_squared_error(x: np.ndarray, x_hat: np.ndarray) -> float:
    """Mean over all values of `(x − x̂)²`, in float64."""
    return float(np.mean(np.square(np.asarray(x, "float64") - x_hat)))


def binary_crossentropy(x: np.ndarray, x_hat: np.ndarray) -> float:
    """Mean over all values of `−x ln x̂ − (1 − x) ln(1 − x̂)`, in nats per pixel; both in [0, 1]."""
    p = np.clip(np.asarray(x_hat, "float64"), _EPSILON, 1 - _EPSILON)
    return float(-np.mean(x * np.log(p) + (1 - x) * np.log1p(-p)))


def noisy(model: models.Autoencoder, x: np.ndarray) -> np.ndarray:
    """Corrupt images with a fixed draw of the noise that the model was trained to remove.

    Raises:
        ValueError: The model was trained without noise.
    """
    if model.noise is None:
        raise ValueError(
            f"The model must have `noise`. Received {type(model).__name__} without. Use a denoising entry."
        )
    return backends.infer(model.noise.corrupt, x)


def mse(measurement) -> float:
    """Mean squared error of the reconstructions."""
    return mean_squared_error(measurement.x, measurement.reconstructions)


def bce(measurement) -> float:
    """Binary cross-entropy of the reconstructions, in nats per pixel."""
    return binary_crossentropy(measurement.x, measurement.reconstructions)


def denoised_mse(measurement) -> float:
    """Mean squared error of the cleaned images to the original ones."""
    return mean_squared_error(measurement.x, measurement.cleaned)


def denoised_bce(measurement) -> float:
    """Binary cross-entropy of the cleaned images against the original ones, in nats per pixel."""
    return binary_crossentropy(measurement.x, measurement.cleaned)
