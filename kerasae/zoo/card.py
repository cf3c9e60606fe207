"""An entry's card: what was trained, how, with what, and how well it does."""

import dataclasses
import math
import platform
from collections.abc import Mapping
from typing import NamedTuple

import keras
import numpy as np

import kerasae
from kerasae import data, metrics, models, plots
from kerasae.zoo import recipes

FIRST = 1000  # test images whose figures a card has too, to measure again in little time


def describe(
    recipe: recipes.Recipe, plan: recipes.Schedule, seed: int, model: models.Autoencoder, hold_out: int = 0
) -> dict:
    """The card of a trained model, all figures measured now.

    Args:
        recipe, plan, seed: What it was trained by.
        model: Trained.
        hold_out: How many training examples it has not seen.

    Returns:
        A dict of what JSON can hold; `zoo.save` adds checksums and golden outputs.
    """
    dataset = data.named(recipe.data)
    code_size = int(np.prod(model.code_shape))
    figures = _rounded(metrics.figures(model, dataset))
    measured = metrics.baselines(dataset, code_size, model.noise)
    common = {name: {key: values[key] for key in values if key in figures} for name, values in measured.items()}
    baselines = {name: _rounded(values) for name, values in common.items() if values}
    return {
        "name": recipe.name,
        "description": recipe.description,
        "source": recipe.source,
        "class": type(model).__name__,
        "parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        "input": {"shape": model.data_shape, "dtype": "float32", "range": model.value_range},
        "code": {"shape": model.code_shape, "size": code_size},
        "data": recipe.data,
        "schedule": "written" if plan == recipe.written else "shipped" if plan == recipe.shipped else "other",
        "recipe": dataclasses.asdict(plan),
        "written_recipe": dataclasses.asdict(recipe.written),
        "seed": seed,
        "hold_out": hold_out,
        "versions": versions(),
        "headline": recipe.headline,
        "figures": figures,
        "figures_of_first": {str(FIRST): _rounded(metrics.figures(model, dataset, FIRST))},
        "baselines": baselines,
        "references": [reference._asdict() for reference in recipe.references],
    }


class Comparison(NamedTuple):
    """A figure measured again, beside the one on a card.

    Attributes:
        measured: NaN for what is not measured.
        stated: On the card; None where it has no such figure.
        difference: How far the two are apart, relative to what is stated or absolute; NaN where one is missing.
        tolerance: `metrics.ABSOLUTE`'s of this figure, else `metrics.RELATIVE` (more for the tiniest).
        is_absolute: Whether the difference is.
    """

    measured: float
    stated: float | None
    difference: float
    tolerance: float
    is_absolute: bool

    @property
    def is_tolerable(self) -> bool:
        """Whether the difference is within the tolerance; of a figure that the card does not have, yes."""
        return self.stated is None or self.difference <= self.tolerance


def compare(measured: Mapping[str, float], stated: Mapping[str, float]) -> dict[str, Comparison]:
    """Figures that were measured again beside those on a card.

    Args:
        measured: As `metrics.figures` gives them.
        stated: Of the card.

    Returns:
        All that are in one or the other.

    >>> compare({"mse": 0.02001}, {"mse": 0.02})["mse"].is_tolerable
    False
    """
    return {key: _compared(key, measured.get(key, math.nan), stated.get(key)) for key in {**measured, **stated}}


def _compared(key: str, measured: float, stated: float | None) -> Comparison:
    is_absolute = key in metrics.ABSOLUTE
    tolerance = metrics.ABSOLUTE.get(key, metrics.RELATIVE)
    difference = math.nan if stated is None else abs(measured - stated)
    if stated and not is_absolute:
        difference /= abs(stated)
        tolerance = max(tolerance, metrics.ROUNDING / abs(stated))
    return Comparison(measured, stated, difference, tolerance, is_absolute)


def preview(recipe: recipes.Recipe, model: models.Autoencoder):
    """The entry's picture, a matplotlib Figure: its reconstructions of test data, and samples if it generates."""
    dataset = data.named(recipe.data)
    if dataset.x_train.ndim == 2:
        return _preview_of_points(recipe, model, np.unique(dataset.x_train, axis=0))
    first = [int(np.flatnonzero(dataset.y_test == label)[0]) for label in range(10)]
    x = dataset.x_test[first]
    given = metrics.given_to(model, np.arange(10))
    if model.noise is not None:
        noisy = metrics.noisy(model, dataset.x_test)[first]
        images = {"clean": x, "noisy": noisy, "cleaned": model.reconstruct(noisy, **given)}
    else:
        images = {"input": x, "reconstruction": model.reconstruct(x, **given)}
    if hasattr(model, "generate"):
        images["samples"] = model.generate(len(x), seed=0, **given)
    return plots.rows(images, title=recipe.name)


def _preview_of_points(recipe, model, x):
    t = np.linspace(-data.SINE_LIMIT, data.SINE_LIMIT, 400)
    z = model.encode(x)
    learned = model.decode(np.linspace(z.min(axis=0), z.max(axis=0), 1000))
    return plots.manifold(
        x,
        model.reconstruct(x),
        np.stack([t, np.sin(t)], axis=1),
        others={"decoded codes": learned},
        title=recipe.name,
    )


def versions() -> dict[str, str]:
    """Versions of what a model is made with."""
    backend = keras.backend.backend()
    return {
        "kerasae": kerasae.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "keras": keras.__version__,
        "backend": backend,
        backend: __import__(backend).__version__,
    }


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {key: float(f"{value:.6g}") for key, value in figures.items()}
