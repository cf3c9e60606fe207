"""The convolutional autoencoder, for images of any size."""

import keras
from keras import layers

from kerasae._checks import positive_size, positive_sizes
from kerasae.layers import UpConv2D
from kerasae.models.base import Autoencoder


@keras.saving.register_keras_serializable(package="kerasae")
class ConvAutoencoder(Autoencoder):
    """Convolutions and pooling down to a small image that is the code, and back by upsampling.

    `x (n, h, w, c) → [conv, pool] per level → conv → z (n, ⌈h/2ᴸ⌉, ⌈w/2ᴸ⌉, latent_channels)
    → conv → [upsample, conv] per level → crop → x_hat (n, h, w, c)`

    Args:
        input_shape: `(height, width, channels)`.
        filters: Channels of the encoder's levels, from the image inwards; L levels.
        kernel_sizes: One size for all, or L + 1 of them: the levels' and the code's.
        latent_channels: Channels of the code.
        activation: Of the hidden layers. The code is linear.
        output_activation, value_range, **kwargs: As for `DenseAutoencoder`.

    Raises:
        ValueError: The shape is not that of an image, or of one too small for the levels; a size is not a
            positive integer; the numbers of filters and kernel sizes don't go together.

    References:
        Stacked convolutional auto-encoders for hierarchical feature extraction (Masci, Meier, Cireșan
        & Schmidhuber, 2011)

    >>> ConvAutoencoder((30, 45, 3), filters=(16, 8), latent_channels=2).encode(np.zeros((5, 30, 45, 3))).shape
    (5, 8, 12, 2)
    """

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
        require_image_shape(self.data_shape, len(self.filters))
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
        encoder = self._encoder()
        self._assemble(encoder, self._decoder(tuple(encoder.output_shape[1:])))

    def _encoder(self) -> keras.Model:
        stack = [keras.Input(self.data_shape)]
        for filters, size in zip(self.filters, self.kernel_sizes, strict=False):
            # The activation after the pooling instead of before: the same for any that rises, on a
            # quarter of the values.
            stack += [
                self._conv(filters, size),
                layers.MaxPooling2D(2, padding="same", data_format="channels_last", dtype=self.dtype_policy),
                layers.Activation(self.activation, dtype=self.dtype_policy),
            ]
        stack.append(self._conv(self.latent_channels, self.kernel_sizes[-1], name="code"))
        return keras.Sequential(stack, name="encoder")

    def _decoder(self, code_shape) -> keras.Model:
        channels = self.data_shape[-1]
        *outer, last = self.kernel_sizes
        outputs = [*self.filters[:-1][::-1], channels]  # channels after each upsampling
        stack = [keras.Input(code_shape), self._conv(self.filters[-1], last, activation=self.activation)]
        for filters, size in zip(outputs[:-1], outer[:0:-1], strict=True):
            stack.append(UpConv2D(filters, size, activation=self.activation, dtype=self.dtype_policy))
        stack.append(UpConv2D(channels, outer[0], name="logits", dtype=self.dtype_policy))
        stack += image_output(self, *(size * 2 ** len(self.filters) for size in code_shape[:2]))
        return keras.Sequential(stack, name="decoder")

    def _conv(self, filters, size, **kwargs):
        return layers.Conv2D(
            filters, size, padding="same", data_format="channels_last", dtype=self.dtype_policy, **kwargs
        )

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
    """Convolutions and pooling down to many small maps that are the code, and back by transposed convolutions.

    `x (n, h, w, c) → [conv, pool] per level → z (n, ⌈h/2ᴸ⌉, ⌈w/2ᴸ⌉, last filters)
    → [transposed conv of stride 2] per level → conv → crop → x_hat (n, h, w, c)`

    The code is the last pooled layer, after its activation.

    Args:
        input_shape: `(height, width, channels)`.
        filters: Channels of the encoder's L levels, from the image inwards; the decoder has them in reverse.
        kernel_size: Of all convolutions.
        activation: Of all layers but the output's.
        output_activation, value_range, **kwargs: As for `DenseAutoencoder`.

    Raises:
        ValueError: The shape is not that of an image, or of one too small for the levels, or a size is not
            a positive integer.

    References:
        Convolutional autoencoder for image denoising, keras.io code example (S. L. Valdarrama, 2021)

    >>> TransposedConvAutoencoder((30, 45, 3), filters=(16, 8)).encode(np.zeros((5, 30, 45, 3))).shape
    (5, 8, 12, 8)
    """

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
        require_image_shape(self.data_shape, len(self.filters))
        self.kernel_size = positive_size("kernel_size", kernel_size)
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)
        encoder = self._encoder()
        self._assemble(encoder, self._decoder(tuple(encoder.output_shape[1:])))

    def _encoder(self) -> keras.Model:
        image = {"padding": "same", "data_format": "channels_last", "dtype": self.dtype_policy}
        stack = [keras.Input(self.data_shape)]
        for filters in self.filters:
            stack += [  # the activation on the pooled values: see ConvAutoencoder
                layers.Conv2D(filters, self.kernel_size, **image),
                layers.MaxPooling2D(2, **image),
                layers.Activation(self.activation, dtype=self.dtype_policy),
            ]
        return keras.Sequential(stack, name="encoder")

    def _decoder(self, code_shape) -> keras.Model:
        stack = [
            keras.Input(code_shape),
            *transposed_levels(self, self.filters[::-1], self.kernel_size),
            *image_output(self, *(size * 2 ** len(self.filters) for size in code_shape[:2])),
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


def require_image_shape(shape: tuple[int, ...], levels: int) -> None:
    """Raise ValueError unless the shape is `(height, width, channels)`, and of an image to halve at so many levels.

    The decoder doubles the image at each level: far more often than it could be halved, memory would not do.
    """
    if len(shape) != 3:
        raise ValueError(f"input_shape must be (height, width, channels). Received: {shape}")
    if 2 ** (levels - 2) > max(shape[:2]):
        raise ValueError(f"{levels} levels are too many for an image of shape {shape}: fewer filters, or larger images")


def transposed_levels(model, filters, kernel_size: int) -> list:
    """Transposed convolutions that double the image, one for each of `filters`, and a convolution to the logits."""
    image = {"padding": "same", "data_format": "channels_last", "dtype": model.dtype_policy}
    return [
        *(layers.Conv2DTranspose(f, kernel_size, strides=2, activation=model.activation, **image) for f in filters),
        layers.Conv2D(model.data_shape[-1], kernel_size, name="logits", **image),
    ]


def image_output(model, height: int, width: int) -> list:
    """What turns an image of logits, `height` by `width`, into inputs' shape and range; the range in float32."""
    margins = ((0, height - model.data_shape[0]), (0, width - model.data_shape[1]))
    crop = layers.Cropping2D(margins, data_format="channels_last", dtype=model.dtype_policy)
    output = layers.Activation(model.output_activation, dtype="float32", name="output")
    return [crop, output] if any(map(any, margins)) else [output]
