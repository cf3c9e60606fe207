"""Training curves, and error against noise level."""

import itertools
import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from kerasae.plots import _checks
from kerasae.plots.style import GRAY, MODEL, VALIDATION, colors_of, new_figure, styled, tidy


@styled
def history(
    history, *, unit: str = "epoch", units: str | Mapping[str, str] | None = None, title: str | None = None
) -> Figure:
    """Draw training curves, one panel per logged quantity: training solid, validation dashed.

    A quantity that changes by more than a factor of 20 has a logarithmic axis. The reconstruction loss is omitted if
    it equals the loss.

    Args:
        history: The `History` that `fit` returned, or its `.history`: name → one value per epoch, NaN where missing.
        unit: Label of the horizontal axis, `"epoch"` or `"batch"`.
        units: Label of the vertical axes, for all or by quantity: the unit of the values, such as
            `"nats per image"`. Default: none.
        title: Title of the figure.

    Raises:
        ValueError: `history` is empty, or its quantities have different lengths.

    >>> [ax.get_title() for ax in history({"loss": [3.0, 2.0], "val_loss": [3.1, 2.3], "kl_loss": [0.5, 1.0]}).axes]
    ['loss', 'kl loss']
    """
    logs = {name: np.asarray(values, float) for name, values in getattr(history, "history", history).items()}
    logs = {name: values for name, values in logs.items() if name != "learning_rate" and values.size}
    lengths = {name: len(values) for name, values in logs.items()}
    if not logs:
        raise ValueError("history is empty: expected what fit returned, of at least one epoch.")
    if len(set(lengths.values())) > 1:
        raise ValueError(f"history must hold one value of each quantity per epoch. Received lengths: {lengths}.")
    epochs = 1 + np.asarray(getattr(history, "epoch", range(max(lengths.values()))))

    names = _quantities(logs)
    columns = min(3, len(names))
    lines = math.ceil(len(names) / columns)
    figure = new_figure(0.6 + 3.2 * columns, 2.7 * lines, title)
    for place, name in enumerate(names, start=1):
        ax = figure.add_subplot(lines, columns, place)
        _draw_curve(ax, epochs, name, logs, unit)
        ax.set_ylabel(units if isinstance(units, str) else (units or {}).get(name, ""))
    if any(name.startswith("val_") for name in logs):
        figure.axes[0].legend()
    return figure


@styled
def error_against_noise(
    levels: ArrayLike,
    errors: Mapping[str, ArrayLike],
    *,
    trained_at: float | None = None,
    xlabel: str = "noise",
    ylabel: str = "mean squared error",
    title: str | None = None,
) -> Figure:
    """Draw error against noise level, one curve per method.

    Curves named `PCA…`, `noisy…`, `median…` and `mean…` have the colors that they have in all figures.

    Args:
        levels: Noise levels `(n,)` in increasing order: probabilities or standard deviations.
        errors: Name → error at each level `(n,)`, for example of the model, PCA, a median filter and the noisy input.
        trained_at: Noise level that the model was trained with, marked by a vertical line.
        xlabel, ylabel: Labels of the axes.
        title: Title of the figure.

    Raises:
        ValueError: `levels` is empty or not increasing; `errors` is empty; a curve has another length or contains NaN.
        TypeError: Values are not numbers.

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
    for (name, values), color, marker in zip(errors.items(), colors_of(errors), itertools.cycle("osD^vP")):
        values = _checks.numbers(values, name)
        if values.shape != levels.shape:
            raise ValueError(
                f"{name} must hold one error for each of the {len(levels)} levels. Received shape: {values.shape}."
            )
        ax.plot(levels, values, color=color, marker=marker, markersize=4, label=name)
    if trained_at is not None:
        ax.axvline(trained_at, color=GRAY, linewidth=1, linestyle=":", label="trained with", zorder=1)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.set_ylim(bottom=0)
    tidy(ax)
    figure.legend(loc="outside right center")
    return figure


def _draw_curve(ax: Axes, epochs: np.ndarray, name: str, logs: Mapping[str, np.ndarray], unit: str) -> None:
    """Draw one quantity over the epochs, for training and validation."""
    marker = "o" if len(epochs) <= 10 else None
    for key, label, color, style in ((name, "training", MODEL, "-"), (f"val_{name}", "validation", VALIDATION, "--")):
        if key in logs:
            there = np.isfinite(logs[key])
            ax.plot(epochs[there], logs[key][there], style, color=color, marker=marker, markersize=3, label=label)
    scale = "linear"
    values = np.concatenate([line.get_ydata() for line in ax.lines])
    if values.size and values.min() > 0 and values.max() > 20 * values.min():
        ax.set_yscale("log")
        scale = "log"
    first, last = epochs[0], epochs[-1]
    ticks = MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]).tick_values(first, last)
    ax.set_xticks([first, *(tick for tick in ticks if first + (last - first) / 8 < tick <= last)])
    ax.set(title=name.replace("_", " "), xlabel=unit)
    tidy(ax, None, scale)


def _quantities(logs: Mapping[str, np.ndarray]) -> list[str]:
    """Return the names of the quantities, `loss` first, without the reconstruction loss if it equals the loss."""
    names = sorted(dict.fromkeys(name.removeprefix("val_") for name in logs), key=lambda name: name != "loss")
    same = all(
        np.allclose(values, logs.get(name.replace("reconstruction_", ""), np.nan), equal_nan=True)
        for name, values in logs.items()
        if name.endswith("reconstruction_loss")
    )
    return [name for name in names if not (same and name == "reconstruction_loss")]
