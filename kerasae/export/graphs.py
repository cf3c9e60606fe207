"""Functional Keras models for export, in float32, with named inputs and outputs."""

from typing import NamedTuple

import keras

from kerasae import models


class Graph(NamedTuple):
    """A model to export.

    Attributes:
        model: Functional model whose inputs have their names in the file.
        outputs: Names of its outputs in the file.
    """

    model: keras.Model
    outputs: tuple[str, ...]


def of_part(model: models.Autoencoder, part: str, preprocessing=None) -> Graph:
    """Build the graph of a part of a model.

    Args:
        model: Built model.
        part: `"encoder"`, `"decoder"` or `"whole"`.
        preprocessing: Object of `kerasae.preprocessing` for the first layers, so the input is raw data and the whole
            model also returns codes; or None.
    """
    copy = _in_float32(model)
    if part == "decoder":
        first = keras.Input(copy.code_shape, name="z")
    elif preprocessing is None:
        first = keras.Input(copy.data_shape, name="x")
    else:
        first = keras.Input(preprocessing.raw_shape, dtype=preprocessing.raw_dtype, name="x")
    label = [keras.Input((), dtype="int32", name="label")] if len(copy.encoder.inputs) > 1 else []

    def apply(half, x):
        return half([x, *label] if label else x, training=False)

    x = first
    for layer in preprocessing.layers() if preprocessing is not None else ():
        x = layer(x)
    if part == "encoder":
        outputs = keras.tree.flatten(apply(copy.encoder, x))
        names = ("code", "log_variance")[: len(outputs)]
    elif part == "decoder":
        outputs, names = [apply(copy.decoder, x)], ("reconstruction",)
    else:  # without the unused log-variance, which a converter might export as an output
        code = apply(keras.Model(copy.encoder.inputs, copy.encoder.outputs[0]), x)
        outputs, names = [apply(copy.decoder, code)], ("reconstruction",)
        if preprocessing is not None:
            outputs, names = [*outputs, code], (*names, "code")
    inputs = [first, *label] if label else first
    return Graph(keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0], name=part), names)


def of_detector(detector, preprocessing) -> Graph:
    """Build the graph of an outlier detector: inputs → reconstruction, code, score and label.

    Args:
        detector: A fitted `kerasae.sklearn.OutlierDetector`.
        preprocessing: As for `of_part`.
    """
    body = detector.graph()
    if preprocessing is None:
        x = first = keras.Input(detector.model_.data_shape, name="x")
    else:
        x = first = keras.Input(preprocessing.raw_shape, dtype=preprocessing.raw_dtype, name="x")
        for layer in preprocessing.layers():
            x = layer(x)
    names = ("reconstruction", "code", "score", "label")
    outputs = body(x, training=False)
    return Graph(keras.Model(first, [outputs[name] for name in names], name="detector"), names)


def _in_float32(model: models.Autoencoder) -> models.Autoencoder:
    copy = type(model).from_config(model.get_config() | {"dtype": "float32"})
    copy.set_weights(model.get_weights())
    for layer in (*copy.encoder.layers, *copy.decoder.layers):
        layer.activity_regularizer = None  # it divides by the batch size, which PyTorch's tracer would freeze
    return copy
