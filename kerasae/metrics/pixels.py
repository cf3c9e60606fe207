"""Errors of reconstructions and of denoised images, per value."""

import numpy as np

from kerasae import backends, models

_EPSILON = 1e-7  # keeps the logarithm finite where a float32 sigmoid is exactly 0 or 1


def mean_squared_error(x: np.ndarray, x_hat: np.ndarray) -> float:
    """Mean of `(x − x̂)²` over all values, computed in float64."""
    return float(np.mean(np.square(np.asarray(x, "float64") - x_hat)))


def binary_crossentropy(x: np.ndarray, x_hat: np.ndarray) -> float:
    """Mean of `−x ln x̂ − (1 − x) ln(1 − x̂)` over all values, in nats per pixel, for x and x̂ in [0, 1]."""
    p = np.clip(np.asarray(x_hat, "float64"), _EPSILON, 1 - _EPSILON)
    return float(-np.mean(x * np.log(p) + (1 - x) * np.log1p(-p)))


def structural_similarity(x: np.ndarray, x_hat: np.ndarray, value_range: tuple[float, float] = (0.0, 1.0)) -> float:
    """Mean structural similarity index (SSIM) of images and their reconstructions.

    `SSIM = (2 μ μ̂ + C₁)(2 σ_xx̂ + C₂) / ((μ² + μ̂² + C₁)(σ² + σ̂² + C₂))`, with the local means, variances and
    covariance under a Gaussian window of 11 × 11 pixels (standard deviation 1.5), `C₁ = (0.01 L)²`,
    `C₂ = (0.03 L)²` and the length L of the range. The mean is over all pixels, channels and images; images are
    mirrored at their edges.

    Args:
        x, x_hat: Images `(n, height, width, ...)`.
        value_range: Lowest and highest value of a pixel.

    Returns:
        A number without unit: 1 for equal images, about 0 for unrelated ones.

    References:
        Image quality assessment: from error visibility to structural similarity (Wang, Bovik, Sheikh &
        Simoncelli, 2004)

    >>> x = np.random.default_rng(0).random((2, 28, 28, 1))
    >>> round(structural_similarity(x, x), 6), structural_similarity(x, 1 - x) < 0
    (1.0, True)
    """
    parts = range(0, len(x), 1000)  # limits the memory for local moments
    return float(sum(_similarities(x[i : i + 1000], x_hat[i : i + 1000], value_range).sum() for i in parts) / x.size)


def _similarities(x, x_hat, value_range) -> np.ndarray:
    """Structural similarity at every pixel."""
    from scipy.ndimage import gaussian_filter

    def local_mean(values):
        return gaussian_filter(values, (0, 1.5, 1.5, *[0] * (values.ndim - 3)), truncate=3.5)

    x, x_hat = np.asarray(x, "float64"), np.asarray(x_hat, "float64")
    length = value_range[1] - value_range[0]
    c1, c2 = (0.01 * length) ** 2, (0.03 * length) ** 2
    mean, mean_hat = local_mean(x), local_mean(x_hat)
    variance, variance_hat = local_mean(x**2) - mean**2, local_mean(x_hat**2) - mean_hat**2
    covariance = local_mean(x * x_hat) - mean * mean_hat
    likeness = (2 * mean * mean_hat + c1) * (2 * covariance + c2)
    return likeness / ((mean**2 + mean_hat**2 + c1) * (variance + variance_hat + c2))


def noisy(model: models.Autoencoder, x: np.ndarray) -> np.ndarray:
    """Corrupt images with a fixed draw of the noise that the model was trained to remove.

    Raises:
        ValueError: If the model has no noise.
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


def ssim(measurement) -> float:
    """Mean structural similarity of the inputs and their reconstructions."""
    return structural_similarity(measurement.x, measurement.reconstructions, measurement.model.value_range)


def denoised_mse(measurement) -> float:
    """Mean squared error of the denoised images, compared with the clean ones."""
    return mean_squared_error(measurement.x, measurement.cleaned)


def denoised_bce(measurement) -> float:
    """Binary cross-entropy of the denoised images, compared with the clean ones, in nats per pixel."""
    return binary_crossentropy(measurement.x, measurement.cleaned)
