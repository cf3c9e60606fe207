"""Normal distributions of codes, and mixtures of them."""

from typing import ClassVar

import numpy as np

from kerasae._checks import positive_size
from kerasae.samplers.base import Arrays, Sampler


class Gaussian(Sampler):
    """A normal distribution with the mean and the covariance of the codes.

    Args:
        seed: As for `Sampler`.

    >>> Gaussian().fit(kerasae.zoo.load("dense8_mnist"), kerasae.data.digits().x_train).sample(3, seed=0).shape
    (3, 8)
    """

    kind = "gaussian"
    ndims: ClassVar[dict[str, int]] = {"weights": 1, "means": 2, "roots": 3}

    def _fit(self, codes):
        return _normals(np.ones(1), codes.mean(axis=0, dtype="float64")[None], np.cov(codes, rowvar=False)[None])

    def _draw(self, fitted, n, rng):
        component = rng.choice(len(fitted["weights"]), n, p=fitted["weights"])
        z = rng.standard_normal((n, fitted["means"].shape[1]))
        for k in np.unique(component):
            rows = component == k
            z[rows] = fitted["means"][k] + z[rows] @ fitted["roots"][k]
        return z

    def check(self, fitted):
        weights, (k, size) = fitted["weights"], fitted["means"].shape
        if len(weights) != k or fitted["roots"].shape != (k, size, size):
            raise ValueError("expected one weight, mean and root of a covariance for each component")
        if weights.min() < 0 or abs(weights.sum() - 1) > 1e-9:
            raise ValueError("expected weights that are not negative, with the sum 1")


class GaussianMixture(Gaussian):
    """A mixture of normal distributions, fitted by scikit-learn's expectation maximization.

    Args:
        components: Number of normal distributions, each with a full covariance; for a conditional model in each class.
            Choose it on held-out data.
        seed: As for `Sampler`; also the seed of the initial components.

    References:
        From variational to deterministic autoencoders (Ghosh, Sajjadi, Vergari, Black & Schölkopf, 2020): density
        estimation after training

    >>> sampler = GaussianMixture(5).fit(kerasae.zoo.load("vae_mnist"), kerasae.data.digits().x_train)
    >>> sampler.generate(3, seed=0).shape
    (3, 28, 28, 1)
    """

    kind = "mixture"

    def __init__(self, components: int = 10, seed: int = 0):
        super().__init__(seed)
        self.components = positive_size("components", components)

    @property
    def _least(self):
        return max(2, self.components)

    def _fit(self, codes):
        from sklearn import mixture

        fitted = mixture.GaussianMixture(self.components, random_state=self.seed).fit(codes.astype("float64"))
        return _normals(fitted.weights_, fitted.means_, fitted.covariances_)

    def get_config(self):
        return {"components": self.components, **super().get_config()}


def _normals(weights: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> Arrays:
    """Arrays of normal distributions: the symmetric roots of their covariances are unique, so backends agree."""
    roots = []
    for covariance in covariances:
        values, vectors = np.linalg.eigh(np.atleast_2d(covariance))
        roots.append((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)  # rounding can make zeros negative
    return {"weights": weights, "means": means, "roots": np.stack(roots)}
