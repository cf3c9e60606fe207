"""Figures made of images: rows, grids, filters."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from kerasae.plots import _checks
from kerasae.plots._drawing import name_columns, name_row, numbers_below, text_width, tiled
from kerasae.plots.style import DIVERGING, styled

_MANY = 8  # number of rows from which images are drawn smaller


@styled
def rows(
    images: Mapping[str, ArrayLike],
    n: int | None = None,
    *,
    columns: Sequence | None = None,
    reference: str | None = None,
    value_range: tuple[float, float] = (0.0, 1.0),
    title: str | None = None,
) -> Figure:
    """Draw named rows of images, one column per example.

    Examples of `images`:

    - `{"clean": x, "noisy": noisy, "cleaned": model.reconstruct(noisy)}`, with `reference="clean"`;
    - `{"input": x, "model": model.reconstruct(x), "PCA": projected}`, with `reference="input"`;
    - two interpolations: `{"in pixel space": ..., "in code space": ...}`, with `columns=np.linspace(0, 1, 11)`;
    - one row per class: `{str(digit): images[labels == digit][:10] for digit in range(10)}`.

    Args:
        images: Name → images `(n, h, w)` or `(n, h, w, 1)` (gray) or `(n, h, w, 3)` (RGB), all of the same shape.
        n: Number of images per row. Default: all.
        columns: One label per image of a row, printed above the columns, for example the position of each image of an
            interpolation. Numbers are printed with three digits.
        reference: Name of a row. The mean squared error to this row is printed below each image of the other rows.
        value_range: Values drawn as black and white. Values outside are clipped.
        title: Title of the figure.

    Raises:
        ValueError: `images` or a row is empty; a shape is wrong or differs between rows; NaN, or integers outside
            `value_range`; `reference` is not a row; `columns` is not one label per image; `n` is not a positive
            integer.
        TypeError: Values are not numbers.

    >>> x = np.zeros((12, 28, 28, 1))
    >>> len(rows({"clean": x, "noisy": x, "cleaned": x}, n=5).axes)
    3
    """
    if not images:
        raise ValueError("images is empty: expected at least one row, such as {'input': x}.")
    if reference is not None and reference not in images:
        raise ValueError(f"reference must name a row. Rows: {', '.join(images)}. Received: {reference!r}.")
    tiles = {name: _checks.images(x, name, value_range) for name, x in images.items()}
    _checks.require_one_shape(tiles)
    tiles = {name: x[: None if n is None else _checks.positive_size("n", n)].astype(float) for name, x in tiles.items()}
    errors = {}
    if reference is not None:
        errors = {name: np.square(x - tiles[reference]).mean(axis=(1, 2, 3)) for name, x in tiles.items()}
        del errors[reference]
    first, *_ = tiles.values()
    heads = None if columns is None else _labels(columns, len(first))
    figure = tiled(
        list(tiles.values()),
        len(first),
        value_range,
        title,
        left=max(map(text_width, [*tiles, "MSE"])) + 10,
        above=16 if heads else 0,
        below=[18 if name in errors else 4 for name in tiles],
        largest=120.0 if len(tiles) < _MANY else 45.0,
        smallest=60.0 if len(tiles) < _MANY else 45.0,
    )
    for ax, (name, x) in zip(figure.axes, tiles.items(), strict=True):
        name_row(ax, name)
        if name in errors:
            numbers_below(ax, errors[name], x.shape[2], "MSE")
    if heads:
        name_columns(figure.axes[0], heads, first.shape[2])
    return figure


@styled
def reconstructions(
    x: ArrayLike,
    x_hat: ArrayLike,
    n: int = 10,
    *,
    labels: Sequence[str] = ("input", "reconstruction"),
    errors: bool = True,
    value_range: tuple[float, float] = (0.0, 1.0),
    title: str | None = None,
) -> Figure:
    """Draw images above their reconstructions.

    Args:
        x: Images, as for `rows`.
        x_hat: Their reconstructions, in the same shape.
        n: Number of images.
        labels: Names of the two rows.
        errors: Whether to print the mean squared error below each reconstruction.
        value_range, title: As for `rows`.

    Raises:
        ValueError: As `rows`; or `labels` are not two distinct names.
        TypeError: Values are not numbers.

    >>> x = np.zeros((12, 28, 28, 1))
    >>> reconstructions(x, x, n=5).savefig("picture.png")  # doctest: +SKIP
    """
    if len(labels) != 2 or labels[0] == labels[1]:
        raise ValueError(f"labels must be two different names. Received: {labels!r}.")
    pair = dict(zip(labels, (x, x_hat), strict=True))
    return rows(pair, n, reference=labels[0] if errors else None, value_range=value_range, title=title)


@styled
def samples(
    images: ArrayLike,
    columns: int = 10,
    *,
    value_range: tuple[float, float] = (0.0, 1.0),
    title: str | None = None,
) -> Figure:
    """Draw a grid of images, line by line, such as samples of a model.

    Args:
        images: `(n, h, w)`, `(n, h, w, 1)` or `(n, h, w, 3)`.
        columns: Number of images per line.
        value_range, title: As for `rows`.

    Raises:
        ValueError: As `rows`; or `columns` is not a positive integer.
        TypeError: Values are not numbers.

    >>> samples(np.zeros((100, 28, 28))).axes[0].images[0].get_array().shape  # 10 × 28 pixels, 9 gaps of 2
    (298, 298)
    """
    tiles = _checks.images(images, "images", value_range)
    return tiled([tiles], min(_checks.positive_size("columns", columns), len(tiles)), value_range, title)


@styled
def filters(
    kernel,
    shape: Sequence[int] | None = None,
    n: int | None = None,
    columns: int = 10,
    *,
    title: str | None = None,
) -> Figure:
    """Draw the weights of each unit of a layer as an image: red for positive weights, blue for negative ones.

    All images share one color scale, symmetric about 0. It covers 99.5 % of the weights, so that a few large weights do
    not hide the others.

    Args:
        kernel: Weights `(inputs, units)` of a dense layer or `(h, w, 1, units)` of a convolution; or a
            Keras layer or model whose first weights are used, such as `model.encoder`.
        shape: Image shape `(h, w)` of the input of a dense layer, `(28, 28)` for MNIST.
        n: Number of units. Default: all.
        columns: Number of images per line.
        title: Title of the figure.

    Raises:
        ValueError: `kernel` is empty, contains NaN or cannot be reshaped to `shape`; `n` or `columns` is not a
            positive integer.
        TypeError: Values are not numbers.

    >>> len(filters(np.eye(784)[:, :64], (28, 28)).axes)  # the images and the color scale
    2
    """
    weights = _checks.numbers(kernel.get_weights()[0] if hasattr(kernel, "get_weights") else kernel, "kernel")
    tiles = _as_images(weights, shape)[: None if n is None else _checks.positive_size("n", n)]
    columns = min(_checks.positive_size("columns", columns), len(tiles))
    strong = float(np.quantile(np.abs(tiles), 0.995) or np.abs(tiles).max() or 1.0)
    figure = tiled([tiles], columns, (-strong, strong), title, below=[44], white=np.nan, colors=DIVERGING)
    (ax,) = figure.axes
    x, y, width, _ = ax.get_position().bounds
    inch = 1 / figure.get_figheight()
    scale = figure.add_axes((x + width / 4, y - 0.2 * inch, width / 2, 0.1 * inch))
    ends = {"extend": "both", "ticks": [-strong, 0, strong], "format": "%.2g"}
    figure.colorbar(ax.images[0], cax=scale, orientation="horizontal", **ends)
    return figure


@styled
def decoded_grid(
    decode,
    across: ArrayLike,
    up: ArrayLike | None = None,
    *,
    value_range: tuple[float, float] = (0.0, 1.0),
    title: str | None = None,
) -> Figure:
    """Decode a grid of two-dimensional codes and draw the images at the position of their codes.

    Args:
        decode: A model with a latent dimension of 2, or a function from codes `(n, 2)` to images.
        across: Values of the first coordinate, from left to right, for example `np.linspace(-3, 3, 20)`, or
            quantiles of the prior N(0, I): `scipy.stats.norm.ppf(np.linspace(0.05, 0.95, 19))`.
        up: Values of the second coordinate, from bottom to top. Default: those of `across`.
        value_range, title: As for `rows`.

    Raises:
        ValueError: `across` or `up` is not one-dimensional and increasing; `decode` does not return one image per code.
        TypeError: Values are not numbers.

    >>> decoded_grid(lambda z: np.zeros((len(z), 28, 28, 1)), np.linspace(-3, 3, 20)).axes[0].get_ylabel()
    '$z_1$'
    """
    across, up = _axis(across, "across"), _axis(across if up is None else up, "up")
    codes = np.stack(np.meshgrid(across, up[::-1]), axis=-1).reshape(-1, 2).astype("float32")
    tiles = _checks.images(getattr(decode, "decode", decode)(codes), "what decode gives", value_range)
    if len(tiles) != len(codes):
        raise ValueError(f"decode must give one image for each of {len(codes)} codes. Received: {len(tiles)}.")
    figure = tiled(
        [tiles],
        len(across),
        value_range,
        title,
        left=60,
        below=[44],
        smallest=28.0,
        largest=max(28.0, 450 / len(across)),
        gap=0,
    )
    (ax,) = figure.axes
    _, height, width, _ = tiles.shape
    ax.set_xticks(*_ticks(across, width))
    places, names = _ticks(up, height)
    ax.set_yticks(height * len(up) - 1 - places, names)  # pixel rows are counted from the top
    ax.set(xlabel="$z_0$", ylabel="$z_1$")
    return figure


def _labels(columns: Sequence, n: int) -> list[str]:
    """Validate the labels of columns, and return them as texts."""
    labels = [f"{label:.3g}" if isinstance(label, float | np.floating) else str(label) for label in columns]
    if len(labels) != n:
        raise ValueError(f"columns must be one label for each of {n} images of a row. Received: {len(labels)} labels.")
    return labels


def _as_images(weights: np.ndarray, shape: Sequence[int] | None) -> np.ndarray:
    """Return the weights of a layer as one image per unit, `(units, h, w, 1)`."""
    if shape is None and weights.ndim == 4 and weights.shape[2] == 1:
        return np.moveaxis(weights, -1, 0)
    if shape is None or weights.ndim != 2 or len(shape) != 2 or len(weights) != math.prod(shape):
        raise ValueError(
            "kernel must be (h · w, units) with shape=(h, w), or (h, w, 1, units) without shape. "
            f"Received: kernel of shape {weights.shape} and shape={shape}."
        )
    return weights.T.reshape(-1, *shape, 1)


def _axis(values: ArrayLike, name: str) -> np.ndarray:
    array = _checks.numbers(values, name)
    if array.ndim != 1 or (np.diff(array) <= 0).any():
        raise ValueError(f"{name} must be one row of increasing numbers. Received: {values!r}.")
    return array


def _ticks(values: np.ndarray, side: int) -> tuple[np.ndarray, list[str]]:
    """Return pixel positions and labels of round numbers along tiles of `side` pixels, one tile per value."""
    low, high = values[0], values[-1]
    ticks = [
        tick
        for tick in MaxNLocator(6, min_n_ticks=3, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        if low <= tick <= high
    ]
    return np.interp(ticks, values, side * (np.arange(len(values)) + 0.5) - 0.5), [f"{tick:g}" for tick in ticks]
