"""Exercises to the notebook `reconstructing`: a smaller error than PCA's, and the right code size."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from kerasae import metrics, models
from kerasae.data import Dataset, digits, is_at_hand, mnist
from kerasae.exercises.exercise import Result, correct, exercise, wrong
from kerasae.metrics.baselines import fit_pca, project
from kerasae.metrics.codes import flat

_CODE, _PARAMETERS = 8, 250_000
_FIT, _HELD_OUT = 300, 1000
_SHARE = 0.25


def images() -> Dataset:
    """MNIST if it is available without a download, else the digits of scikit-learn in MNIST's format."""
    return mnist() if is_at_hand("mnist") else digits()


@exercise("reconstructing", images)
def beat_pca(model) -> Result:
    """Train an autoencoder with a smaller error than PCA of the same code size.

    `exercises.data("beat_pca")` has digits: `x_train` and `x_test`, shape (n, 28, 28, 1). Train an autoencoder of
    kerasae with a code of at most 8 numbers and at most 250,000 parameters on the training images. It is correct if its
    mean squared error on the test images is below that of PCA with 8 components.

    Answer: the trained model.

        exercises.check("beat_pca", model)
    """
    if not isinstance(model, models.Autoencoder) or model.data_shape != (28, 28, 1):
        return wrong("Pass an autoencoder of images (28, 28, 1), such as DenseAutoencoder((28, 28, 1), latent_dim=8).")
    if model.code_size > _CODE:
        return wrong(f"The code may have at most {_CODE} numbers. Received: {model.code_size}. Use a smaller code.")
    if model.count_params() > _PARAMETERS:
        return wrong(f"At most {_PARAMETERS:,} parameters. Received: {model.count_params():,}. Use smaller layers.")
    dataset = images()
    error = metrics.mean_squared_error(dataset.x_test, model.reconstruct(dataset.x_test))
    pca = metrics.pca_error(dataset.x_train, dataset.x_test, _CODE)
    mean = metrics.mean_squared_error(dataset.x_test, dataset.x_train.mean(axis=0))
    measured = f"Your test MSE is {error:.4f}, that of PCA {pca:.4f}."
    if error >= 0.95 * mean:
        return wrong(f"{measured} That is about the error of the mean image, {mean:.4f}. Is the model trained?")
    if error >= pca:
        return wrong(f"{measured} Train for more epochs, or use a hidden layer with a non-linear activation.")
    return correct(measured)


class HeldOut(NamedTuple):
    """Images to fit with `x_fit (300, 28, 28, 1)`, and held-out images `x_held_out (1000, 28, 28, 1)`."""

    x_fit: np.ndarray
    x_held_out: np.ndarray


def held_out() -> HeldOut:
    """A few training images to fit with, and others to measure with."""
    x = images().x_train
    return HeldOut(x[:_FIT], x[_FIT : _FIT + _HELD_OUT])


@exercise("reconstructing", held_out)
def code_size(answer) -> Result:
    """Choose the code size by the error on held-out images.

    `exercises.data("code_size")` has 300 images to fit with, `x_fit`, and 1,000 held-out images, `x_held_out`. Fit
    scikit-learn's PCA to the 300 images. Find the smallest number of components with which the mean squared error on
    images that PCA has not seen is at most a quarter of the error of the mean image of `x_fit`.

    Answer: the number of components.

        exercises.check("code_size", 100)
    """
    if isinstance(answer, bool) or not isinstance(answer, Integral) or not 1 <= int(answer) <= _FIT:
        return wrong(f"Pass a number of components from 1 to {_FIT}. Received: {answer!r}.")
    size = int(answer)
    fit, held = map(flat, held_out())
    needed, by_fit = _smallest(fit, held), _smallest(fit, fit)
    limit = _SHARE * metrics.mean_squared_error(held, fit.mean(axis=0))
    error = metrics.mean_squared_error(held, project(fit_pca(fit, size), held))
    measured = f"With {size} components the held-out MSE is {error:.4f}; the limit is {limit:.4f}."
    if size == by_fit != needed:
        return wrong(f"{measured} It is enough for the images that PCA was fitted to. Measure on the held-out ones.")
    if size < needed:
        return wrong(f"{measured} Use more components.")
    if size > needed:
        return wrong(f"{measured} Fewer components are enough.")
    return correct(f"{measured} On the images that it was fitted to, {by_fit} components would seem enough.")


def _smallest(fit: np.ndarray, x: np.ndarray) -> int:
    """The smallest number of components of a PCA of `fit` that keeps a quarter of the error of the mean on `x`."""
    centered = x - fit.mean(axis=0)
    scores = centered @ np.linalg.svd(fit - fit.mean(axis=0), full_matrices=False)[2].T
    total = np.square(centered, dtype="float64").sum()
    left = total - np.cumsum(np.square(scores, dtype="float64").sum(axis=0))
    return 1 + int(np.argmax(left <= _SHARE * total))
