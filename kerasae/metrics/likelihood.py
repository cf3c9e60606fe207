"""The evidence lower bound of variational autoencoders."""

import math

import numpy as np

from kerasae import models
from kerasae.metrics.pixels import binary_crossentropy


def negative_elbo(model: models.VariationalAutoencoder, x: np.ndarray, draws: int = 1, **condition) -> dict[str, float]:
    """The negative evidence lower bound of images in [0, 1] and its two terms, in nats per image.

    `−ELBO = E[−Σ log p(x | z)] + KL(q(z | x) ‖ p(z))`, with the KL divergence in closed form. The
    expectation over q is a mean over draws made by NumPy, so that it is the same on every backend.

    Args:
        model: Trained model.
        x: Images `(n, *input_shape)`.
        draws: Number of codes drawn for each image.
        **condition: `label`, the classes of the images, for a conditional model.

    Returns:
        `negative_elbo`, `reconstruction_loss` and `kl_loss`.

    References:
        Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
    """
    mean, log_variance = (np.asarray(part, "float64") for part in model.posterior(x, **condition))
    kl = float(np.mean(0.5 * np.sum(np.exp(log_variance) + mean**2 - 1 - log_variance, axis=1)))
    codes = (model.sample(x, seed, **condition) for seed in range(draws))
    per_pixel = [binary_crossentropy(x, model.decode(z, **condition)) for z in codes]
    reconstruction = float(np.mean(per_pixel)) * math.prod(model.data_shape)
    return {"negative_elbo": reconstruction + kl, "reconstruction_loss": reconstruction, "kl_loss": kl}


def bound(measurement) -> float:
    """The negative evidence lower bound."""
    return measurement.elbo["negative_elbo"]


def reconstruction(measurement) -> float:
    """The reconstruction term of the bound."""
    return measurement.elbo["reconstruction_loss"]


def divergence(measurement) -> float:
    """The KL divergence of the posterior from the prior."""
    return measurement.elbo["kl_loss"]
