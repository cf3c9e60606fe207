"""Backends for inference: same outputs as the others, current weights, and errors for training."""

import json

import numpy as np
import pytest
from conftest import python

from kerasae import zoo

pytestmark = pytest.mark.anybackend

BACKENDS, TRAINING = ("numpy", "openvino"), "torch"

# Outputs of all methods of the named entries for two inputs, as arrays in a file.
OUTPUTS = """
import sys
import numpy as np
import kerasae
from kerasae import metrics, zoo

arrays = {}
for name in sys.argv[2:]:
    model = zoo.load(name)
    x = metrics.golden_inputs(model.data_shape, model.value_range)
    labels = np.arange(2)
    given = metrics.given_to(model, labels)
    fed = model.labeled(x, labels)
    code = np.random.default_rng(0).standard_normal((2, *model.code_shape), dtype="float32")
    outputs = {
        "encode": model.encode(x, **given),
        "decode": model.decode(code, **given),
        "reconstruct": model.reconstruct(x, **given),
        "predict": model.predict(fed, verbose=0),
    }
    if hasattr(model, "encode_indices"):
        outputs["encode_indices"] = model.encode_indices(x)
    if hasattr(model, "generate"):
        outputs["generate"] = model.generate(2, seed=1, **given)
    if hasattr(model, "posterior"):
        outputs["sample"] = model.sample(x, seed=1, **given)
    figures = model.evaluate(fed, verbose=0, return_dict=True)
    arrays |= {f"{name} {key}": value for key, value in outputs.items()}
    arrays |= {f"{name} figure {key}": value for key, value in figures.items()}
np.savez(sys.argv[1], **arrays)
"""

# A model whose weights change between calls, and its errors.
BEHAVIOR = """
import json

found = {}
x = np.random.default_rng(0).random((5, 6, 5, 1), dtype="float32")
make = lambda: kerasae.models.VariationalAutoencoder((6, 5, 1), (8,), 3)
model, other = make(), make()
path = sys.argv[1] + ".weights.h5"
other.save_weights(path)
methods = {
    "predict": lambda model: model.predict(x, verbose=0),
    "encode": lambda model: model.encode(x),
    "reconstruct": lambda model: model.reconstruct(x),
    "evaluate": lambda model: np.array(model.evaluate(x, verbose=0)),
}
before = {key: method(model) for key, method in methods.items()}
model.load_weights(path)
after = {key: method(model) for key, method in methods.items()}
expected = {key: method(other) for key, method in methods.items()}
found["moved"] = {key: float(np.abs(after[key] - before[key]).max()) for key in methods}
found["off"] = {key: float(np.abs(after[key] - expected[key]).max()) for key in methods}

model.compile(metrics=["mse"])
weights = np.array([2.0, 1.0, 0.0, 1.0, 3.0])
weighted = model.evaluate(x, sample_weight=weights, verbose=0, return_dict=True)
each = [model.evaluate(x[i : i + 1], verbose=0, return_dict=True) for i in range(5)]
found["weighted"] = weighted["kl_loss"]
found["weighted by hand"] = float(np.mean(weights * [figures["kl_loss"] for figures in each]))

reduced = kerasae.models.DenseAutoencoder((6, 5, 1), (8,), 3, dtype="mixed_bfloat16")
whole = kerasae.models.DenseAutoencoder((6, 5, 1), (8,), 3)
whole.set_weights(reduced.get_weights())
found["off in bfloat16"] = float(np.abs(reduced.encode(x) - whole.encode(x)).max())

def message(call):
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"

found["fit"] = message(lambda: model.fit(x, verbose=0))
found["train_on_batch"] = message(lambda: model.train_on_batch(x, x))
found["eight bits"] = message(lambda: model.encode(np.full((2, 6, 5, 1), 255.0)))
found["NaN"] = message(lambda: model.reconstruct(np.full((2, 6, 5, 1), np.nan)))
print(json.dumps(found))
"""


def entries():
    """One entry of every class, and one with a penalty on its weights."""
    root = zoo.store.root()
    classes = {json.loads((root / name / zoo.CONFIG).read_text())["class_name"]: name for name in zoo.names()}
    return sorted({*classes.values(), "denoise_mask_mnist"})


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """For each backend the arrays of `OUTPUTS` and, for backends without training, the output of `BEHAVIOR`."""
    directory, found = tmp_path_factory.mktemp("found"), {}
    for backend in (*BACKENDS, TRAINING):
        code = OUTPUTS if backend == TRAINING else OUTPUTS + BEHAVIOR
        printed = python(code, directory / f"{backend}.npz", *entries(), backend=backend).stdout
        with np.load(directory / f"{backend}.npz") as arrays:
            found[backend] = dict(arrays), None if backend == TRAINING else json.loads(printed.splitlines()[-1])
    return found


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


@pytest.fixture
def behavior(backend, found):
    return found[backend][1]


def test_outputs_agree_with_other_backends(backend, found):
    (here, _), (elsewhere, _) = found[backend], found[TRAINING]
    assert here.keys() == elsewhere.keys()
    for key, expected in elsewhere.items():
        if "figure" in key:
            np.testing.assert_allclose(here[key], expected, rtol=1e-4, atol=1e-5, err_msg=key)
        else:
            scale = max(1.0, np.abs(expected).max())
            np.testing.assert_allclose(here[key] / scale, expected / scale, rtol=0, atol=1e-5, err_msg=key)


def test_weights_loaded_after_the_first_call_are_used(behavior):
    for key, moved in behavior["moved"].items():
        assert moved > 1e-3, key
        assert behavior["off"][key] <= 1e-6, key


def test_sample_weights_are_used_in_evaluate(behavior):
    assert behavior["weighted"] == pytest.approx(behavior["weighted by hand"], rel=1e-5)


def test_reduced_precision_is_approximately_equal(behavior):
    assert 0 < behavior["off in bfloat16"] < 0.02


@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
def test_training_is_refused(method, backend, behavior):
    assert behavior[method] == (
        f"ValueError: Training needs a backend with gradients. Received: {backend}. "
        "Set KERAS_BACKEND to jax, torch or tensorflow before Keras is imported."
    )


def test_inputs_are_checked(behavior):
    assert "These look like 8-bit pixels" in behavior["eight bits"]
    assert "x must not contain NaN. Received 60 NaN" in behavior["NaN"]
