"""The figures that previews choose from. Each is a function of a name, a model and a data set."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from kerasae import data, metrics, models, plots
from kerasae.metrics import baselines, codes
from kerasae.plots.style import BASELINE, MODEL, OTHER, new_figure, styled, tidy

_MAP = 3000  # codes on a map
_MEASURED = 1000  # images of a mean error in a title
_GRID = 15  # images along a side of a decoded grid
_VECTORS = 64  # of a codebook
_PANELS = 5  # inputs that are drawn as curves
_CLASS = 8  # of two images that are interpolated
_PCA = 10_000  # training images that PCA is fitted to


def reconstructions(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """Inputs above their reconstructions."""
    images, look = _compared(model, dataset)
    return plots.rows(images, reference="input", title=f"{name}: reconstructions from {_code(model)}", **look)


def beside_pca(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """Inputs, reconstructions of the model and of PCA with the same code size, and their errors."""
    images, _, look = _with_pca(model, dataset)
    return plots.rows(images, reference="input", title=f"{name}: {_code(model)}, beside PCA with as many", **look)


def errors(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """Inputs, reconstructions of the model and of PCA with the same code size, and where both are wrong."""
    images, label, look = _with_pca(model, dataset)
    (low, high), times = look["value_range"], 5
    for row in ("reconstruction", label):
        error = np.abs(images[row] - images["input"]).clip(0, (high - low) / times)
        images[f"{times} × error, {row}"] = low + error * times
    return plots.rows(images, title=f"{name}: {_code(model)}, errors beside those of PCA", **look)


def denoising(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """Clean, noisy and cleaned images, with their errors."""
    x, y = dataset.x_test[:_MEASURED], None if dataset.y_test is None else dataset.y_test[:_MEASURED]
    noisy = metrics.noisy(model, x)
    cleaned = model.reconstruct(noisy, **metrics.given_to(model, y))
    before, after = (metrics.mean_squared_error(x, x_hat) for x_hat in (noisy, cleaned))
    chosen = _one_per_class(x, y)
    images = {"clean": x, "noisy": noisy, "cleaned": cleaned}
    images = {label: _drawable(values[chosen]) for label, values in images.items()}
    title = f"{name}: MSE {before:.4f} noisy, {after:.4f} cleaned ({len(x):,} test images)"
    return plots.rows(images, reference="clean", value_range=_range(model, images["clean"]), title=title)


def joint(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """Reconstructions, and the joint distribution of two coordinates of the code."""
    return plots.stacked([reconstructions(name, model, dataset), plots.joint(*_codes(model, dataset))])


def interpolation(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """Straight lines between two images of a class, and between the first two images, in pixel and in code space."""
    steps = 11
    x, y = dataset.x_test, dataset.y_test
    pairs = {"two images of one class": _two_of_a_class(x, y), "two images of different classes": x[:2]}
    parts = []
    for between, ends in pairs.items():
        ways = {
            f"in {space} space": _drawable(model.interpolate(ends[0], ends[1], steps, space=space))
            for space in ("pixel", "code")
        }
        limits, title = _range(model, ways["in pixel space"]), f"{name}: between {between}"
        parts.append(plots.rows(ways, columns=list(np.linspace(0, 1, steps)), value_range=limits, title=title))
    return plots.stacked(parts)


def filters(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """Weights of the first layer as images, and codes by class."""
    kernel = model.encoder.get_weights()[0]
    shape = None if kernel.ndim == 4 else model.data_shape[:2]
    strength = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0)
    used = np.flatnonzero(strength > 0.01 * strength.max())
    title = f"{name}: {len(used)} of {len(strength)} units of the first layer have weights"
    weights = plots.filters(kernel[..., used], shape, n=48, columns=12, title=title)
    z, y = _codes(model, dataset)
    both = _telling(z, y, 2)
    return plots.stacked([weights, plots.code_space(z, y, both, title=f"Two of {z.shape[1]} coordinates of the code")])


def projections(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """Reconstructions, and three coordinates of the code: those that tell the classes apart best."""
    z, y = _codes(model, dataset)
    best = _telling(z, y, 3)
    title = f"Three of {z.shape[1]} coordinates of the code, in pairs"
    return plots.stacked([reconstructions(name, model, dataset), plots.code_space(z, y, best, title=title)])


def code_map(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """The map of two-dimensional codes, and the images decoded from a grid over it."""
    z, y = _codes(model, dataset)
    generates = hasattr(model, "generate")
    low, high = np.tile([[-3.0], [3.0]], 2) if generates else np.quantile(z, (0.03, 0.97), axis=0)
    high = np.maximum(high, low + 1e-6)
    inside = ((z >= low) & (z <= high)).all(axis=1)
    part = f"{100 * inside.mean():.0f} % of the test images"
    where = plots.code_space(z[inside], None if y is None else y[inside], title=f"{name}: codes of {part}")
    decode = _drawing(model.decode)
    across, up = np.linspace(low, high, _GRID).T
    grid = plots.decoded_grid(
        decode, across, up, value_range=_range(model, decode(z[:10])), title="Images decoded from codes"
    )
    return plots.stacked([where, grid], beside=True)


def samples(name: str, model, dataset: data.Dataset, lines: int = 6) -> Figure:
    """A grid of samples."""
    images = _drawable(model.generate(10 * lines, seed=0))
    return plots.samples(images, value_range=_range(model, images), title=f"{name}: samples, decoded from N(0, I)")


def samples_per_class(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """Samples in one row per class and one column per code."""
    z = np.random.default_rng(0).normal(size=(10, *model.code_shape)).astype("float32")
    images = {str(k): _drawable(model.decode(z, label=k)) for k in range(min(10, model.classes or 1))}
    title = f"{name}: the class is given, the code is the style (one code per column)"
    return plots.rows(images, value_range=_range(model, images["0"]), title=title)


def samples_and_reconstructions(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """Reconstructions above a grid of samples."""
    return plots.stacked([reconstructions(name, model, dataset), samples(name, model, dataset, lines=4)])


def samples_and_prior(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """A grid of samples, and the codes of the data beside the prior."""
    z, y = _codes(model, dataset)
    return plots.stacked([samples(name, model, dataset, lines=3), plots.joint(z, y, prior=True)])


def dictionary(name: str, model: models.TopKAutoencoder, dataset: data.Dataset) -> Figure:
    """Reconstructions, the atoms that the test images use most, and the fractions of images that use each atom."""
    z, _ = _codes(model, dataset)
    used = (z != 0).mean(axis=0)
    atoms = model.dictionary[np.argsort(-used)].reshape(model.latent_dim, -1).T
    title = f"The {10 * _CLASS} most used of {model.latent_dim:,} atoms; each image uses {model.k}"
    shown = plots.filters(atoms, model.data_shape[:2], n=10 * _CLASS, columns=20, title=title)
    return plots.stacked([reconstructions(name, model, dataset), shown])


def codebook(name: str, model: models.VectorQuantizedAutoencoder, dataset: data.Dataset) -> Figure:
    """Reconstructions, and images decoded from one vector of the codebook at every position."""
    vectors = np.arange(min(len(model.codebook), _VECTORS)).reshape(-1, *[1] * len(model.code_shape[:-1]))
    images = _drawable(model.decode_indices(np.broadcast_to(vectors, (len(vectors), *model.code_shape[:-1]))))
    title = f"Decoded from one of {len(model.codebook)} vectors at all positions"
    alone = plots.samples(images, 16, value_range=_range(model, images), title=title)
    parts = [reconstructions(name, model, dataset), alone]
    if hasattr(model, "generate"):
        drawn = _drawable(model.generate(32, seed=0))
        title = "Samples: grids of vectors drawn from the prior"
        parts.append(plots.samples(drawn, 16, value_range=_range(model, drawn), title=title))
    return plots.stacked(parts)


def points(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """Points of the plane and their reconstructions."""
    return plots.manifold(dataset.x_test, model.reconstruct(dataset.x_test), title=f"{name}: reconstructions")


def sine(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """The decoded curve over the data and the true sine, and where some points are mapped to."""
    x = np.unique(dataset.x_train, axis=0)
    t = np.linspace(-data.SINE_LIMIT, data.SINE_LIMIT, 400)
    z = model.encode(x)
    learned = model.decode(np.linspace(z.min(axis=0), z.max(axis=0), 1000))
    x_hat, others = model.reconstruct(x), {}
    distance = metrics.rms_distance_to_sine(x_hat)
    title = f"{name}: {len(x):,} points, RMS distance of the reconstructions from the sine {distance:.3f}"
    if isinstance(model, models.LinearAutoencoder):
        others["PCA"] = baselines.project(baselines.fit_pca(x, model.code_size), x)
        title = f"{name}: the decoded line is {metrics.angle_to_pca(model, x):.2f}° from the first principal component"
    truth = np.stack([t, np.sin(t)], axis=1)
    return plots.manifold(x, x_hat, truth, learned=learned, others=others, title=title)


@styled
def curves(name: str, model: models.Autoencoder, dataset: data.Dataset) -> Figure:
    """Inputs (solid) and reconstructions (dashed) over their columns or steps."""
    x = dataset.x_test[_spread_out(len(dataset.x_test), _PANELS)]
    x_hat = model.reconstruct(x)
    figure = new_figure(8.0, 0.5 + 1.1 * len(x), f"{name}: inputs and reconstructions")
    panels = np.ravel(figure.subplots(len(x), squeeze=False, sharex=True))
    for ax, one, again in zip(panels, x, x_hat, strict=True):
        one, again = (np.reshape(values, (len(values), -1)) for values in (one, again))
        for channel, color in zip(range(one.shape[-1]), (MODEL, BASELINE, OTHER), strict=False):
            ax.plot(one[:, channel], color=color, alpha=0.5, linewidth=2.5, label="input")
            ax.plot(again[:, channel], "--", color=color, label="reconstruction")
        tidy(ax)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles[:2], labels[:2], loc="outside lower center", ncols=2)
    panels[-1].set_xlabel("column" if x.ndim == 2 else "step")
    return figure


def _with_pca(model: models.Autoencoder, dataset: data.Dataset) -> tuple[dict, str, dict]:
    """Inputs, reconstructions and those of PCA; the name of the last row, and how the rows are drawn."""
    images, look = _compared(model, dataset)
    label, shown = f"PCA-{model.active_size}", _shown(dataset)[0]
    pca = baselines.fit_pca(codes.flat(dataset.x_train[:_PCA]), model.active_size)
    images[label] = _drawable(baselines.project(pca, codes.flat(shown)).reshape(shown.shape))
    return images, label, look


def _compared(model: models.Autoencoder, dataset: data.Dataset) -> tuple[dict[str, np.ndarray], dict]:
    """Test inputs and their reconstructions as rows of images, and their value range."""
    x, y = _shown(dataset)
    rows = {"input": x, "reconstruction": model.reconstruct(x, **metrics.given_to(model, y))}
    images = {label: _drawable(values) for label, values in rows.items()}
    return images, {"value_range": _range(model, images["input"])}


def _shown(dataset: data.Dataset) -> tuple[np.ndarray, np.ndarray | None]:
    """The test inputs that are drawn, and their labels."""
    chosen = _one_per_class(dataset.x_test, dataset.y_test)
    return dataset.x_test[chosen], None if dataset.y_test is None else dataset.y_test[chosen]


def _one_per_class(x: np.ndarray, y: np.ndarray | None) -> list[int]:
    """Indices of the first input of each class; of ten evenly spaced inputs if there are no labels."""
    classes: list = [] if y is None else list(np.unique(y)[:10])
    return [int(np.flatnonzero(y == label)[0]) for label in classes] or _spread_out(len(x), 10)


def _spread_out(n: int, most: int) -> list[int]:
    """At most `most` evenly spaced indices of `n`: neighbors in a folder or a series look alike."""
    return sorted(set(np.linspace(0, n - 1, most).astype(int).tolist()))


def _two_of_a_class(x: np.ndarray, y: np.ndarray | None) -> np.ndarray:
    """Two inputs of one class that differ much, `(2, ...)`: the farthest pair of ten inputs, of eights among digits."""
    candidates = x[:10] if y is None or (y == _CLASS).sum() < 2 else x[y == _CLASS][:10]
    flat = candidates.reshape(len(candidates), -1)
    distances = np.square(flat[:, None] - flat).sum(axis=-1)
    return candidates[list(np.unravel_index(np.argmax(distances), distances.shape))]


def _codes(model: models.Autoencoder, dataset: data.Dataset) -> tuple[np.ndarray, np.ndarray | None]:
    """Codes of test inputs `(n, size)`, and their classes if there are two to ten."""
    x, y = dataset.x_test[:_MAP], None if dataset.y_test is None else np.asarray(dataset.y_test[:_MAP])
    z = model.encode(x, **metrics.given_to(model, y))
    z = np.asarray(z).reshape(len(x), -1)
    return z, y if y is not None and 2 <= len(np.unique(y)) <= len(plots.CLASSES) and y.ndim == 1 else None


def _telling(z: np.ndarray, y: np.ndarray | None, n: int) -> list[int]:
    """Indices of `n` coordinates that tell the classes apart best, added one by one, or that vary most."""
    spread = z.std(axis=0)
    if y is None:
        return [int(i) for i in np.argsort(-spread)[:n]]
    scaled = z / np.where(spread > 1e-3 * spread.max(), spread, np.inf)
    chosen: list[int] = []
    for _ in range(n):
        rest = (i for i in range(z.shape[1]) if i not in chosen)
        chosen.append(max(rest, key=lambda i: _nearest_own_mean(scaled[:, [*chosen, i]], y)))
    return chosen


def _nearest_own_mean(z: np.ndarray, y: np.ndarray) -> float:
    """Share of the codes that are nearer to the mean of their class than to that of any other class."""
    names, classes = np.unique(y, return_inverse=True)
    means = np.stack([z[classes == k].mean(axis=0) for k in range(len(names))])
    distances = np.square(z[:, None] - means).sum(axis=-1)
    return float((distances.argmin(axis=1) == classes).mean())


def _code(model: models.Autoencoder) -> str:
    if model.active_size < model.code_size:
        return f"{model.active_size:,} of {model.code_size:,} numbers"
    if hasattr(model, "codebook"):
        return f"codes of {model.code_size:,} integers"
    return "a code of 1 number" if model.code_size == 1 else f"codes of {model.code_size:,} numbers"


def _drawing(decode: Callable) -> Callable:
    return lambda z: _drawable(decode(z))


def _drawable(x: np.ndarray) -> np.ndarray:
    """Images as they can be drawn: of volumes the middle slice, of other than 1 or 3 channels the first one."""
    x = np.asarray(x)
    if x.ndim == 5:
        x = x[:, x.shape[1] // 2]
    return x if x.ndim < 4 or x.shape[-1] in (1, 3) else x[..., :1]


def _range(model: models.Autoencoder, x: np.ndarray) -> tuple[float, float]:
    """The values drawn as black and white: the range of the model, or that of the images."""
    if model.value_range is not None:
        return model.value_range
    low, high = float(x.min()), float(x.max())
    return low, high if low < high else low + 1.0
