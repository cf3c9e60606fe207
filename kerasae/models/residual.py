"""Deep convolutional autoencoders of residual blocks, for color images, signals and volumes."""

import math

import keras
from keras import layers

from kerasae._checks import positive_size, positive_sizes
from kerasae.models import blocks
from kerasae.models.base import Autoencoder
from kerasae.models.variational import ConvVariationalAutoencoder

_WIDTH, _WIDEST = 32, 256  # channels of the first level, and at most
_SIDE = 4  # longest side of the code


def filters_for(input_shape) -> tuple[int, ...]:
    """Default numbers of channels of a residual network for an input shape.

    There are as many levels as it takes to halve the longest side to 4 or less: 3 levels for 32 × 32 pixels. The first
    level has 32 channels; each further level doubles them, up to 256.

    >>> filters_for((32, 32, 3)), filters_for((200, 1))
    ((32, 64, 128), (32, 64, 128, 256, 256, 256))
    """
    levels = max(1, math.ceil(math.log2(max(input_shape[:-1], default=1) / _SIDE)))
    return tuple(min(_WIDTH * 2**level, _WIDEST) for level in range(levels))


@keras.saving.register_keras_serializable(package="kerasae")
class ResidualAutoencoder(Autoencoder):
    """A deep convolutional autoencoder of residual blocks, suited to color images.

    `x (n, h, w, c) → [conv of stride 2, residual blocks] per level → conv → z (n, ⌈h/2ᴸ⌉, ⌈w/2ᴸ⌉, latent_channels)
    → conv → [residual blocks, transposed conv of stride 2] per level → crop → x_hat (n, h, w, c)`

    Only the residual blocks are nonlinear, and each block starts as the identity. With a linear output, the network
    therefore starts as a linear autoencoder. The rank of `input_shape` selects signals, images or volumes.

    Args:
        input_shape: As for `ConvAutoencoder`.
        filters: Numbers of channels of the encoder's L levels, from the input to the code; reversed in the decoder.
            None for as many levels as bring the longest side to 4 or less, with 32, 64, 128, 256, 256, ... channels.
        latent_channels: Number of channels of the code. With the default filters, 16 channels give a code of 256
            numbers for 32 × 32 pixels.
        blocks_per_level: Number of residual blocks per level of the encoder and of the decoder.
        kernel_size: Kernel size of the residual blocks.
        activation: Activation function of the residual blocks. The code is linear.
        output_activation: Activation function of the output. `"linear"` suits the mean squared error; reconstructions
            may then lie slightly outside `value_range`.
        value_range, **kwargs: As for `DenseAutoencoder`.

    Raises:
        ValueError: As for `ConvAutoencoder`.

    References:
        Identity mappings in deep residual networks (He, Zhang, Ren & Sun, 2016)
        Group normalization (Wu & He, 2018)

    >>> model = ResidualAutoencoder((32, 32, 3))
    >>> model.filters, model.code_shape, model.code_size
    ((32, 64, 128), (4, 4, 16), 256)
    """

    any_size = True

    def __init__(
        self,
        input_shape,
        filters=None,
        latent_channels=16,
        blocks_per_level=1,
        kernel_size=3,
        activation="silu",
        output_activation="linear",
        value_range=(0.0, 1.0),
        **kwargs,
    ):
        super().__init__(input_shape, value_range, **kwargs)
        filters = filters_for(self.data_shape) if filters is None else filters
        self.filters = positive_sizes("filters", filters)
        self.blocks_per_level = positive_size("blocks_per_level", blocks_per_level)
        self.kernel_size = positive_size("kernel_size", kernel_size)
        self.latent_channels = positive_size("latent_channels", latent_channels)
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)
        encoder = self._build_encoder()
        self.set_parts(encoder, self._build_decoder(tuple(encoder.output_shape[1:])))

    def _build_encoder(self) -> keras.Model:
        code = blocks.conv(self, self.latent_channels, 1, name="code")
        return keras.Sequential([keras.Input(self.data_shape), *blocks.residual_down(self), code], name="encoder")

    def _build_decoder(self, code_shape) -> keras.Model:
        first = blocks.conv(self, self.filters[-1], 1)
        stack = [keras.Input(code_shape), first, *blocks.residual_up(self, code_shape[:-1])]
        return keras.Sequential(stack, name="decoder")

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "latent_channels": self.latent_channels,
            "blocks_per_level": self.blocks_per_level,
            "kernel_size": self.kernel_size,
            "activation": keras.activations.serialize(self.activation),
            "output_activation": keras.activations.serialize(self.output_activation),
        }


@keras.saving.register_keras_serializable(package="kerasae")
class ResidualVariationalAutoencoder(ConvVariationalAutoencoder):
    """A variational autoencoder with the residual levels of `ResidualAutoencoder`.

    `x (n, h, w, c) → [conv of stride 2, residual blocks] per level → flatten → (μ, ln σ²) (n, latent_dim);
    z ~ N(μ, σ²) → dense → small image → [residual blocks, transposed conv of stride 2] per level → crop → x_hat`

    Args:
        input_shape, filters, blocks_per_level, kernel_size, activation: As for `ResidualAutoencoder`.
        latent_dim: Latent dimension, the size of the code.
        hidden_units: Sizes of the encoder's dense layers before the code.
        **kwargs: As for `VariationalAutoencoder`.

    Raises:
        ValueError: As for `VariationalAutoencoder`, and as for `ConvAutoencoder`.

    References:
        Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
        Identity mappings in deep residual networks (He, Zhang, Ren & Sun, 2016)

    >>> ResidualVariationalAutoencoder((32, 32, 3), filters=(16, 32), latent_dim=8).generate(5).shape
    (5, 32, 32, 3)
    """

    def __init__(
        self,
        input_shape,
        filters=None,
        blocks_per_level=1,
        kernel_size=3,
        hidden_units=(),
        latent_dim=64,
        activation="silu",
        **kwargs,
    ):
        shape = positive_sizes("input_shape", input_shape)
        self.blocks_per_level = positive_size("blocks_per_level", blocks_per_level)
        filters = filters_for(shape) if filters is None else filters
        super().__init__(shape, filters, kernel_size, hidden_units, latent_dim, activation=activation, **kwargs)

    def _encoder_body(self) -> list:
        return [*blocks.residual_down(self), blocks.flat(self)]

    def _decoder_body(self) -> list:
        sides = [-(-side // 2 ** len(self.filters)) for side in self.data_shape[:-1]]
        small = (*sides, self.filters[-1])
        first = layers.Dense(math.prod(small), dtype=self.dtype_policy)
        return [first, layers.Reshape(small, dtype=self.dtype_policy), *blocks.residual_up(self, sides)]

    def get_config(self):
        return {**super().get_config(), "blocks_per_level": self.blocks_per_level}
