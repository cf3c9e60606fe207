"""Pictures made of images."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from kerasae.plots import _checks
from kerasae.plots._drawing import DIVERGING, text_width, tiled


def rows(
    images: Mapping[str, ArrayLike],
    n: int | None = None,
    *,
    reference: str | None = None,
    value_range: tuple[float, float] = (0.0, 1.0),
    title: str | None = None,
) -> Figure:
    """Rows of images with their names at the left, one column an example.

    What is compared is up to the rows, for example

    - `{"clean": x, "noisy": noisy, "cleaned": model.reconstruct(noisy)}`, with `reference="clean"`;
    - `{"input": x, "model": model.reconstruct(x), "PCA": projected}`, with `reference="input"`;
    - two ways from one image to another: `{"in pixel space": ..., "in code space": ...}`;
    - a row a class: `{str(digit): images[labels == digit][:10] for digit in range(10)}`.

    Args:
        images: Name → images `(n, h, w)` or `(n, h, w, 1)` in grey, `(n, h, w, 3)` in colour; all of one shape.
        n: How many of them, from the first one; all if None.
        reference: Name of a row. Beneath every other image stands its mean squared error to this row's.
        value_range: What is drawn as black and as white, as are values beyond.
        title: Above the picture.

    Raises:
        ValueError: No rows, no images, images of a wrong or of several shapes, NaN, or integers
            outside `value_range`; no row named `reference`; `n` is not a positive integer.
        TypeError: Not numbers.

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
    figure = tiled(
        list(tiles.values()),
        len(next(iter(tiles.values()))),
        value_range,
        title,
        left=max(map(text_width, [*tiles, "MSE"])) + 10,
        below=[22 if name in errors else 6 for name in tiles],
    )
    for ax, (name, x) in zip(figure.axes, tiles.items(), strict=True):
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        if name in errors:
            _print_errors(ax, errors[name], x.shape[2])
    return figure


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
    """Images over their reconstructions.

    Args:
        x, x_hat: Images of one shape, as for `rows`.
        n: How many, from the first one.
        labels: What the two rows are called.
        errors: Whether the mean squared error stands beneath each reconstruction.
        value_range, title: As for `rows`.

    Raises:
        ValueError: As `rows`; or `labels` are not two different names.
        TypeError: Not numbers.

    >>> x = np.zeros((12, 28, 28, 1))
    >>> reconstructions(x, x, n=5).savefig("picture.png")  # doctest: +SKIP
    """
    if len(labels) != 2 or labels[0] == labels[1]:
        raise ValueError(f"labels must be two different names. Received: {labels!r}.")
    pair = dict(zip(labels, (x, x_hat), strict=True))
    return rows(pair, n, reference=labels[0] if errors else None, value_range=value_range, title=title)


def samples(
    images: ArrayLike,
    columns: int = 10,
    *,
    value_range: tuple[float, float] = (0.0, 1.0),
    title: str | None = None,
) -> Figure:
    """A tight grid of images, line by line, such as samples of a model.

    Args:
        images: `(n, h, w)`, `(n, h, w, 1)` or `(n, h, w, 3)`.
        columns: How many in a line.
        value_range, title: As for `rows`.

    Raises:
        ValueError: As `rows`; or `columns` is not a positive integer.
        TypeError: Not numbers.

    >>> samples(np.zeros((100, 28, 28))).axes[0].images[0].get_array().shape  # 10 × 28 pixels, 9 gaps of 2
    (298, 298)
    """
    tiles = _checks.images(images, "images", value_range)
    return tiled([tiles], min(_checks.positive_size("columns", columns), len(tiles)), value_range, title)


def filters(
    kernel,
    shape: Sequence[int] | None = None,
    n: int | None = None,
    columns: int = 10,
    *,
    title: str | None = None,
) -> Figure:
    """What each unit of a layer looks for: its weights as an image, red above 0, blue below.

    All images share one scale, symmetric about 0. One weight in two hundred may lie beyond it, so that
    a few strong ones don't make the others look the same.

    Args:
        kernel: Weights `(inputs, units)` of a dense layer or `(h, w, 1, units)` of a convolution; or a
            Keras layer or model whose first weights these are, such as `model.encoder`.
        shape: `(h, w)` of the images that a dense layer is given; `(28, 28)` for MNIST.
        n: How many units, from the first one; all if None.
        columns: How many in a line.
        title: Above the picture.

    Raises:
        ValueError: Weights that don't make images of this shape, none, or NaN; `n` or `columns` is
            not a positive integer.
        TypeError: Not numbers.

    >>> len(filters(np.eye(784)[:, :64], (28, 28)).axes)  # the images and their scale
    2
    """
    weights = _checks.numbers(kernel.get_weights()[0] if hasattr(kernel, "get_weights") else kernel, "kernel")
    tiles = _as_images(weights, shape)[: None if n is None else _checks.positive_size("n", n)]
    columns = min(_checks.positive_size("columns", columns), len(tiles))
    strong = float(np.quantile(np.abs(tiles), 0.995) or np.abs(tiles).max() or 1.0)
    figure = tiled([tiles], columns, (-strong, strong), title, below=[44], white=np.nan, colours=DIVERGING)
    (ax,) = figure.axes
    x, y, width, _ = ax.get_position().bounds
    inch = 1 / figure.get_figheight()
    scale = figure.add_axes((x + width / 4, y - 0.2 * inch, width / 2, 0.1 * inch))
    ends = {"extend": "both", "ticks": [-strong, 0, strong], "format": "%.2g"}
    figure.colorbar(ax.images[0], cax=scale, orientation="horizontal", **ends)
    return figure


def decoded_grid(
    decode,
    across: ArrayLike,
    up: ArrayLike | None = None,
    *,
    value_range: tuple[float, float] = (0.0, 1.0),
    title: str | None = None,
) -> Figure:
    """Codes of two numbers, evenly spread over a map, and the image that each of them stands for.

    Args:
        decode: A model whose codes are two numbers, or a function of codes `(n, 2)` that gives images.
        across: Values of the first coordinate, from left to right: `np.linspace(-3, 3, 20)`; or for a
            prior N(0, I), of equal probability, `scipy.stats.norm.ppf(np.linspace(0.05, 0.95, 19))`.
        up: Values of the second one, from below to above; those of the first if None.
        value_range, title: As for `rows`.

    Raises:
        ValueError: Values that aren't one row of increasing numbers; not one image a code, or none.
        TypeError: Not numbers.

    >>> decoded_grid(lambda z: np.zeros((len(z), 28, 28, 1)), np.linspace(-3, 3, 20)).axes[0].get_ylabel()
    '$z_1$'
    """
    across, up = _axis(across, "across"), _axis(across if up is None else up, "up")
    codes = np.stack(np.meshgrid(across, up[::-1]), axis=-1).reshape(-1, 2).astype("float32")
    tiles = _checks.images(getattr(decode, "decode", decode)(codes), "what decode gives", value_range)
    if len(tiles) != len(codes):
        raise ValueError(f"decode must give one image for each of {len(codes)} codes. Received: {len(tiles)}.")
    figure = tiled([tiles], len(across), value_range, title, left=60, below=[44], smallest=28.0, gap=0)
    (ax,) = figure.axes
    _, height, width, _ = tiles.shape
    ax.set_xticks(*_ticks(across, width))
    places, names = _ticks(up, height)
    ax.set_yticks(height * len(up) - 1 - places, names)  # lines of pixels are counted from above
    ax.set(xlabel="$z_0$", ylabel="$z_1$")
    return figure


def _print_errors(ax: Axes, errors: np.ndarray, width: int) -> None:
    """Print one number beneath each image of a row of images this wide."""
    centres = np.linspace(width / 2 - 0.5, ax.get_xlim()[1] - width / 2, len(errors))
    ax.set_xticks(centres, [f"{error:.3g}" for error in errors], fontsize=7)
    ax.tick_params(length=0, pad=2)
    ax.annotate("MSE", (0, 0), (-5, -2), "axes fraction", "offset points", ha="right", va="top", fontsize=7)


def _as_images(weights: np.ndarray, shape: Sequence[int] | None) -> np.ndarray:
    """A layer's weights as one image a unit, `(units, h, w, 1)`."""
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
    """Round numbers within increasing values, and where they are along tiles of this side, one a value."""
    low, high = values[0], values[-1]
    ticks = [tick for tick in MaxNLocator(7).tick_values(low, high) if low <= tick <= high]
    return np.interp(ticks, values, side * (np.arange(len(values)) + 0.5) - 0.5), [f"{tick:g}" for tick in ticks]
