"""Losses reduced to one value per image, and regularizers."""

import keras
import numpy as np
import pytest
from conftest import SHAPE, conditional, dense, gradient, images, vae, vaegan

import kerasae
from kerasae.losses import MeanSquaredWeight, PerImage

pytestmark = pytest.mark.shared

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
def test_the_loss_is_the_mean_or_sum_over_pixels_then_the_mean_over_images(name, shape):
    y, x = pair(shape=shape)
    each = NUMPY[name](y, x).reshape(len(x), -1)
    np.testing.assert_allclose(value(PerImage(name), y, x), each.mean(), rtol=1e-5)
    np.testing.assert_allclose(value(PerImage(name, "sum"), y, x), each.sum(axis=1).mean(), rtol=1e-5)


# All of Keras's losses by what they compare: each value, the channels of each position, or each whole image.
OF_VALUES = (
    *("BinaryCrossentropy", "BinaryFocalCrossentropy", "Hinge", "Huber", "LogCosh", "MeanAbsoluteError"),
    *("MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson", "SquaredHinge"),
)
OF_POSITIONS = (
    *("CategoricalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalHinge"),
    *("CosineSimilarity", "KLDivergence"),
)
OF_IMAGES = ("Dice", "Tversky")
OF_CLASSES = ("CTC", "CategoricalGeneralizedCrossEntropy", "Circle", "SparseCategoricalCrossentropy")


def test_every_loss_of_keras_is_tested():
    classes = [cls for cls in vars(keras.losses).values() if isinstance(cls, type)]
    names = {cls.__name__ for cls in classes} - {"Loss"}
    assert names == {*OF_VALUES, *OF_POSITIONS, *OF_IMAGES, *OF_CLASSES}


@pytest.mark.parametrize("name", [*OF_VALUES, *OF_POSITIONS, *OF_IMAGES])
def test_losses_of_keras_are_reduced_over_the_positions_of_one_image(name):
    """Sum or mean of the losses of single values, positions or images, computed by hand, with 3 channels."""
    shape = (4, 2, 3)
    y, x = pair(3, shape)
    loss = getattr(keras.losses, name)()
    rows = {1: OF_VALUES, 3: OF_POSITIONS, 24: OF_IMAGES}
    size = next(size for size, names in rows.items() if name in names)
    parts = zip(y.reshape(-1, 1, size), x.reshape(-1, 1, size), strict=True)
    each = np.array([float(value(loss, *part)) for part in parts]).reshape(3, -1)
    np.testing.assert_allclose(value(PerImage(loss).call, y, x), each.mean(axis=1), rtol=2e-4)
    np.testing.assert_allclose(value(PerImage(loss, "sum").call, y, x), each.sum(axis=1), rtol=2e-4)


@pytest.mark.parametrize("name", OF_CLASSES)
def test_losses_whose_targets_are_classes_are_refused(name):
    with pytest.raises(ValueError, match="must compare a reconstruction with a target of the same shape"):
        dense().compile(loss=getattr(keras.losses, name)())


@pytest.mark.parametrize(
    ("function", "by_hand"),
    [
        (lambda y, x: (y - x) ** 2, lambda y, x: (y - x) ** 2),
        (lambda y, x: keras.ops.max(keras.ops.abs(y - x), axis=-1), lambda y, x: np.abs(y - x).max(axis=-1)),
        (lambda y, x: keras.ops.sum((y - x) ** 2, axis=(1, 2, 3)), lambda y, x: ((y - x) ** 2).sum(axis=(1, 2, 3))),
    ],
    ids=["per value", "per position", "per image"],
)
def test_values_of_a_user_function_are_not_changed(function, by_hand):
    y, x = pair(shape=(4, 2, 3))
    each = by_hand(y, x).reshape(len(x), -1)
    np.testing.assert_allclose(value(PerImage(function), y, x), each.mean(), rtol=1e-5)
    np.testing.assert_allclose(value(PerImage(function, "sum"), y, x), each.sum(axis=1).mean(), rtol=1e-5)


def test_a_user_function_that_averages_over_the_batch_is_refused():
    y, x = pair()
    with pytest.raises(ValueError, match="Received one number for a batch"):
        PerImage(lambda y, x: keras.ops.mean((y - x) ** 2))(y, x)


# In models

COLOR = (3, 2, 3)


def color_vae():
    return kerasae.models.VariationalAutoencoder(COLOR, (8,), 3)


def decoded(model, x):
    """Reconstructions of the codes that `evaluate` samples."""
    z = keras.ops.convert_to_numpy(model.sampling(model.posterior(x)))
    return model.decode(z).astype("float64")


def test_a_vae_counts_nats_of_a_categorical_crossentropy_once():
    model, x = color_vae(), images(8, COLOR)
    x /= x.sum(axis=-1, keepdims=True)
    model.compile(loss="categorical_crossentropy")
    logs = model.evaluate(x, verbose=0, return_dict=True)
    x_hat = decoded(model, x)
    probabilities = x_hat / x_hat.sum(axis=-1, keepdims=True)
    nats = -(x * np.log(probabilities)).sum(axis=(1, 2, 3)).mean()
    assert logs["reconstruction_loss"] == pytest.approx(nats, rel=1e-4)
    assert logs["loss"] == pytest.approx(nats + logs["kl_loss"], rel=1e-4)


@pytest.mark.parametrize("make", [vae, conditional, vaegan])
@pytest.mark.parametrize(
    "loss", [keras.losses.MeanSquaredError(reduction="sum"), PerImage("mse", reduction="sum")], ids=["Keras", "ours"]
)
def test_a_sum_over_the_batch_is_refused_beside_a_kl_divergence(make, loss):
    with pytest.raises(ValueError, match="must be averaged over images.*reduction='sum'.*Leave reduction out"):
        make().compile(loss=loss)


@pytest.mark.parametrize("name", ["Dice", "KLDivergence", "Hinge"])
def test_models_train_with_losses_of_keras(name):
    model, x = kerasae.models.DenseAutoencoder(COLOR, (8,), 3), images(8, COLOR)
    model.compile(keras.optimizers.Adam(0.01), loss=getattr(keras.losses, name)())
    before = model.evaluate(x, verbose=0)[0]
    model.fit(x, epochs=5, verbose=0)
    assert model.evaluate(x, verbose=0)[0] < before


def test_call_gives_one_value_per_image():
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


def test_losses_from_logits_are_recognized():
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


def test_an_unknown_pixel_reduction_is_refused():
    with pytest.raises(ValueError, match=r"pixel_reduction must be 'mean' or 'sum'. Received: 'max'"):
        PerImage("mse", pixel_reduction="max")


def test_the_penalty_on_weights_is_their_mean_square():
    kernel = np.random.default_rng(0).normal(size=(5, 7)).astype("float32")
    np.testing.assert_allclose(value(MeanSquaredWeight(0.3), kernel), 0.3 * (kernel**2).mean(), rtol=1e-5)
    revived = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(MeanSquaredWeight(0.3)))
    np.testing.assert_allclose(value(revived, kernel), 0.3 * (kernel**2).mean(), rtol=1e-5)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_crossentropy_of_logits_is_exact_for_all_logits(label_smoothing):
    logits = np.array([-90, -20, -1, -1e-3, 0, 1e-3, 1, 20, 90], "float32")[:, None]
    loss = PerImage(keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=label_smoothing))
    for y in (0.0, 0.3, 1.0):
        smooth = y * (1 - label_smoothing) + label_smoothing / 2
        expected = smooth * np.logaddexp(0, -logits.astype("float64")) + (1 - smooth) * np.logaddexp(0, logits)
        found = keras.ops.convert_to_numpy(loss.call(np.full_like(logits, y), logits))
        np.testing.assert_allclose(found, expected[:, 0], rtol=1e-5, atol=1e-8)


def test_the_gradient_of_the_crossentropy_is_the_difference_of_the_probabilities():
    """Also where a logit is exactly 0, as of every pixel of a network that starts at zero."""
    x = np.linspace(0, 1, 12, dtype="float32").reshape(2, 6)
    model = kerasae.models.DenseAutoencoder((6,), (), 2)
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    model.compile(keras.optimizers.SGD(1.0))
    model.fit(x, batch_size=2, verbose=0)
    bias = model.get_weights()[-1]
    np.testing.assert_allclose(bias, -(0.5 - x.mean(axis=0)) / 6, atol=1e-6)
