"""Test every entry on all five backends: outputs, training, files and exports.

    python benchmarks/compatibility.py docs/compatibility.md

Each backend runs in its own process and stores its results entry by entry in `benchmarks/compatibility/BACKEND.json`,
so an interrupted run resumes. An entry is measured again if its weights or a version changed. `--table` only writes the
page.
"""

import argparse
import importlib.metadata
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

DIRECTORY = Path(__file__).with_name("compatibility")
BACKENDS = {"tensorflow": "TensorFlow", "torch": "PyTorch", "jax": "JAX", "numpy": "NumPy", "openvino": "OpenVINO"}
REFERENCE = "jax"  # the backend that the others are compared with
# Packages that each backend uses, besides Keras and NumPy.
PACKAGES = {
    "tensorflow": ("tensorflow", "tf2onnx", "onnx", "onnxruntime", "openvino"),
    "torch": ("torch", "onnx", "onnxruntime", "openvino"),
    "jax": ("jax", "tensorflow"),
    "numpy": ("jax",),
    "openvino": ("openvino",),
}

IMAGES, STEPS = 16, 3
CHECKS = {
    "verify": "verify",
    "evaluate": "evaluate",
    "fit": "fit",
    "save": "save and load",
    "onnx": "ONNX",
    "openvino": "OpenVINO file",
    "tf": "SavedModel",
    "torch": "`.pt2`",
}
EXPORTED = ("onnx", "openvino", "tf", "torch")


# Run exported files without Keras: each function takes a path and returns names of inputs and outputs (None if the file
# has none) and a function of arrays.


def run_onnx(path: str):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs, outputs = ([port.name for port in ports] for ports in (session.get_inputs(), session.get_outputs()))
    return inputs, outputs, lambda *given: session.run(None, dict(zip(inputs, given, strict=True)))


def run_openvino(path: str):
    import numpy as np
    import openvino

    code = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    known = ("x", "z", "label", "code", "log_variance", "reconstruction")  # ports also have the names of their nodes
    inputs, outputs = (
        [next(name for name in known if name in port.names) for port in ports] for ports in (code.inputs, code.outputs)
    )

    def run(*given):
        results = code(dict(zip(inputs, given, strict=True)), share_outputs=False)
        return [np.array(array) for array in results.to_tuple()]

    return inputs, outputs, run


def run_tf(path: str):
    import tensorflow as tf

    model = tf.saved_model.load(path)
    inputs = model.signatures["serving_default"].structured_input_signature[1]
    return (
        list(inputs),
        None,
        lambda *given: [array.numpy() for array in flat(model.serve(given[0] if len(given) == 1 else list(given)))],
    )


def run_torch(path: str):
    import torch

    program = torch.export.load(path).module()

    def run(*given):
        tensors = [torch.as_tensor(array) for array in given]
        results = program(tensors[0] if len(tensors) == 1 else tensors)
        return [array.numpy(force=True) for array in flat(results)]

    return None, None, run


RUN = {"onnx": run_onnx, "openvino": run_openvino, "tf": run_tf, "torch": run_torch}


def flat(outputs):
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]


def difference(path: str, format: str, part: str, golden: dict, x, *label) -> float:
    """Largest difference of an exported part's outputs from the golden ones, relative to `max(1, largest value)`.

    It is measured with batches of one, two and five images.
    """
    import numpy as np

    golden = {key: np.array(value, "float32") for key, value in golden.items()}
    keys = [key for key in ("code", "log_variance") if key in golden] if part == "encoder" else ["reconstruction"]
    given, largest = (golden["code"] if part == "decoder" else x, *label), 0.0
    _, _, run = RUN[format](path)
    for chosen in ([0], [0, 1], [1, 1, 0, 1, 0]):
        for key, array in zip(keys, run(*(each[chosen] for each in given)), strict=True):
            expected = golden[key][chosen]
            if array.shape != expected.shape or array.dtype != "float32":
                raise ValueError(f"{path}: {key} is {array.dtype} of shape {array.shape}, not {expected.shape}")
            largest = max(largest, float(np.max(np.abs(array - expected)) / max(1.0, np.max(np.abs(expected)))))
    return largest


# Measuring, on the backend in use


def measure(name: str) -> dict:
    """Run all checks of one entry on this backend."""
    import keras
    import numpy as np

    from kerasae import _import_hook, metrics, zoo

    of_allowed = max(difference.largest / difference.tolerance for difference in zoo.verify(name).values())
    result = {"verify": of_allowed * zoo.TOLERANCE, "export": exported(name), "weights": weights_of(name)}
    model = zoo.load(name)
    x = metrics.golden_inputs(model.data_shape, model.value_range, IMAGES)
    labels = np.arange(IMAGES, dtype="int32") % 10
    fed, given = model.labeled(x, labels), metrics.given_to(model, labels)
    result["evaluate"] = model.evaluate(fed, batch_size=IMAGES, verbose=0, return_dict=True)
    if keras.backend.backend() in _import_hook.TRAINING_BACKENDS:
        history = model.fit(fed, batch_size=IMAGES, epochs=STEPS, shuffle=False, verbose=0).history
        result["fit"] = history["loss"]
    with tempfile.TemporaryDirectory() as directory:
        model.save(f"{directory}/it.keras")
        loaded = keras.saving.load_model(f"{directory}/it.keras")
    outputs = [each.reconstruct(x, **given) for each in (model, loaded)]
    result["save"] = float(np.max(np.abs(outputs[0] - outputs[1])))
    return result


def exported(name: str) -> dict[str, float]:
    """Largest difference of the entry's three parts, for each format that this backend can export."""
    import keras
    import numpy as np

    from kerasae import export, metrics, zoo

    model, golden = zoo.load(name), zoo.golden(name)
    x = metrics.golden_inputs(model.data_shape, model.value_range)
    label = [np.arange(2, dtype="int32")] if metrics.given_to(model, x) else []
    result = {}
    for format, (suffix, needs) in export.FORMATS.items():
        if keras.backend.backend() in needs:
            with tempfile.TemporaryDirectory() as directory:
                result[format] = max(
                    difference(
                        str(export.export(model, f"{directory}/{part}{suffix}", part, format)),
                        format,
                        part,
                        golden,
                        x,
                        *label,
                    )
                    for part in export.PARTS
                )
    return result


def versions(backend: str) -> dict[str, str]:
    import kerasae

    packages = ("keras", "numpy", *PACKAGES[backend])
    installed = {package: importlib.metadata.version(package) for package in packages}
    return {"Python": platform.python_version(), "kerasae": kerasae.__version__} | installed


def weights_of(name: str) -> str:
    from kerasae import zoo

    return zoo.card(name)["files"][zoo.WEIGHTS]


def kept(backend: str) -> dict:
    """Stored results of a backend."""
    path = DIRECTORY / f"{backend}.json"
    return json.loads(path.read_text()) if path.exists() else {"versions": {}, "entries": {}}


def measure_all(names) -> None:
    """Measure entries that are not measured yet on the backend in use, and store each result."""
    import keras

    backend = keras.backend.backend()
    now = versions(backend)
    record = kept(backend)
    if record["versions"] != now:
        record = {"versions": now, "entries": {}}
    DIRECTORY.mkdir(exist_ok=True)
    for name in names:
        if record["entries"].get(name, {}).get("weights") == weights_of(name):
            continue
        record["entries"][name] = measure(name)
        print(backend, name, found(record["entries"][name], name), flush=True)
        partial = DIRECTORY / f".{backend}.json"
        partial.write_text(json.dumps(record, indent=1) + "\n")
        partial.replace(DIRECTORY / f"{backend}.json")


# The page


def relative(a, b) -> float:
    return max(abs(p - q) / max(abs(q), 1e-30) for p, q in zip(a, b, strict=True))


def found(run: dict, name: str) -> dict[str, float]:
    """Differences of one entry on one backend, by check."""
    reference = kept(REFERENCE)["entries"].get(name, run)
    if reference["weights"] != run["weights"]:  # the reference is not measured anew yet
        reference = run
    keys = sorted(run["evaluate"])
    result = {
        "verify": run["verify"],
        "evaluate": relative([run["evaluate"][key] for key in keys], [reference["evaluate"][key] for key in keys]),
        "save": run["save"],
        **run["export"],
    }
    if "fit" in run:
        result["fit"] = relative(run["fit"], reference["fit"])
    return result


def page() -> str:
    """Format all results as Markdown."""
    differences = {
        backend: {name: found(run, name) for name, run in sorted(kept(backend)["entries"].items())}
        for backend in BACKENDS
    }
    lines = [
        "# Compatibility",
        "",
        _finding(differences),
        "",
        "The tables show the largest differences, measured by `make compat`.",
        "",
        "- *verify*: outputs for two fixed inputs, from the golden outputs, relative to max(1, largest value).",
        f"- *evaluate*: relative difference of the losses of {IMAGES} such inputs from those of {BACKENDS[REFERENCE]}.",
        f"- *fit*: relative difference of the losses of {STEPS} steps from those of {BACKENDS[REFERENCE]}. It",
        "  can reach 1e-3 if rounding decides the sign of a ReLU's input (see [agreement](agreement.md)).",
        "- *save and load*: reconstructions of the trained model, from those of its `.keras` file after loading.",
        "- *ONNX*, *OpenVINO file*, *SavedModel*, *`.pt2`*: as *verify*, for encoder, decoder and whole model",
        "  exported from this backend, on one, two and five inputs.",
        "",
        "A dash: not supported by this backend. NumPy and OpenVINO cannot train; the formats depend on the backend.",
        "",
        "## Maximum over all entries",
        "",
        *header("backend", "entries"),
    ]
    for backend, entries in differences.items():
        largest = {
            check: max((each[check] for each in entries.values() if check in each), default=None) for check in CHECKS
        }
        lines.append(row(BACKENDS[backend], str(len(entries)), largest))
    for backend, entries in differences.items():
        named = ", ".join(f"{package} {version}" for package, version in kept(backend)["versions"].items())
        lines += ["", f"## {BACKENDS[backend]}", "", named or "not run", "", *header("entry")]
        lines += [row(f"`{name}`", each) for name, each in entries.items()]
    return "\n".join(lines) + "\n"


def _finding(differences: dict[str, dict[str, dict[str, float]]]) -> str:
    """What the page says first: how far outputs and exported files are from the golden outputs."""
    every = [each for entries in differences.values() for each in entries.values()]
    outputs = max(each["verify"] for each in every)
    exports = max(each[check] for each in every for check in EXPORTED if check in each)
    names = {name for entries in differences.values() for name in entries}
    count = f"All {len(names)} entries"
    return (
        f"{count} give the same outputs on all {len(differences)} backends within {shown(outputs)} of the\n"
        f"largest value, and exported files within {shown(exports)}."
    )


def header(*first: str) -> list[str]:
    columns = [*first, *CHECKS.values()]
    return [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]


def row(*cells) -> str:
    *first, each = cells
    values = (each.get(check) for check in CHECKS)
    return f"| {' | '.join([*first, *('—' if value is None else shown(value) for value in values)])} |"


def shown(value: float) -> str:
    """A difference as text, rounded up: it is at most this."""
    if value == 0:
        return "0"
    unit = 10.0 ** math.floor(math.log10(value))
    return f"{math.ceil(value / unit - 1e-9) * unit:.0e}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", help="the page to write")
    parser.add_argument("--names", nargs="+", metavar="NAME", help="only these entries")
    parser.add_argument("--table", action="store_true", help="write the page from the stored results")
    parser.add_argument("--here", action="store_true", help="only measure on the backend in use, without a page")
    arguments = parser.parse_args()
    from kerasae import zoo

    if arguments.here:
        measure_all(arguments.names or zoo.names())
        return
    if not arguments.table:
        names = ["--names", *arguments.names] if arguments.names else []
        for backend in sorted(BACKENDS, key=lambda backend: backend != REFERENCE):
            subprocess.run(
                [sys.executable, __file__, "--here", *names], env=os.environ | {"KERAS_BACKEND": backend}, check=True
            )
    if arguments.file:
        arguments.file.write_text(page())


if __name__ == "__main__":
    main()
