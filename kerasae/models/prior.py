"""The standard normal prior of codes: sampling from it, and the KL divergence of posteriors from it."""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from kerasae._checks import positive_size
from kerasae.models.base import Autoencoder


class Posterior(NamedTuple):
    """Parameters of the normal posterior q(z | x) of each input; arrays or tensors `(n, latent_dim)`."""

    mean: Any
    log_variance: Any


def kl_to_standard_normal(mean, log_variance):
    """KL divergence of N(μ, σ²) from N(0, I), in nats per image: `½ Σⱼ (σⱼ² + μⱼ² − 1 − ln σⱼ²)`.

    `mean, log_variance (n, d)` → `(n,)`, in float32.
    """
    mean, log_variance = ops.cast(mean, "float32"), ops.cast(log_variance, "float32")
    return 0.5 * ops.sum(ops.exp(log_variance) + ops.square(mean) - 1.0 - log_variance, axis=-1)


class StandardNormalPrior(Autoencoder):
    """Base class of autoencoders that are trained with the prior N(0, I) and can generate."""

    def generate(self, n: int, seed: int | None = None, *, label=None):
        """Decode `n` samples of the prior N(0, I).

        Args:
            n: Number of samples.
            seed: The same seed gives the same samples on every backend; None gives new ones in each call.
            label: For a conditional model: the class of each sample `(n,)`, one class for all, or None to draw
                classes uniformly.

        Returns:
            An array `(n, *input_shape)`.

        Raises:
            ValueError: If `n` is not a positive integer, or a label is given to a model that takes none.
        """
        rng = np.random.default_rng(seed)
        z = self._prior_codes(n, rng)
        if self.classes is not None and label is None:
            label = rng.integers(self.classes, size=n)
        return self.decode(z, label=label)

    def _prior_codes(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return rng.standard_normal((positive_size("n", n), *self.code_shape), dtype=np.float32)
