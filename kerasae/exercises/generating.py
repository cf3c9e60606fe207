"""Exercises to the notebook `generating`: the KL divergence, and codes to generate from."""

from typing import NamedTuple

import numpy as np

from kerasae import metrics, zoo
from kerasae.exercises.exercise import Result, correct, exercise, wrong
from kerasae.exercises.reconstructing import images
from kerasae.metrics import classifier

_ENTRY, _SAMPLES, _CODES = "dense_mnist", 1000, 5000


class Normals(NamedTuple):
    """Normal distributions with a diagonal covariance: `mean` and `log_variance`, each `(50, 8)`."""

    mean: np.ndarray
    log_variance: np.ndarray


def normals() -> Normals:
    """Fifty distributions over eight dimensions, such as an encoder gives for fifty images."""
    rng = np.random.default_rng(0)
    return Normals(rng.normal(size=(50, 8)), rng.uniform(-4.0, 1.0, (50, 8)))


@exercise("generating", normals)
def kl_term(answer) -> Result:
    """Write the Kullback-Leibler divergence of a normal distribution from the standard normal one.

    For each image an encoder gives the means and the logarithms of the variances of a normal distribution with
    independent dimensions. Write a function of these two arrays, both (n, d), that returns the KL divergence of this
    distribution from N(0, I) in nats, one value per image, (n,). `exercises.data("kl_term")` has an example of each.

    Answer: the function.

        exercises.check("kl_term", kl)
    """
    if not callable(answer):
        return wrong("Pass the function itself, without calling it: exercises.check('kl_term', kl).")
    mean, log_variance = normals()
    value = np.asarray(answer(mean, log_variance), "float64")
    if value.shape != (len(mean),):
        hint = " Sum over the dimensions." if value.shape == mean.shape else ""
        shape = f"shape ({len(mean)},)"
        return wrong(f"The result must have one value per image, {shape}. Received shape: {value.shape}.{hint}")
    variance = np.exp(log_variance)
    per_dimension = 0.5 * (variance + mean**2 - 1 - log_variance)
    if np.allclose(value, per_dimension.sum(axis=1), rtol=1e-4):
        return correct("The function agrees with ½ Σ (σ² + μ² − 1 − ln σ²).")
    for hint, mistaken in _mistakes(mean, log_variance, per_dimension).items():
        if np.allclose(value, mistaken, rtol=1e-4):
            return wrong(hint)
    if not np.isfinite(value).all():
        return wrong("Some values are not finite: log_variance is a logarithm already and can be negative.")
    return wrong("The values are wrong. Write the formula for one dimension first, and test it with μ = 1, σ = 1: ½.")


def _mistakes(mean: np.ndarray, log_variance: np.ndarray, per_dimension: np.ndarray) -> dict[str, np.ndarray]:
    """Hints to common mistakes, and the values that each of them gives."""
    variance = np.exp(log_variance)
    return {
        "It is twice the divergence: the formula starts with ½.": 2 * per_dimension.sum(axis=1),
        "The sign is wrong: a KL divergence is never negative.": -per_dimension.sum(axis=1),
        "Sum over the dimensions instead of averaging: the divergences of independent dimensions add up.": (
            per_dimension.mean(axis=1)
        ),
        "The second argument is the logarithm of the variance, not of the standard deviation.": (
            0.5 * np.sum(variance**2 + mean**2 - 1 - 2 * log_variance, axis=1)
        ),
        "The formula has σ² where yours has its logarithm: take the exponential of the second argument there.": (
            0.5 * np.sum(log_variance + mean**2 - 1 - log_variance, axis=1)
        ),
        "This is the divergence in the other direction, of N(0, I) from the distribution.": (
            0.5 * np.sum((1 + mean**2) / variance - 1 + log_variance, axis=1)
        ),
    }


class Codes(NamedTuple):
    """Codes `z (n, 16)` of the first training images."""

    z: np.ndarray


def codes() -> Codes:
    """Codes of the first 5,000 training images (or all, where there are fewer), encoded by `dense_mnist`."""
    return Codes(zoo.load(_ENTRY).encode(images().x_train[:_CODES]))


@exercise("generating", codes)
def sample_codes(answer) -> Result:
    """Generate digits with an ordinary autoencoder, by a distribution fitted to its codes.

    `dense_mnist` is not trained to generate: decoded samples of N(0, I) are no digits. The data is
    `exercises.data("sample_codes").z`: codes of training images, shape (n, 16). Fit a distribution to them and draw
    1,000 new codes. They are correct if the decoded images are closer to real digits than those of a normal
    distribution with the means and variances of the codes, but without their correlations. Closeness is the Fréchet
    distance of the features of a classifier.

    Answer: the 1,000 new codes, shape (1000, 16).

        exercises.check("sample_codes", z_new)
    """
    z, known = np.asarray(answer, "float32"), codes().z
    if z.shape != (_SAMPLES, known.shape[1]) or not np.isfinite(z).all():
        return wrong(f"Pass finite codes of shape ({_SAMPLES}, {known.shape[1]}). Received shape: {z.shape}.")
    if np.isin(z[:, 0], known[:, 0]).mean() > 0.1:
        return wrong("These are codes of images. Draw new ones from a distribution.")
    independent = known.mean(axis=0) + known.std(axis=0) * np.random.default_rng(0).standard_normal(z.shape)
    mine, limit, simplest = (
        _distance(codes) for codes in (z, independent, np.random.default_rng(0).standard_normal(z.shape))
    )
    measured = (
        f"The distance is {mine:.1f}; with independent dimensions it is {limit:.1f}, with N(0, I) {simplest:.1f}."
    )
    if mine >= limit:
        return wrong(f"{measured} Keep the correlations: fit a normal distribution with the covariance of the codes.")
    return correct(measured)


def _distance(z: np.ndarray) -> float:
    """Fréchet distance of decoded codes from test images."""
    features = classifier.load("mnist").features
    decoded = zoo.load(_ENTRY).decode(z.astype("float32"))
    return metrics.frechet_distance(features(decoded), features(images().x_test[:_SAMPLES]))
