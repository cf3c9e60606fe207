"""For each kind of Keras layer, the operations of the page that compute the same."""

import math
from collections.abc import Callable

import keras
import numpy as np
from keras import layers, ops

from kerasae import layers as own_layers
from kerasae.explorer import activations, grids

# Layers that only act in training or change no value. Reshaping keeps the order of values.
_IDENTITIES = (
    *own_layers.KERAS_NOISE,
    *(layers.ActivityRegularization, layers.Flatten, layers.Identity, layers.Reshape),
)


def translate(plan, layer, inputs: list[int], shape: tuple[int, ...]) -> int:
    """Add the operations of one call of a layer to a plan.

    Args:
        plan: A `graph.Plan`.
        layer: The layer.
        inputs: Numbers of the values that it is called with.
        shape: Shape of its output, without the batch axis.

    Returns:
        The number of the output.

    Raises:
        ValueError: The page doesn't know the layer, or a setting of it.
    """
    for setting, allowed in (("data_format", "channels_last"), ("quantization_mode", None)):
        require(plan, layer, setting, allowed)
    if type(layer) in _IDENTITIES or isinstance(layer, own_layers.Noise):
        return plan.operation("reshape", inputs, shape) if plan.shapes[inputs[0]] != shape else inputs[0]
    translation = _TRANSLATIONS.get(type(layer))
    if translation is None:
        known = sorted({kind.__name__ for kind in (*_TRANSLATIONS, *_IDENTITIES)})
        raise ValueError(
            f"The page computes these layers: {', '.join(known)}, and noise. Received: {type(layer).__name__} "
            f"{layer.name!r} in the {plan.part}. Build the model from these layers."
        )
    return translation(plan, layer, inputs, shape)


def require(plan, layer, setting: str, *allowed) -> None:
    """Raise ValueError unless a setting of a layer, if it has it, is one of the allowed."""
    value = getattr(layer, setting, allowed[0])
    if value not in allowed:
        raise ValueError(
            f"{setting} of {type(layer).__name__} {layer.name!r} in the {plan.part} must be "
            f"{' or '.join(map(repr, allowed))} for the page. Received: {value!r}. Change the layer."
        )


def _dense(plan, layer, inputs, shape):
    result = plan.operation("dense", inputs, shape, units=shape[-1], **_kernel_and_bias(plan, layer))
    return activations.apply(plan, layer.activation, result)


def _kernel_and_bias(plan, layer, change: Callable = lambda kernel: kernel) -> dict:
    kernel = plan.weight(change(_numbers(layer.kernel)))
    return {"kernel": kernel, "bias": plan.weight(_numbers(layer.bias)) if layer.use_bias else None}


def _conv(plan, layer, inputs, shape):
    grid = grids.convolution(layer, plan.shapes[inputs[0]], shape)
    result = plan.operation("conv", inputs, shape, **grid, groups=layer.groups, **_kernel_and_bias(plan, layer))
    return activations.apply(plan, layer.activation, result)


def _depthwise(plan, layer, inputs, shape):
    def grouped(kernel):
        return kernel.reshape(*kernel.shape[:-2], 1, -1)

    channels = plan.shapes[inputs[0]][-1]
    grid = grids.convolution(layer, plan.shapes[inputs[0]], shape)
    weights = _kernel_and_bias(plan, layer, grouped)
    result = plan.operation("conv", inputs, shape, **grid, groups=channels, **weights)
    return activations.apply(plan, layer.activation, result)


def _transposed_conv(plan, layer, inputs, shape):
    require(plan, layer, "output_padding", None)
    require(plan, layer, "dilation_rate", (1,) * (len(shape) - 1))
    require(plan, layer, "groups", 1)
    grid = grids.transposed_convolution(layer, plan.shapes[inputs[0]], shape)
    weights = _kernel_and_bias(plan, layer, lambda kernel: np.swapaxes(kernel, -1, -2))
    return activations.apply(
        plan, layer.activation, plan.operation("transposed_conv", inputs, shape, **grid, **weights)
    )


def _up_conv(plan, layer, inputs, shape):
    before = plan.shapes[inputs[0]]
    grid = grids.convolution(layer, (*shape[:-1], before[-1]), shape)
    grid = grids.sides(before, shape) | {key: grid[key] for key in ("taps", "padding")}
    factors = grids.three((2,) * (len(shape) - 1))
    result = plan.operation("up_conv", inputs, shape, **grid, factors=factors, **_kernel_and_bias(plan, layer))
    return activations.apply(plan, layer.activation, result)


def _upsampling(plan, layer, inputs, shape):
    require(plan, layer, "interpolation", "nearest")
    size = layer.size if isinstance(layer.size, tuple | list) else (layer.size,)
    grid = grids.sides(plan.shapes[inputs[0]], shape)
    return plan.operation("upsample", inputs, shape, **grid, factors=grids.three(size))


def _pooling(kind):
    def pooling(plan, layer, inputs, shape):
        if kind == "average":  # Keras's backends disagree about averages over padding
            require(plan, layer, "padding", "valid")
        return plan.operation("pool", inputs, shape, **grids.pooling(layer, plan.shapes[inputs[0]], shape), pool=kind)

    return pooling


def _global_pooling(kind):
    def pooling(plan, layer, inputs, shape):
        before = plan.shapes[inputs[0]]
        return plan.operation("pool", inputs, shape, **grids.global_pooling(before), pool=kind)

    return pooling


def _window(sign):
    """Cropping, or padding with zeros: what is cut off is a negative padding."""

    def window(plan, layer, inputs, shape):
        amounts = layer.cropping if sign < 0 else layer.padding
        pairs = amounts if isinstance(amounts[0], tuple | list) else (amounts,)
        before = [sign * pair[0] for pair in pairs]
        grid = grids.sides(plan.shapes[inputs[0]], shape)
        return plan.operation("window", inputs, shape, **grid, before=grids.three(before, 0))

    return window


def _activation(plan, layer, inputs, shape):
    return activations.apply(plan, layer.activation, inputs[0])


def _activation_layer(plan, layer, inputs, shape):
    return activations.apply(plan, layer, inputs[0])


def _affine(plan, x, scale, offset):
    shape = plan.shapes[x]
    scale, offset = (np.broadcast_to(np.asarray(a, "float64"), shape[-1:]) for a in (scale, offset))
    return plan.operation("affine", [x], shape, scale=plan.weight(scale), offset=plan.weight(offset))


def _rescaling(plan, layer, inputs, shape):
    return _affine(plan, inputs[0], layer.scale, layer.offset)


def _batch_normalization(plan, layer, inputs, shape):
    require(plan, layer, "axis", -1, len(shape))
    mean, variance = _numbers(layer.moving_mean), _numbers(layer.moving_variance)
    scale = (_numbers(layer.gamma) if layer.scale else 1.0) / np.sqrt(variance + layer.epsilon)
    return _affine(plan, inputs[0], scale, (_numbers(layer.beta) if layer.center else 0.0) - mean * scale)


def _normalization(plan, layer, inputs, shape):
    require(plan, layer, "invert", False)
    mean, variance = (np.ravel(_numbers(value)) for value in (layer.mean, layer.variance))
    if len(mean) not in (1, shape[-1]):
        raise ValueError(f"Normalization {layer.name!r} in the {plan.part} must be along the last axis for the page.")
    scale = 1.0 / np.maximum(np.sqrt(variance), keras.config.epsilon())
    return _affine(plan, inputs[0], scale, -mean * scale)


def _standardization(plan, layer, inputs, shape):
    scale = 1.0 / _numbers(layer.scale)
    result = _affine(plan, inputs[0], scale, -_numbers(layer.center) * scale)
    return plan.operation("function", [result], shape, function="compress", limit=layer.limit)


def _group_normalization(plan, layer, inputs, shape):
    require(plan, layer, "axis", -1, len(shape))
    groups = shape[-1] if layer.groups == -1 else layer.groups
    return _normalized(plan, layer, inputs, shape, groups, math.prod(shape[:-1]))


def _layer_normalization(plan, layer, inputs, shape):
    require(plan, layer, "rms_scaling", False)
    if tuple(np.ravel(layer.axis)) not in ((-1,), (len(shape),)):
        raise ValueError(f"LayerNormalization {layer.name!r} in the {plan.part} must have axis=-1 for the page.")
    return _normalized(plan, layer, inputs, shape, 1, 1)


def _normalized(plan, layer, inputs, shape, groups: int, pixels: int):
    """Zero mean and unit variance over the channels of a group in `pixels` neighboring pixels."""
    result = plan.operation(
        "normalize", inputs, shape, channels=shape[-1], groups=groups, pixels=pixels, epsilon=layer.epsilon
    )
    scale = _numbers(layer.gamma) if layer.scale else 1.0
    return _affine(plan, result, scale, _numbers(layer.beta) if layer.center else 0.0)


def _residual_block(plan, layer, inputs, shape):
    y = inputs[0]
    for place in ("first", "second"):
        y = _group_normalization(plan, getattr(layer, f"{place}_norm"), [y], shape)
        y = activations.apply(plan, layer.activation, y)
        y = _conv(plan, getattr(layer, f"{place}_conv"), [y], shape)
    return plan.operation("merge", [inputs[0], y], shape, merge="Add")


def _merge(plan, layer, inputs, shape):
    if any(plan.shapes[x] != shape for x in inputs):
        shapes = ", ".join(str(plan.shapes[x]) for x in inputs)
        raise ValueError(
            f"The inputs of {type(layer).__name__} {layer.name!r} in the {plan.part} must have one shape for the page. "
            f"Received: {shapes}."
        )
    return plan.operation("merge", inputs, shape, merge=type(layer).__name__)


def _concatenate(plan, layer, inputs, shape):
    axis = layer.axis - 1 if layer.axis > 0 else layer.axis % len(shape)  # without the batch axis
    chunks = [math.prod(plan.shapes[x][axis:]) for x in inputs]
    return plan.operation("concatenate", inputs, shape, chunks=chunks)


def _one_hot(plan, layer, inputs, shape):
    return plan.operation("one_hot", inputs, shape)


def _quantizer(plan, layer, inputs, shape):
    codebook = ops.convert_to_numpy(layer.vectors())
    return plan.operation("quantize", inputs, shape, codebook=plan.weight(codebook), length=shape[-1])


def _top_k(plan, layer, inputs, shape):
    return plan.operation("top_k", inputs, shape, k=layer.k, length=shape[-1])


def _numbers(values) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(values), "float64")


def _by_rank(template: str, source=layers) -> list:
    return [getattr(source, template.format(rank)) for rank in (1, 2, 3) if hasattr(source, template.format(rank))]


_TRANSLATIONS: dict[type, Callable] = {
    layers.Dense: _dense,
    **dict.fromkeys(_by_rank("Conv{}D"), _conv),
    **dict.fromkeys(_by_rank("DepthwiseConv{}D"), _depthwise),
    **dict.fromkeys(_by_rank("Conv{}DTranspose"), _transposed_conv),
    **dict.fromkeys(_by_rank("UpConv{}D", own_layers), _up_conv),
    **dict.fromkeys(_by_rank("UpSampling{}D"), _upsampling),
    **dict.fromkeys(_by_rank("MaxPooling{}D"), _pooling("max")),
    **dict.fromkeys(_by_rank("AveragePooling{}D"), _pooling("average")),
    **dict.fromkeys(_by_rank("GlobalMaxPooling{}D"), _global_pooling("max")),
    **dict.fromkeys(_by_rank("GlobalAveragePooling{}D"), _global_pooling("average")),
    **dict.fromkeys(_by_rank("Cropping{}D"), _window(-1)),
    **dict.fromkeys(_by_rank("ZeroPadding{}D"), _window(1)),
    layers.Activation: _activation,
    **dict.fromkeys((layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Softmax), _activation_layer),
    layers.Rescaling: _rescaling,
    layers.BatchNormalization: _batch_normalization,
    layers.Normalization: _normalization,
    layers.GroupNormalization: _group_normalization,
    layers.LayerNormalization: _layer_normalization,
    own_layers.Standardization: _standardization,
    own_layers.ResidualBlock: _residual_block,
    **dict.fromkeys((layers.Add, layers.Subtract, layers.Multiply, layers.Average), _merge),
    **dict.fromkeys((layers.Maximum, layers.Minimum), _merge),
    layers.Concatenate: _concatenate,
    own_layers.OneHot: _one_hot,
    own_layers.VectorQuantizer: _quantizer,
    own_layers.TopK: _top_k,
}
