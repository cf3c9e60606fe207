"""Quantized models: they predict, evaluate, save and load like any other."""

import keras
import numpy as np
import pytest
from conftest import SHAPE, adversarial, conditional, conv, dense, images, sparse, vae, vaegan

import kerasae

pytestmark = pytest.mark.shared

X, LABELS = images(12), np.arange(12) % 3
FAMILIES = {"dense": dense, "sparse": sparse, "vae": vae, "conditional": conditional, "adversarial": adversarial}


@pytest.fixture(autouse=True)
def uncollected(monkeypatch):
    """Disable garbage collection, which Keras runs after each quantized kernel and which takes a third of a second."""
    monkeypatch.setattr("gc.collect", lambda *args: 0)


def data(model):
    return model.labeled(X, LABELS)


def label(model):
    return {} if model.classes is None else {"label": LABELS}


def figures(model):
    """All outputs of a model for some inputs."""
    return {
        "encode": model.encode(X, **label(model)),
        "reconstruct": model.reconstruct(X, **label(model)),
        "predict": model.predict(data(model), verbose=0),
        "evaluate": np.array(model.evaluate(data(model), verbose=0)),
    }


def trained(make):
    model = make()
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(data(model), verbose=0)
    return model


def quantize_all(model):
    model.quantize("int8")


def quantize_encoder(model):
    model.encoder.quantize("int8")


@pytest.mark.parametrize(
    ("family", "quantize"), [*((family, quantize_all) for family in FAMILIES), ("vae", quantize_encoder)]
)
def test_a_quantized_model_works_and_is_loaded_from_its_file(family, quantize, tmp_path):
    model = trained(FAMILIES[family])
    before = figures(model)
    quantize(model)
    assert model.encoder.layers[-1].quantization_mode == "int8"
    after = figures(model)
    assert 0 < np.abs(after["encode"] - before["encode"]).max() < 0.2
    np.testing.assert_allclose(after["predict"], after["reconstruct"], atol=1e-5)
    code = model.encoder([X, LABELS] if model.classes else X)
    code = keras.ops.convert_to_numpy(keras.tree.flatten(code)[0])
    np.testing.assert_allclose(after["encode"], code, atol=1e-5)
    model.save(tmp_path / "it.keras")
    for loaded in (keras.saving.load_model(tmp_path / "it.keras"), kerasae.zoo.load(tmp_path / "it.keras")):
        assert loaded.get_config() == model.get_config()
        for name, values in figures(loaded).items():
            np.testing.assert_allclose(values, after[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("make", [dense, adversarial])
def test_a_quantized_model_trains_what_keras_leaves_trainable(make):
    model = trained(make)
    model.quantize("int8")
    kernel = np.array(model.encoder.layers[-1].kernel)
    bias = np.array(model.encoder.layers[-1].bias)
    assert np.isfinite(model.fit(data(model), verbose=0).history["loss"]).all()
    np.testing.assert_array_equal(model.encoder.layers[-1].kernel, kernel)
    assert np.abs(np.array(model.encoder.layers[-1].bias) - bias).max() > 0


def test_a_filter_chooses_the_layers_that_are_quantized(tmp_path):
    model = dense()
    model.quantize("int8", filters="code")
    modes = [getattr(layer, "quantization_mode", None) for layer in model.encoder.layers]
    assert modes[-1] == "int8" and set(modes[:-1]) == {None}
    model.save(tmp_path / "it.keras")
    loaded = keras.saving.load_model(tmp_path / "it.keras")
    np.testing.assert_allclose(loaded.encode(X), model.encode(X), atol=1e-6)


@pytest.mark.parametrize("mode", ["int4", "float8"])
def test_other_modes_of_keras_are_loaded_from_a_file(mode, tmp_path):
    model = dense()
    model.quantize(mode)
    model.save(tmp_path / "it.keras")
    loaded = keras.saving.load_model(tmp_path / "it.keras")
    np.testing.assert_allclose(loaded.reconstruct(X), model.reconstruct(X), atol=1e-5)


def test_weights_of_a_quantized_model_load_into_a_quantized_one(tmp_path):
    model, other = dense(), dense()
    for each in (model, other):
        each.quantize("int8")
    model.save_weights(tmp_path / "it.weights.h5")
    other.load_weights(tmp_path / "it.weights.h5")
    np.testing.assert_allclose(other.encode(X), model.encode(X), atol=1e-6)


def test_a_model_without_dense_layers_is_refused():
    with pytest.raises(ValueError, match=r"quantize needs dense layers.*conv2d.* \(Conv2D\)"):
        conv().quantize("int8")


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: kerasae.models.ConvVariationalAutoencoder(SHAPE, (3, 2), 3, (8,), 3), id="conv-vae"),
        vaegan,
    ],
)
def test_layers_that_are_not_quantized_are_named(make, tmp_path):
    model = trained(make)
    with pytest.warns(UserWarning, match=r"can't quantize these layers.*conv2d.* \(Conv2D\)"):
        model.quantize("int8")
    after = figures(model)
    model.save(tmp_path / "it.keras")
    for name, values in figures(keras.saving.load_model(tmp_path / "it.keras")).items():
        np.testing.assert_allclose(values, after[name], rtol=1e-4, atol=1e-5, err_msg=name)
