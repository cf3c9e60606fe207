"""Preprocessing: raw data to inputs of a model and back, in NumPy, in a graph, and in JSON."""

import json

import keras
import numpy as np
import pytest

from kerasae import preprocessing
from kerasae.preprocessing import ImagePreprocessing, SeriesPreprocessing, TablePreprocessing, from_json

pytestmark = pytest.mark.shared

rng = np.random.default_rng(0)
KINDS = {
    "image": (ImagePreprocessing((5, 4), "rgb", "crop"), rng.integers(0, 256, (3, 5, 4, 3), "uint8")),
    "table": (TablePreprocessing(columns=("a", "b"), mean=(1e3, -2), scale=(0.5, 10)), rng.normal(size=(3, 2)) + 1000),
    "series": (SeriesPreprocessing(length=4, stride=2, mean=(5,), scale=(2,)), rng.normal(size=(3, 4, 1))),
}


@pytest.mark.anybackend
@pytest.mark.parametrize("kind", KINDS)
def test_json_round_trip_keeps_everything(kind):
    scale, raw = KINDS[kind]
    assert from_json(json.loads(json.dumps(scale.to_json()))) == scale
    assert scale.kind == kind and scale.raw_shape == raw.shape[1:]
    x = scale(raw)
    assert x.dtype == np.float32 and x.shape == raw.shape
    np.testing.assert_allclose(scale.inverse(x), raw, rtol=1e-5)
    assert scale.inverse(x).dtype == (np.uint8 if kind == "image" else np.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_layers_do_the_same_in_a_graph_of_raw_inputs(kind):
    scale, raw = KINDS[kind]
    inputs = outputs = keras.Input(scale.raw_shape, dtype=scale.raw_dtype)
    for layer in scale.layers():
        outputs = layer(outputs)
    graph = keras.Model(inputs, outputs)
    np.testing.assert_allclose(graph.predict(raw.astype(scale.raw_dtype), verbose=0), scale(raw), atol=1e-3, rtol=1e-5)


@pytest.mark.anybackend
def test_standardizing_equals_scikit_learn_and_keeps_constant_columns():
    x = np.stack([rng.normal(1e9, 2, 1000), np.full(1000, 3.3)], axis=1)  # large offsets keep their digits
    scale = TablePreprocessing.fitted(x, ["time", "constant"])
    assert scale.scale[1] == 1.0 and scale.columns == ("time", "constant")
    np.testing.assert_allclose(scale(x).mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scale(x).std(axis=0), [1, 0], atol=1e-5)


@pytest.mark.anybackend
def test_a_series_is_cut_into_windows():
    scale, _ = KINDS["series"]
    np.testing.assert_allclose(scale(np.arange(8.0))[:, 0, 0], (np.array([0, 2, 4]) - 5) / 2)


@pytest.mark.anybackend
def test_raw_data_of_another_shape_or_type_is_refused():
    with pytest.raises(ValueError, match=r"uint8\. Received float64\. .*pass them to the model"):
        KINDS["image"][0](np.zeros((1, 5, 4, 3)))
    with pytest.raises(ValueError, match=r"\(n, 5, 4, 3\)\. Received: \(1, 4, 5, 3\)"):
        KINDS["image"][0](np.zeros((1, 4, 5, 3), "uint8"))
    with pytest.raises(ValueError, match=r"Rows must have shape \(n, 2\)\. Received: \(1, 3\)"):
        KINDS["table"][0](np.zeros((1, 3)))


IMAGE = {"kind": "image", "size": [5, 4], "color": "rgb", "fit": "crop"}
TABLE = {"kind": "table", "columns": ["a"], "mean": [0.0], "scale": [1.0]}
BAD = {
    "p must be an object": [],
    "p.kind must be one of image, table, series": {"kind": "pickle"},
    "p must have the fields color, fit, size. Received: ['path']": {"kind": "image", "path": "x"},
    "p.size must be made of integers from 1 to 16384": IMAGE | {"size": [10**9, 4]},
    "p.size must be a height and a width": IMAGE | {"size": [4, 4, 4]},
    "p.color must be one of grayscale, rgb": IMAGE | {"color": ["rgb"]},
    "p.mean must be 1 to 100000 finite numbers": TABLE | {"mean": [float("nan")]},
    "p.scale must be 1 positive numbers": TABLE | {"scale": [0.0]},
    "p.columns must be 1 names": TABLE | {"columns": [3]},
    "p.length must be made of integers": KINDS["series"][0].to_json() | {"length": True},
}


@pytest.mark.anybackend
@pytest.mark.parametrize("message", BAD)
def test_fields_out_of_bounds_are_named(message):
    with pytest.raises(ValueError) as error:
        from_json(BAD[message], "p")
    assert str(error.value).startswith(f"Field {message}")


@pytest.mark.anybackend
def test_listed_kinds_are_those_that_json_has():
    assert set(KINDS) == set(preprocessing._KINDS)
