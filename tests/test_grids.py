"""Signals, images and volumes: layers of every rank, and trained models for other input sizes."""

import itertools

import keras
import numpy as np
import pytest
from conftest import MODELS, images, images_for
from keras import layers, ops

from kerasae import layers as own_layers
from kerasae import models, zoo

pytestmark = pytest.mark.shared

GRIDS = {"signal": (9, 2), "image": (5, 4, 2), "volume": (3, 5, 4, 2)}
SAME = {"padding": "same", "data_format": "channels_last"}


def _windows(shape, kernel_shape, stride):
    """`(place in the output, tap, place in the input)` of a 'same' convolution, by its definition."""
    outputs = [-(-side // stride) for side in shape]
    before = [
        max((out - 1) * stride + taps - side, 0) // 2
        for side, out, taps in zip(shape, outputs, kernel_shape, strict=True)
    ]
    for place in itertools.product(*map(range, outputs)):
        for tap in itertools.product(*map(range, kernel_shape)):
            source = tuple(stride * p + t - b for p, t, b in zip(place, tap, before, strict=True))
            if all(0 <= s < side for s, side in zip(source, shape, strict=True)):
                yield place, tap, source


def _convolved(x, kernel, stride):
    sides = x.shape[1:-1]
    out = np.zeros((len(x), *(-(-side // stride) for side in sides), kernel.shape[-1]))
    for place, tap, source in _windows(sides, kernel.shape[:-2], stride):
        out[:, *place] += x[:, *source] @ kernel[tap]
    return out


def _transposed(x, kernel, stride):
    sides = tuple(stride * side for side in x.shape[1:-1])
    out = np.zeros((len(x), *sides, kernel.shape[-2]))
    for place, tap, source in _windows(sides, kernel.shape[:-2], stride):
        out[:, *source] += x[:, *place] @ kernel[tap].T
    return out


def _pooled(x):
    sides = x.shape[1:-1]
    out = np.full((len(x), *(-(-side // 2) for side in sides), x.shape[-1]), -np.inf)
    for place, _, source in _windows(sides, (2,) * len(sides), 2):
        out[:, *place] = np.maximum(out[:, *place], x[:, *source])
    return out


def _doubled(x):
    for axis in range(1, x.ndim - 1):
        x = x.repeat(2, axis)
    return x


@pytest.mark.eachbackend
@pytest.mark.parametrize("kind", GRIDS)
@pytest.mark.parametrize("taps", [2, 3])
def test_layers_of_every_rank_compute_their_definition_on_this_backend(kind, taps):
    x = images(2, GRIDS[kind])
    rank = x.ndim - 2

    def applied(source, name, *arguments, **options):
        layer = getattr(source, name.format(rank))(*arguments, **options)
        output = ops.convert_to_numpy(layer(x))
        return output, layer.get_weights()[0] if layer.weights else None

    for stride in (1, 2):
        output, kernel = applied(layers, "Conv{}D", 3, taps, strides=stride, **SAME)
        np.testing.assert_allclose(output, _convolved(x, kernel, stride), atol=1e-5)
    output, kernel = applied(layers, "Conv{}DTranspose", 3, taps, strides=2, **SAME)
    np.testing.assert_allclose(output, _transposed(x, kernel, 2), atol=1e-5)
    output, kernel = applied(own_layers, "UpConv{}D", 3, taps)
    np.testing.assert_allclose(output, _convolved(_doubled(x), kernel, 1), atol=1e-5)
    np.testing.assert_allclose(applied(layers, "MaxPooling{}D", 2, **SAME)[0], _pooled(x), atol=1e-6)


@pytest.mark.parametrize("kind", ["signal", "volume"])
@pytest.mark.parametrize("cls", [models.ConvVariationalAutoencoder, models.VectorQuantizedAutoencoder])
def test_other_convolutional_models_take_signals_and_volumes(cls, kind):
    model = cls(GRIDS[kind], filters=(4, 3))
    x = images_for(model, n=3)
    model.fit(x, verbose=0)
    assert model.reconstruct(x).shape == x.shape
    if cls is models.VectorQuantizedAutoencoder:
        indices = model.encode_indices(x)
        assert indices.shape == (3, *model.code_shape[:-1])
        np.testing.assert_allclose(model.decode_indices(indices), model.reconstruct(x), atol=1e-6)
        np.testing.assert_array_equal(model.bits_to_codes(model.codes_to_bits(indices)), indices)


# Other sizes


def test_an_entry_of_convolutions_loads_for_another_size():
    own, model = zoo.load("conv_mnist"), zoo.load("conv_mnist", input_shape=(64, 40, 1))
    x = np.zeros((2, 64, 40, 1), "float32")
    x[:, 12:40, 4:32] = images(2, (28, 28, 1))
    assert model.code_shape == (16, 10, 1)
    assert model.evaluate(x, verbose=0)[0] == pytest.approx(_cross_entropy(x, model.reconstruct(x)), rel=1e-4)
    for kept, weight in zip(own.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, weight)


def _cross_entropy(x, x_hat):
    """The loss of conv_mnist, in nats per pixel."""
    return float(ops.mean(keras.losses.binary_crossentropy(x, x_hat)))


def test_the_inner_part_of_a_larger_image_is_reconstructed_as_before():
    model = models.ConvAutoencoder((32, 32, 1), (3,), 3)
    small, large = images_for(model, n=2), np.zeros((2, 64, 48, 1), "float32")
    large[:, 16:48, 8:40] = small
    x_hat = model.with_input_shape((64, 48, 1)).reconstruct(large)[:, 16:48, 8:40]
    inner = np.s_[:, 12:20, 12:20]  # these do not depend on pixels beyond the edges
    np.testing.assert_allclose(x_hat[inner], model.reconstruct(small)[inner], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("dense-image", (64, 64, 1), r"must be \(28, 28, 1\) for a DenseAutoencoder, whose weights depend on the size"),
        ("conv-vae-odd", (10, 13, 3), r"must be \(9, 13, 3\) for a ConvVariationalAutoencoder, .*\(10, 13, 3\)"),
        ("conv-image", (28, 28, 3), r"must have 3 axes and 1 channels.*Received: \(28, 28, 3\)"),
        ("conv-image", (28, 1), r"must have 3 axes and 1 channels.*Received: \(28, 1\)"),
        ("conv-image", (0, 28, 1), r"input_shape must be made of positive integers.*\(0, 28, 1\)"),
    ],
)
def test_other_sizes_are_refused_if_the_weights_do_not_fit(name, shape, message):
    with pytest.raises(ValueError, match=message):
        MODELS[name]().with_input_shape(shape)
