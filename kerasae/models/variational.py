"""Variational autoencoders: a distribution over codes, and so a model that generates."""

import math
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers, ops

from kerasae._checks import positive_size, positive_sizes
from kerasae.layers import Sampling
from kerasae.losses import weighted_mean
from kerasae.models.autoencoder import Autoencoder
from kerasae.models.dense import output_layers


class Posterior(NamedTuple):
    """The normal distribution over codes that an encoder gives for each input; arrays or tensors `(n, latent_dim)`."""

    mean: Any
    log_variance: Any


def kl_to_standard_normal(mean, log_variance):
    """KL divergence of N(μ, σ²) from N(0, I), in nats an image: `½ Σⱼ (σⱼ² + μⱼ² − 1 − ln σⱼ²)`.

    `mean, log_variance (n, d)` → `(n,)`, in float32.
    """
    mean, log_variance = ops.cast(mean, "float32"), ops.cast(log_variance, "float32")
    return 0.5 * ops.sum(ops.exp(log_variance) + ops.square(mean) - 1.0 - log_variance, axis=-1)


@keras.saving.register_keras_serializable(package="kerasae")
class VariationalAutoencoder(Autoencoder):
    """A dense variational autoencoder with a normal posterior and a standard normal prior.

    `x → flatten → hidden → (μ, ln σ²) (n, latent_dim); z ~ N(μ, σ²) → reversed hidden → x_hat`

    Training minimises the negative evidence lower bound (ELBO), in nats an image:
    `loss = reconstruction_loss + kl_weight · kl_loss`, with the reconstruction loss summed over
    pixels (binary cross-entropy from logits, unless compiled otherwise) and the KL divergence
    `½ Σⱼ (σⱼ² + μⱼ² − 1 − ln σⱼ²)`. Training samples z anew at every step; evaluation draws one
    sample an image with a fixed seed; `encode` gives μ, and `call` and `reconstruct` decode it.

    Args:
        input_shape: Shape of one input.
        hidden_units: Sizes of the encoder's hidden layers; the decoder has them in reverse.
        latent_dim: Size of the code.
        activation: Of the hidden layers.
        output_activation, value_range, **kwargs: As for `DenseAutoencoder`.
        kl_weight: The β of a β-VAE.
        seed: Of the samples drawn while training and evaluating.

    Raises:
        ValueError: A size is not a positive integer, or `kl_weight` is negative.

    References:
        Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
        beta-VAE: learning basic visual concepts with a constrained variational framework (Higgins et al., 2017)

    >>> VariationalAutoencoder((28, 28, 1), latent_dim=10).posterior(np.zeros((5, 28, 28, 1))).log_variance.shape
    (5, 10)
    """

    over_pixels = "sum"
    reported = ("reconstruction_loss", "kl_loss")

    def __init__(
        self,
        input_shape,
        hidden_units=(400,),
        latent_dim=20,
        activation="relu",
        output_activation="sigmoid",
        value_range=(0.0, 1.0),
        kl_weight=1.0,
        seed=0,
        **kwargs,
    ):
        super().__init__(input_shape, value_range, **kwargs)
        if kl_weight < 0:
            raise ValueError(f"kl_weight must not be negative. Received: {kl_weight}")
        self.hidden_units = positive_sizes("hidden_units", hidden_units, or_none=True)
        self.latent_dim = positive_size("latent_dim", latent_dim)
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)
        self.kl_weight = float(kl_weight)
        self.seed = seed
        self.sampling = Sampling(seed, name="sampling", dtype="float32")
        self.sampling.build([(None, self.latent_dim)] * 2)
        self._assemble(self._encoder(), self._decoder())

    def _encoder(self) -> keras.Model:
        x = keras.Input(self.data_shape)
        hidden = layers.Flatten(dtype=self.dtype_policy)(x)
        for layer in self._hidden(self.hidden_units):
            hidden = layer(hidden)
        heads = [layers.Dense(self.latent_dim, name=name, dtype=self.dtype_policy) for name in Posterior._fields]
        return keras.Model(x, [head(hidden) for head in heads], name="encoder")

    def _decoder(self) -> keras.Model:
        return keras.Sequential(
            [
                keras.Input((self.latent_dim,)),
                *self._hidden(self.hidden_units[::-1]),
                layers.Dense(math.prod(self.data_shape), name="logits", dtype=self.dtype_policy),
                *output_layers(self),
            ],
            name="decoder",
        )

    def _hidden(self, sizes):
        return [layers.Dense(size, activation=self.activation, dtype=self.dtype_policy) for size in sizes]

    def call(self, x, training=None):
        """Reconstruct `x` from the mean of its posterior."""
        return self.decoder(self.encoder(x, training=training)[0], training=training)

    def _code(self, x):
        return self.encoder(x, training=False)[0]

    def posterior(self, x, batch_size: int = 256) -> Posterior:
        """`x (n, *input_shape)` → mean and log-variance, each `(n, latent_dim)`. The rest as for `encode`."""
        return self._apply(
            lambda x: Posterior(*self.encoder(x, training=False)),
            x,
            self.data_shape,
            self.value_range,
            "x",
            batch_size,
        )

    def sample(self, x, seed: int | None = None, batch_size: int = 256) -> np.ndarray:
        """Codes `(n, latent_dim)` drawn from the posterior of an array `x (n, *input_shape)`.

        Args:
            x, batch_size: As for `encode`.
            seed: The same seed gives the same draws on every backend; None gives others each time.
        """
        mean, log_variance = self.posterior(x, batch_size)
        noise = np.random.default_rng(seed).standard_normal(mean.shape, dtype="float32")
        return mean + np.exp(0.5 * log_variance) * noise

    def generate(self, n: int, seed: int | None = None):
        """Decode `n` samples of the prior N(0, I).

        Args:
            n: How many.
            seed: The same seed gives the same samples on every backend; None gives others each time.

        Returns:
            An array `(n, *input_shape)`.

        Raises:
            ValueError: `n` is not a positive integer.
        """
        shape = (positive_size("n", n), *self.code_shape)
        return self.decode(np.random.default_rng(seed).standard_normal(shape, dtype="float32"))

    def loss_terms(self, x, y=None, sample_weight=None, training=True):
        mean, log_variance = self.encoder(self._corrupted(x, training), training=training)
        z = self.sampling((mean, log_variance), training=training)
        reconstruction, x_hat = self._reconstruction_loss(z, x if y is None else y, sample_weight, training)
        kl = weighted_mean(kl_to_standard_normal(mean, log_variance), sample_weight)
        loss = reconstruction + self.kl_weight * kl + self._penalties()
        return {"loss": loss, "reconstruction_loss": reconstruction, "kl_loss": kl}, x_hat

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_units": self.hidden_units,
            "latent_dim": self.latent_dim,
            "activation": keras.activations.serialize(self.activation),
            "output_activation": keras.activations.serialize(self.output_activation),
            "kl_weight": self.kl_weight,
            "seed": self.seed,
        }
