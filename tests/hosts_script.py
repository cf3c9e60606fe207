"""Run on each host by test_hosts.py: trains small models, and prints their histories on the first host."""

import json
import os
import signal
import sys
from pathlib import Path

import conftest
import keras
import numpy as np

from kerasae import backends, training
from kerasae.training.checkpoints import Backup
from kerasae.zoo import recipes

HOSTS, SIZE = 2, 20
VARIABLES = ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")
X = conftest.images(100)


def part(index: int, first: int = 0):
    """Rows of batch `first` onwards that this host reads."""
    size = SIZE // HOSTS
    start = index * size
    return np.concatenate([X[i + start : i + start + size] for i in range(first, len(X), SIZE)])


def generator(x, size):
    while True:
        for i in range(0, len(x), size):
            yield (x[i : i + size],)


class Pictures(keras.utils.PyDataset):
    def __init__(self, x, size):
        super().__init__()
        self.x, self.size = x, size

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, i):
        return (self.x[i * self.size : (i + 1) * self.size],)


def tf_data(x, size):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((x,)).batch(size)


def loader(x, size):
    import torch

    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.from_numpy(x)), size)


SOURCES = {"generator": generator, "PyDataset": Pictures, "tf.data": tf_data, "DataLoader": loader}


class Die(keras.callbacks.Callback):
    """Kills this process in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            os.kill(os.getpid(), signal.SIGKILL)


def history(family, source, callbacks=(), shared=True, index=0, epochs=3):
    model = getattr(conftest, family)()
    recipes.initialize(model, seed=0)
    model.compile(keras.optimizers.Adam(0.01))
    options = {"epochs": epochs, "callbacks": list(callbacks), "verbose": 0}
    if source == "arrays":
        return model.fit(X, batch_size=SIZE, seed=1, validation_data=X[:31], **options).history
    x, size = (X, SIZE) if shared else (part(index), SIZE // HOSTS)
    steps = {"steps_per_epoch": len(X) // SIZE} if source == "generator" else {}
    held_out = SOURCES["PyDataset"](x[: 2 * size], size)
    return model.fit(SOURCES[source](x, size), shuffle=False, validation_data=held_out, **steps, **options).history


def connect():
    """Connect JAX's processes with a short timeout; otherwise `training.devices` connects them."""
    import jax

    address, hosts, index = (os.environ[f"KERAS_DISTRIBUTION_{name}"] for name in VARIABLES)
    jax.distributed.initialize(address, int(hosts), int(index), heartbeat_timeout_seconds=20)


if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    keras.utils.set_random_seed(0)
    if "dies" in job and keras.backend.backend() == "jax":
        connect()
    with training.devices(HOSTS):
        index = backends.process_index()
        found = {}
        for family, source in job["runs"]:
            where = Path(job.get("checkpoints", "."), family, source)
            callbacks = [Backup(where)] if "checkpoints" in job else []
            if job.get("dies") == index:
                callbacks.append(Die(job["at"]))
            found[f"{family} {source}"] = history(family, source, callbacks, False, index, job.get("epochs", 3))
    if index == 0:
        print(json.dumps(found))
