"""Autoencoders of dense layers, for vectors and for images of any shape."""

import math

import keras
from keras import layers

from kerasae._checks import positive_size, positive_sizes
from kerasae.layers import MaskPixels
from kerasae.losses import MeanSquaredWeight
from kerasae.models.base import Autoencoder


@keras.saving.register_keras_serializable(package="kerasae")
class DenseAutoencoder(Autoencoder):
    """Dense layers down to a linear code, and the same in reverse.

    `x → flatten → hidden → z (n, latent_dim) → reversed hidden → x_hat`

    Args:
        input_shape: Shape of one input.
        hidden_units: Sizes of the encoder's hidden layers; the decoder has them in reverse.
        latent_dim: Size of the code.
        activation: Of the hidden layers. The code is linear.
        output_activation: Of the output: 'sigmoid' for pixels in [0, 1], 'linear' for unbounded values.
        code_dropout: Probability with which each number of the code is dropped on its way into the
            decoder, in training.
        weight_penalty: Added to the loss for each layer: this times the mean of its squared weights.
        kernel_initializer: Of all layers, as Keras takes it.
        value_range, noise, **kwargs: As for `Autoencoder`.

    Raises:
        ValueError: A size is not a positive integer, or a rate or penalty is out of its range.

    References:
        Reducing the dimensionality of data with neural networks (Hinton & Salakhutdinov, 2006)

    >>> DenseAutoencoder((28, 28, 1), latent_dim=16).encode(np.zeros((5, 28, 28, 1))).shape
    (5, 16)
    """

    def __init__(
        self,
        input_shape,
        hidden_units=(128, 64),
        latent_dim=16,
        activation="relu",
        output_activation="sigmoid",
        value_range=(0.0, 1.0),
        code_dropout=0.0,
        weight_penalty=0.0,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(input_shape, value_range, **kwargs)
        if weight_penalty < 0:
            raise ValueError(f"weight_penalty must not be negative. Received: {weight_penalty}")
        self.code_dropout, self.weight_penalty = float(code_dropout), float(weight_penalty)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.hidden_units = positive_sizes("hidden_units", hidden_units, or_none=True)
        self.latent_dim = positive_size("latent_dim", latent_dim)
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)
        self._assemble(
            keras.Sequential(
                [
                    keras.Input(self.data_shape),
                    layers.Flatten(dtype=self.dtype_policy),
                    *self._hidden(self.hidden_units),
                    self._dense(self.latent_dim, activity_regularizer=self._code_regularizer(), name="code"),
                ],
                name="encoder",
            ),
            keras.Sequential(
                [
                    keras.Input((self.latent_dim,)),
                    *self._dropout(),
                    *self._hidden(self.hidden_units[::-1]),
                    self._dense(math.prod(self.data_shape), name="logits"),
                    *output_layers(self),
                ],
                name="decoder",
            ),
        )

    def _dense(self, size, **kwargs):
        return layers.Dense(
            size,
            # Its own copy: one instance gives all layers of one shape the same weights.
            kernel_initializer=type(self.kernel_initializer).from_config(self.kernel_initializer.get_config()),
            kernel_regularizer=MeanSquaredWeight(self.weight_penalty) if self.weight_penalty else None,
            dtype=self.dtype_policy,
            **kwargs,
        )

    def _hidden(self, sizes):
        return [self._dense(size, activation=self.activation) for size in sizes]

    def _dropout(self):
        if not self.code_dropout:
            return []
        return [MaskPixels(self.code_dropout, rescale=True, dtype=self.dtype_policy, name="dropout")]

    def _code_regularizer(self):
        return None

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_units": self.hidden_units,
            "latent_dim": self.latent_dim,
            "activation": keras.activations.serialize(self.activation),
            "output_activation": keras.activations.serialize(self.output_activation),
            "code_dropout": self.code_dropout,
            "weight_penalty": self.weight_penalty,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def output_layers(model):
    """What turns the last dense layer's values into inputs' shape and range; the range in float32."""
    return [
        layers.Reshape(model.data_shape, dtype=model.dtype_policy),
        layers.Activation(model.output_activation, dtype="float32", name="output"),
    ]


@keras.saving.register_keras_serializable(package="kerasae")
class LinearAutoencoder(DenseAutoencoder):
    """One linear layer to the code and one back. At its optimum it spans the subspace of PCA.

    Args:
        input_shape: Shape of one input.
        latent_dim: Size of the code.
        value_range: As for `Autoencoder`.
        **kwargs: As for `DenseAutoencoder`.

    References:
        Neural networks and principal component analysis: learning from examples without local
        minima (Baldi & Hornik, 1989)

    >>> LinearAutoencoder((2,)).reconstruct(np.zeros((5, 2))).shape
    (5, 2)
    """

    def __init__(self, input_shape, latent_dim=1, value_range=None, **kwargs):
        super().__init__(
            input_shape,
            hidden_units=(),
            latent_dim=latent_dim,
            activation="linear",
            output_activation="linear",
            value_range=value_range,
            **kwargs,
        )

    def get_config(self):
        config = super().get_config()
        for fixed in ("hidden_units", "activation", "output_activation"):
            config.pop(fixed)
        return config


@keras.saving.register_keras_serializable(package="kerasae")
class SparseAutoencoder(DenseAutoencoder):
    """A dense autoencoder whose code pays for its size.

    The penalty added to the loss is Keras's activity regulariser, divided by the batch size:
    `(1/n) Σᵢ (l1 · Σⱼ |zᵢⱼ| + l2 · Σⱼ zᵢⱼ²)`.

    Args:
        input_shape: Shape of one input.
        l1: Weight of the absolute code.
        l2: Weight of the squared code.
        **kwargs: As for `DenseAutoencoder`.

    Raises:
        ValueError: A size is not a positive integer, or a weight is negative.

    References:
        Sparse autoencoder, CS294A lecture notes (A. Ng, 2011)

    >>> SparseAutoencoder((28, 28, 1), l1=1e-5).encode(np.zeros((5, 28, 28, 1))).shape
    (5, 16)
    """

    def __init__(self, input_shape, l1=1e-5, l2=0.0, **kwargs):
        if l1 < 0 or l2 < 0:
            raise ValueError(f"l1 and l2 must not be negative. Received: l1={l1}, l2={l2}")
        self._l1, self._l2 = float(l1), float(l2)
        super().__init__(input_shape, **kwargs)

    def _code_regularizer(self):
        return keras.regularizers.L1L2(self._l1, self._l2)

    def get_config(self):
        return {**super().get_config(), "l1": self._l1, "l2": self._l2}
