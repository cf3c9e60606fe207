"""Figures that show where inputs are abnormal."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from kerasae.plots import _checks
from kerasae.plots._drawing import name_row, numbers_below, text_width, tiled
from kerasae.plots.style import ERROR, styled


@styled
def anomaly(
    x: ArrayLike,
    x_hat: ArrayLike,
    scores: ArrayLike | None = None,
    n: int = 10,
    *,
    highest: float | None = None,
    labels: Sequence[str] = ("input", "reconstruction", "error"),
    value_range: tuple[float, float] = (0.0, 1.0),
    title: str | None = None,
) -> Figure:
    """Draw images, their reconstructions, and where the two differ: the error map laid over the image.

    The error of a pixel is the squared difference, averaged over channels. All images share one scale: pixels without
    an error show the image in gray, the brightest ones have the error `highest` or more.

    Args:
        x: Images `(n, h, w)` or `(n, h, w, 1)` (gray) or `(n, h, w, 3)` (RGB).
        x_hat: Their reconstructions, in the same shape.
        scores: Numbers to print below each image `(n,)`, such as `detector.score_samples`. Default: the mean
            squared errors.
        n: Number of images.
        highest: Error of the brightest color. Default: exceeded by 1 % of the pixels that are drawn.
        labels: Names of the three rows.
        value_range: Values drawn as black and white. Values outside are clipped.
        title: Title of the figure.

    Raises:
        ValueError: As `plots.rows`; `scores` is not one number per image; `highest` is not positive.
        TypeError: Values are not numbers.

    >>> x = np.zeros((12, 28, 28, 1))
    >>> len(anomaly(x, x + 0.1, n=5).axes)
    3
    """
    x, x_hat = (_checks.images(images, name, value_range) for images, name in ((x, "x"), (x_hat, "x_hat")))
    _checks.require_one_shape({"x": x, "x_hat": x_hat})
    if len(labels) != 3:
        raise ValueError(f"labels must be three names. Received: {labels!r}.")
    if highest is not None and not highest > 0:
        raise ValueError(f"highest must be positive. Received: {highest!r}.")
    name, numbers = ("MSE", np.square(x - x_hat).mean(axis=(1, 2, 3))) if scores is None else ("score", scores)
    numbers = _checks.numbers(numbers, "scores")
    if numbers.shape != (len(x),):
        raise ValueError(f"scores must be one number for each of {len(x)} images. Received shape: {numbers.shape}.")
    x, x_hat = (images[: _checks.positive_size("n", n)].astype(float) for images in (x, x_hat))
    errors = np.square(x - x_hat).mean(axis=-1)
    highest = highest or float(np.quantile(errors, 0.99)) or 1.0
    figure = tiled(
        [x, x_hat, _overlaid(x, errors / highest, value_range)],
        len(x),
        value_range,
        title,
        left=max(map(text_width, [*labels, name])) + 10,
        below=[4, 4, 18],
    )
    for ax, label in zip(figure.axes, labels, strict=True):
        name_row(ax, label)
    numbers_below(figure.axes[-1], numbers[:n], x.shape[2], name)
    return figure


def _overlaid(x: np.ndarray, heat: np.ndarray, value_range: tuple[float, float]) -> np.ndarray:
    """Images in gray with a heat map `(n, h, w)`, 1 for the brightest color, as RGB `(n, h, w, 3)` in `value_range`."""
    low, high = value_range
    heat = heat.clip(0, 1)
    gray = ((x.mean(axis=-1, keepdims=True) - low) / (high - low)).clip(0, 1)
    # Dark colors are mixed in only a little, so that the image stays visible where the error is small.
    weight = np.sqrt(heat)[..., None]
    return low + (high - low) * ((1 - weight) * 0.6 * gray + weight * ERROR(heat)[..., :3])
