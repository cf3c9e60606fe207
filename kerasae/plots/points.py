"""Pictures of points of the plane."""

import itertools
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from kerasae.plots import _checks
from kerasae.plots._drawing import BLACK, BLUE, GREEN, GREY, ORANGE, POSITION, PURPLE, dots, plane


def manifold(
    x: ArrayLike,
    x_hat: ArrayLike,
    curve: ArrayLike | None = None,
    *,
    pairs: int = 25,
    others: Mapping[str, ArrayLike] | None = None,
    label: str = "autoencoder",
    title: str | None = None,
) -> Figure:
    """Points of the plane, where an autoencoder maps them to, and for some of them which goes where.

    Args:
        x, x_hat: Points `(n, 2)` and their reconstructions; without `pairs` any other points, such as
            codes decoded.
        curve: Points `(m, 2)` along the line that the data was made from.
        pairs: How many points, evenly chosen from left to right, are drawn large and joined to a
            star of the same colour where the model maps them to.
        others: Name → points `(m, 2)` to compare with: PCA's reconstructions, decoded codes.
        label: What `x_hat` is called.
        title: Above the picture.

    Raises:
        ValueError: Arrays of a wrong shape, empty ones, NaN, or `pairs` is not a count.
        TypeError: Not numbers.

    >>> x = np.random.default_rng(0).normal(size=(100, 2))
    >>> [text.get_text() for text in manifold(x, x * [1, 0], others={"PCA": x * [0, 1]}, pairs=0).legends[0].texts]
    ['data', 'PCA', 'autoencoder']
    """
    x, x_hat = _checks.points(x, "x"), _checks.points(x_hat, "x_hat")
    if pairs:
        _checks.require_one_shape({"x": x, "x_hat": x_hat})
    clouds = {name: _checks.points(points, name) for name, points in (others or {}).items()}
    width, height = np.ptp(np.concatenate([x, x_hat, *clouds.values()]), axis=0)
    figure, ax = plane(7.0, 0.5 + np.clip(4.7 * height / (width or 1.0), 1.5, 6.0), "x", title)
    dots(ax, x, float(np.clip(2e3 / len(x), 7, 40)), GREY, "data")
    if curve is not None:
        ax.plot(*_checks.points(curve, "curve").T, color=BLACK, linewidth=1.2, label="true curve")
    for (name, points), colour in zip(clouds.items(), itertools.cycle((ORANGE, GREEN, PURPLE)), strict=False):
        dots(ax, points, 22, colour, name)
    dots(ax, x_hat, 6, BLUE, label)
    if pairs:
        _draw_pairs(ax, x, x_hat, _checks.positive_size("pairs", pairs))
    for handle in figure.legend(loc="outside right center", frameon=False).legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([max(30, *handle.get_sizes())])
    return figure


def _draw_pairs(ax: Axes, x: np.ndarray, x_hat: np.ndarray, pairs: int) -> None:
    """Draw some points, evenly chosen from left to right, and where they are mapped to."""
    chosen = np.argsort(x[:, 0])[np.linspace(0, len(x) - 1, min(pairs, len(x))).round().astype(int)]
    colours = POSITION(np.linspace(0.0, 0.92, len(chosen)))
    edge = {"edgecolors": BLACK, "linewidths": 0.4, "zorder": 3}
    ends = np.stack([x[chosen], x_hat[chosen]], axis=1)
    ax.add_collection(LineCollection(list(ends), colors=colours, linewidths=0.8, zorder=2.5))
    dots(ax, x[chosen], 22, colours, "some points", **edge)
    dots(ax, x_hat[chosen], 70, colours, "where they go", marker="*", **edge)
