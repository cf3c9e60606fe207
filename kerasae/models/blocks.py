"""Network parts that the model families share. Each function returns layers or applies them to a tensor.

The argument `model` is the autoencoder that the part belongs to. It determines the dtype policy, the activation and the
rank: signals `(steps, channels)`, images `(height, width, channels)` or volumes `(depth, height, width, channels)`.
Layers use `channels_last`; outputs are float32 under mixed precision.
"""

import functools
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
    """Layer class for the rank of the model's inputs: `"Conv{}D"` gives `Conv2D` for images."""
    return getattr(source, name.format(len(model.data_shape) - 1))


def conv(model, filters: int, kernel_size: int, **options):
    """A convolution with 'same' padding for signals, images or volumes."""
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
    """Convolutions that each double the sides; the last one outputs the logits."""
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


def residual_down(model) -> list:
    """Per level: a convolution of stride 2, then residual blocks. The value range is first rescaled to [-2, 2]."""
    require_grid(model.data_shape, len(model.filters))
    return [*_to_unit_scale(model), *(layer for channels in model.filters for layer in _level_down(model, channels))]


def residual_up(model, sides) -> list:
    """The mirror image of `residual_down`, from a grid with these sides to the output."""
    stack = [layer for channels in model.filters[:-1][::-1] for layer in _level_up(model, channels)]
    stack += _level_up(model, model.data_shape[-1], name="logits")
    *crop, output = cropped_output(model, [side * 2 ** len(model.filters) for side in sides])
    linear = model.output_activation is keras.activations.linear
    return [*stack, *crop, *(_from_unit_scale(model) if linear else []), output]


def residual_u_net(model, x):
    """A U-Net of residual levels that maps `x` to a correction of the same shape; it is zero before training."""
    sides, skipped = [], []
    y = chain(_to_unit_scale(model), x)
    for channels in model.filters:
        sides.append(y.shape[1:-1])
        y = chain(_level_down(model, channels), y)
        skipped.append(y)
    for level in range(len(model.filters) - 1, -1, -1):
        if y is not skipped[level]:
            y = layers.Add(dtype=model.dtype_policy)([y, skipped[level]])
        last = {"kernel_initializer": "zeros"} if level == 0 else {}
        channels = model.data_shape[-1] if level == 0 else model.filters[level - 1]
        y = chain(_level_up(model, channels, **last), y)
        y = chain(_cropped(model, y.shape[1:-1], sides[level]), y)
    return chain(_from_unit_scale(model, offset=False), y)


def _level_down(model, channels: int) -> list:
    return [conv(model, channels, 2, strides=2), *_residual_blocks(model)]


def _level_up(model, channels: int, **options) -> list:
    upward = by_rank(model, "Conv{}DTranspose")(channels, 2, strides=2, **_same(model), **options)
    return [*_residual_blocks(model), upward]


def _to_unit_scale(model) -> list:
    """A layer that rescales the model's range to [-2, 2], where values have about unit variance."""
    if model.value_range is None:
        return []
    low, high = model.value_range
    return [layers.Rescaling(4 / (high - low), -2 * (low + high) / (high - low), dtype=model.dtype_policy)]


def _from_unit_scale(model, offset: bool = True) -> list:
    """The inverse of `_to_unit_scale`. Differences between values are rescaled without the offset."""
    if model.value_range is None:
        return []
    low, high = model.value_range
    return [layers.Rescaling((high - low) / 4, (low + high) / 2 if offset else 0.0, dtype="float32")]


def _residual_blocks(model) -> list:
    block = functools.partial(own_layers.ResidualBlock, model.kernel_size, model.activation, dtype=model.dtype_policy)
    return [block() for _ in range(model.blocks_per_level)]


def dense_output(model) -> list:
    """Output head after a dense layer of logits: reshape to the input shape, output activation."""
    return [layers.Reshape(model.data_shape, dtype=model.dtype_policy), _output(model)]


def cropped_output(model, sides) -> list:
    """Output head after logits with these sides: crop to the input shape, output activation."""
    return [*_cropped(model, sides, model.data_shape[:-1]), _output(model)]


def _cropped(model, sides, wanted) -> list:
    """A layer that crops `sides` at their ends to the `wanted` sides; no layer if they are equal."""
    margins = tuple((0, large - small) for large, small in zip(sides, wanted, strict=True))
    if not any(map(any, margins)):
        return []
    where = {} if len(margins) == 1 else {"data_format": "channels_last"}  # a signal has only this format
    crop = by_rank(model, "Cropping{}D")
    return [crop(margins if len(margins) > 1 else margins[0], dtype=model.dtype_policy, **where)]


def posterior_heads(model, hidden) -> list:
    """Mean and log-variance of the posterior, each `(n, latent_dim)`, from the last hidden layer."""
    names = ("mean", "log_variance")
    return [layers.Dense(model.latent_dim, name=name, dtype=model.dtype_policy)(hidden) for name in names]


def discriminator(model, shape, body: list, units) -> keras.Sequential:
    """Inputs of `shape` → `body` → dense layers of sizes `units` → one logit, positive for real inputs."""
    logit = layers.Dense(1, name="real", dtype=model.dtype_policy)
    # A Sequential puts its name into the paths of its variables; `compile` assigns the optimizer by these paths.
    return keras.Sequential([keras.Input(shape), *body, *mlp(model, units), logit], name="discriminator")


def flat(model):
    """A layer that flattens each input."""
    return layers.Flatten(dtype=model.dtype_policy)


def logits(model):
    """A dense layer that outputs one logit per input value."""
    return layers.Dense(math.prod(model.data_shape), name="logits", dtype=model.dtype_policy)


def require_grid(shape: tuple[int, ...], levels: int) -> None:
    """Raise ValueError unless `shape` is a signal, image or volume, and `levels` is not far too many for it.

    The decoder doubles the sides at each level, so with too many levels its output would not fit into memory.
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


def without_activation(decoder: keras.Model) -> keras.Model:
    """A model of the decoder's layers without the last one, the output activation."""
    codes = decoder.inputs if len(decoder.inputs) > 1 else decoder.inputs[0]
    return keras.Model(codes, decoder.layers[-1].input, name="logits")
