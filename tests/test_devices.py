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
DEVICES = 2 if BACKEND == "torch" else 4
X = images(103)  # in batches of 20: the last one can't be divided

TRAINING = """
import contextlib, json, os, sys
import keras
import numpy as np
sys.path.insert(0, sys.argv[2])
import conftest
from kerasae import backends
from kerasae.zoo import recipes

def history(family):
    model = getattr(conftest, family)()
    recipes.initialize(model, seed=0)
    model.compile(keras.optimizers.Adam(0.01))
    x = conftest.images(103)
    options = {"batch_size": 20, "epochs": 3, "seed": 1, "validation_data": x[:31], "verbose": 0}
    return model.fit(x, **options).history

with backends.devices(int(sys.argv[1])):
    histories = {family: history(family) for family in sys.argv[3:]}
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


def test_the_losses_are_those_of_one_device(tmp_path):
    several = on_several(tmp_path)
    for family in FAMILIES:
        one = on_one(family)
        assert several[family].keys() == one.keys()
        for name, values in one.items():
            np.testing.assert_allclose(several[family][name], values, rtol=1e-4, err_msg=f"{family} {name}")


def test_more_devices_than_there_are_is_an_error():
    from kerasae import backends

    keras.ops.zeros(1)  # the number of devices is fixed
    with pytest.raises(ValueError, match="Expected 99 (devices|processes)"), backends.devices(99):
        pass
