"""Evidence lower bound and importance-sampled log-likelihood of variational autoencoders."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from kerasae import backends, models
from kerasae._checks import positive_size
from kerasae.training import inference

IMPORTANCE_SAMPLES = 5000  # per image, for the figure on cards; as Burda et al. (2016)
ACTIVE = 0.01  # a unit is active if the variance of its posterior mean over inputs is above this
_IMAGES, _SAMPLES = 500, 50  # noise is drawn in blocks of this fixed size, so it does not depend on the batch size
_VALUES = 2**22  # most values that are decoded at once


class Likelihood(NamedTuple):
    """Likelihood figures of a variational autoencoder.

    Attributes:
        negative_elbo, reconstruction_loss, kl_loss: Results of the function `negative_elbo`, in nats per input.
        negative_log_likelihood: Mean negative log-likelihood, in nats per input.
        standard_error: Standard error of that mean over the inputs, in nats per input.
        samples: Number of importance samples per input.
        active_units: Number of active dimensions of the code.
        kl_per_dimension: KL divergence of each dimension of the code `(latent_dim,)`, in nats per input.
    """

    negative_elbo: float
    reconstruction_loss: float
    kl_loss: float
    negative_log_likelihood: float
    standard_error: float
    samples: int
    active_units: int
    kl_per_dimension: np.ndarray


def marginal_likelihood(
    model: models.VariationalAutoencoder, x: np.ndarray, samples: int = 1000, seed: int = 0, **condition
) -> Likelihood:
    """Compute all figures of `Likelihood`. Arguments as for `negative_log_likelihood`."""
    nll = negative_log_likelihood(model, x, samples, seed, **condition)
    return Likelihood(
        **negative_elbo(model, x, **condition),
        negative_log_likelihood=float(nll.mean()),
        standard_error=float(nll.std() / np.sqrt(len(nll))),
        samples=samples,
        active_units=active_units(model, x, **condition),
        kl_per_dimension=kl_per_dimension(model, x, **condition),
    )


def negative_elbo(model: models.VariationalAutoencoder, x: np.ndarray, draws: int = 1, **condition) -> dict[str, float]:
    """Compute the negative evidence lower bound and its two terms, in nats per input.

    `−ELBO = E[−ln p(x | z)] + KL(q(z | x) ‖ p(z))`, with the model's likelihood p(x | z) and the KL divergence in
    closed form. The expectation is a mean over samples of q, drawn with NumPy so that they are the same on every
    backend.

    Args:
        model: Trained model.
        x: Inputs `(n, *input_shape)`.
        draws: Number of samples of q per input.
        **condition: `label`, the classes of the inputs, for a conditional model.

    Returns:
        `negative_elbo`, `reconstruction_loss` and `kl_loss`.

    References:
        Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
    """
    posterior = model.posterior(x, **condition)
    shape = posterior.mean.shape
    noise = np.stack([np.random.default_rng(seed).standard_normal(shape, "float32") for seed in range(draws)], axis=1)
    log_likelihood, _ = _terms(model, x, posterior, noise, **condition)
    kl, reconstruction = float(kl_per_dimension(model, x, **condition).sum()), -float(log_likelihood.mean())
    return {"negative_elbo": reconstruction + kl, "reconstruction_loss": reconstruction, "kl_loss": kl}


def negative_log_likelihood(
    model: models.VariationalAutoencoder, x: np.ndarray, samples: int = 1000, seed: int = 0, **condition
) -> np.ndarray:
    """Estimate the negative log-likelihood of each input by importance sampling from the posterior.

    `−ln (1/k) Σⱼ p(x | zⱼ) p(zⱼ) / q(zⱼ | x)`, `zⱼ ~ q(z | x)`. Its expectation is an upper bound of the negative
    log-likelihood that becomes tighter with k; for k = 1 it is the negative ELBO. Memory does not grow with k.

    Args:
        model: Trained model.
        x: Inputs `(n, *input_shape)`. A Bernoulli likelihood needs binary inputs.
        samples: Number k of samples per input.
        seed: Seed of the samples, which are the same on every backend.
        **condition: `label`, the classes of the inputs, for a conditional model.

    Returns:
        Negative log-likelihoods `(n,)` in nats, float64.

    Raises:
        ValueError: If `samples` is not a positive integer; otherwise as for `model.posterior`.

    References:
        Importance weighted autoencoders (Burda, Grosse & Salakhutdinov, 2016)
    """
    positive_size("samples", samples)
    posterior = model.posterior(x, **condition)
    total = np.full(len(x), -np.inf)
    for rows, noise in _noise(posterior.mean.shape, samples, seed):
        part = type(posterior)(*(array[rows] for array in posterior))
        given = {key: np.broadcast_to(value, (len(x),))[rows] for key, value in condition.items()}
        weights = np.sum(_terms(model, x[rows], part, noise, **given), axis=0, dtype="float64")
        total[rows] = np.logaddexp(total[rows], np.logaddexp.reduce(weights, axis=1))
    return np.log(samples) - total


def kl_per_dimension(model: models.VariationalAutoencoder, x: np.ndarray, **condition) -> np.ndarray:
    """KL divergence of the posterior from the prior in each dimension of the code, averaged over inputs.

    `½ (σ² + μ² − 1 − ln σ²)`, `(latent_dim,)` in nats per input. Arguments as for `negative_elbo`.
    """
    mean, log_variance = (np.asarray(part, "float64") for part in model.posterior(x, **condition))
    return np.mean(0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance), axis=0)


def active_units(model: models.VariationalAutoencoder, x: np.ndarray, **condition) -> int:
    """Count the dimensions of the code whose posterior mean has a variance above 0.01 over the inputs.

    Arguments as for `negative_elbo`.

    References:
        Importance weighted autoencoders (Burda, Grosse & Salakhutdinov, 2016)
    """
    mean = np.asarray(model.posterior(x, **condition).mean, "float64")
    return int(np.sum(mean.var(axis=0) > ACTIVE))


def _noise(shape: tuple[int, int], samples: int, seed: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield standard normal noise `(rows, samples of a block, d)` with its rows, block by block."""
    n, d = shape
    for image in range(0, n, _IMAGES):
        for sample in range(0, samples, _SAMPLES):
            size = min(_IMAGES, n - image), min(_SAMPLES, samples - sample), d
            rng = np.random.default_rng([seed, image, sample])
            yield slice(image, image + size[0]), rng.standard_normal(size, "float32")


def _terms(model, x: np.ndarray, posterior, noise: np.ndarray, label=None):
    """Compute `ln p(x | z)` and `ln p(z) − ln q(z | x)`, each `(n, k)`, for codes from the noise `(n, k, d)`."""
    samples = noise.shape[1]  # each number of samples needs its own compiled function
    function = model.compiled_functions.get(
        model, f"importance_terms of {samples}", lambda: backends.compile_function(model.importance_terms, model)
    )
    x = np.asarray(x, "float32")
    at_once = max(1, _VALUES // (samples * x[0].size))
    return inference.apply(function, at_once, x, *posterior, noise, *model.checked_labels(label, x))


def bound(measurement) -> float:
    """Negative evidence lower bound, in nats per input."""
    return measurement.elbo["negative_elbo"]


def importance_sampled(measurement) -> float:
    """Negative log-likelihood by `IMPORTANCE_SAMPLES` importance samples, in nats per input."""
    samples, condition = IMPORTANCE_SAMPLES, measurement.condition
    return float(negative_log_likelihood(measurement.model, measurement.x, samples, **condition).mean())


def reconstruction(measurement) -> float:
    """Reconstruction term of the bound, in nats per input."""
    return measurement.elbo["reconstruction_loss"]


def divergence(measurement) -> float:
    """KL divergence of the posterior from the prior, in nats per input."""
    return measurement.elbo["kl_loss"]
