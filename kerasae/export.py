"""Export of models to ONNX, OpenVINO, TensorFlow and PyTorch files that run without Keras."""

import importlib.util
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

PARTS = ("encoder", "decoder", "whole")


class Format(NamedTuple):
    """An export format.

    Attributes:
        suffix: File suffix; empty for a directory.
        needs: Backend that can write the format → packages it needs besides the framework.
    """

    suffix: str
    needs: dict[str, tuple[str, ...]]


FORMATS = {
    "onnx": Format(".onnx", {"tensorflow": ("onnx", "tf2onnx"), "torch": ("onnx",)}),
    "openvino": Format(
        ".xml",
        {"tensorflow": ("onnx", "tf2onnx", "openvino"), "torch": ("onnx", "openvino"), "openvino": ()},
    ),
    "tf": Format("", {"tensorflow": (), "jax": ("tensorflow",)}),
    "torch": Format(".pt2", {"torch": ()}),
}


def export(model, path: str | Path, part: str = "whole", format: str = "onnx", overwrite: bool = False) -> Path:
    """Export a model, its encoder or its decoder to a file that runs without Keras and kerasae.

    The inputs are `x` (`z` for the decoder) and, for a conditional model, `label` (int32), with any batch size. The
    outputs are `code` for an encoder, followed by `log_variance` for a variational model, or `reconstruction`. All
    values but labels are float32. The exported model does not validate its inputs.

    If exporting fails, nothing is written and an existing file stays.

    Args:
        model: A `kerasae.models.Autoencoder`.
        path: File to write: `.onnx`; `.xml` for OpenVINO (weights in a `.bin` file beside it); a directory for a
            TensorFlow SavedModel; `.pt2` for PyTorch.
        part: `"encoder"`, `"decoder"`, or `"whole"` for the reconstruction. Discriminators are not exported.
        format: `"onnx"`, `"openvino"`, `"tf"` or `"torch"`.
        overwrite: Whether to replace an existing export.

    Returns:
        The path.

    Raises:
        ValueError: `part`, `format` or the suffix of `path` is invalid, or the backend cannot write the format.
        ImportError: A required package is not installed.
        FileExistsError: `path` exists and `overwrite` is False, or it was not written by an export.

    OpenVINO computes in bfloat16 on processors that support it, and then differs from Keras in the third digit.
    Compile with `{"INFERENCE_PRECISION_HINT": "f32"}` for float32.

    >>> model = kerasae.models.DenseAutoencoder((28, 28, 1))
    >>> export(model, "encoder.onnx", "encoder")  # on TensorFlow or PyTorch    # doctest: +SKIP
    >>> onnxruntime.InferenceSession("encoder.onnx").run(["code"], {"x": x})    # doctest: +SKIP
    """
    path = Path(path)
    _check_arguments(part, format, path)
    _check_not_in_use(path, overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        with warnings.catch_warnings():  # tracers warn about Python constants
            warnings.simplefilter("ignore")
            _WRITERS[format](_functional(model, part), partial / path.name)
        _move(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return path


def _check_arguments(part: str, format: str, path: Path) -> None:
    """Validate the arguments; raise if the backend in use cannot write the format."""
    import keras

    if part not in PARTS:
        raise ValueError(f"part must be one of {', '.join(map(repr, PARTS))}. Received: {part!r}")
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(map(repr, FORMATS))}. Received: {format!r}")
    suffix, needs = FORMATS[format]
    backend = keras.backend.backend()
    if backend not in needs:
        able = " or ".join(needs)
        raise ValueError(
            f"The {backend} backend can't export {format}. Set KERAS_BACKEND to {able} before Keras is imported."
        )
    missing = [package for package in needs[backend] if importlib.util.find_spec(package) is None]
    if missing:
        raise ImportError(
            f"To export {format} from {backend}, {' and '.join(missing)} must be installed: "
            f"`pip install {' '.join(missing)}`."
        )
    if path.suffix != suffix:
        expected = f"a name that ends in {suffix}" if suffix else "a directory's name, without a suffix"
        raise ValueError(f"Expected {expected} for {format}. Received: {path}")


def _check_not_in_use(path: Path, overwrite: bool) -> None:
    foreign = path.is_file() if path.suffix == "" else path.is_dir()
    if foreign or (path.is_dir() and not (path / "saved_model.pb").exists()):
        raise FileExistsError(f"{path} exists and was not written by an export. Choose another path.")
    files = [path, path.with_suffix(".bin")] if path.suffix == ".xml" else [path]
    existing = [file for file in files if file.exists()]
    if existing and not overwrite:
        raise FileExistsError(
            f"{existing[0]} exists. Choose another path, or replace it (overwrite=True, --overwrite)."
        )


def _functional(model, part: str):
    """Return a float32 copy of a part of the model as a functional model with named inputs."""
    import keras

    copy = type(model).from_config(model.get_config() | {"dtype": "float32"})
    copy.set_weights(model.get_weights())
    encoder, decoder = copy.encoder, copy.decoder
    for layer in (*encoder.layers, *decoder.layers):
        layer.activity_regularizer = None  # PyTorch's tracer would freeze the batch size it divides by
    first = keras.Input(copy.code_shape, name="z") if part == "decoder" else keras.Input(copy.data_shape, name="x")
    label = [keras.Input((), dtype="int32", name="label")] if len(encoder.inputs) > 1 else []

    def apply(half, x):
        return half([x, *label] if label else x, training=False)

    if part == "encoder":
        outputs = apply(encoder, first)
    elif part == "decoder":
        outputs = apply(decoder, first)
    else:  # without the unused log-variance, which a converter might take for an output
        outputs = apply(decoder, apply(keras.Model(encoder.inputs, encoder.outputs[0]), first))
    return keras.Model([first, *label] if label else first, outputs, name=part)


def _output_names(model) -> list[str]:
    return ["code", "log_variance"][: len(model.outputs)] if model.name == "encoder" else ["reconstruction"]


def _signature(model) -> list:
    import keras

    specs = [keras.InputSpec(shape=x.shape, dtype=x.dtype, name=x.name) for x in model.inputs]
    return [specs] if len(specs) > 1 else specs


def _write_onnx(model, path: Path) -> None:
    import onnx

    model.export(path, format="onnx", verbose=False, input_signature=_signature(model))
    written = onnx.load(path)
    graph = written.graph
    names = dict(zip((output.name for output in graph.output), _output_names(model), strict=True))
    for node in graph.node:
        for tensors in (node.input, node.output):
            tensors[:] = [names.get(name, name) for name in tensors]
    for value, tensor in zip((*graph.input, *graph.output), (*model.inputs, *model.outputs), strict=True):
        value.name = names.get(value.name, value.name)
        batch, *others = value.type.tensor_type.shape.dim
        batch.dim_param = "batch"
        for dimension, size in zip(others, tensor.shape[1:], strict=True):
            dimension.dim_value = size
    onnx.checker.check_model(written, full_check=True)
    onnx.save(written, path)


def _write_openvino(model, path: Path) -> None:
    """Write through ONNX, because OpenVINO's own converters lose the names and shapes of the inputs."""
    import keras
    import openvino

    raw = path.with_name("raw.onnx")
    if keras.backend.backend() == "openvino":
        written = _openvino_graph(model)
    else:
        _write_onnx(model, raw)
        written = openvino.Core().read_model(raw)
    names = [x.name for x in model.inputs], _output_names(model)
    for ports, given in zip((written.inputs, written.outputs), names, strict=True):
        for port, name in zip(ports, given, strict=True):
            port.get_tensor().set_names({name})
    openvino.serialize(written, path)
    raw.unlink(missing_ok=True)


def _openvino_graph(model):
    """Return the OpenVINO graph of the model. The one of Keras's exporter is only correct for a batch size of 1."""
    from kerasae.backends import openvino

    parameters = [openvino.parameter((-1, *x.shape[1:]), x.dtype) for x in model.inputs]
    return openvino.graph(model, parameters if len(parameters) > 1 else parameters[0])[0]


def _write_tf(model, path: Path) -> None:
    model.export(path, format="tf_saved_model", verbose=False, input_signature=_signature(model))


def _write_torch(model, path: Path) -> None:
    import torch

    batch = torch.export.Dim("batch")
    shapes = [{0: batch} for _ in model.inputs]
    dynamic = [(shapes,)] if len(shapes) > 1 else [(shapes[0],)]
    model.export(path, format="torch", verbose=False, input_signature=_signature(model), dynamic_shapes=dynamic)


_WRITERS = {"onnx": _write_onnx, "openvino": _write_openvino, "tf": _write_tf, "torch": _write_torch}


def _move(partial: Path, path: Path) -> None:
    """Move the written files to `path`, the main file last."""
    if path.is_dir():
        shutil.rmtree(path)
    for written in sorted(partial.iterdir(), key=lambda written: written.name == path.name):
        os.replace(written, path.parent / written.name)
