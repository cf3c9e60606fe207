"""Training on several devices gives the losses of one device, with the same global batch size."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from conftest import BACKEND, images

from kerasae.zoo import recipes

FAMILIES = ("vae", "adversarial")
DEVICES = 4 if BACKEND == "jax" else 2  # TensorFlow traces the step of each
X = images(103)  # in batches of 20: the last one can't be divided

TRAINING = """
import contextlib, json, os, sys
import keras
import numpy as np
sys.path.insert(0, sys.argv[2])
import conftest
from kerasae import backends
from kerasae.zoo import recipes

def compiled(family):
    model = getattr(conftest, family)()
    recipes.initialize(model, seed=0)
    model.compile(keras.optimizers.Adam(0.01))
    return model

def history(family):
    x = conftest.images(103)
    options = {"batch_size": 20, "epochs": 3, "seed": 1, "validation_data": x[:31], "verbose": 0}
    return compiled(family).fit(x, **options).history

def streamed(family, parts):
    # On PyTorch, each process reads its part of each batch; elsewhere a process reads whole batches.
    size, rank = 20 // parts, int(os.environ.get("RANK", 0)) if parts > 1 else 0
    # The last batch of 3 images can't be divided among processes, but among the devices of one process.
    starts = range(rank * size, 100 if parts > 1 else 103, 20)
    stream = conftest.py_dataset([conftest.images(103)[i : i + size] for i in starts])
    return compiled(family).fit(stream, shuffle=False, epochs=3, verbose=0).history

n = int(sys.argv[1])
with backends.devices(n):
    histories = {family: history(family) for family in sys.argv[3:]}
    histories["stream"] = streamed("vae", n if keras.backend.backend() == "torch" else 1)
if os.environ.get("RANK", "0") == "0":
    print(json.dumps(histories))
"""


def on_several(tmp_path):
    """Histories of all families, trained on several devices in a new process."""
    script = tmp_path / "training.py"
    script.write_text(TRAINING)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(DEVICES)] * (BACKEND == "torch")
    tests = __file__.rpartition("/")[0]
    command = [sys.executable, *launch, script, str(DEVICES), tests, *FAMILIES]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def on_one(family):
    import conftest

    model = getattr(conftest, family)()
    recipes.initialize(model, seed=0)
    model.compile(keras.optimizers.Adam(0.01))
    return model.fit(X, batch_size=20, epochs=3, seed=1, validation_data=X[:31], verbose=0).history


def on_one_streamed():
    import conftest

    model = conftest.vae()
    recipes.initialize(model, seed=0)
    model.compile(keras.optimizers.Adam(0.01))
    batches = [X[i : i + 20] for i in range(0, 100 if BACKEND == "torch" else 103, 20)]
    return model.fit(conftest.py_dataset(batches), shuffle=False, epochs=3, verbose=0).history


def test_the_losses_are_those_of_one_device(tmp_path):
    several = on_several(tmp_path)
    expected = {family: on_one(family) for family in FAMILIES} | {"stream": on_one_streamed()}
    for family, one in expected.items():
        assert several[family].keys() == one.keys()
        for name, values in one.items():
            np.testing.assert_allclose(several[family][name], values, rtol=1e-4, err_msg=f"{family} {name}")


def test_more_devices_than_there_are_is_an_error():
    from kerasae import backends

    keras.ops.zeros(1)  # the number of devices is fixed
    with pytest.raises(ValueError, match="Expected 99 (devices|processes)"), backends.devices(99):
        pass
