"""Network parts that the model families share. Each function gives layers, or applies them to a tensor.

`model` is the autoencoder that the part belongs to: it gives the dtype policy, the activation and the rank of the
inputs: signals `(steps, channels)`, images `(height, width, channels)` or volumes `(depth, height, width, channels)`.
Layers pin `channels_last`, and outputs are computed in float32 under mixed precision.
"""

import math

import keras
from keras import layers

from kerasae import layers as own_layers


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


def by_rank(model, name: str, source=layers):
    """The layer class for the rank of the model's inputs: for the name `"Conv{}D"`, `Conv2D` if they are images."""
    return getattr(source, name.format(len(model.data_shape) - 1))


def conv(model, filters: int, kernel_size: int, **options):
    """A convolution that keeps the size of a signal, an image or a volume."""
    return by_rank(model, "Conv{}D")(filters, kernel_size, **_same(model), **options)


def pooled_convs(model, filters, kernel_sizes) -> list:
    """Per level: convolution, max pooling that halves each side (rounding up), activation."""
    stack = []
    for channels, size in zip(filters, kernel_sizes, strict=True):
        # An increasing activation commutes with max pooling; after it there are fewer values.
        stack += [
            conv(model, channels, size),
            by_rank(model, "MaxPooling{}D")(2, **_same(model)),
            layers.Activation(model.activation, dtype=model.dtype_policy),
        ]
    return stack


def strided_convs(model, filters, kernel_size: int) -> list:
    """Convolutions of stride 2, one per entry of `filters`; each halves the sides."""
    return [conv(model, channels, kernel_size, strides=2, activation=model.activation) for channels in filters]


def upsampling_convs(model, filters, kernel_sizes) -> list:
    """Convolutions with upsampling that double the sides; the last one gives the logits."""
    up_conv = by_rank(model, "UpConv{}D", own_layers)
    *hidden, last = zip(filters, kernel_sizes, strict=True)
    stack = [up_conv(f, size, activation=model.activation, dtype=model.dtype_policy) for f, size in hidden]
    return [*stack, up_conv(*last, name="logits", dtype=model.dtype_policy)]


def transposed_convs(model, filters, kernel_size: int) -> list:
    """Transposed convolutions that double the sides, one per entry of `filters`, and a convolution to the logits."""
    transposed = by_rank(model, "Conv{}DTranspose")
    options = {"strides": 2, "activation": model.activation, **_same(model)}
    return [
        *(transposed(channels, kernel_size, **options) for channels in filters),
        conv(model, model.data_shape[-1], kernel_size, name="logits"),
    ]


def dense_output(model) -> list:
    """The output head after a dense layer of logits: input shape, output activation."""
    return [layers.Reshape(model.data_shape, dtype=model.dtype_policy), _output(model)]


def cropped_output(model, sides) -> list:
    """The output head after logits with these sides: crop to the input shape, output activation."""
    margins = tuple((0, large - small) for large, small in zip(sides, model.data_shape, strict=False))
    if not any(map(any, margins)):
        return [_output(model)]
    where = {} if len(margins) == 1 else {"data_format": "channels_last"}  # a signal has only this format
    crop = by_rank(model, "Cropping{}D")(margins if len(margins) > 1 else margins[0], dtype=model.dtype_policy, **where)
    return [crop, _output(model)]


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


def require_grid(shape: tuple[int, ...], levels: int) -> None:
    """Raise ValueError unless `shape` is that of a signal, an image or a volume that can be halved `levels` times.

    The decoder doubles the sides at each level: with too many levels its output would not fit into memory.
    """
    if not 2 <= len(shape) <= 4:
        raise ValueError(
            "input_shape must be (steps, channels), (height, width, channels) or (depth, height, width, channels). "
            f"Received: {shape}"
        )
    if 2 ** (levels - 2) > max(shape[:-1]):
        raise ValueError(
            f"{levels} levels are too many for inputs of shape {shape}. Use fewer levels or larger inputs."
        )


def _output(model):
    return layers.Activation(model.mean_activation or model.output_activation, dtype="float32", name="output")


def _same(model) -> dict:
    return {"padding": "same", "data_format": "channels_last", "dtype": model.dtype_policy}
