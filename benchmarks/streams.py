"""Time training on streams, compared with arrays of the same images, with plain Keras, and with the stream alone.

    KERAS_BACKEND=jax python benchmarks/streams.py

All train `dense8_mnist`'s network with batches of 64 on the 60,000 images of MNIST. *Alone* is the time to iterate over
the stream without training. The programs take turns of three epochs; the
first turn is a warm-up.
"""

import argparse
import itertools
import time

import keras
import numpy as np
from record import backend, keep, report, spread
from stopwatch import Stopwatch

import kerasae
from kerasae.zoo import recipes

SIZE, EPOCHS = 64, 3


class Batches(keras.utils.PyDataset):
    """Slices of an array, in order."""

    def __init__(self, x):
        super().__init__()
        self.x = x

    def __len__(self):
        return -(-len(self.x) // SIZE)

    def __getitem__(self, i):
        batch = self.x[i * SIZE : (i + 1) * SIZE]
        return batch, batch


def generator(x):
    """Yield batches without end."""
    while True:
        for i in range(0, len(x), SIZE):
            batch = x[i : i + SIZE]
            yield batch, batch


def tf_data(x):
    """A `tf.data.Dataset` of batches."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((x, x)).batch(SIZE).prefetch(tf.data.AUTOTUNE)


def data_loader(x):
    """A `DataLoader` of batches, with its own collation of single images."""
    import torch

    x = torch.from_numpy(x)
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, x), SIZE)


SOURCES = {"PyDataset": Batches, "generator": generator, "tf.data": tf_data, "DataLoader": data_loader}


def steps_of(x) -> int:
    """Number of batches per epoch."""
    return -(-len(x) // SIZE)


def alone(name: str, x) -> list[float]:
    """Seconds to iterate over a stream and to convert its batches to arrays, for each epoch."""
    source, seconds = SOURCES[name](x), []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        batches = (source[i] for i in range(len(source))) if name == "PyDataset" else source
        for batch in itertools.islice(batches, steps_of(x)):
            for part in batch:
                np.asarray(part)
        seconds.append(time.perf_counter() - start)
    return seconds


def trained(model, *data, **options) -> list[float]:
    """Train, and return the seconds of each epoch."""
    stopwatch = Stopwatch()
    model.fit(*data, epochs=EPOCHS, callbacks=[stopwatch], verbose=0, **options)
    return stopwatch.seconds


def untrained(compiled_class):
    """The network with the initial weights of the recipe, as kerasae's class or as a plain Keras model."""
    recipe = recipes.find("dense8_mnist")
    model = recipe.model()
    recipes.initialize(model, seed=0)
    if compiled_class is keras.Model:
        loss = kerasae.losses.PerImage(recipe.loss, model.pixel_reduction)
        model = keras.Sequential([model.encoder, model.decoder])
    else:
        loss = recipe.loss
    model.compile(keras.optimizers.Adam(1e-3, epsilon=1e-7), loss)
    return model


def turns(x) -> dict:
    """What is timed, by name: functions that return the seconds of several epochs."""
    ours = untrained(None)
    calls = {"arrays": lambda: trained(ours, x, x, batch_size=SIZE, shuffle=False)}
    for name, make in SOURCES.items():
        model, plain = untrained(None), untrained(keras.Model)
        options = {"steps_per_epoch": steps_of(x)} if name == "generator" else {}
        calls[f"{name}, kerasae"] = lambda model=model, make=make, options=options: trained(model, make(x), **options)
        calls[f"{name}, plain Keras"] = lambda plain=plain, make=make, options=options: trained(
            plain, make(x), **options
        )
        calls[f"{name}, alone"] = lambda name=name: alone(name, x)
    return calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, help="number of images; a trial that is not stored")
    parser.add_argument("--only", nargs="+", choices=SOURCES, help="a trial that is not stored")
    arguments = parser.parse_args()
    name = backend()
    for left_out in set(SOURCES) - set(arguments.only or SOURCES):
        SOURCES.pop(left_out)
    x = np.ascontiguousarray(kerasae.data.mnist().x_train[: arguments.images])
    calls, seconds = turns(x), {}
    for round_ in range(arguments.rounds + 1):
        for kind, call in calls.items():
            found = call()
            if round_:
                seconds.setdefault(kind, []).extend(found)
    speeds = {kind: spread([len(x) / second for second in found]) for kind, found in seconds.items()}
    for kind, speed in speeds.items():
        report(f"{name} {kind:24} {speed['median']:10,.0f} images/s")
    for source in SOURCES:
        limit = min(speeds["arrays"]["median"], speeds[f"{source}, alone"]["median"])
        report(f"{name} {source}: {speeds[f'{source}, kerasae']['median'] / limit:.2f} of what is possible")
    if arguments.images is None and arguments.only is None:
        keep(name, "streams", speeds)


if __name__ == "__main__":
    main()
