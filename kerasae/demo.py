"""The demonstration: a pretrained model reconstructs real handwritten digits."""

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from kerasae import data, metrics, plots, zoo

ENTRY = "conv_mnist"


class Result(NamedTuple):
    """Result of the demonstration.

    Attributes:
        source: Name of the data set.
        images: Number of reconstructed images.
        errors: Mean squared error per pixel, by method.
        figure: Originals above reconstructions, one of each digit.
    """

    source: str
    images: int
    errors: dict[str, float]
    figure: Figure


def run(entry: str = ENTRY) -> Result:
    """Reconstruct MNIST's test digits, or scikit-learn's digits if MNIST is not available without a download.

    Args:
        entry: Name of a pretrained entry for MNIST.
    """
    card, model = zoo.card(entry), zoo.load(entry)
    size = model.code_size
    if data.is_at_hand("mnist"):
        source, dataset = "MNIST test set", data.mnist()
        pca_error = metrics.pca_error(dataset.x_train, dataset.x_test, size)
        pca_label = f"PCA, {size} components"
    else:
        source, dataset = "scikit-learn digits (MNIST is not available)", data.digits()
        pca_error, pca_label = card.baselines["pca"]["mse"], f"PCA, {size} components, on MNIST (from the card)"
    x = dataset.x_test
    x_hat = model.reconstruct(x)
    errors = {
        f"{entry}, code of {size} numbers": metrics.mean_squared_error(x, x_hat),
        pca_label: pca_error,
        "mean training image": metrics.mean_squared_error(x, dataset.x_train.mean(axis=0)),
    }
    shown = [int(np.flatnonzero(dataset.y_test == digit)[0]) for digit in range(10)]
    figure = plots.reconstructions(x[shown], x_hat[shown], title=f"{entry}: {source}")
    return Result(source, len(x), errors, figure)
