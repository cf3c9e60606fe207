"""Scatter plots and joint distributions of codes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from kerasae.plots import _checks
from kerasae.plots._drawing import BLUE, CLASSES, class_legend, dots, new_figure, plane


def code_space(
    z: ArrayLike, y: ArrayLike | None = None, coordinates: Sequence[int] = (0, 1), *, title: str | None = None
) -> Figure:
    """Draw a scatter plot of two or three coordinates of codes, colored by class.

    Args:
        z: Codes `(n, ...)` with at least two coordinates.
        y: Classes `(n,)`, numbers or names, at most ten distinct ones.
        coordinates: Indices of two coordinates for a 2-D plot or of three for a 3-D plot, counted from 0.
        title: Title of the figure.

    Raises:
        ValueError: `z` is empty, has a single coordinate or contains NaN; `coordinates` are not two or three
            distinct valid indices; `y` does not have one class per code, or has more than ten classes.
        TypeError: `z` does not contain numbers.

    >>> code_space(np.zeros((3, 7, 7, 1)), [4, 4, 9]).legends[0].get_texts()[1].get_text()
    '9'
    >>> code_space(np.zeros((3, 16)), coordinates=(0, 5, 7)).axes[0].get_zlabel()
    '$z_{7}$'
    """
    chosen = _checks.codes(z, coordinates, allowed=(2, 3))
    width = 4.8 if y is None else 5.4
    if len(coordinates) == 2:
        figure, ax = plane(width, 4.6, "z", title)
    else:
        figure = new_figure(width + 0.6, 4.8, title)
        ax = figure.add_subplot(projection="3d")
        ax.set_box_aspect(None, zoom=0.88)  # otherwise the labels are cut off
        ax.set_zlabel(f"$z_{{{coordinates[2]}}}$")
        ax.locator_params(nbins=5)
    _name_axes(ax, coordinates)
    _scatter(figure, ax, chosen, y)
    return figure


def joint(
    z: ArrayLike,
    y: ArrayLike | None = None,
    coordinates: Sequence[int] = (0, 1),
    *,
    bins: int = 50,
    title: str | None = None,
) -> Figure:
    """Draw the joint distribution of two coordinates of codes, with a histogram of each on its side.

    Args:
        z, y: As for `code_space`.
        coordinates: Indices of the two coordinates, counted from 0.
        bins: Number of bins of the histograms.
        title: Title of the figure.

    Raises:
        ValueError: As `code_space`; or `bins` is not a positive integer.
        TypeError: `z` does not contain numbers.

    >>> top, both, right = joint(np.random.default_rng(0).normal(size=(100, 16)), coordinates=(3, 5)).axes
    >>> both.get_xlabel(), both.get_ylabel()
    ('$z_{3}$', '$z_{5}$')
    """
    chosen = _checks.codes(z, coordinates, allowed=(2,))
    figure = new_figure(5.0 if y is None else 5.6, 5.0, title)
    panels = figure.subplot_mosaic(
        [["top", "."], ["both", "right"]], width_ratios=(4, 1), height_ratios=(1, 4), gridspec_kw={"hspace": 0}
    )
    both, top, right = panels["both"], panels["top"], panels["right"]
    top.sharex(both)
    right.sharey(both)
    _name_axes(both, coordinates)
    _scatter(figure, both, chosen, y)
    groups, colors = [np.arange(len(chosen))], [BLUE]
    if y is not None:
        classes, index = _checks.classes(y, len(chosen))
        groups, colors = [np.flatnonzero(index == k) for k in range(len(classes))], list(CLASSES[: len(classes)])
    look = {"bins": _checks.positive_size("bins", bins), "stacked": True, "color": colors}
    top.hist([chosen[group, 0] for group in groups], **look)
    right.hist([chosen[group, 1] for group in groups], orientation="horizontal", **look)
    for ax in (top, right):
        ax.tick_params(labelbottom=False, labelleft=False, left=False, bottom=False)
        ax.spines[:].set_visible(False)
    return figure


def _name_axes(ax: Axes, coordinates: Sequence[int]) -> None:
    ax.set(xlabel=f"$z_{{{coordinates[0]}}}$", ylabel=f"$z_{{{coordinates[1]}}}$")


def _scatter(figure: Figure, ax: Axes, points: np.ndarray, y: ArrayLike | None) -> None:
    """Draw codes, colored by class if `y` is given."""
    size = float(np.clip(4e4 / len(points), 4, 25))
    if y is None:
        dots(ax, points, size, BLUE, alpha=0.7)
    else:
        classes, index = _checks.classes(y, len(points))
        dots(ax, points, size, np.array(CLASSES)[index], alpha=0.7)
        class_legend(figure, classes)
