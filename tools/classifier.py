"""Train the feature classifier of a data set, for the metrics of samples: `python tools/classifier.py mnist`.

A small convolutional network is trained on randomly shifted images, in about two minutes of CPU time. The settings
were chosen by `--hold-out 5000`. The test accuracy is measured once, at the end of a training on all training images.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasae import _checks, data
from kerasae.metrics import classifier

# Chosen on the last 5,000 training images of MNIST: accuracy 0.9938 there, with dropout 0.4 0.9936.
SETTINGS: dict[str, Any] = {
    "filters": [32, 64],  # convolutions of stride 2 without padding
    "kernel_size": 5,
    "features": 64,
    "dropout": 0.25,  # before each dense layer
    "shift": 2,  # largest shift of a training image in each direction, in pixels
    "optimizer": "adam",
    "learning_rate": 2e-3,  # decayed to 0 by half a cosine
    "batch_size": 128,
    "epochs": 24,
    "seed": 0,
}
# The scale of features of a ReLU network is arbitrary. This one makes distances comparable between data sets and, in
# size, with those of the classifiers of version 0.1.
VARIANCE = 36.0  # sum of the variances of the features of the training images


def train(name: str, hold_out: int = 0, **changes) -> tuple[classifier.FeatureClassifier, dict]:
    """Train the classifier of a data set.

    Args:
        name: `"mnist"` or `"fashion_mnist"`.
        hold_out: Number of training images, the last ones, to hold out for measuring the accuracy.
        **changes: Values that replace some of `SETTINGS`.

    Returns:
        The classifier, and its card: settings, data, and accuracy on the test images or the held-out images.

    Raises:
        ValueError: If there is no such data set, or `hold_out` leaves no images to train on.
    """
    import keras

    if name not in classifier.NAMES:
        raise _checks.unknown("classifier", name, classifier.NAMES)
    dataset, settings = data.named(name), SETTINGS | changes
    images = len(dataset.x_train) - hold_out
    if hold_out < 0 or images < 1:
        raise ValueError(f"hold_out must be from 0 to {len(dataset.x_train) - 1}. Received: {hold_out}")
    model = _fit(dataset.x_train[:images], dataset.y_train[:images], settings)
    weights = model.get_weights()
    network = scaled(classifier.FeatureClassifier(tuple(weights[::2]), tuple(weights[1::2])), dataset.x_train[:images])
    measured = (dataset.x_test, dataset.y_test)
    if hold_out:
        measured = (dataset.x_train[images:], dataset.y_train[images:])
    return network, {
        "data": name,
        "settings": settings,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "hold_out": hold_out,
        "accuracy": network.accuracy(*measured),
        "test_labels_sha256": classifier.labels_sha256(dataset),
    }


def _fit(x: np.ndarray, y: np.ndarray, settings: dict):
    """Train a Keras model, whose kernels and biases are those of a `FeatureClassifier`."""
    import keras

    keras.utils.set_random_seed(settings["seed"])
    steps = -(-len(x) // settings["batch_size"]) * settings["epochs"]
    model = _network(x.shape[1:], int(y.max()) + 1, settings)
    rate = keras.optimizers.schedules.CosineDecay(settings["learning_rate"], steps)
    optimizer = keras.optimizers.get({"class_name": settings["optimizer"], "config": {"learning_rate": rate}})
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(settings["seed"])
    for _ in range(settings["epochs"]):
        order = rng.permutation(len(x))
        batches = shifted(x[order], settings["shift"], rng)
        model.fit(batches, y[order], batch_size=settings["batch_size"], shuffle=False, verbose=0)
    return model


def _network(shape: tuple[int, ...], classes: int, settings: dict):
    from keras import Input, Sequential, layers

    side, dropout, seed = settings["kernel_size"], settings["dropout"], settings["seed"]
    return Sequential(
        [
            Input(shape),
            *(layers.Conv2D(n, side, strides=classifier.STRIDE, activation="relu") for n in settings["filters"]),
            layers.Flatten(),
            layers.Dropout(dropout, seed=seed),
            layers.Dense(settings["features"], activation="relu"),
            layers.Dropout(dropout, seed=seed + 1),
            layers.Dense(classes),
        ]
    )


def scaled(network: classifier.FeatureClassifier, x: np.ndarray) -> classifier.FeatureClassifier:
    """Scale the features so that the sum of their variances on images `x` is `VARIANCE`; the logits stay the same."""
    factor = np.float32(np.sqrt(VARIANCE / network.features(x).var(axis=0, dtype="float64").sum()))
    *kernels, last_hidden, logits = network.kernels
    biases = (*network.biases[:-2], network.biases[-2] * factor, network.biases[-1])
    return classifier.FeatureClassifier((*kernels, last_hidden * factor, logits / factor), biases)


def shifted(x: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Shift each image `(n, h, w, 1)` by up to `most` pixels in each direction; new pixels are 0."""
    padded = np.pad(x, ((0, 0), (most, most), (most, most), (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(padded, x.shape[1:3], axis=(1, 2))
    down, right = rng.integers(0, 2 * most + 1, (2, len(x)))
    return np.moveaxis(views[np.arange(len(x)), down, right], 1, -1)


def main(argv: Sequence[str] | None = None) -> int:
    """Train, measure and write a classifier."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=classifier.NAMES, help="name of the data set")
    parser.add_argument(
        "--hold-out", type=int, default=0, metavar="N", help="number of training images to leave out and measure on"
    )
    parser.add_argument("--out", type=Path, default=classifier.DIRECTORY, metavar="DIR", help="directory to write to")
    for key in ("epochs", "dropout", "learning_rate", "shift"):
        parser.add_argument(f"--{key.replace('_', '-')}", type=type(SETTINGS[key]), help=f"default: {SETTINGS[key]}")
    arguments = parser.parse_args(argv)
    changes = {key: value for key, value in vars(arguments).items() if key in SETTINGS and value is not None}
    network, card = train(arguments.name, arguments.hold_out, **changes)
    path = classifier.save(network, card, arguments.out)
    print(f"{path}: accuracy {card['accuracy']:.4f} after {card['settings']['epochs']} epochs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
