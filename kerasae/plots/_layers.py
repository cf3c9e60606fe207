"""The layers of a model as named blocks with sizes, for the drawing of its architecture.

This module reads attributes of Keras layers and imports no framework.
"""

import dataclasses
import math
import re
from collections.abc import Iterable, Sequence

# Layers that only rearrange, scale or combine values are not drawn.
_NOT_DRAWN = {"InputLayer", "Flatten", "Reshape", "Activation", "Rescaling", "Add", "Concatenate", "Identity"}
_SHORT = {"Conv Transpose": "Conv transp.", "Max Pooling": "Max pool", "Average Pooling": "Mean pool"}
_SHORT |= {"Layer Normalization": "Layer norm", "Batch Normalization": "Batch norm", "One Hot": "label"}
_SHORT |= {"Add Gaussian": "Add Gaussian"}


@dataclasses.dataclass
class Block:
    """One layer.

    Attributes:
        name: What it is, such as `"Conv 3×3"`.
        shape: Shape of one output, without the batch axis.
        parameters: Number of parameters.
        activation: Name of the activation function, empty if it is linear.
        kind: `"input"`, `"noise"`, `"layer"`, `"label"` or `"code"`.
        layer: Name of the layer.
    """

    name: str
    shape: tuple[int, ...]
    parameters: int
    activation: str = ""
    kind: str = "layer"
    layer: str = ""

    @property
    def size(self) -> int:
        """Number of values of one output."""
        return math.prod(self.shape)


@dataclasses.dataclass
class Strip:
    """Consecutive blocks under one heading, such as the encoder."""

    name: str
    blocks: list[Block]
    parameters: int


def strips(model) -> list[Strip]:
    """The parts of a model in order: encoder, decoder, and the discriminator if there is one.

    Args:
        model: An autoencoder, or any built Keras model, which is one part.
    """
    if not hasattr(model, "encoder"):
        return [Strip(model.name, _blocks(model.layers), model.count_params())]
    encoder = [Block("input", tuple(model.data_shape), 0, kind="input"), *_noise(model), *_blocks(model.encoder.layers)]
    encoder = _with_code(encoder)
    decoder = _blocks(model.decoder.layers)
    found = [
        Strip("encoder", encoder, model.encoder.count_params()),
        Strip("decoder", decoder, model.decoder.count_params()),
    ]
    discriminator = getattr(model, "discriminator", None)
    if discriminator is not None:
        seen = tuple(discriminator.inputs[0].shape[1:])
        what = "image" if seen == tuple(model.data_shape) else "code or prior sample"
        blocks = [Block(what, seen, 0, kind="input"), *_blocks(discriminator.layers)]
        found.append(Strip("discriminator", blocks, discriminator.count_params()))
    return found


def _noise(model) -> list[Block]:
    """The noise of a denoising model, which acts on the input in training only."""
    if getattr(model, "noise", None) is None:
        return []
    return [Block(f"{_words(type(model.noise).__name__)} (noise)", tuple(model.data_shape), 0, kind="noise")]


def _blocks(layers: Iterable) -> list[Block]:
    """Blocks of layers; an activation or a new shape belongs to the layer before it."""
    found: list[Block] = []
    for layer in layers:
        kind = type(layer).__name__
        if kind not in _NOT_DRAWN:
            found.append(_block(layer))
        elif found and kind == "Activation":
            found[-1].activation = _activation(layer)
        elif found and kind == "Reshape":
            found[-1].shape = tuple(layer.output.shape[1:])
    return found


def _block(layer) -> Block:
    name = _words(type(layer).__name__)
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if isinstance(size, Sequence):
        name = f"{name} {'×'.join(map(str, size))}"
    shape = tuple(layer.output.shape[1:])
    kind = "label" if name == "label" else "layer"
    return Block(name, shape, layer.count_params(), _activation(layer), kind, layer.name)


def _with_code(blocks: list[Block]) -> list[Block]:
    """Blocks of an encoder, the last of them marked as the code; mean and log-variance are one block."""
    *before, last = blocks
    if last.layer == "log_variance":
        *before, mean = before
        return [*before, Block("mean, log-variance", last.shape, mean.parameters + last.parameters, kind="code")]
    return [*before, dataclasses.replace(last, kind="code")]


def _activation(layer) -> str:
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return "" if name == "linear" else {"relu": "ReLU", "elu": "ELU", "silu": "SiLU", "gelu": "GELU"}.get(name, name)


def _words(name: str) -> str:
    """A class name as words: `"MaxPooling2D"` → `"Max pool"`.

    >>> _words("Conv2DTranspose"), _words("MaxPooling2D"), _words("UpConv2D"), _words("VectorQuantizer")
    ('Conv transp.', 'Max pool', 'Up conv', 'Vector quantizer')
    """
    words = re.sub(r"[123]D", "", name)
    words = " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*", words)) or name
    return _SHORT.get(words, words if words.isupper() else words.capitalize())
