"""Create the card of a trained model, with figures measured on a data set."""

import dataclasses
import platform
from typing import Any

import keras
import numpy as np

import kerasae
from kerasae import data, metrics, models
from kerasae.metrics.measurement import data_is_sine
from kerasae.zoo import recipes
from kerasae.zoo.cards import FIRST, Card, Code, Input, Provenance, Reference
from kerasae.zoo.previews import as_dataset


def describe(model: models.Autoencoder, dataset=None, *, name: str, **facts) -> Card:
    """Create the card of any trained model, measured on any data set.

    Args:
        model: Trained model.
        dataset: A `data.Dataset`, or arrays `(x_train, x_test)` without labels. None for a card without figures.
        name: Name of the entry.
        **facts: Other fields of `Card`: `description`, `source`, `license`, `provenance`, `data`, `recipe`, ...

    Returns:
        The card, with figures, baselines, shapes and versions. `writing.write` adds the checksums of the files.

    Raises:
        ValueError: If `dataset` has another type, inputs have a wrong shape or range, or a conditional model gets no
            labels.
    """
    known: dict[str, Any] = {
        "class_name": _class_name(type(model)),
        "parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        "input": Input(tuple(model.data_shape), "float32", _limits(model)),
        "code": Code(tuple(model.code_shape), model.code_size, _active(model)),
        "versions": versions(),
    }
    if dataset is not None:
        known |= _measured(model, as_dataset(dataset), facts.pop("headline", None))
    return Card(name=name, **{**known, **facts})


def _measured(model: models.Autoencoder, dataset: data.Dataset, headline: str | None) -> dict[str, Any]:
    """Figures of the model and the baselines, as fields of a card."""
    figures = metrics.figures(model, dataset)
    is_longer = len(dataset.x_test) > FIRST and not data_is_sine(dataset)
    first = {str(FIRST): _rounded(metrics.figures(model, dataset, FIRST))} if is_longer else None
    measured = metrics.baseline_figures(dataset, model.active_size, model.noise)
    common = {baseline: {key: values[key] for key in values if key in figures} for baseline, values in measured.items()}
    return {
        "headline": headline or next(iter(figures)),
        "figures": _rounded(figures),
        "figures_of_first": first,
        "baselines": {baseline: _rounded(values) for baseline, values in common.items() if values},
    }


def describe_entry(
    recipe: recipes.Recipe,
    plan: recipes.Schedule,
    seed: int,
    model: models.Autoencoder,
    hold_out: int = 0,
    provenance: Provenance | None = None,
) -> Card:
    """Create the card of a model that was trained with a recipe.

    Args:
        recipe, plan, seed: Recipe, schedule and seed of the training.
        model: Trained model.
        hold_out: Number of training examples that were held out.
        provenance: Who trained the model, and by which command.
    """
    dataset = data.named(recipe.data)
    card = describe(
        model,
        dataset,
        name=recipe.name,
        description=recipe.description,
        source=recipe.source,
        provenance=provenance,
        data=recipe.data,
        schedule="written" if plan == recipe.written else "shipped" if plan == recipe.shipped else "other",
        recipe=dataclasses.asdict(plan),
        written_recipe=dataclasses.asdict(recipe.written),
        seed=seed,
        selection=(plan == recipe.shipped and recipe.selection) or None,
        hold_out=hold_out,
        headline=recipe.headline,
        references=tuple(Reference(*reference) for reference in recipe.references),
    )
    # `evaluate --quick` compares entries of points by these figures too.
    return card if card.figures_of_first else dataclasses.replace(card, figures_of_first={str(FIRST): card.figures})


def _class_name(cls: type) -> str:
    is_own = getattr(models, cls.__name__, None) is cls
    return cls.__name__ if is_own else keras.saving.get_registered_name(cls)


def _active(model: models.Autoencoder) -> int | None:
    return model.active_size if model.active_size < model.code_size else None


def _limits(model: models.Autoencoder) -> tuple[float, float] | None:
    if model.value_range is None:
        return None
    low, high = model.value_range
    return low, high


def versions() -> dict[str, str]:
    """Versions of Python, kerasae, NumPy, Keras and the backend."""
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
