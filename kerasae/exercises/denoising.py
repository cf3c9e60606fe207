"""Exercise to the notebook `denoising`: a model against the median filter."""

from typing import NamedTuple

import numpy as np

from kerasae import metrics
from kerasae.exercises.exercise import Result, correct, exercise, wrong
from kerasae.exercises.reconstructing import images

_RATE = 0.3


class Noisy(NamedTuple):
    """Images with noise and without: `noisy_train`, `x_train`, `noisy_test`, `x_test`, all `(n, 28, 28, 1)`."""

    noisy_train: np.ndarray
    x_train: np.ndarray
    noisy_test: np.ndarray
    x_test: np.ndarray


def corrupted(x: np.ndarray, seed: int) -> np.ndarray:
    """Replace each pixel with probability 0.3 by a random value between 0 and 1."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(x.shape) < _RATE, rng.random(x.shape), x).astype("float32")


def noisy_images() -> Noisy:
    """Digits with and without noise; at most 20,000 for training, 1,000 for testing."""
    dataset = images()
    train, test = dataset.x_train[:20_000], dataset.x_test[:1000]
    return Noisy(corrupted(train, 0), train, corrupted(test, 1), test)


@exercise("denoising", noisy_images)
def denoise(answer) -> Result:
    """Remove noise better than a median filter.

    In the images of `exercises.data("denoise")` each pixel was replaced with probability 0.3 by a random value between
    0 and 1. Train a model with `noisy_train` and `x_train`; compare with `noisy_test` and `x_test`. It is correct if
    the mean squared error to the clean images, with new noise, is below that of a median filter of 3 × 3 pixels.

    Answer: a function from noisy images (n, 28, 28, 1) to cleaned ones of the same shape.

        exercises.check("denoise", model.reconstruct)
    """
    from scipy.ndimage import median_filter

    if not callable(answer):
        return wrong("Pass a function from noisy images to cleaned ones, such as model.reconstruct.")
    x = noisy_images().x_test
    noisy = corrupted(x, 2)
    cleaned = np.asarray(answer(noisy))
    if cleaned.shape != x.shape:
        return wrong(f"The function must return images of shape {x.shape}. Received shape: {cleaned.shape}.")
    error = metrics.mean_squared_error(x, cleaned)
    median = metrics.mean_squared_error(x, median_filter(noisy, size=(1, 3, 3, 1)))
    measured = f"Your MSE is {error:.4f}, that of the median filter {median:.4f}."
    if not error < median:
        unchanged = metrics.mean_squared_error(x, noisy)
        hint = "Is the model trained to output clean images?" if error > 0.9 * unchanged else "Train for more epochs."
        return wrong(f"{measured} The noisy images themselves have {unchanged:.4f}. {hint}")
    return correct(measured)
