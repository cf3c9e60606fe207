"""Inputs are validated, and error messages say what to do."""

import re

import keras
import numpy as np
import pytest
from conftest import MODELS, SHAPE, STREAMS, denoising, dense, images, stream

from kerasae.training import validation

pytestmark = pytest.mark.shared

GOOD = images(6)


def spoilt(value, dtype="float32"):
    x = GOOD.astype(dtype)
    x[3, 2, 1, 0] = value
    return x


BAD = {
    "wrong rank": (GOOD[:, 0, :, 0], r"must have shape \(n, 6, 5, 1\). Received shape: \(6, 5\)"),
    "wrong size": (np.zeros((4, 7, 5, 1)), r"must have shape \(n, 6, 5, 1\). Received shape: \(4, 7, 5, 1\)"),
    "three channels": (np.zeros((4, 6, 5, 3)), r"must have shape \(n, 6, 5, 1\). Received shape: \(4, 6, 5, 3\)"),
    "no channel axis": (
        GOOD[..., 0],
        r"must have .* Received shape: \(6, 6, 5\). The channel axis is missing: \w\[..., None\]",
    ),
    "one alone": (
        GOOD[0],
        r"must have .* Received shape: \(6, 5, 1\). .*single input: add a batch axis with \w\[None\]",
    ),
    "flattened": (
        GOOD.reshape(6, 30),
        r"must have .* Received shape: \(6, 30\). .*flattened: \w.reshape\(-1, 6, 5, 1\)",
    ),
    "a number": (0.5, r"must have shape \(n, 6, 5, 1\). Received shape: \(\)"),
    "8-bit pixels": (
        (GOOD * 255).astype("uint8"),
        r"must lie in \[0, 1\]. Received uint8 values from 0 to 25\d. .*8-bit pixels: x.astype\('float32'\) / 255",
    ),
    "255 as floats": (GOOD * 255, r"must lie in \[0, 1\]. Received float32 values .*8-bit pixels"),
    "below the range": (spoilt(-0.1), r"must lie in \[0, 1\]. Received float32 values from -0.1 to .*Scale x"),
    "far above the range": (spoilt(1e6), r"must lie in \[0, 1\]. Received float32 values from .* to 1e\+06. Scale x"),
    "NaN": (spoilt(np.nan), r"must not contain NaN. Received 1 NaN among 180 values. Drop or fill them"),
    "infinite": (spoilt(np.inf), r"must be finite. Received infinite values. Clip or drop them"),
    "minus infinity": (spoilt(-np.inf, "float64"), "must be finite"),
    "empty": (GOOD[:0], r"must not be empty. Received shape: \(0, 6, 5, 1\)"),
    "a list of nothing": ([[]], r"must have shape \(n, 6, 5, 1\). Received shape: \((1, )?0,?\)"),
}
NO_NUMBERS = {
    "a path": "digits.npz",
    "strings": np.full((2, *SHAPE), "0.5"),
    "objects": np.full((2, *SHAPE), None),
    "complex numbers": np.zeros((2, *SHAPE), complex),
    "a list of strings": ["a.png", "b.png"],
}
ENTRANCES = {
    "fit": lambda model, x: model.fit(x, verbose=0),
    "fit to targets": lambda model, x: model.fit(GOOD, x, verbose=0),
    "validation": lambda model, x: model.fit(GOOD, validation_data=x, verbose=0),
    "validation pair": lambda model, x: model.fit(GOOD, validation_data=(GOOD, x), verbose=0),
    "evaluate": lambda model, x: model.evaluate(x, verbose=0),
    "predict": lambda model, x: model.predict(x, verbose=0),
    "encode": lambda model, x: model.encode(x),
    "reconstruct": lambda model, x: model.reconstruct(x),
}


@pytest.fixture
def untrained():
    return dense()


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("bad", BAD)
def test_bad_values_are_refused_before_anything_happens(untrained, bad, entrance):
    x, message = BAD[bad]
    before = untrained.get_weights()
    name = "y" if entrance in ("fit to targets", "validation pair") else "x"
    if name == "y":
        message = message.replace("x.astype", "y.astype").replace("Scale x", "Scale y")
    with pytest.raises(ValueError, match=f"^{name} {message}"):
        ENTRANCES[entrance](untrained, x)
    for old, new in zip(before, untrained.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("bad", NO_NUMBERS)
def test_inputs_that_are_not_numbers_are_refused(untrained, bad, entrance):
    with pytest.raises(TypeError, match=r"^[xy] must be an array of numbers. Received: \w+ of dtype"):
        ENTRANCES[entrance](untrained, NO_NUMBERS[bad])


@pytest.mark.parametrize("entrance", ["fit", "evaluate"])
def test_missing_inputs_are_refused(untrained, entrance):
    with pytest.raises(ValueError, match="`x` is missing. Pass an array, or a data set"):
        getattr(untrained, entrance)()


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (np.zeros((4, 5)), r"^z must have shape \(n, 3\). Received shape: \(4, 5\)"),
        (np.zeros(3), r"^z must have shape \(n, 3\). Received shape: \(3,\). .*add a batch axis with z\[None\]"),
        (np.full((4, 3), np.nan), "^z must not contain NaN. Received 12 NaN"),
        (np.zeros((0, 3)), "^z must not be empty"),
    ],
    ids=["wrong size", "one alone", "NaN", "empty"],
)
def test_bad_codes_are_refused(untrained, z, message):
    with pytest.raises(ValueError, match=message):
        untrained.decode(z)


def test_codes_may_have_any_finite_value(untrained):
    assert untrained.decode(np.full((1, 3), -1e3)).shape == (1, *SHAPE)


def test_tensors_of_a_wrong_shape_are_refused(untrained):
    with pytest.raises(ValueError, match=r"x must have shape \(n, 6, 5, 1\). Received shape: \(6, 6, 5\)"):
        untrained.encode(keras.ops.convert_to_tensor(GOOD[..., 0]))


@pytest.mark.parametrize("name", ["dense-vector", "linear-vector", "conv-odd", "vae-image"])
def test_each_model_states_its_own_shape_and_range(name):
    model = MODELS[name]()
    shape = re.escape(f"(n, {', '.join(map(str, model.data_shape))})")
    with pytest.raises(ValueError, match=f"x must have shape {shape}"):
        model.encode(np.zeros((2, 3)))
    if model.value_range is None:
        assert np.isfinite(model.encode(np.full((2, *model.data_shape), -1e4))).all()
    else:
        low, high = model.value_range
        with pytest.raises(ValueError, match=re.escape(f"x must lie in [{low:g}, {high:g}]")):
            model.encode(np.full((2, *model.data_shape), -1e4))


@pytest.mark.parametrize(
    "x",
    [
        GOOD.tolist(),
        list(GOOD),
        GOOD.astype("float64"),
        GOOD.astype("float16"),
        GOOD > 0.5,
        (GOOD > 0.5).astype("uint8"),
        (GOOD > 0.5).astype("int64"),
        np.ones_like(GOOD) + 1e-6,
    ],
    ids=["nested lists", "list of arrays", "float64", "float16", "bool", "uint8 0 and 1", "int64 0 and 1", "rounding"],
)
def test_numbers_of_every_dtype_within_the_range_are_accepted(untrained, x):
    expected = untrained.reconstruct(np.asarray(x, "float32"))
    for result in (untrained.reconstruct(x), untrained.predict(x, verbose=0)):
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, expected, atol=1e-3 if np.asarray(x).dtype == "float16" else 1e-5)
    assert np.isfinite(untrained.evaluate(x, verbose=0))[0]


def test_tensors_are_taken_where_arrays_are(untrained):
    x = keras.ops.convert_to_tensor(GOOD)
    np.testing.assert_allclose(untrained.predict(x, verbose=0), untrained.reconstruct(GOOD), atol=1e-6)
    with pytest.raises(ValueError, match="x must not contain NaN"):
        untrained.fit(keras.ops.convert_to_tensor(spoilt(np.nan)), verbose=0)


def test_tensors_of_half_the_precision_are_taken(untrained):
    x = keras.ops.cast(GOOD, "bfloat16")
    np.testing.assert_allclose(untrained.predict(x, verbose=0), untrained.reconstruct(GOOD), atol=0.01)


def test_tensors_that_are_being_differentiated_are_taken(untrained):
    import torch

    x = torch.tensor(GOOD, requires_grad=True)
    if keras.backend.backend() != "torch":
        x = x.detach()
    np.testing.assert_allclose(untrained.predict(x, verbose=0), untrained.reconstruct(GOOD), atol=1e-6)


# Streams: the third batch of two images is bad.

SPOILT_LATE = {
    "NaN": (np.concatenate([GOOD[:4], spoilt(np.nan)[2:4]]), "x must not contain NaN. Received 1 NaN among 60 values"),
    "8-bit": (np.concatenate([GOOD[:4], GOOD[4:] * 255]), r"x must lie in \[0, 1\].*8-bit pixels"),
}
STREAM_ENTRANCES = {
    "fit": lambda model, source: model.fit(source, verbose=0),
    "validation": lambda model, source: model.fit(GOOD, validation_data=source, verbose=0),
    "evaluate": lambda model, source: model.evaluate(source, verbose=0),
    "predict": lambda model, source: model.predict(source, verbose=0),
}


@pytest.mark.parametrize("entrance", STREAM_ENTRANCES)
@pytest.mark.parametrize("kind", STREAMS)
def test_a_bad_batch_in_a_stream_is_refused_with_the_same_error(untrained, kind, entrance):
    x, message = SPOILT_LATE["NaN"]
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        STREAM_ENTRANCES[entrance](untrained, stream(kind, x, batch_size=2))
    assert caught.type is ValueError


@pytest.mark.parametrize("kind", STREAMS)
def test_pixels_from_0_to_255_in_a_stream_are_refused(untrained, kind):
    x, message = SPOILT_LATE["8-bit"]
    with pytest.raises(ValueError, match=f"^{message}"):
        untrained.evaluate(stream(kind, x, batch_size=2), verbose=0)


@pytest.mark.parametrize("kind", STREAMS)
def test_bad_targets_in_a_stream_are_refused(untrained, kind):
    y, message = SPOILT_LATE["NaN"]
    with pytest.raises(ValueError, match=f"^{message.replace('x ', 'y ', 1)}"):
        untrained.evaluate(stream(kind, GOOD, y, batch_size=2), verbose=0)


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_of_wrong_shape_is_refused(untrained, kind):
    with pytest.raises(ValueError, match=r"x must have shape \(n, 6, 5, 1\). Received shape: \(\w+, 6, 5\)"):
        untrained.fit(stream(kind, GOOD[..., 0], batch_size=2), verbose=0)


def test_a_stream_of_wrong_shape_is_refused_after_a_training_too(untrained):
    untrained.fit(GOOD, verbose=0)
    with pytest.raises(ValueError, match=r"x must have shape \(n, 6, 5, 1\). Received shape: \(\w+, 6, 5\)"):
        untrained.fit(stream("tf.data", GOOD[..., 0]), verbose=0)


@pytest.mark.parametrize("make", [dense, denoising])
@pytest.mark.parametrize("kind", ["tf.data", "DataLoader"])
def test_streams_of_zeros_and_ones_may_be_integers(kind, make):
    bits, model = (GOOD > 0.5).astype("uint8"), make()
    model.compile()
    expected = model.evaluate(bits.astype("float32"), batch_size=2, verbose=0)
    assert model.evaluate(stream(kind, bits, batch_size=2), verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("bad", [0, 4], ids=["first batch", "third batch"])
@pytest.mark.parametrize("kind", STREAMS)
def test_the_model_works_on_after_a_bad_stream(untrained, kind, bad):
    x = GOOD.copy()
    x[bad] = np.nan
    before = untrained.get_weights()
    with pytest.raises(ValueError, match="x must not contain NaN"):
        untrained.fit(stream(kind, x, batch_size=2), shuffle=False, verbose=0)
    for old, new in zip(before, untrained.get_weights(), strict=True):
        assert np.isfinite(new).all()
        if bad == 0:
            np.testing.assert_array_equal(old, new)
    assert np.isfinite(untrained.evaluate(stream(kind, GOOD, batch_size=2), verbose=0)).all()


@pytest.mark.parametrize("value_range", [None, (0.0, 1.0), (-1.0, 1.0), (0.0, 3.0)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_value_is_checked(value_range, dtype):
    low, high = value_range or (-1e30, 1e30)
    x = np.linspace(low, high, 24, dtype=dtype).reshape(2, 4, 3)
    assert validation.has_valid_values(x, value_range)
    assert validation.has_valid_values(x.transpose(2, 0, 1)[::2], value_range)
    allowed = [-0.0, low, high] if value_range is None else [-0.0, low - 5e-6, high + 5e-6]
    bad = [np.nan, -np.nan, np.inf, -np.inf] + ([] if value_range is None else [low - 1e-3, high + 1e-3])
    for value in allowed + bad:
        changed = x.copy()
        changed[1, 2, 1] = value
        assert validation.has_valid_values(changed, value_range) is (value in allowed)


def test_values_are_checked_in_every_batch_and_the_error_is_about_the_whole_array():
    model = dense()
    x = images(600)
    x[599] = 2
    x[0, 0] = 0
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\]. Received float32 values from 0 to 2"):
        model.encode(x, batch_size=100)
    codes = np.zeros((600, *model.code_shape), "float32")
    codes[[1, 598]] = np.nan
    with pytest.raises(ValueError, match="z must not contain NaN. Received 6 NaN among 1800 values"):
        model.decode(codes, batch_size=100)
