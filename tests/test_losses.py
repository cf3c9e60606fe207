"""Losses reduced to one value an image."""

import keras
import numpy as np
import pytest
from conftest import SHAPE, gradient, images

from kerasae.losses import MeanSquaredWeight, PerImage

NUMPY = {
    "mean_squared_error": lambda y, x: (y - x) ** 2,
    "mean_absolute_error": lambda y, x: np.abs(y - x),
    "binary_crossentropy": lambda y, x: -(y * np.log(x) + (1 - y) * np.log(1 - x)),
}


def pair(n=4, shape=SHAPE):
    return images(n, shape, seed=1), 0.01 + 0.98 * images(n, shape, seed=2)


def value(loss, *args, **kwargs):
    return keras.ops.convert_to_numpy(loss(*args, **kwargs))


@pytest.mark.parametrize("shape", [SHAPE, (17,), (4, 3, 3)])
@pytest.mark.parametrize("name", NUMPY)
def test_mean_pixel_reduction_and_images(name, shape):
    y, x = pair(shape=shape)
    np.testing.assert_allclose(value(PerImage(name), y, x), NUMPY[name](y, x).mean(), rtol=1e-5)


@pytest.mark.parametrize("name", NUMPY)
def test_sum_pixel_reduction_mean_over_images(name):
    y, x = pair()
    expected = NUMPY[name](y, x).reshape(len(x), -1).sum(axis=1).mean()
    np.testing.assert_allclose(value(PerImage(name, pixel_reduction="sum"), y, x), expected, rtol=1e-5)


def test_one_value_an_image():
    y, x = pair()
    expected = ((y - x) ** 2).reshape(len(x), -1).mean(axis=1)
    np.testing.assert_allclose(value(PerImage("mse").call, y, x), expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize("pixel_reduction", ["mean", "sum"])
def test_sample_weights_weight_images(pixel_reduction, shape):
    y, x = pair()
    weights = np.array([0.0, 1.0, 2.0, 0.5], "float32")
    each = getattr(((y - x) ** 2).reshape(len(x), -1), pixel_reduction)(axis=1)
    result = value(PerImage("mse", pixel_reduction), y, x, sample_weight=weights.reshape(shape))
    np.testing.assert_allclose(result, (weights * each).sum() / len(x), rtol=1e-5)


def test_the_reduction_of_a_loss_instance_is_kept():
    y, x = pair()
    each = np.abs(y - x).reshape(len(x), -1).mean(axis=1)
    loss = PerImage(keras.losses.MeanAbsoluteError(reduction="sum"))
    np.testing.assert_allclose(value(loss, y, x), each.sum(), rtol=1e-5)
    np.testing.assert_allclose(value(PerImage("mae", reduction="sum"), y, x), each.sum(), rtol=1e-5)


def test_functions_and_instances_of_losses_are_taken():
    y, x = pair()
    expected = np.mean((y - x) ** 4)
    np.testing.assert_allclose(value(PerImage(lambda y, x: (y - x) ** 4), y, x), expected, rtol=1e-5)
    huber = keras.losses.Huber(delta=0.1)
    np.testing.assert_allclose(value(PerImage(huber), y, x), value(huber, y, x), rtol=1e-5)


def test_logits_are_recognised_and_used():
    y, x = pair()
    loss = PerImage(keras.losses.BinaryCrossentropy(from_logits=True))
    assert loss.from_logits
    assert not PerImage(keras.losses.BinaryCrossentropy()).from_logits
    assert not PerImage("mse").from_logits
    expected = NUMPY["binary_crossentropy"](y, x).mean()
    np.testing.assert_allclose(value(loss, y, np.log(x / (1 - x))), expected, rtol=1e-4)


def test_gradient_is_that_of_the_mean():
    y, x = pair()
    slope = gradient(lambda x: PerImage("mse", "sum")(y, x), x)
    np.testing.assert_allclose(slope, 2 * (x - y) / len(x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "loss",
    [
        PerImage(),
        PerImage("mae", "sum", name="sae", reduction="sum"),
        PerImage(keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), "sum"),
        PerImage(keras.losses.MeanAbsoluteError(reduction="sum")),
    ],
    ids=["default", "named", "logits", "reduction"],
)
def test_a_loss_survives_its_config(loss):
    revived = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    y, x = pair()
    assert isinstance(revived, PerImage)
    assert (revived.name, revived.pixel_reduction, revived.reduction) == (
        loss.name,
        loss.pixel_reduction,
        loss.reduction,
    )
    np.testing.assert_allclose(value(revived, y, x), value(loss, y, x), rtol=1e-6)


def test_an_unknown_way_pixel_reduction_is_refused():
    with pytest.raises(ValueError, match=r"pixel_reduction must be 'mean' or 'sum'. Received: 'max'"):
        PerImage("mse", pixel_reduction="max")


def test_the_penalty_on_weights_is_their_mean_square():
    kernel = np.random.default_rng(0).normal(size=(5, 7)).astype("float32")
    np.testing.assert_allclose(value(MeanSquaredWeight(0.3), kernel), 0.3 * (kernel**2).mean(), rtol=1e-5)
    revived = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(MeanSquaredWeight(0.3)))
    np.testing.assert_allclose(value(revived, kernel), 0.3 * (kernel**2).mean(), rtol=1e-5)
