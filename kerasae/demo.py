"""The demonstration: a trained model reconstructs real handwritten digits."""

import math
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from kerasae import data, metrics, plots, zoo

ENTRY = "conv_mnist"


class Result(NamedTuple):
    """What the demonstration found.

    Attributes:
        source: The data the digits come from.
        images: How many were reconstructed.
        errors: Mean squared error per pixel by method.
        figure: Originals over reconstructions, one of each digit.
    """

    source: str
    images: int
    errors: dict[str, float]
    figure: Figure


def run(entry: str = ENTRY) -> Result:
    """Reconstruct MNIST's test digits if they are at hand, else those that scikit-learn carries."""
    card, model = zoo.card(entry), zoo.load(entry)
    size = math.prod(model.code_shape)
    if data.is_at_hand("mnist"):
        source, dataset = "MNIST test set", data.mnist()
        pca_error = metrics.pca_error(dataset.x_train, dataset.x_test, size)
        pca_label = f"PCA, {size} components"
    else:
        source, dataset = "scikit-learn digits (MNIST is not at hand)", data.digits()
        pca_error, pca_label = card["baselines"]["pca"]["mse"], f"PCA, {size} components, on MNIST (from the card)"
    x = dataset.x_test
    x_hat = model.reconstruct(x)
    errors = {
        f"{entry}, {size} numbers an image": metrics.mean_squared_error(x, x_hat),
        pca_label: pca_error,
        "mean image": metrics.mean_squared_error(x, dataset.x_train.mean(axis=0)),
    }
    shown = [int(np.flatnonzero(dataset.y_test == digit)[0]) for digit in range(10)]
    figure = plots.reconstructions(x[shown], x_hat[shown], title=f"{entry}: {source}")
    return Result(source, len(x), errors, figure)
