"""Sheets that compare entries: reconstructions of the same digits beside those of PCA, and samples."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from families import families
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kerasae import data, metrics, plots, zoo
from kerasae.metrics import baselines
from kerasae.metrics import table as figures
from kerasae.plots.style import Picture, styled
from kerasae.zoo import recipes

NAMES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}

# In hundredths of an inch: two dots, and a pixel of a page that shows the sheet in its true size.
_WIDTH, _SIDE, _GAP, _LABEL, _MIDDLE = 914, 28, 2, 236, 76


@styled
def comparison() -> Figure:
    """The same ten test digits, reconstructed by every entry of MNIST, and by PCA of the same code size beside it."""
    digits = data.mnist()
    chosen = [int(np.flatnonzero(digits.y_test == label)[0]) for label in range(10)]
    x, y = digits.x_test[chosen], digits.y_test[chosen]
    groups = {family: _of_mnist(names) for family, names in families().items()}
    groups = {family: names for family, names in groups.items() if names}
    height = 64 + 36 * sum(map(len, groups.values())) + 26 * len(groups)
    figure, ax = _page(height)
    left, right = _LABEL, _LABEL + 10 * (_SIDE + _GAP) + _MIDDLE
    top = height - 22
    for place, title in ((left, "reconstruction"), (right, "PCA with as many numbers")):
        ax.text(place, top, title, fontsize=10, weight="bold")
    _draw(ax, x, left, top - 34)
    ax.text(left - 8, top - 34 + _SIDE / 2, "ten test images", ha="right", va="center", fontsize=9)
    bottom = top - 34
    for family, names in groups.items():
        bottom -= 26
        ax.text(4, bottom + 3, family, fontsize=10, weight="bold")
        ax.plot([4, _WIDTH - 4], [bottom, bottom], color="#bbbbbb", linewidth=0.8)
        for name in names:
            bottom -= 36
            _draw_entry(ax, name, x, y, digits, (left, right, bottom))
    return figure


@styled
def samples() -> Figure:
    """Samples of every generative entry, below real images of the same data set."""
    found = [(name, zoo.card(name)) for name in zoo.names()]
    found = [(name, card) for name, card in found if "sample_distance" in card.figures]
    sets = [key for key in NAMES if any(card.data == key for _, card in found)]
    height = 16 + 72 * (len(found) + len(sets))
    figure, ax = _page(height)
    bottom = height - 4
    for key in sets:
        for label, images in _samples(key, [name for name, card in found if card.data == key]):
            bottom -= 72
            for line, part in enumerate(np.array_split(images, 2)):
                _draw(ax, part, _LABEL - 10, bottom + (1 - line) * (_SIDE + _GAP))
            ax.text(_LABEL - 20, bottom + _SIDE, label, ha="right", va="center", fontsize=9, linespacing=1.4)
    return figure


def reconstructions() -> Figure:
    """Ten test digits above their reconstructions by `conv_mnist`."""
    digits, model = data.mnist(), zoo.load("conv_mnist")
    x = digits.x_test[[int(np.flatnonzero(digits.y_test == label)[0]) for label in range(10)]]
    title = f"conv_mnist: {x[0].size} pixels, a code of {model.code_size} numbers, {x[0].size} pixels"
    return plots.reconstructions(x, model.reconstruct(x), title=title)


SHEETS: dict[str, Callable[[], Figure]] = {
    "comparison.png": comparison,
    "samples.png": samples,
    "reconstructions.png": reconstructions,
}


def _samples(key: str, names: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Label and 44 images for each row of a data set: real ones, then samples of each entry, the nearest first."""
    yield f"{NAMES[key]} test images", data.named(key).x_test[:44]
    for name in sorted(names, key=lambda name: zoo.card(name).figures["sample_distance"]):
        model, distance = zoo.load(name), zoo.card(name).figures["sample_distance"]
        classes = {} if model.classes is None else {"label": np.arange(44) % model.classes}
        shown = figures.number("sample_distance", distance)
        yield f"{name}\nsample distance {shown}", model.generate(44, seed=0, **classes)


def _of_mnist(names: list[str]) -> list[str]:
    """The entries of MNIST among these, by the size of their code."""
    there = set(zoo.names())
    found = [name for name in names if name in there and recipes.find(name).data == "mnist"]
    return sorted(found, key=lambda name: zoo.card(name).code.size)


def _draw_entry(ax: Axes, name: str, x: np.ndarray, y: np.ndarray, digits: data.Dataset, places) -> None:
    """Draw an entry's name and figures, its reconstructions, and those of PCA."""
    left, right, bottom = places
    card, model = zoo.card(name), zoo.load(name)
    _draw(ax, model.reconstruct(x, **metrics.given_to(model, y)), left, bottom)
    flat = digits.x_train.reshape(len(digits.x_train), -1)
    pca = baselines.fit_pca(flat, min(model.active_size, flat.shape[1]))
    _draw(ax, baselines.project(pca, x.reshape(len(x), -1)).reshape(x.shape), right, bottom)
    middle = {"y": bottom + _SIDE / 2, "va": "center"}
    ax.text(4, s=name, fontsize=9, **middle)
    of = f" of {model.code_size:,}" if model.active_size < model.code_size else ""
    ax.text(left - 8, s=f"{model.active_size:,}{of} numbers\n{_mse(card.figures)}", fontsize=7.5, ha="right", **middle)
    ax.text(right - 8, s=_mse(card.baselines["pca"]), fontsize=7.5, ha="right", **middle)


def _mse(values: Mapping[str, float]) -> str:
    return f"MSE {figures.number('mse', values['mse'])}"


def _page(height: float) -> tuple[Figure, Axes]:
    figure = Picture(figsize=(_WIDTH / 100, height / 100))
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, _WIDTH), ylim=(0, height), xticks=[], yticks=[], frame_on=False)
    return figure, ax


def _draw(ax: Axes, images: np.ndarray, left: float, bottom: float) -> None:
    """Draw images `(n, 28, 28, 1)` in a line."""
    for i, image in enumerate(images):
        x = left + i * (_SIDE + _GAP)
        ax.imshow(image[..., 0], cmap="gray", vmin=0, vmax=1, extent=(x, x + _SIDE, bottom, bottom + _SIDE))
    ax.set(xlim=(0, _WIDTH), ylim=ax.get_ylim(), aspect="auto")
