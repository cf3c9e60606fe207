"""The picture of an entry, which shows what is characteristic of it.

A recipe can name the picture (`recipes.Recipe.shown`). Otherwise the model and its data decide: the decoded curve for
points of a sine, noisy and cleaned images for a denoising model, the map of two-dimensional codes, the codebook of a
vector-quantized model, samples of a generative model, curves for tables and series, and reconstructions for the rest.
"""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from kerasae import _checks, data, metrics, models
from kerasae.metrics.measurement import data_is_sine
from kerasae.zoo import preview_figures as figures

_CURVES = 3  # channels of a series that are drawn

# What a recipe can name.
SHOWN: dict[str, Callable] = {
    "beside_pca": figures.beside_pca,
    "errors": figures.errors,
    "filters": figures.filters,
    "interpolation": figures.interpolation,
    "joint": figures.joint,
    "projections": figures.projections,
    "reconstructions": figures.reconstructions,
}


def preview(name: str, model: models.Autoencoder, dataset=None, shown: str | None = None) -> Figure:
    """The picture of a model.

    Args:
        name: Title.
        model: Trained model.
        dataset: A `data.Dataset` or `(x_train, x_test)`, as for `describe`; None for inputs made by a formula.
        shown: What is drawn, a key of `SHOWN`; None for what the model and the data suggest.

    Raises:
        ValueError: `shown` is another name, or `dataset` is none.
    """
    if dataset is None:
        x = metrics.golden_inputs(model.data_shape, model.value_range)
        dataset = data.Dataset(x, np.arange(len(x)), x, np.arange(len(x)))
    draw = _characteristic(model, dataset := as_dataset(dataset)) if shown is None else _named(shown)
    return draw(name, model, dataset)


def as_dataset(dataset) -> data.Dataset:
    """A `data.Dataset`, made of two arrays where these are given; ValueError for anything else."""
    if isinstance(dataset, data.Dataset):
        return dataset.arrays()
    if not isinstance(dataset, tuple | list) or len(dataset) != 2:
        raise ValueError(
            "dataset must be a kerasae.data.Dataset or two arrays (x_train, x_test). "
            f"Received: {type(dataset).__name__}."
        )
    x_train, x_test = map(np.asarray, dataset)
    return data.Dataset(x_train, None, x_test, None)  # type: ignore[arg-type]


def _named(shown: str) -> Callable:
    return SHOWN[_checks.one_of("shown", shown, SHOWN)]


def _characteristic(model: models.Autoencoder, dataset: data.Dataset) -> Callable:
    """The function that draws what the model and its data suggest."""
    if data_is_sine(dataset):
        return figures.sine
    if model.data_shape == (2,):
        return figures.points
    if _is_drawn_as_curves(model):
        return figures.curves
    if model.noise is not None:
        return figures.denoising
    if model.code_size == 2 and model.classes is None:
        return figures.code_map
    if isinstance(model, models.VectorQuantizedAutoencoder):
        return figures.codebook
    if isinstance(model, models.TopKAutoencoder) and model.data_shape[2:] in ((), (1,)):
        return figures.dictionary
    if hasattr(model, "generate"):
        return _of_generator(model)
    return figures.reconstructions


def _of_generator(model) -> Callable:
    """The function that draws what is characteristic of a generative model."""
    if model.classes is not None:
        return figures.samples_per_class
    if isinstance(model, models.VAEGAN):
        return figures.samples
    if isinstance(model, models.AdversarialAutoencoder):
        return figures.samples_and_prior
    return figures.samples_and_reconstructions


def _is_drawn_as_curves(model: models.Autoencoder) -> bool:
    """Whether an input is a row of a table or a series `(steps, channels)`, not an image without a channel axis."""
    shape = model.data_shape
    return len(shape) == 1 or (len(shape) == 2 and (model.value_range is None or shape[1] <= _CURVES))
