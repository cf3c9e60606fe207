"""Sparse autoencoders with a fixed number of active units per code."""

import math

import keras
import numpy as np
from keras import layers, ops

from kerasae._checks import positive_size
from kerasae.layers.topk import TopK, largest
from kerasae.losses import weighted_mean
from kerasae.models import blocks
from kerasae.models.base import Autoencoder
from kerasae.models.loss_weights import LossWeight


@keras.saving.register_keras_serializable(package="kerasae")
class TopKAutoencoder(Autoencoder):
    """A sparse autoencoder: exactly k units of each code are not 0. The decoder is a dictionary of atoms.

    `x → flatten → dense → the k largest values z (n, latent_dim) → dense → x_hat`

    A code may be larger than the input (an overcomplete dictionary): each reconstruction is a weighted sum of k of the
    `latent_dim` atoms, which have norm 1, plus a bias. A unit that no input has used for `dead_after` training steps is
    dead. To revive dead units, training adds `auxiliary_weight · auxiliary_loss`: the mean squared error of
    reconstructing what is left over, `y − x_hat`, from the `auxiliary_units` largest values of dead units. It is 0 if
    no unit is dead. Logs also have `dead_units`, the fraction of dead units.

    Args:
        input_shape: Shape of one input.
        latent_dim: Number of units and atoms.
        k: Number of active units per code.
        value_range, **kwargs: As for `Autoencoder`.
        auxiliary_weight: Weight of the auxiliary loss, not negative. Can be set at any time.
        auxiliary_units: Number of dead units that reconstruct what is left over; `latent_dim // 2` unless given.
        dead_after: Number of training steps without use after which a unit is dead.

    Raises:
        ValueError: If a number is not a positive integer, `k` is larger than `latent_dim`, or the weight is negative.

    Attributes:
        dictionary: The atoms, `(latent_dim, *input_shape)`.

    References:
        k-Sparse autoencoders (Makhzani & Frey, 2014)
        Scaling and evaluating sparse autoencoders (Gao et al., 2024): the loss against dead units

    >>> model = TopKAutoencoder((28, 28, 1), latent_dim=100, k=5)
    >>> int((model.encode(np.random.default_rng(0).random((1, 28, 28, 1))) != 0).sum()), model.dictionary.shape
    (5, (100, 28, 28, 1))
    """

    reported = ("reconstruction_loss", "auxiliary_loss", "dead_units")
    auxiliary_weight = LossWeight()

    def __init__(
        self,
        input_shape,
        latent_dim=1024,
        k=32,
        value_range=(0.0, 1.0),
        auxiliary_weight=1 / 32,
        auxiliary_units=None,
        dead_after=500,
        **kwargs,
    ):
        super().__init__(input_shape, value_range, **kwargs)
        self.latent_dim, self.k = positive_size("latent_dim", latent_dim), positive_size("k", k)
        default = max(1, self.latent_dim // 2)
        self.auxiliary_units = default if auxiliary_units is None else positive_size("auxiliary_units", auxiliary_units)
        if max(self.k, self.auxiliary_units) > self.latent_dim:
            raise ValueError(
                f"k and auxiliary_units must be at most latent_dim, {self.latent_dim}. "
                f"Received: k={self.k}, auxiliary_units={self.auxiliary_units}."
            )
        self.dead_after = positive_size("dead_after", dead_after)
        self.auxiliary_weight = auxiliary_weight
        self.output_activation = keras.activations.linear
        code = [
            layers.Dense(self.latent_dim, name="code", dtype=self.dtype_policy),
            TopK(self.k, dtype=self.dtype_policy),
        ]
        atoms = layers.Dense(
            math.prod(self.data_shape),
            kernel_constraint=keras.constraints.UnitNorm(axis=1),
            name="logits",
            dtype=self.dtype_policy,
        )
        encoder = [keras.Input(self.data_shape), blocks.flat(self), *code]
        decoder = [keras.Input((self.latent_dim,)), atoms, *blocks.dense_output(self)]
        self.set_parts(keras.Sequential(encoder, name="encoder"), keras.Sequential(decoder, name="decoder"))
        self.active_size = self.k

    @property
    def dictionary(self) -> np.ndarray:
        """The atoms, `(latent_dim, *input_shape)`."""
        return ops.convert_to_numpy(self.decoder.layers[0].kernel).reshape(-1, *self.data_shape)

    def loss_terms(self, x, y=None, sample_weight=None, training=True, y_pred=None):
        y, top_k = self.target(x, y), self.encoder.layers[-1]
        values = self._values(self.corrupted(x, training))
        is_dead = ops.cast(top_k.idle_steps >= self.dead_after, "float32")
        z = top_k(values, training=training)
        reconstruction, x_hat = self._reconstruction_loss(z, y, sample_weight, training, y_pred)
        left_over = ops.stop_gradient(ops.cast(y, "float32") - ops.cast(x_hat, "float32"))
        squares = ops.square(left_over - self._from_dead(values, is_dead))
        per_image = ops.mean(ops.reshape(squares, (-1, math.prod(self.data_shape))), axis=-1)
        auxiliary = ops.max(is_dead) * weighted_mean(per_image, sample_weight)
        terms = {
            "loss": reconstruction + self.auxiliary_weight * auxiliary + self._penalties(),
            "reconstruction_loss": reconstruction,
            "auxiliary_loss": auxiliary,
            "dead_units": ops.mean(is_dead),
        }
        return terms, x_hat

    def _values(self, x):
        """Values of the code's units before the selection, `(n, latent_dim)`."""
        for layer in self.encoder.layers[:-1]:
            x = layer(x)
        return x

    def _from_dead(self, values, is_dead):
        """Reconstruct images from the largest values of dead units, without the bias."""
        values = ops.cast(values, "float32")
        lowest = ops.min(values) - 1.0
        mask = largest(ops.where(is_dead > 0, values, lowest), self.auxiliary_units) * is_dead
        return ops.reshape(ops.matmul(values * mask, self.decoder.layers[0].kernel), (-1, *self.data_shape))

    def get_config(self):
        return {
            **super().get_config(),
            "latent_dim": self.latent_dim,
            "k": self.k,
            "auxiliary_units": self.auxiliary_units,
            "dead_after": self.dead_after,
        }
