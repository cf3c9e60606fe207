"""Network parts that the model families share. Each function gives layers, or applies them to a tensor.

`model` is the autoencoder that the part belongs to: it gives the dtype policy and the activation.
Layers pin `channels_last`, and outputs are computed in float32 under mixed precision.
"""

import math

import keras
from keras import layers

from kerasae.layers import UpConv2D


def mlp(model, sizes, **dense_options) -> list:
    """Dense layers of these sizes with the model's activation."""
    return [
        layers.Dense(size, activation=model.activation, dtype=model.dtype_policy, **dense_options) for size in sizes
    ]


def chain(parts: list, x):
    """Apply layers one after the other."""
    for layer in parts:
        x = layer(x)
    return x


def conv(model, filters: int, kernel_size: int, **options):
    """A convolution that keeps the image's size."""
    return layers.Conv2D(filters, kernel_size, **_image(model), **options)


def pooled_convs(model, filters, kernel_sizes) -> list:
    """Per level: convolution, max pooling that halves the image (rounding up), activation."""
    stack = []
    for channels, size in zip(filters, kernel_sizes, strict=True):
        # An increasing activation commutes with max pooling; after it there are a quarter of the values.
        stack += [
            conv(model, channels, size),
            layers.MaxPooling2D(2, **_image(model)),
            layers.Activation(model.activation, dtype=model.dtype_policy),
        ]
    return stack


def strided_convs(model, filters, kernel_size: int) -> list:
    """Convolutions of stride 2, one per entry of `filters`; each halves the image."""
    return [conv(model, channels, kernel_size, strides=2, activation=model.activation) for channels in filters]


def upsampling_convs(model, filters, kernel_sizes) -> list:
    """Convolutions with upsampling that double the image; the last one gives the logits."""
    *hidden, last = zip(filters, kernel_sizes, strict=True)
    stack = [UpConv2D(f, size, activation=model.activation, dtype=model.dtype_policy) for f, size in hidden]
    return [*stack, UpConv2D(*last, name="logits", dtype=model.dtype_policy)]


def transposed_convs(model, filters, kernel_size: int) -> list:
    """Transposed convolutions that double the image, one per entry of `filters`, and a convolution to the logits."""
    options = {"strides": 2, "activation": model.activation, **_image(model)}
    return [
        *(layers.Conv2DTranspose(channels, kernel_size, **options) for channels in filters),
        conv(model, model.data_shape[-1], kernel_size, name="logits"),
    ]


def dense_output(model) -> list:
    """The output head after a dense layer of logits: input shape, output activation."""
    return [layers.Reshape(model.data_shape, dtype=model.dtype_policy), _output(model)]


def image_output(model, height: int, width: int) -> list:
    """The output head after an image of logits, `height` by `width`: crop to the input shape, output activation."""
    margins = ((0, height - model.data_shape[0]), (0, width - model.data_shape[1]))
    crop = layers.Cropping2D(margins, data_format="channels_last", dtype=model.dtype_policy)
    return [crop, _output(model)] if any(map(any, margins)) else [_output(model)]


def posterior_heads(model, hidden) -> list:
    """Mean and log-variance of the code, each `(n, latent_dim)`, from the last hidden values."""
    names = ("mean", "log_variance")
    return [layers.Dense(model.latent_dim, name=name, dtype=model.dtype_policy)(hidden) for name in names]


def discriminator(model, shape, body: list, units) -> keras.Sequential:
    """A network from inputs of `shape` to a logit, positive for real ones: `body`, dense layers of `units`, logit."""
    logit = layers.Dense(1, name="real", dtype=model.dtype_policy)
    # A Sequential puts its name into its variables' paths, which an optimizer of its own is assigned by.
    return keras.Sequential([keras.Input(shape), *body, *mlp(model, units), logit], name="discriminator")


def flat(model):
    """A layer that flattens each input."""
    return layers.Flatten(dtype=model.dtype_policy)


def logits(model):
    """A dense layer with one logit per value of the input."""
    return layers.Dense(math.prod(model.data_shape), name="logits", dtype=model.dtype_policy)


def require_image_shape(shape: tuple[int, ...], levels: int) -> None:
    """Raise ValueError unless `shape` is `(height, width, channels)` and large enough to be halved `levels` times.

    The decoder doubles the image at each level: with too many levels its output would not fit into memory.
    """
    if len(shape) != 3:
        raise ValueError(f"input_shape must be (height, width, channels). Received: {shape}")
    if 2 ** (levels - 2) > max(shape[:2]):
        raise ValueError(
            f"{levels} levels are too many for an image of shape {shape}. Use fewer filters or larger images."
        )


def _output(model):
    return layers.Activation(model.output_activation, dtype="float32", name="output")


def _image(model) -> dict:
    return {"padding": "same", "data_format": "channels_last", "dtype": model.dtype_policy}
