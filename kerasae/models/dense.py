"""Autoencoders of dense layers, for vectors and for images of any shape."""

import math

import keras
from keras import layers

from kerasae._checks import positive_size, positive_sizes
from kerasae.layers import MaskPixels
from kerasae.losses import MeanSquaredWeight, SparseCode
from kerasae.models import blocks
from kerasae.models.base import Autoencoder
from kerasae.models.loss_weights import LossWeight


@keras.saving.register_keras_serializable(package="kerasae")
class DenseAutoencoder(Autoencoder):
    """Dense autoencoder, with a linear code by default. The decoder mirrors the encoder.

    `x → flatten → hidden → z (n, latent_dim) → reversed hidden → x_hat`

    Args:
        input_shape: Shape of one input.
        hidden_units: Sizes of the encoder's hidden layers; reversed in the decoder.
        latent_dim: Latent dimension, the size of the code.
        activation: Activation function of the hidden layers.
        output_activation: Activation function of the output: 'sigmoid' for pixels in [0, 1], 'linear'
            for unbounded values.
        code_dropout: Dropout rate of the code in training, at least 0 and below 1.
        weight_penalty: Weight of the penalty `Σ mean(kernel²)` over all layers, not negative.
        kernel_initializer: Initializer of all kernels: a name, an initializer or a function
            `(shape, dtype) → tensor`. To save the model, a function must be registered with Keras.
        code_activation: Activation function of the code.
        value_range, noise, **kwargs: As for `Autoencoder`.

    Raises:
        ValueError: If a size is not a positive integer, or a rate or penalty is out of range.

    References:
        Reducing the dimensionality of data with neural networks (Hinton & Salakhutdinov, 2006)

    >>> DenseAutoencoder((28, 28, 1), latent_dim=16).encode(np.zeros((5, 28, 28, 1))).shape
    (5, 16)
    """

    weight_penalty = LossWeight()

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
        code_activation="linear",
        **kwargs,
    ):
        super().__init__(input_shape, value_range, **kwargs)
        self.weight_penalty = weight_penalty
        self.code_dropout = float(code_dropout)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.hidden_units = positive_sizes("hidden_units", hidden_units, or_none=True)
        self.latent_dim = positive_size("latent_dim", latent_dim)
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)
        self.code_activation = keras.activations.get(code_activation)
        encoder = [
            keras.Input(self.data_shape),
            blocks.flat(self),
            *self._hidden(self.hidden_units),
            self._dense(self.latent_dim, activation=self.code_activation, name="code"),
        ]
        decoder = [
            keras.Input((self.latent_dim,)),
            *self._dropout(),
            *self._hidden(self.hidden_units[::-1]),
            self._dense(math.prod(self.data_shape), name="logits"),
            *blocks.dense_output(self),
        ]
        self.set_parts(keras.Sequential(encoder, name="encoder"), keras.Sequential(decoder, name="decoder"))
        self._penalizes_weights = weight_penalty > 0
        if self._penalizes_weights:
            self._penalize_weights()

    def _dense(self, size, **kwargs):
        initializer = self.kernel_initializer
        if isinstance(initializer, keras.initializers.Initializer):
            initializer = initializer.clone()  # a shared instance would give layers of equal shape equal weights
        return layers.Dense(size, kernel_initializer=initializer, dtype=self.dtype_policy, **kwargs)

    def _hidden(self, sizes):
        return [self._dense(size, activation=self.activation) for size in sizes]

    def _dropout(self):
        if not self.code_dropout:
            return []
        # Codes are unbounded, so dropout must not use the value range of the images.
        options = {"rescale": True, "value_range": None, "dtype": self.dtype_policy, "name": "dropout"}
        return [MaskPixels(self.code_dropout, stream="decoder/dropout", **options)]

    def _penalize_weights(self) -> None:
        for layer in (*self.encoder.layers, *self.decoder.layers):
            if isinstance(layer, layers.Dense):
                layer.kernel_regularizer = layer.kernel.regularizer = MeanSquaredWeight(self.weight_penalty)

    def _loss_weight_changed(self, name, value):
        super()._loss_weight_changed(name, value)
        # A model whose weight is 0 does not compute the penalty. The first positive weight adds it.
        if name == "weight_penalty" and value and not self._penalizes_weights:
            self._penalizes_weights = True
            self._penalize_weights()
            self.forget_compiled()

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_units": self.hidden_units,
            "latent_dim": self.latent_dim,
            "activation": keras.activations.serialize(self.activation),
            "output_activation": keras.activations.serialize(self.output_activation),
            "code_dropout": self.code_dropout,
            "kernel_initializer": _serialized(self.kernel_initializer),
            "code_activation": keras.activations.serialize(self.code_activation),
        }


def _serialized(initializer):
    """Config of an initializer. ValueError for a function that is not registered: no other process could find it."""
    if isinstance(initializer, keras.initializers.Initializer):
        return keras.initializers.serialize(initializer)
    # A `functools.partial` or an object with `__call__` has no name.
    name = hasattr(initializer, "__name__") and keras.saving.get_registered_name(initializer)
    if not name or keras.saving.get_registered_object(name) is not initializer:
        raise ValueError(
            "kernel_initializer must be an initializer of Keras or a registered function to be saved. "
            f"Received: {initializer!r}. Register it with @keras.saving.register_keras_serializable()."
        )
    return keras.initializers.serialize(initializer)


@keras.saving.register_keras_serializable(package="kerasae")
class LinearAutoencoder(DenseAutoencoder):
    """One linear layer to the code and one back. At the optimum of the MSE it spans the same subspace as PCA.

    Args:
        input_shape: Shape of one input.
        latent_dim: Latent dimension, the size of the code.
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
    """A dense autoencoder with a sparsity penalty on the code.

    The penalty is an activity regularizer, which Keras divides by the batch size n:
    `(1/n) Σᵢ (l1 · Σⱼ |zᵢⱼ| + l2 · Σⱼ zᵢⱼ²)`.

    Args:
        input_shape: Shape of one input.
        l1: Weight of the sum of absolute code values, not negative. Can be set at any time.
        l2: Weight of the sum of squared code values, not negative. Can be set at any time.
        **kwargs: As for `DenseAutoencoder`.

    Raises:
        ValueError: If a size is not a positive integer, or a weight is negative.

    References:
        Sparse autoencoder, CS294A lecture notes (A. Ng, 2011)

    >>> SparseAutoencoder((28, 28, 1), l1=1e-5).encode(np.zeros((5, 28, 28, 1))).shape
    (5, 16)
    """

    l1, l2 = LossWeight(), LossWeight()

    def __init__(self, input_shape, l1=1e-5, l2=0.0, **kwargs):
        super().__init__(input_shape, **kwargs)
        self.l1, self.l2 = l1, l2
        self._penalizes_code = (l1 > 0, l2 > 0)
        self._penalize_code()

    def _penalize_code(self) -> None:
        l1, l2 = self._penalizes_code
        regularizer = SparseCode(self.l1 if l1 else None, self.l2 if l2 else None)
        self.encoder.layers[-1].activity_regularizer = regularizer if l1 or l2 else None

    def _loss_weight_changed(self, name, value):
        super()._loss_weight_changed(name, value)
        l1, l2 = self._penalizes_code
        needed = (l1 or (name == "l1" and value > 0), l2 or (name == "l2" and value > 0))
        if needed != (l1, l2):
            self._penalizes_code = needed
            self._penalize_code()
            self.forget_compiled()
