"""The picture of an entry: reconstructions of test inputs, and samples if the model generates."""

import numpy as np

from kerasae import data, metrics, models, plots
from kerasae.metrics.measurement import data_is_sine
from kerasae.plots.style import BLUE, GREEN, ORANGE, new_figure

_PANELS, _CURVES = 6, 3  # inputs that are drawn as curves, and channels of each


def preview(name: str, model: models.Autoencoder, dataset=None):
    """The picture of a model, a matplotlib Figure.

    Images are rows of inputs and reconstructions, volumes their middle slices, points of the plane a scatter plot;
    series and rows of tables are curves.

    Args:
        name: Title.
        model: Trained model.
        dataset: A `data.Dataset` or `(x_train, x_test)`, as for `describe`; None for inputs made by a formula.
    """
    if dataset is None:
        x = metrics.golden_inputs(model.data_shape, model.value_range)
        dataset = data.Dataset(x, np.arange(len(x)), x, np.arange(len(x)))
    dataset = as_dataset(dataset)
    if data_is_sine(dataset):
        return _of_sine(name, model, np.unique(dataset.x_train, axis=0))
    if model.data_shape == (2,):
        return plots.manifold(dataset.x_test, model.reconstruct(dataset.x_test), title=name)
    if _is_drawn_as_curves(model):
        return _curves(name, dataset.x_test[:_PANELS], model)
    images = {label: _gray_or_rgb(x) for label, x in _images(model, dataset).items()}
    return plots.rows(images, title=name, value_range=model.value_range or _range(images))


def as_dataset(dataset) -> data.Dataset:
    """A `data.Dataset`, made of two arrays where these are given; ValueError for anything else."""
    if isinstance(dataset, data.Dataset):
        return dataset
    if not isinstance(dataset, tuple | list) or len(dataset) != 2:
        raise ValueError(
            "dataset must be a kerasae.data.Dataset or two arrays (x_train, x_test). "
            f"Received: {type(dataset).__name__}."
        )
    x_train, x_test = map(np.asarray, dataset)
    return data.Dataset(x_train, None, x_test, None)  # type: ignore[arg-type]


def _images(model: models.Autoencoder, dataset: data.Dataset) -> dict[str, np.ndarray]:
    """The rows of a picture: inputs, noisy inputs of a denoiser, reconstructions, samples."""
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
    return images


def _one_per_class(dataset: data.Dataset) -> list[int]:
    """Indices of the first test image of each class; of the first ten images if there are no labels."""
    classes = [] if dataset.y_test is None else np.unique(dataset.y_test)[:10]
    first = [int(np.flatnonzero(dataset.y_test == label)[0]) for label in classes]
    return first or list(range(min(10, len(dataset.x_test))))


def _gray_or_rgb(x: np.ndarray) -> np.ndarray:
    """Images as they can be drawn: of volumes the middle slice, of other than 1 or 3 channels the first one."""
    if x.ndim == 5:
        x = x[:, x.shape[1] // 2]
    return x if x.ndim < 4 or x.shape[-1] in (1, 3) else x[..., :1]


def _range(images: dict[str, np.ndarray]) -> tuple[float, float]:
    x = next(iter(images.values()))
    low, high = float(x.min()), float(x.max())
    return low, high if low < high else low + 1.0


def _is_drawn_as_curves(model: models.Autoencoder) -> bool:
    """Whether an input is a row of a table or a series `(steps, channels)`, not an image without a channel axis."""
    shape = model.data_shape
    return len(shape) == 1 or (len(shape) == 2 and (model.value_range is None or shape[1] <= _CURVES))


def _curves(name: str, x: np.ndarray, model: models.Autoencoder):
    """Inputs (solid) and reconstructions (dashed) over their columns or steps."""
    figure = new_figure(8.0, 1.2 * len(x), name)
    x_hat = model.reconstruct(x)
    for ax, one, again in zip(np.ravel(figure.subplots(len(x), squeeze=False, sharex=True)), x, x_hat, strict=True):
        for channel, color in zip(range(one.shape[-1] if one.ndim > 1 else 1), (BLUE, ORANGE, GREEN), strict=False):
            for values, style, label in ((one, "-", "input"), (again, "--", "reconstruction")):
                ax.plot(values[:, channel] if one.ndim > 1 else values, style, color=color, label=label)
        ax.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(loc="upper right", fontsize="small")
    figure.axes[-1].set_xlabel("column" if x.ndim == 2 else "step")
    return figure


def _of_sine(name: str, model: models.Autoencoder, x: np.ndarray):
    t = np.linspace(-data.SINE_LIMIT, data.SINE_LIMIT, 400)
    z = model.encode(x)
    learned = model.decode(np.linspace(z.min(axis=0), z.max(axis=0), 1000))
    curve = np.stack([t, np.sin(t)], axis=1)
    return plots.manifold(x, model.reconstruct(x), curve, others={"decoded codes": learned}, title=name)
