"""Make the card and the picture of a trained model: measure it on a data set."""

import dataclasses
import platform
from collections.abc import Sequence

import keras
import numpy as np

import kerasae
from kerasae import data, metrics, models, plots
from kerasae.metrics.measurement import data_is_sine
from kerasae.zoo import recipes
from kerasae.zoo.cards import FIRST, Card, Code, Input, Provenance, Reference


def describe(model: models.Autoencoder, dataset: data.Dataset | Sequence[np.ndarray], *, name: str, **facts) -> Card:
    """The card of any trained model, measured on any data set.

    Args:
        model: Trained model.
        dataset: A `data.Dataset`, or training and test inputs `(x_train, x_test)` without labels.
        name: Name of the entry.
        **facts: Other fields of `Card`: `description`, `source`, `license`, `provenance`, `data`, `recipe`, ...

    Returns:
        The card, with figures, baselines, shapes and versions. `zoo.save` adds the checksums of the files.

    Raises:
        ValueError: `dataset` is neither of the two; inputs of a wrong shape or range; a conditional model without
            labels.
    """
    dataset = _as_dataset(dataset)
    figures = metrics.figures(model, dataset)
    headline = facts.pop("headline", None) or next(iter(figures))
    is_longer = len(dataset.x_test) > FIRST and not data_is_sine(dataset)
    first = {str(FIRST): _rounded(metrics.figures(model, dataset, FIRST))} if is_longer else None
    measured = metrics.baseline_figures(dataset, model.code_size, model.noise)
    common = {baseline: {key: values[key] for key in values if key in figures} for baseline, values in measured.items()}
    known = {
        "class_name": type(model).__name__,
        "parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        "input": Input(tuple(model.data_shape), "float32", _limits(model)),
        "code": Code(tuple(model.code_shape), model.code_size),
        "versions": versions(),
        "headline": headline,
        "figures": _rounded(figures),
        "figures_of_first": first,
        "baselines": {baseline: _rounded(values) for baseline, values in common.items() if values},
    }
    return Card(name=name, **{**known, **facts})


def describe_entry(
    recipe: recipes.Recipe,
    plan: recipes.Schedule,
    seed: int,
    model: models.Autoencoder,
    hold_out: int = 0,
    provenance: Provenance | None = None,
) -> Card:
    """The card of a model that was trained by a recipe.

    Args:
        recipe, plan, seed: Recipe, schedule and seed of the training.
        model: Trained model.
        hold_out: Number of training examples that were left out.
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
        hold_out=hold_out,
        headline=recipe.headline,
        references=tuple(Reference(*reference) for reference in recipe.references),
    )
    # `evaluate --quick` compares entries of points by these figures too.
    return card if card.figures_of_first else dataclasses.replace(card, figures_of_first={str(FIRST): card.figures})


def preview(name: str, model: models.Autoencoder, dataset: data.Dataset | Sequence[np.ndarray]):
    """The picture of a model, a matplotlib Figure: reconstructions of test data, and samples if it generates.

    Args:
        name: Title.
        model: Trained model of images, or of points in the plane.
        dataset: As for `describe`.
    """
    dataset = _as_dataset(dataset)
    if data_is_sine(dataset):
        return _preview_of_sine(name, model, np.unique(dataset.x_train, axis=0))
    if len(model.data_shape) == 1:
        return plots.manifold(dataset.x_test, model.reconstruct(dataset.x_test), title=name)
    shown = _one_per_class(dataset)
    x = dataset.x_test[shown]
    condition = metrics.given_to(model, None if dataset.y_test is None else dataset.y_test[shown])
    if model.noise is not None:
        noisy = metrics.noisy(model, dataset.x_test)[shown]
        images = {"clean": x, "noisy": noisy, "cleaned": model.reconstruct(noisy, **condition)}
    else:
        images = {"input": x, "reconstruction": model.reconstruct(x, **condition)}
    if hasattr(model, "generate"):
        images["samples"] = model.generate(len(x), seed=0, **condition)
    return plots.rows(images, title=name)


def _one_per_class(dataset: data.Dataset) -> list[int]:
    """Indices of the first test image of each class; of the first ten images if there are no labels."""
    classes = [] if dataset.y_test is None else np.unique(dataset.y_test)[:10]
    first = [int(np.flatnonzero(dataset.y_test == label)[0]) for label in classes]
    return first or list(range(min(10, len(dataset.x_test))))


def _preview_of_sine(name: str, model: models.Autoencoder, x: np.ndarray):
    t = np.linspace(-data.SINE_LIMIT, data.SINE_LIMIT, 400)
    z = model.encode(x)
    learned = model.decode(np.linspace(z.min(axis=0), z.max(axis=0), 1000))
    curve = np.stack([t, np.sin(t)], axis=1)
    return plots.manifold(x, model.reconstruct(x), curve, others={"decoded codes": learned}, title=name)


def _as_dataset(dataset) -> data.Dataset:
    if isinstance(dataset, data.Dataset):
        return dataset
    if not isinstance(dataset, tuple | list) or len(dataset) != 2:
        raise ValueError(
            "dataset must be a kerasae.data.Dataset or two arrays (x_train, x_test). "
            f"Received: {type(dataset).__name__}."
        )
    x_train, x_test = map(np.asarray, dataset)
    return data.Dataset(x_train, None, x_test, None)  # type: ignore[arg-type]


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
