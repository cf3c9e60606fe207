"""Exported files run without Keras on any number of images and give the golden outputs."""

import json
import sys
from pathlib import Path

import pytest
from conftest import python

from kerasae import zoo
from kerasae.export import FORMATS, PARTS, export

pytestmark = pytest.mark.anybackend

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SOME = ("conv32_mnist", "cvae_mnist")  # one input; a label as second input
# One entry per class of models: another entry of the same class exports the same operations.
ONE_PER_CLASS = (
    "aae_mnist",
    "conv32_mnist",
    "conv_mnist",
    "cvae_mnist",
    "dense_mnist",
    "linear_sine",
    "sparse_mnist",
    "vae2_mnist",
    "vae_mnist",
    "vaegan_mnist",
)
# Entries that each backend exports, by format.
EXPORTED = {
    "torch": {"onnx": ONE_PER_CLASS, "openvino": SOME, "torch": (*SOME, "sparse_mnist")},
    "tensorflow": {"onnx": SOME, "openvino": SOME, "tf": SOME},
    "jax": {"tf": SOME[1:]},
    "openvino": {"openvino": SOME},
}


def parts(name):
    """Exported parts: all of the conditional entry, else the whole model, which has the operations of the others."""
    return PARTS if name == "cvae_mnist" else ("whole",)


EXPORT = """
import json
import sys
from pathlib import Path
import numpy as np
from kerasae import metrics, zoo
from kerasae.export import FORMATS, export

directory, exported = Path(sys.argv[1]), json.loads(sys.argv[2])
inputs = {}
for name in {name for names in exported.values() for name in names}:
    model = zoo.load(name)
    inputs[name] = metrics.golden_inputs(model.data_shape, model.value_range)
    for format in (format for format in exported if name in exported[format]):
        for part in json.loads(sys.argv[3])[name]:
            export(model, directory / f"{name}-{part}-{format}{FORMATS[format].suffix}", part, format)
np.savez(directory / "inputs.npz", **inputs)
"""

WHOLE_OR_ABSENT = """
import sys
from pathlib import Path
import kerasae
from kerasae import export
from kerasae.export import writers

model, directory = kerasae.models.DenseAutoencoder((6, 5, 1), (8,), 3, dtype="mixed_bfloat16"), Path(sys.argv[1])

def refused(path, *arguments, **kwargs):
    try:
        export.export(model, path, *arguments, **kwargs)
    except Exception as error:
        return f"{type(error).__name__}: {error}"

path = export.export(model, directory / "new" / "model.onnx")
first = path.read_bytes()
print(refused(path))
export.export(model, path, "encoder", overwrite=True)
assert path.read_bytes() != first
(directory / "model.bin").touch()
print(refused(directory / "model.xml", format="openvino"))
writers.WRITERS["onnx"] = lambda model, path: path.write_text("half") and 1 / 0
print(refused(path, overwrite=True), len(path.read_bytes()) > 1000)
print(refused(directory / "other.onnx"), (directory / "other.onnx").exists())
print(sorted(file.name for file in directory.rglob("*")))
"""

PREPROCESSED = """
import sys
from pathlib import Path
import numpy as np
import onnxruntime
from kerasae import data, preprocessing, zoo
from kerasae.export import export
from kerasae.sklearn import OutlierDetector

directory, dtype = Path(sys.argv[1]), {}

def ran(path, x, **label):
    session = onnxruntime.InferenceSession(path)
    dtype[path.name] = [one.type for one in session.get_inputs()], [one.name for one in session.get_outputs()]
    return session.run(None, {"x": x, **label})

def same(outputs, *expected):
    for found, one in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(found, one, rtol=0, atol=1e-5 * max(1, np.abs(one).max()))

images, y = data.digits().x_test[:100], data.digits().y_test[:100]
pixels = np.rint(255 * images).astype("uint8")
x = pixels / np.float32(255)
model, linear = zoo.load("conv32_mnist"), zoo.load("linear_sine")
for entry, label in (("conv32_mnist", {}), ("cvae_mnist", {"label": y.astype("int32")})):
    m = zoo.load(entry)
    path = export(entry, directory / f"{entry}.onnx", preprocess=True)
    same(ran(path, pixels, **label), m.reconstruct(x, **label), m.encode(x, **label))
path = export(model, directory / "encoder.onnx", "encoder", preprocess=True)
same(ran(path, pixels), model.encode(x))
rows = data.sine().x_test * [10.0, 0.1] + [5.0, -3.0]
scale = preprocessing.TablePreprocessing.fitted(rows)
zoo.save(linear, directory / "entry", preprocessing=scale)
path = export(directory / "entry", directory / "table.onnx", preprocess=True)
same(ran(path, rows.astype("float32")), linear.reconstruct(scale(rows)), linear.encode(scale(rows)))
detector = OutlierDetector("dense8_mnist", contamination=0.1).fit(x.reshape(100, -1))
detector.save(directory / "detector", preprocessing=preprocessing.ImagePreprocessing((28, 28), "grayscale"))
path = export(directory / "detector", directory / "detector.onnx", preprocess=True)
*outputs, score, label = ran(path, pixels)
flat, inside = x.reshape(100, -1), detector.model_
same([*outputs, score], inside.reconstruct(x), inside.encode(x), detector.score_samples(flat))
np.testing.assert_array_equal(label, detector.predict(flat))
assert 5 < (label < 0).sum() < 20
print(dtype)
"""

# All scripts of one backend, each with its arguments, in one process; each followed by the line END.
SCRIPTS = """
import json
import sys

for script, *arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = arguments
    exec(script, {})
    print("END")
"""

# Without Keras: largest difference of each file from the golden outputs, and names of its inputs and outputs.
RUN = """
import json
import sys
from pathlib import Path
sys.modules["keras"] = sys.modules["kerasae"] = None
sys.path.append(sys.argv[2])
import numpy as np
from compatibility import RUN, difference

directory, found = Path(sys.argv[1]), {}
cards = json.loads((directory / "cards.json").read_text())
inputs = dict(np.load(directory / "torch" / "inputs.npz"))
for path in sorted(directory.glob("*/*-*")):
    if path.suffix != ".bin":
        name, part, format = path.stem.split("-")
        label = [np.arange(2, dtype="int32")] if name.startswith("cvae") else []
        off = difference(str(path), format, part, cards[name], inputs[name], *label)
        found[str(path.relative_to(directory).with_suffix(""))] = off, *RUN[format](str(path))[:2]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def all_found(tmp_path_factory):
    """Files → difference, inputs, outputs: results of `RUN` for what `EXPORT` writes on each backend.

    Further, what the other scripts print on PyTorch, and the directory of the last one.
    """
    directory, kept, printed = tmp_path_factory.mktemp("exported"), tmp_path_factory.mktemp("kept"), {}
    of_entry = {name: parts(name) for name in ONE_PER_CLASS}
    for backend, exported in EXPORTED.items():
        (directory / backend).mkdir()
        scripts = [(EXPORT, str(directory / backend), json.dumps(exported), json.dumps(of_entry))]
        if backend == "torch":
            scripts += [(PREPROCESSED, str(tmp_path_factory.mktemp("preprocessed"))), (WHOLE_OR_ABSENT, str(kept))]
        printed[backend] = python(SCRIPTS, json.dumps(scripts), backend=backend).stdout.split("END\n")
    golden = {name: {key: array.tolist() for key, array in zoo.golden(name).items()} for name in zoo.names()}
    (directory / "cards.json").write_text(json.dumps(golden))
    files = json.loads(python(RUN, directory, BENCHMARKS).stdout.splitlines()[-1])
    return files, printed["torch"][1:], kept


@pytest.fixture(params=EXPORTED)
def found(request, all_found):
    """The results of one backend, for which all files exist."""
    backend, exported = request.param, EXPORTED[request.param]
    pairs = [(name, format) for format in exported for name in exported[format]]
    expected = {f"{name}-{part}-{format}" for name, format in pairs for part in parts(name)}
    files = all_found[0]
    found = {file.name: files[str(file)] for file in map(Path, files) if file.parent.name == backend}
    assert found.keys() == expected
    return found


def test_exported_files_give_the_golden_outputs(found):
    assert {file: off for file, (off, *_) in found.items() if not off <= 1e-5} == {}


def test_inputs_and_outputs_have_names(found):
    for file, (_, ins, outs) in found.items():
        name, part, _ = file.split("-")
        first = "z" if part == "decoder" else "x"
        if ins is not None:
            assert set(ins) == ({first, "label"} if name == "cvae_mnist" else {first}), file
        if outs is not None:
            code = ["code", "log_variance"] if "vae" in name else ["code"]
            assert outs == (code if part == "encoder" else ["reconstruction"]), file


def test_files_are_written_completely_or_not_at_all(all_found):
    _, (_, printed, *_), path = all_found
    lines = printed.splitlines()
    exists = "FileExistsError: {} exists. Choose another path, or replace it (overwrite=True, --overwrite)."
    assert lines == [
        exists.format(path / "new" / "model.onnx"),
        exists.format(path / "model.bin"),
        "ZeroDivisionError: division by zero True",
        "ZeroDivisionError: division by zero False",
        "['model.bin', 'model.onnx', 'new']",
    ]


@pytest.mark.parametrize(("name", "format"), [("directory", "tf"), ("file", "tf"), ("directory.onnx", "onnx")])
def test_files_that_are_not_exports_are_kept(name, format, tmp_path, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "tensorflow")
    (tmp_path / name).touch() if name == "file" else (tmp_path / name).mkdir()
    with pytest.raises(FileExistsError, match=f"{name} exists and was not written by an export"):
        export(None, tmp_path / name, format=format, overwrite=True)
    assert (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("backend", "format", "able"),
    [
        ("jax", "onnx", "tensorflow or torch"),
        ("numpy", "openvino", "tensorflow or torch or openvino"),
        ("torch", "tf", "tensorflow or jax"),
        ("tensorflow", "torch", "torch"),
    ],
)
def test_errors_name_the_backends_that_can_export(backend, format, able, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: backend)
    with pytest.raises(ValueError, match=f"The {backend} backend can't export {format}. Set KERAS_BACKEND to {able} "):
        export(None, f"model{FORMATS[format].suffix}", format=format)


@pytest.mark.parametrize(
    ("backend", "format", "package"),
    [
        ("torch", "onnx", "onnx"),
        ("tensorflow", "onnx", "tf2onnx"),
        ("torch", "openvino", "openvino"),
        ("jax", "tf", "tensorflow"),
    ],
)
def test_a_missing_package_is_named(backend, format, package, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: backend)
    monkeypatch.setitem(sys.modules, package, None)
    message = f"To export {format} from {backend}, {package} must be installed: `pip install {package}`."
    with pytest.raises(ImportError, match=message):
        export(None, f"model{FORMATS[format].suffix}", format=format)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("model.onnx", "discriminator"),
            "part must be one of 'encoder', 'decoder', 'whole'. Received: 'discriminator'",
        ),
        (
            ("model.onnx", "whole", "tflite"),
            "format must be one of 'onnx', 'openvino', 'tf', 'torch'. Received: 'tflite'",
        ),
        (("model.pt", "whole", "onnx"), "Expected a name that ends in .onnx for onnx. Received: model.pt"),
    ],
)
def test_invalid_arguments_are_refused(arguments, message, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "torch")
    with pytest.raises(ValueError, match=message):
        export(None, *arguments)


def test_exports_with_preprocessing_take_raw_data(all_found):
    """8-bit pixels and a table in its units; a detector gives the same scores and labels as in Keras."""
    both = ["reconstruction", "code"]
    assert eval(all_found[1][0].splitlines()[-1]) == {
        "conv32_mnist.onnx": (["tensor(uint8)"], both),
        "cvae_mnist.onnx": (["tensor(uint8)", "tensor(int32)"], both),
        "encoder.onnx": (["tensor(uint8)"], ["code"]),
        "table.onnx": (["tensor(float)"], both),
        "detector.onnx": (["tensor(uint8)"], [*both, "score", "label"]),
    }


def test_missing_preprocessing_is_not_exported(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "torch")
    with pytest.raises(
        ValueError, match="preprocess must be False for the decoder, which takes codes. Export the encoder"
    ):
        export("conv_mnist", "model.onnx", "decoder", preprocess=True)
    with pytest.raises(ValueError, match="preprocess=True needs an entry whose card has a preprocessing, or a model"):
        export("linear_sine", "model.onnx", preprocess=True)
