"""Export a model to a file, completely or not at all."""

import importlib.util
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kerasae.preprocessing import Preprocessing

PARTS = ("encoder", "decoder", "whole")


class Format(NamedTuple):
    """An export format.

    Attributes:
        suffix: File suffix; empty for a directory.
        needs: For each backend that can write the format, the packages that it needs besides the framework.
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


def export(
    model,
    path: str | Path,
    part: str = "whole",
    format: str = "onnx",
    overwrite: bool = False,
    preprocess: "bool | Preprocessing" = False,
) -> Path:
    """Export a model, its encoder or its decoder to a file that runs without Keras and kerasae.

    The inputs are `x` (`z` for the decoder) and, for a conditional model, `label` (int32), with any batch size. The
    outputs are `code` for an encoder, followed by `log_variance` for a variational model, or `reconstruction`. All
    values except labels are float32. The exported model does not validate its inputs.

    With `preprocess`, `x` is raw data: 8-bit pixels `(n, height, width, channels)` uint8, or the values of a table. The
    whole model then returns `reconstruction`, in the model's units like `model.reconstruct`, and `code`; a detector
    also returns `score` `(n,)`, as in `score_samples`, and `label` `(n,)`, 1 or -1 (int32).

    If the export fails, nothing is written and an existing file is unchanged.

    Args:
        model: A `kerasae.models.Autoencoder`, a fitted `kerasae.sklearn.OutlierDetector`, or the name or path of an
            entry, as for `zoo.load`.
        path: File to write: `.onnx`; `.xml` for OpenVINO (weights in a `.bin` file beside it); a directory for a
            TensorFlow SavedModel; `.pt2` for PyTorch.
        part: `"encoder"`, `"decoder"`, or `"whole"` for the reconstruction. Discriminators are not exported.
        format: `"onnx"`, `"openvino"`, `"tf"` or `"torch"`.
        overwrite: Whether to replace an existing export.
        preprocess: True to include the preprocessing on the entry's card, or for a model of pictures in [0, 1] without
            one the division of pixels by 255; or an object of `kerasae.preprocessing` to include.

    Returns:
        The path.

    Raises:
        ValueError: If `part`, `format` or the suffix of `path` is invalid, the backend cannot write the format, there
            is no such entry, or `preprocess` is used with a decoder or a model without preprocessing.
        ImportError: If a required package is not installed.
        FileExistsError: If `path` exists and `overwrite` is False, or it was not written by an export.

    OpenVINO computes in bfloat16 on processors that support it, and then differs from Keras in the third digit.
    Compile with `{"INFERENCE_PRECISION_HINT": "f32"}` for float32.

    >>> model = kerasae.models.DenseAutoencoder((28, 28, 1))
    >>> export(model, "encoder.onnx", "encoder")  # on TensorFlow or PyTorch    # doctest: +SKIP
    >>> onnxruntime.InferenceSession("encoder.onnx").run(["code"], {"x": x})    # doctest: +SKIP
    """
    path = Path(path)
    _check_arguments(part, format, path)
    if preprocess and part == "decoder":
        raise ValueError(
            "preprocess must be False for the decoder, which takes codes. Export the encoder or the whole model."
        )
    _check_not_in_use(path, overwrite)
    from kerasae.export.graphs import of_detector, of_part
    from kerasae.export.writers import WRITERS

    model, preprocessing, detector = _loaded(model, preprocess)
    if detector is not None and part == "whole" and preprocess:
        graph = of_detector(detector, preprocessing)
    else:
        graph = of_part(model, part, preprocessing)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        with warnings.catch_warnings():  # tracers warn about Python constants
            warnings.simplefilter("ignore")
            WRITERS[format](graph, partial / path.name)
        _move(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return path


def _loaded(model, preprocess: "bool | Preprocessing"):
    """Load the model, the preprocessing to include (or None), and the outlier detector (or None)."""
    from kerasae import zoo
    from kerasae.sklearn import OutlierDetector
    from kerasae.zoo.raw import preprocessing_of

    card = detector = None
    if isinstance(model, OutlierDetector):
        detector, model = model, model.model_
    elif isinstance(model, str | Path):
        card = None if str(model).endswith(".keras") else zoo.card(model)
        if card is not None and card.detector is not None:
            detector = OutlierDetector.load(model)
        model = zoo.load(model) if detector is None else detector.model_
    preprocessing = preprocessing_of(model, card) if preprocess is True else preprocess or None
    if preprocess is True and preprocessing is None and detector is None:
        raise ValueError(
            "preprocess=True needs an entry whose card has a preprocessing, or a model of pictures in [0, 1]. "
            f"Received: {type(model).__name__} for inputs {model.data_shape} without one. Pass an object of "
            "kerasae.preprocessing, or leave out preprocess."
        )
    return model, preprocessing, detector


def _check_arguments(part: str, format: str, path: Path) -> None:
    """Raise an error if an argument is invalid or the backend in use cannot write the format."""
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


def _move(partial: Path, path: Path) -> None:
    """Move the written files to `path`, the main file last."""
    if path.is_dir():
        shutil.rmtree(path)
    for written in sorted(partial.iterdir(), key=lambda written: written.name == path.name):
        os.replace(written, path.parent / written.name)
