"""Scatter plots and joint distributions of codes."""

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from kerasae.plots import _checks
from kerasae.plots._dependence import most_dependent
from kerasae.plots.style import BLACK, BLUE, CLASSES, GRAY, class_legend, dots, new_figure, plane, styled, tidy

_LABEL = 0.19  # width and height of the name of a class, in inches


@styled
def code_space(
    z: ArrayLike, y: ArrayLike | None = None, coordinates: Sequence[int] = (0, 1), *, title: str | None = None
) -> Figure:
    """Draw a scatter plot of two coordinates of codes, colored by class; for three coordinates, one plot per pair.

    Each class has its name at or near the median of its codes. If most codes crowd into a small part of the plane, a
    second plot shows this part, enlarged.

    Args:
        z: Codes `(n, ...)` with at least two coordinates.
        y: Classes `(n,)`, numbers or names, at most ten distinct ones.
        coordinates: Indices of two or three coordinates, counted from 0.
        title: Title of the figure.

    Raises:
        ValueError: `z` is empty, has a single coordinate or contains NaN; `coordinates` are not two or three
            distinct valid indices; `y` does not have one class per code, or has more than ten classes.
        TypeError: `z` does not contain numbers.

    >>> code_space(np.zeros((3, 7, 7, 1)), [4, 4, 9]).legends[0].get_texts()[1].get_text()
    '9'
    >>> [ax.get_ylabel() for ax in code_space(np.zeros((3, 16)), coordinates=(0, 5, 7)).axes]
    ['$z_{5}$', '$z_{7}$', '$z_{7}$']
    """
    chosen = _checks.codes(z, coordinates, allowed=(2, 3))
    classes = None if y is None else _checks.classes(y, len(chosen))
    if len(coordinates) == 3:
        return _projections(chosen, classes, coordinates, title)
    crowd = _crowd(chosen)
    if crowd is None:
        width, height = np.ptp(chosen, axis=0)
        width = 4.2 * float(np.clip(width / (height or 1.0), 0.75, 1.3)) + (0.6 if y is None else 1.2)
        figure, ax = plane(width, 4.6, (_name(coordinates[0]), _name(coordinates[1])), title)
        panels = [ax]
    else:
        figure = new_figure(8.2 if y is None else 8.8, 4.0, title)
        panels = list(figure.subplots(1, 2))
        _connect(panels, crowd)
    for ax in panels:
        _scatter(ax, chosen, classes)
        _name_axes(ax, coordinates)
        tidy(ax)
    if classes is not None:
        _name_classes(panels, chosen, classes, side=4.0 if crowd is None else 3.2)
        class_legend(figure, classes[0])
    return figure


@styled
def joint(
    z: ArrayLike,
    y: ArrayLike | None = None,
    coordinates: Sequence[int] | None = None,
    *,
    bins: int = 24,
    prior: bool = False,
    limits: tuple[float, float] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the joint distribution of two coordinates of codes, with the density of each beside it.

    Both coordinates have the same scale. The densities are histograms with area 1: filled for all codes, one outline
    per class over them.

    Args:
        z, y: As for `code_space`.
        coordinates: Indices of the two coordinates, counted from 0. Default: the pair that depends on each other most,
            by the mutual information of their octiles; the title says which it is.
        bins: Number of bins of the histograms.
        prior: Whether to draw the density of N(0, 1) beside the histograms.
        limits: Lowest and highest value on both axes, for figures that are compared. Default: all codes.
        title: Title of the figure.

    Raises:
        ValueError: As `code_space`; or `bins` is not a positive integer; or `limits` are not increasing.
        TypeError: `z` does not contain numbers.

    >>> both, top, right = joint(np.random.default_rng(0).normal(size=(100, 16)), coordinates=(3, 5)).axes
    >>> both.get_xlabel(), both.get_ylabel()
    ('$z_{3}$', '$z_{5}$')
    """
    if coordinates is None:
        flat = _checks.numbers(z, "z").reshape(len(np.asarray(z)), -1)
        i, j, information = most_dependent(flat) if flat.shape[1] > 1 else (0, 1, 0.0)
        coordinates = i, j
        pair = f"most dependent pair: {_name(i)} and {_name(j)} (mutual information {information:.2f} nats)"
        title = f"{title}\n{pair}" if title else pair
    chosen = _checks.codes(z, coordinates, allowed=(2,))
    classes = None if y is None else _checks.classes(y, len(chosen))
    low, high = _limits(chosen, limits)
    edges = np.linspace(low, high, _checks.positive_size("bins", bins) + 1)

    figure, top, both, right = _joint_panels(title)
    _scatter(both, chosen, classes)
    _name_axes(both, coordinates)
    both.set(xlim=(low, high), ylim=(low, high))
    tidy(both)
    _densities(top, chosen[:, 0], classes, edges, prior, across=False)
    _densities(right, chosen[:, 1], classes, edges, prior, across=True)
    top.set_ylabel("density")
    right.set_xlabel("density")
    more = [Line2D([], [], color=GRAY, linewidth=6, label="all")]
    more += [Line2D([], [], color=BLACK, linestyle="--", label="N(0, 1)")] if prior else []
    if classes is not None or prior:
        class_legend(figure, classes[0] if classes is not None else np.array([]), *more)
    return figure


def _joint_panels(title: str | None) -> tuple[Figure, Axes, Axes, Axes]:
    """A figure with a square in its middle, and one panel above and one to the right with the axes of the square."""
    left, bottom, side, gap, depth = 0.6, 0.5, 3.3, 0.22, 0.9  # inches; in the gap, numbers of two axes meet
    figure = new_figure(left + side + gap + depth + 1.0, bottom + side + gap + depth + 0.15, title)
    figure.set_layout_engine("none")
    page = np.tile(figure.get_size_inches(), 2)
    both = figure.add_axes(np.array([left, bottom, side, side]) / page)
    top = figure.add_axes(np.array([left, bottom + side + gap, side, depth]) / page, sharex=both)
    right = figure.add_axes(np.array([left + side + gap, bottom, depth, side]) / page, sharey=both)
    top.tick_params(labelbottom=False)
    right.tick_params(labelleft=False)
    return figure, top, both, right


def _limits(points: np.ndarray, limits: tuple[float, float] | None) -> tuple[float, float]:
    """The limits of both axes: the given ones, or those of the points with a margin."""
    if limits is None:
        low, high = float(points.min()), float(points.max())
        margin = 0.03 * (high - low) or 1.0
        return low - margin, high + margin
    if len(limits) != 2 or not limits[0] < limits[1]:
        raise ValueError(f"limits must be (low, high) with low < high. Received: {limits}.")
    return limits


def _densities(ax: Axes, values: np.ndarray, classes, edges: np.ndarray, prior: bool, across: bool) -> None:
    """Draw histograms with area 1 of all values and of each class, and the density of N(0, 1)."""
    look = {"density": True, "bins": edges, "orientation": "horizontal" if across else "vertical"}
    ax.hist(values, color=GRAY, alpha=0.6, label="all", **look)
    for k, name in enumerate(classes[0] if classes is not None else ()):
        inside = values[(classes[1] == k) & (values >= edges[0]) & (values <= edges[-1])]
        if len(inside):
            ax.hist(inside, color=CLASSES[k], histtype="step", linewidth=1.0, label=str(name), **look)
    if prior:
        at = np.linspace(edges[0], edges[-1], 200)
        density = np.exp(-0.5 * at**2) / np.sqrt(2 * np.pi)
        ax.plot(*((density, at) if across else (at, density)), color=BLACK, linestyle="--", label="N(0, 1)")
    axis = ax.xaxis if across else ax.yaxis
    axis.set_major_locator(MaxNLocator(3, min_n_ticks=3))


def _projections(points: np.ndarray, classes, coordinates: Sequence[int], title: str | None) -> Figure:
    """Draw the three pairs of three coordinates in one row; an axis has the same limits in all plots."""
    figure = new_figure(9.0, 2.6, title)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.04 * np.maximum(high - low, 1e-6)
    for ax, (i, j) in zip(figure.subplots(1, 3), itertools.combinations(range(3), 2), strict=True):
        _scatter(ax, points[:, [i, j]], classes)
        _name_axes(ax, (coordinates[i], coordinates[j]))
        ax.set(xlim=(low[i] - margin[i], high[i] + margin[i]), ylim=(low[j] - margin[j], high[j] + margin[j]))
        ax.set_box_aspect(1)
        tidy(ax)
        if classes is not None:
            _name_classes([ax], points[:, [i, j]], classes, side=2.1)
    if classes is not None:
        class_legend(figure, classes[0])
    return figure


def _crowd(points: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The lower left and upper right corner of where most codes are, if that is a small part of the plane."""
    low, high = np.quantile(points, (0.1, 0.9), axis=0)
    center, half = (low + high) / 2, 0.8 * (high - low).max()
    extent = np.ptp(points, axis=0).max()
    return (center - half, center + half) if 0 < half < extent / 5 else None


def _connect(panels: Sequence[Axes], crowd: tuple[np.ndarray, np.ndarray]) -> None:
    """Limit the second plot to the crowd, and mark this part in the first one."""
    whole, part = panels
    (left, bottom), (right, top) = crowd
    whole.set_aspect("equal", adjustable="datalim")
    part.set(xlim=(left, right), ylim=(bottom, top), box_aspect=1, title="enlarged")
    whole.set_box_aspect(1)
    whole.set_title("all codes")
    whole.indicate_inset_zoom(part, edgecolor=BLACK, linewidth=0.6)


def _name(coordinate: int) -> str:
    return f"$z_{{{coordinate}}}$"


def _name_axes(ax: Axes, coordinates: Sequence[int]) -> None:
    ax.set(xlabel=_name(coordinates[0]), ylabel=_name(coordinates[1]))


def _scatter(ax: Axes, points: np.ndarray, classes: tuple[np.ndarray, np.ndarray] | None) -> None:
    """Draw codes, colored by class if there are classes."""
    size = float(np.clip(2e4 / len(points), 1.5, 20))
    dots(ax, points, size, BLUE if classes is None else np.array(CLASSES)[classes[1]], alpha=0.7)


def _name_classes(panels: Sequence[Axes], points: np.ndarray, classes, side: float) -> None:
    """Write the name of each class at the median of its codes, in the last panel that shows this place.

    Names that would hide each other are moved apart; `side` is the side of a panel in inches.
    """
    medians = np.stack([np.median(points[classes[1] == k], axis=0) for k in range(len(classes[0]))])
    extent = np.array([panels[-1].viewLim.width, panels[-1].viewLim.height])
    for k, (x, y) in enumerate(extent * _spread(medians / extent, _LABEL / side)):
        name = classes[0][k]
        ax = panels[-1] if panels[-1].viewLim.contains(x, y) else panels[0]
        box = {"boxstyle": "round,pad=0.2", "facecolor": CLASSES[k], "edgecolor": "white", "linewidth": 0.8}
        color = "white" if _is_dark(CLASSES[k]) else BLACK
        ax.text(x, y, str(name), ha="center", va="center", color=color, fontsize=8, weight="bold", bbox=box)


def _spread(places: np.ndarray, least: float) -> np.ndarray:
    """Move places `(n, 2)` that are closer than `least` away from each other, so that their labels do not overlap."""
    places = places.copy()
    for _, (i, j) in itertools.product(range(30), list(itertools.combinations(range(len(places)), 2))):
        apart = places[i] - places[j]
        distance = np.hypot(*apart)
        if distance < least:
            direction = apart / distance if distance > 0 else np.array([0.0, 1.0])
            places[i] += 0.5 * (least - distance) * direction
            places[j] -= 0.5 * (least - distance) * direction
    return places


def _is_dark(color: str) -> bool:
    """Whether white text is easier to read on this color than black text."""
    red, green, blue = to_rgb(color)
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
