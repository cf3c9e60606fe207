"""Convolutional autoencoders for signals, images and volumes of any size."""

import keras

from kerasae._checks import positive_size, positive_sizes
from kerasae.models import blocks
from kerasae.models.base import Autoencoder


@keras.saving.register_keras_serializable(package="kerasae")
class ConvAutoencoder(Autoencoder):
    """Convolutional autoencoder with pooling and upsampling. The code is a small image.

    The rank of `input_shape` selects signals, images or volumes. For images:

    `x (n, h, w, c) → [conv, pool] per level → conv → z (n, ⌈h/2ᴸ⌉, ⌈w/2ᴸ⌉, latent_channels)
    → conv → [upsample, conv] per level → crop → x_hat (n, h, w, c)`

    Args:
        input_shape: `(steps, channels)` of a signal, `(height, width, channels)` of an image or
            `(depth, height, width, channels)` of a volume.
        filters: Numbers of channels of the encoder's L levels, from the input to the code.
        kernel_sizes: One kernel size for all convolutions, or L + 1: one per level and one next to the code.
        latent_channels: Number of channels of the code.
        activation: Activation function of the hidden layers. The code is linear.
        output_activation, value_range, **kwargs: As for `DenseAutoencoder`.

    Raises:
        ValueError: If the shape is none of these or too small for the number of levels, a size is not a positive
            integer, or the numbers of filters and kernel sizes do not match.

    References:
        Stacked convolutional auto-encoders for hierarchical feature extraction (Masci, Meier, Cireșan
        & Schmidhuber, 2011)

    >>> ConvAutoencoder((30, 45, 3), filters=(16, 8), latent_channels=2).encode(np.zeros((5, 30, 45, 3))).shape
    (5, 8, 12, 2)
    """

    any_size = True

    def __init__(
        self,
        input_shape,
        filters=(64, 32),
        kernel_sizes=3,
        latent_channels=1,
        activation="relu",
        output_activation="sigmoid",
        value_range=(0.0, 1.0),
        **kwargs,
    ):
        super().__init__(input_shape, value_range, **kwargs)
        self.filters = positive_sizes("filters", filters)
        blocks.require_grid(self.data_shape, len(self.filters))
        levels = len(self.filters)
        sizes = positive_sizes("kernel_sizes", kernel_sizes)
        self.kernel_sizes = sizes * (levels + 1) if len(sizes) == 1 else sizes
        if len(self.kernel_sizes) != levels + 1:
            raise ValueError(
                f"kernel_sizes must be one integer or {levels + 1}, one for each of the {levels} levels and one "
                f"for the code. Received: {kernel_sizes!r} with filters={filters!r}"
            )
        self.latent_channels = positive_size("latent_channels", latent_channels)
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)
        encoder = self._build_encoder()
        self.set_parts(encoder, self._build_decoder(tuple(encoder.output_shape[1:])))

    def _build_encoder(self) -> keras.Model:
        *sizes, last = self.kernel_sizes
        code = blocks.conv(self, self.latent_channels, last, name="code")
        levels = blocks.pooled_convs(self, self.filters, sizes)
        return keras.Sequential([keras.Input(self.data_shape), *levels, code], name="encoder")

    def _build_decoder(self, code_shape) -> keras.Model:
        *sizes, last = self.kernel_sizes
        channels = (*self.filters[:-1][::-1], self.data_shape[-1])  # after each upsampling
        stack = [
            keras.Input(code_shape),
            blocks.conv(self, self.filters[-1], last, activation=self.activation),
            *blocks.upsampling_convs(self, channels, sizes[::-1]),
            *blocks.cropped_output(self, [side * 2 ** len(self.filters) for side in code_shape[:-1]]),
        ]
        return keras.Sequential(stack, name="decoder")

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_sizes": self.kernel_sizes,
            "latent_channels": self.latent_channels,
            "activation": keras.activations.serialize(self.activation),
            "output_activation": keras.activations.serialize(self.output_activation),
        }


@keras.saving.register_keras_serializable(package="kerasae")
class TransposedConvAutoencoder(Autoencoder):
    """Convolutional autoencoder with pooling and transposed convolutions. The code has many channels.

    The rank of `input_shape` selects signals, images or volumes. For images:

    `x (n, h, w, c) → [conv, pool] per level → z (n, ⌈h/2ᴸ⌉, ⌈w/2ᴸ⌉, last filters)
    → [transposed conv of stride 2] per level → conv → crop → x_hat (n, h, w, c)`

    The code is the last pooled layer, after its activation.

    Args:
        input_shape: As for `ConvAutoencoder`.
        filters: Numbers of channels of the encoder's L levels, from the input to the code; reversed in the decoder.
        kernel_size: Kernel size of all convolutions.
        activation: Activation function of all layers except the output layer.
        output_activation, value_range, **kwargs: As for `DenseAutoencoder`.

    Raises:
        ValueError: If the shape is not that of a signal, image or volume or is too small for the number of levels, or
            a size is not a positive integer.

    References:
        Convolutional autoencoder for image denoising, keras.io code example (S. L. Valdarrama, 2021)

    >>> TransposedConvAutoencoder((30, 45, 3), filters=(16, 8)).encode(np.zeros((5, 30, 45, 3))).shape
    (5, 8, 12, 8)
    """

    any_size = True

    def __init__(
        self,
        input_shape,
        filters=(32, 32),
        kernel_size=3,
        activation="relu",
        output_activation="sigmoid",
        value_range=(0.0, 1.0),
        **kwargs,
    ):
        super().__init__(input_shape, value_range, **kwargs)
        self.filters = positive_sizes("filters", filters)
        blocks.require_grid(self.data_shape, len(self.filters))
        self.kernel_size = positive_size("kernel_size", kernel_size)
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)
        encoder = self._build_encoder()
        self.set_parts(encoder, self._build_decoder(tuple(encoder.output_shape[1:])))

    def _build_encoder(self) -> keras.Model:
        sizes = [self.kernel_size] * len(self.filters)
        stack = [keras.Input(self.data_shape), *blocks.pooled_convs(self, self.filters, sizes)]
        return keras.Sequential(stack, name="encoder")

    def _build_decoder(self, code_shape) -> keras.Model:
        stack = [
            keras.Input(code_shape),
            *blocks.transposed_convs(self, self.filters[::-1], self.kernel_size),
            *blocks.cropped_output(self, [side * 2 ** len(self.filters) for side in code_shape[:-1]]),
        ]
        return keras.Sequential(stack, name="decoder")

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "activation": keras.activations.serialize(self.activation),
            "output_activation": keras.activations.serialize(self.output_activation),
        }
