"""A residual block for signals, images and volumes."""

import math

import keras
from keras import layers


@keras.saving.register_keras_serializable(package="kerasae")
class ResidualBlock(layers.Layer):
    """Residual block with pre-activation: `x + conv(f(norm(conv(f(norm(x))))))`, same shape.

    The second convolution starts at zero, so a new block is the identity and a deep network starts as a shallow one.
    The rank of the input selects 1-D, 2-D or 3-D convolutions.

    Args:
        kernel_size: Kernel size of both convolutions.
        activation: Activation function f.
        groups: Number of groups of the group normalization. If it does not divide the number of channels, their
            greatest common divisor is used.

    References:
        Identity mappings in deep residual networks (He, Zhang, Ren & Sun, 2016): this order
        Group normalization (Wu & He, 2018)

    >>> tuple(ResidualBlock()(np.zeros((2, 7, 7, 16))).shape)
    (2, 7, 7, 16)
    """

    def __init__(self, kernel_size: int = 3, activation="silu", groups: int = 8, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size, self.groups = kernel_size, groups
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        channels = input_shape[-1]
        convolution = getattr(layers, f"Conv{len(input_shape) - 2}D")
        for place, initializer in (("first", "glorot_uniform"), ("second", "zeros")):
            # With Keras's larger epsilon, inputs of low contrast would not be normalized fully.
            norm = layers.GroupNormalization(math.gcd(self.groups, channels), epsilon=1e-5, dtype=self.dtype_policy)
            conv = convolution(
                channels,
                self.kernel_size,
                padding="same",
                data_format="channels_last",
                kernel_initializer=initializer,
                dtype=self.dtype_policy,
            )
            setattr(self, f"{place}_norm", norm)
            setattr(self, f"{place}_conv", conv)
            norm.build(input_shape)
            conv.build(input_shape)

    def call(self, x):
        y = self.first_conv(self.activation(self.first_norm(x)))
        return x + self.second_conv(self.activation(self.second_norm(y)))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        activation = keras.activations.serialize(self.activation)
        own = {"kernel_size": self.kernel_size, "activation": activation, "groups": self.groups}
        return {**super().get_config(), **own}
