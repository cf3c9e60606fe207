"""Images of 8-bit pixels are taken like the floats that they stand for, without a copy in floats."""

import keras
import numpy as np
import pytest

from kerasae import data, models

pytestmark = pytest.mark.shared

PIXELS = np.random.default_rng(0).integers(0, 256, (64, 6, 5, 1), "uint8")
FLOATS = PIXELS.astype("float32") / 255


def small(**kwargs):
    keras.utils.set_random_seed(0)
    return models.DenseAutoencoder((6, 5, 1), (8,), 3, **kwargs)


def fitted(x, **kwargs):
    model = small()
    return model.fit(x, batch_size=16, epochs=2, seed=0, verbose=0, **kwargs).history, model.get_weights()


class Stream(keras.utils.PyDataset):
    """The images in batches of 16."""

    def __init__(self, x):
        super().__init__()
        self.x = x

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return (self.x[16 * index : 16 * index + 16],)


@pytest.mark.parametrize(
    "given",
    [
        lambda x: {"x": x},
        lambda x: {"x": x, "y": x, "sample_weight": np.linspace(0, 1, 64)},
        lambda x: {"x": x, "validation_data": (x, None), "validation_batch_size": 40},
        lambda x: {"x": x, "validation_split": 0.3},
    ],
    ids=["plain", "weighted", "validated", "split"],
)
def test_training_is_that_of_the_floats(given):
    (history, weights), (expected, expected_weights) = (fitted(**given(x)) for x in (data.EightBit(PIXELS), FLOATS))
    for key, losses in expected.items():
        np.testing.assert_allclose(history[key], losses, rtol=1e-6, err_msg=key)
    for array, other in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(array, other, atol=1e-5)


def test_streams_may_yield_pixels():
    histories = []
    for x in (data.EightBit(PIXELS), FLOATS):
        histories.append(small().fit(Stream(x), epochs=2, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*histories, rtol=1e-6)


def test_outputs_and_figures_are_those_of_the_floats():
    model, x = small(), data.EightBit(PIXELS)
    for method in (model.encode, model.reconstruct, lambda x: model.predict(x, verbose=0)):
        np.testing.assert_array_equal(method(x), method(FLOATS))
    np.testing.assert_array_equal(model.encode(x, batch_size=32), model.encode(FLOATS, batch_size=32))
    assert model.evaluate(x, verbose=0) == pytest.approx(model.evaluate(FLOATS, verbose=0), rel=1e-6)


def test_class_weights_and_conditional_models_take_pixels():
    model = models.ConditionalVariationalAutoencoder((6, 5, 1), 3, hidden_units=(8,), latent_dim=2)
    labels = np.arange(64) % 3
    history = model.fit({"x": data.EightBit(PIXELS), "label": labels}, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    limited = small().fit(data.EightBit(PIXELS), steps_per_epoch=2, batch_size=16, verbose=0).history
    assert np.isfinite(limited["loss"]).all()


def test_pixels_are_not_copied_to_floats(monkeypatch):
    """No array of floats is made of the whole set: in `fit`, conversion is by batch on the device."""
    monkeypatch.setattr(data.EightBit, "__array__", lambda self, *_, **__: pytest.fail("converted"))
    small().fit(data.EightBit(PIXELS), batch_size=16, verbose=0)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (lambda: data.EightBit(FLOATS), "pixels must be an array of dtype uint8. Received dtype: float32."),
        (lambda: small().fit(data.EightBit(PIXELS[..., 0])), "The channel axis is missing"),
        (lambda: small().encode(data.EightBit(PIXELS[:0])), "x must not be empty"),
        (lambda: small(value_range=(-1, 1), output_activation="tanh").encode(data.EightBit(PIXELS)), "in \\[-1, 1\\]"),
    ],
    ids=["floats", "shape", "empty", "range"],
)
def test_errors(x, message):
    with pytest.raises((TypeError, ValueError), match=message):
        x()


@pytest.mark.anybackend
def test_data_sets_load_as_pixels():
    pixels, floats = data.mnist(dtype="uint8"), data.mnist()
    assert isinstance(pixels.x_train, data.EightBit) and pixels.x_train.pixels.dtype == np.uint8
    np.testing.assert_array_equal(np.asarray(pixels.x_test), floats.x_test)
    with pytest.raises(ValueError, match="dtype must be 'float32', or 'uint8' for gray images"):
        data.mnist("fixed", dtype="uint8")
