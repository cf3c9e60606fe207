"""Figures of two-dimensional data."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from kerasae.plots import _checks
from kerasae.plots.style import BLACK, BROWN, DATA, MODEL, OTHER, POSITION, TRUTH, colors_of, dots, plane, styled

_FEW = 100  # points; so few are drawn on top, so that a curve through them does not hide them


@styled
def manifold(
    x: ArrayLike,
    x_hat: ArrayLike | None = None,
    curve: ArrayLike | None = None,
    *,
    pairs: int = 25,
    learned: ArrayLike | None = None,
    others: Mapping[str, ArrayLike] | None = None,
    label: str = "autoencoder",
    title: str | None = None,
) -> Figure:
    """Draw 2-D points and their reconstructions, and connect some points with their reconstructions.

    Args:
        x: Points `(n, 2)`.
        x_hat: Their reconstructions `(n, 2)`. With `pairs=0` any other points, such as decoded codes. None
            draws the data without reconstructions.
        curve: Points `(m, 2)` on the curve that generated the data.
        pairs: Number of points, evenly spaced from left to right, that are connected with their
            reconstruction, drawn as a star of the same color.
        learned: Points `(m, 2)` on the curve of decoded codes, drawn as a line instead of the points `x_hat`.
        others: Name → points `(m, 2)` for comparison, such as the reconstructions of PCA.
        label: Name of `x_hat` in the legend.
        title: Title of the figure.

    Raises:
        ValueError: An array is empty, has a wrong shape or contains NaN; `pairs` is negative or not an integer.
        TypeError: Values are not numbers.

    >>> x = np.random.default_rng(0).normal(size=(100, 2))
    >>> [text.get_text() for text in manifold(x, x * [1, 0], others={"PCA": x * [0, 1]}, pairs=0).legends[0].texts]
    ['data', 'PCA', 'autoencoder']
    """
    x, pairs = _checks.points(x, "x"), 0 if x_hat is None else pairs
    drawn = np.empty((0, 2)) if x_hat is None else _checks.points(x_hat, "x_hat")
    if pairs:
        _checks.require_one_shape({"x": x, "x_hat": drawn})
    clouds = {name: _checks.points(points, name) for name, points in (others or {}).items()}
    width, height = np.ptp(np.concatenate([x, drawn, *clouds.values()]), axis=0)
    figure, ax = plane(7.0, 0.5 + np.clip(4.7 * height / (width or 1.0), 1.5, 6.0), ("$x_1$", "$x_2$"), title)
    on_top = {"zorder": 3, "edgecolors": TRUTH, "linewidths": 0.6} if len(x) <= _FEW else {}
    dots(ax, x, float(np.clip(2e3 / len(x), 7, 40)), DATA, "data", **on_top)
    if curve is not None:
        ax.plot(*_checks.points(curve, "curve").T, color=TRUTH, linewidth=1.0, linestyle="--", label="true curve")
    for (name, points), color in zip(clouds.items(), colors_of(clouds, (OTHER, BROWN)), strict=True):
        dots(ax, points, 22, color, name)
    if x_hat is not None and learned is None:
        dots(ax, drawn, 6, MODEL, label)
    elif learned is not None:
        ax.plot(*_checks.points(learned, "learned").T, color=MODEL, linewidth=2.0, label=f"{label}: decoded codes")
    if pairs:
        _draw_pairs(ax, x, drawn, _checks.positive_size("pairs", pairs))
    for handle in figure.legend(loc="outside right center").legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([max(30, *handle.get_sizes())])
    return figure


def _draw_pairs(ax: Axes, x: np.ndarray, x_hat: np.ndarray, pairs: int) -> None:
    """Connect some points, evenly spaced from left to right, with their reconstructions."""
    chosen = np.argsort(x[:, 0])[np.linspace(0, len(x) - 1, min(pairs, len(x))).round().astype(int)]
    colors = POSITION(np.linspace(0.0, 0.92, len(chosen)))
    edge = {"edgecolors": BLACK, "linewidths": 0.4, "zorder": 3}
    ends = np.stack([x[chosen], x_hat[chosen]], axis=1)
    ax.add_collection(LineCollection(list(ends), colors=colors, linewidths=0.8, zorder=2.5))
    dots(ax, x[chosen], 16, colors, "some points", **edge)
    dots(ax, x_hat[chosen], 50, colors, "where they go", marker="*", **edge)
