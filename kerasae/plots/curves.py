"""Curves: losses in training, errors against noise."""

import itertools
import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from kerasae.plots import _checks
from kerasae.plots._drawing import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, new_figure

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, BLACK)


def history(history, *, unit: str = "epoch", title: str | None = None) -> Figure:
    """The course of training: a panel for each reported quantity, training solid, validation dashed.

    A quantity that changes more than twentyfold is drawn on a logarithmic scale. The reconstruction
    loss is left out where it is the loss.

    Args:
        history: What `fit` returned, or its `.history`: name → one value an epoch, NaN where there is none.
        unit: What the values were recorded after each of.
        title: Above the picture.

    Raises:
        ValueError: Nothing was recorded, or not once an epoch.

    >>> [ax.get_title() for ax in history({"loss": [3.0, 2.0], "val_loss": [3.1, 2.3], "kl_loss": [0.5, 1.0]}).axes]
    ['loss', 'kl loss']
    """
    logs = {name: np.asarray(values, float) for name, values in getattr(history, "history", history).items()}
    logs = {name: values for name, values in logs.items() if name != "learning_rate" and values.size}
    lengths = {name: len(values) for name, values in logs.items()}
    if not logs:
        raise ValueError("history is empty: expected what fit returned, of at least one epoch.")
    if len(set(lengths.values())) > 1:
        raise ValueError(f"history must hold one value of each quantity an epoch. Received lengths: {lengths}.")
    epochs = 1 + np.asarray(getattr(history, "epoch", range(max(lengths.values()))))

    names = _quantities(logs)
    columns = min(3, len(names))
    lines = math.ceil(len(names) / columns)
    figure = new_figure(0.6 + 3.2 * columns, 2.7 * lines, title)
    for place, name in enumerate(names, start=1):
        _draw_course(figure.add_subplot(lines, columns, place), epochs, name, logs, unit)
    if any(name.startswith("val_") for name in logs):
        figure.axes[0].legend(frameon=False)
    return figure


def error_against_noise(
    levels: ArrayLike,
    errors: Mapping[str, ArrayLike],
    *,
    trained_at: float | None = None,
    xlabel: str = "noise",
    ylabel: str = "mean squared error",
    title: str | None = None,
) -> Figure:
    """Error against the level of noise, a curve each for the model and for what it is compared with.

    Args:
        levels: Of the noise, in increasing order `(n,)`: probabilities, standard deviations.
        errors: Name → the error at each level `(n,)`: of the model, PCA, a median filter, the noisy input as it is.
        trained_at: The level that the model was trained with, marked by a line.
        xlabel: What the levels are.
        ylabel: What the errors are.
        title: Above the picture.

    Raises:
        ValueError: No levels, levels out of order, no curves, a curve of another length, NaN.
        TypeError: Not numbers.

    >>> figure = error_against_noise([0.0, 0.1, 0.2], {"noisy": [0, 0.1, 0.2], "cleaned": [0.01, 0.02, 0.04]})
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['noisy', 'cleaned']
    """
    levels = _checks.numbers(levels, "levels")
    if levels.ndim != 1 or (np.diff(levels) <= 0).any():
        raise ValueError(f"levels must be one row of increasing numbers. Received: {levels}.")
    if not errors:
        raise ValueError("errors is empty: expected at least one curve, such as {'model': errors}.")
    figure = new_figure(6.4, 3.6, title)
    ax = figure.subplots()
    for (name, values), colour, marker in zip(errors.items(), itertools.cycle(_COLOURS), itertools.cycle("osD^vP")):
        values = _checks.numbers(values, name)
        if values.shape != levels.shape:
            raise ValueError(
                f"{name} must hold one error for each of the {len(levels)} levels. Received shape: {values.shape}."
            )
        ax.plot(levels, values, color=colour, marker=marker, markersize=4, label=name)
    if trained_at is not None:
        ax.axvline(trained_at, color=GREY, linewidth=1, linestyle=":", label="trained with", zorder=1)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.set_ylim(bottom=0)
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right center", frameon=False)
    return figure


def _draw_course(ax: Axes, epochs: np.ndarray, name: str, logs: Mapping[str, np.ndarray], unit: str) -> None:
    """One quantity over the epochs, in training and in validation."""
    marker = "o" if len(epochs) <= 10 else None
    for key, label, colour, style in ((name, "training", BLUE, "-"), (f"val_{name}", "validation", ORANGE, "--")):
        if key in logs:
            there = np.isfinite(logs[key])
            ax.plot(epochs[there], logs[key][there], style, color=colour, marker=marker, markersize=3, label=label)
    values = np.concatenate([line.get_ydata() for line in ax.lines])
    if values.size and values.min() > 0 and values.max() > 20 * values.min():
        ax.set_yscale("log")
    first, last = epochs[0], epochs[-1]
    ticks = MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]).tick_values(first, last)
    ax.set_xticks([first, *(tick for tick in ticks if first + (last - first) / 8 < tick <= last)])
    ax.set(title=name.replace("_", " "), xlabel=unit)
    ax.spines[["top", "right"]].set_visible(False)


def _quantities(logs: Mapping[str, np.ndarray]) -> list[str]:
    """What was reported, `loss` first, without the reconstruction loss where that is the loss."""
    names = sorted(dict.fromkeys(name.removeprefix("val_") for name in logs), key=lambda name: name != "loss")
    same = all(
        np.allclose(values, logs.get(name.replace("reconstruction_", ""), np.nan), equal_nan=True)
        for name, values in logs.items()
        if name.endswith("reconstruction_loss")
    )
    return [name for name in names if not (same and name == "reconstruction_loss")]
