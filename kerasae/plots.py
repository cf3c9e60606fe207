"""Pictures of what an autoencoder does. Every function returns a matplotlib Figure and shows nothing by itself.

`figure.savefig("picture.png")` writes a picture; a notebook draws the one that is a cell's last value.
"""

import io
import itertools
import math
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

# Told apart by colour-blind readers too: Okabe and Ito's, and for classes Tol's "muted" with a tenth.
BLUE, ORANGE, GREEN, PURPLE, BLACK, GREY = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#222222", "#b8b8b8"
CLASSES = (
    "#332288", "#88ccee", "#cc6677", "#117733", "#ddcc77", "#aa4499", "#44aa99", "#882255", "#999933", "#777777",
)  # fmt: skip
POSITION = matplotlib.colormaps["plasma"]


class Picture(Figure):
    """A Figure that notebooks draw without pyplot, which would keep it alive."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()


def rows(
    images: Mapping[str, ArrayLike],
    n: int | None = None,
    *,
    reference: str | None = None,
    value_range: tuple[float, float] = (0.0, 1.0),
    title: str | None = None,
) -> Figure:
    """Rows of images with their names at the left, one column an example: clean, noisy, cleaned.

    Args:
        images: Name → images `(n, h, w)` or `(n, h, w, 1)` in grey, `(n, h, w, 3)` in colour; all of one shape.
        n: How many of them, from the first one; all if None.
        reference: Name of a row. Beneath every other image stands its mean squared error to this row's.
        value_range: What is drawn as black and as white, as are values beyond.
        title: Above the picture.

    Raises:
        ValueError: No rows, no images, images of a wrong or of several shapes, NaN, or integers
            outside `value_range`; no row named `reference`; `n` is not a positive integer.
        TypeError: Not numbers.

    >>> x = np.zeros((12, 28, 28, 1))
    >>> len(rows({"clean": x, "noisy": x, "cleaned": x}, n=5).axes)
    3
    """
    if not images:
        raise ValueError("images is empty: expected at least one row, such as {'input': x}.")
    if reference is not None and reference not in images:
        raise ValueError(f"reference must name a row. Rows: {', '.join(images)}. Received: {reference!r}.")
    tiles = {name: _images(x, name, value_range) for name, x in images.items()}
    _require_one_shape(tiles)
    tiles = {name: x[: None if n is None else _positive("n", n)].astype(float) for name, x in tiles.items()}
    errors = {}
    if reference is not None:
        errors = {name: np.square(x - tiles[reference]).mean(axis=(1, 2, 3)) for name, x in tiles.items()}
        del errors[reference]
    figure = _tiled(
        list(tiles.values()),
        len(next(iter(tiles.values()))),
        value_range,
        title,
        left=max(map(_text_width, [*tiles, "MSE"])) + 10,
        below=[22 if name in errors else 6 for name in tiles],
    )
    for ax, (name, x) in zip(figure.axes, tiles.items(), strict=True):
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        if name in errors:
            _print_errors(ax, errors[name], x.shape[2])
    return figure


def reconstructions(
    x: ArrayLike,
    x_hat: ArrayLike,
    n: int = 10,
    *,
    labels: Sequence[str] = ("input", "reconstruction"),
    errors: bool = True,
    value_range: tuple[float, float] = (0.0, 1.0),
    title: str | None = None,
) -> Figure:
    """Images over their reconstructions.

    Args:
        x, x_hat: Images of one shape, as for `rows`.
        n: How many, from the first one.
        labels: What the two rows are called.
        errors: Whether the mean squared error stands beneath each reconstruction.
        value_range, title: As for `rows`.

    Raises:
        ValueError: As `rows`; or `labels` are not two different names.
        TypeError: Not numbers.

    >>> x = np.zeros((12, 28, 28, 1))
    >>> reconstructions(x, x, n=5).savefig("picture.png")  # doctest: +SKIP
    """
    if len(labels) != 2 or labels[0] == labels[1]:
        raise ValueError(f"labels must be two different names. Received: {labels!r}.")
    pair = dict(zip(labels, (x, x_hat), strict=True))
    return rows(pair, n, reference=labels[0] if errors else None, value_range=value_range, title=title)


def samples(
    images: ArrayLike,
    columns: int = 10,
    *,
    value_range: tuple[float, float] = (0.0, 1.0),
    title: str | None = None,
) -> Figure:
    """A tight grid of images, line by line: samples of a model, a grid of codes decoded, filters.

    Args:
        images: `(n, h, w)`, `(n, h, w, 1)` or `(n, h, w, 3)`.
        columns: How many in a line.
        value_range, title: As for `rows`.

    Raises:
        ValueError: As `rows`; or `columns` is not a positive integer.
        TypeError: Not numbers.

    >>> samples(np.zeros((100, 28, 28))).axes[0].images[0].get_array().shape  # 10 × 28 pixels, 9 gaps of 2
    (298, 298)
    """
    tiles = _images(images, "images", value_range)
    return _tiled([tiles], min(_positive("columns", columns), len(tiles)), value_range, title)


def manifold(
    x: ArrayLike,
    x_hat: ArrayLike,
    curve: ArrayLike | None = None,
    *,
    pairs: int = 25,
    others: Mapping[str, ArrayLike] | None = None,
    label: str = "autoencoder",
    title: str | None = None,
) -> Figure:
    """Points of the plane, where an autoencoder maps them to, and for some of them which goes where.

    Args:
        x, x_hat: Points `(n, 2)` and their reconstructions.
        curve: Points `(m, 2)` along the line that the data was made from.
        pairs: How many points, evenly chosen from left to right, are drawn large and joined to a
            star of the same colour where the model maps them to.
        others: Name → points `(m, 2)` to compare with: PCA's reconstructions, decoded codes.
        label: What `x_hat` is called.
        title: Above the picture.

    Raises:
        ValueError: Arrays of a wrong shape, empty ones, NaN, or `pairs` is not a count.
        TypeError: Not numbers.

    >>> x = np.random.default_rng(0).normal(size=(100, 2))
    >>> [text.get_text() for text in manifold(x, x * [1, 0], others={"PCA": x * [0, 1]}, pairs=0).legends[0].texts]
    ['data', 'PCA', 'autoencoder']
    """
    x, x_hat = _points(x, "x"), _points(x_hat, "x_hat")
    _require_one_shape({"x": x, "x_hat": x_hat})
    clouds = {name: _points(points, name) for name, points in (others or {}).items()}
    width, height = np.ptp(np.concatenate([x, x_hat, *clouds.values()]), axis=0)
    figure, ax = _plane(7.0, 0.5 + np.clip(4.7 * height / (width or 1.0), 1.5, 6.0), "x", title)
    _dots(ax, x, 7, GREY, "data")
    if curve is not None:
        ax.plot(*_points(curve, "curve").T, color=BLACK, linewidth=1.2, label="true curve")
    for (name, points), colour in zip(clouds.items(), itertools.cycle((ORANGE, GREEN, PURPLE)), strict=False):
        _dots(ax, points, 22, colour, name)
    _dots(ax, x_hat, 6, BLUE, label)
    if pairs:
        _draw_pairs(ax, x, x_hat, _positive("pairs", pairs))
    for handle in figure.legend(loc="outside right center", frameon=False).legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([max(30, *handle.get_sizes())])
    return figure


def history(history, *, title: str | None = None) -> Figure:
    """The course of training: a panel for each reported quantity, training solid, validation dashed.

    A quantity that changes more than twentyfold is drawn on a logarithmic scale. The reconstruction
    loss is left out where it is the loss.

    Args:
        history: What `fit` returned, or its `.history`: name → one value an epoch.
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
    figure = _figure(0.6 + 3.2 * columns, 2.7 * lines, title)
    for place, name in enumerate(names, start=1):
        _draw_course(figure.add_subplot(lines, columns, place), epochs, name, logs)
    if any(name.startswith("val_") for name in logs):
        figure.axes[0].legend(frameon=False)
    return figure


def code_space(z: ArrayLike, y: ArrayLike | None = None, *, title: str | None = None) -> Figure:
    """The first two coordinates of codes, coloured by class.

    Args:
        z: Codes `(n, ...)` of at least two numbers.
        y: Classes `(n,)`, numbers or names, at most ten different ones.
        title: Above the picture.

    Raises:
        ValueError: Codes of one number, none, or NaN; not one class a code; too many classes.
        TypeError: Codes that are not numbers.

    >>> code_space(np.zeros((3, 7, 7, 1)), [4, 4, 9]).legends[0].get_texts()[1].get_text()
    '9'
    """
    z = _numbers(z, "z")
    z = z.reshape(len(z), -1)
    if z.shape[1] < 2:
        raise ValueError(f"z must hold codes of at least two numbers. Received shape: {z.shape}.")
    figure, ax = _plane(4.8 if y is None else 5.4, 4.6, "z", title)
    size = float(np.clip(4e4 / len(z), 4, 25))
    if y is None:
        _dots(ax, z, size, BLUE, alpha=0.7)
    else:
        classes, index = _classes(y, len(z))
        _dots(ax, z, size, np.array(CLASSES)[index], alpha=0.7)
        dots = [Line2D([], [], color=colour, marker="o", linestyle="") for colour in CLASSES[: len(classes)]]
        figure.legend(dots, list(map(str, classes)), loc="outside right center", frameon=False)
    return figure


# Drawing


def _figure(width: float, height: float, title: str | None) -> Picture:
    figure = Picture(figsize=(width, height + (0.35 if title else 0.0)), layout="constrained")
    if title:
        figure.suptitle(title)
    return figure


def _plane(width: float, height: float, coordinate: str, title: str | None) -> tuple[Picture, Axes]:
    """A picture of points whose two coordinates are of one unit."""
    figure = _figure(width, height, title)
    ax = figure.subplots()
    ax.set_aspect("equal", adjustable="datalim")
    ax.set(xlabel=f"${coordinate}_1$", ylabel=f"${coordinate}_2$")
    ax.spines[["top", "right"]].set_visible(False)
    return figure, ax


def _dots(ax: Axes, points: np.ndarray, size: float, colour, label: str | None = None, **look) -> None:
    ax.scatter(points[:, 0], points[:, 1], s=size, c=colour, label=label, **{"linewidths": 0, **look})


def _tiled(
    blocks: Sequence[np.ndarray],
    columns: int,
    value_range: tuple[float, float],
    title: str | None,
    left: float = 0,
    below: Sequence[float] = (0,),
) -> Picture:
    """Blocks of images `(n, h, w, c)` one under another, an Axes each.

    Sizes are in hundredths of an inch. Small images are drawn whole pixels to a pixel: they stay sharp.

    Args:
        blocks: All of one shape.
        columns: How many images in a line.
        value_range, title: As for `rows`.
        left: Room for names.
        below: Room beneath each block.
    """
    low, high = value_range
    mosaics = [_mosaic(images, columns, white=high) for images in blocks]
    scale = min(120.0, max(60.0, 650.0 / columns)) / blocks[0].shape[2]
    scale = round(scale) if scale > 1 else scale
    height, width = (side * scale for side in mosaics[0].shape[:2])
    border, top = 4, 34 if title else 4
    full_width = 2 * border + max(left + width, _text_width(title or "", "large"))
    full_height = top + len(blocks) * height + sum(below) + border
    figure = Picture(figsize=(full_width / 100, full_height / 100))
    if title:
        figure.suptitle(title, y=1 - 2 * border / full_height)
    x, y = left + (full_width - left - width) // 2, full_height - top
    for mosaic, space in zip(mosaics, below, strict=True):
        y -= height
        place = (x / full_width, y / full_height, width / full_width, height / full_height)
        ax = figure.add_axes(place, xticks=[], yticks=[], frame_on=False)
        if mosaic.shape[-1] == 3:
            ax.imshow(((mosaic - low) / (high - low)).clip(0.0, 1.0))
        else:
            ax.imshow(mosaic[..., 0], cmap="gray", vmin=low, vmax=high)
        y -= space
    return figure


def _mosaic(images: np.ndarray, columns: int, white: float) -> np.ndarray:
    """Images `(n, h, w, c)` as one `(H, W, c)`, `columns` in a line and white between them."""
    n, h, w, c = images.shape
    lines, gap = math.ceil(n / columns), max(1, w // 14)
    canvas = np.full((lines * columns, h + gap, w + gap, c), white, dtype=float)
    canvas[:n, :h, :w] = images
    canvas = canvas.reshape(lines, columns, h + gap, w + gap, c).swapaxes(1, 2)
    return canvas.reshape(lines * (h + gap), columns * (w + gap), c)[:-gap, :-gap]


def _text_width(text: str, size: str = "medium") -> float:
    """In hundredths of an inch."""
    path = TextPath((0, 0), text.strip() or ".", prop=FontProperties(size=size))
    return math.ceil(path.get_extents().width / 0.72)


def _print_errors(ax: Axes, errors: np.ndarray, width: int) -> None:
    """Print one number beneath each image of a row of images this wide."""
    centres = np.linspace(width / 2 - 0.5, ax.get_xlim()[1] - width / 2, len(errors))
    ax.set_xticks(centres, [f"{error:.3g}" for error in errors], fontsize=7)
    ax.tick_params(length=0, pad=2)
    ax.annotate("MSE", (0, 0), (-5, -2), "axes fraction", "offset points", ha="right", va="top", fontsize=7)


def _draw_pairs(ax: Axes, x: np.ndarray, x_hat: np.ndarray, pairs: int) -> None:
    """Draw some points, evenly chosen from left to right, and where they are mapped to."""
    chosen = np.argsort(x[:, 0])[np.linspace(0, len(x) - 1, min(pairs, len(x))).round().astype(int)]
    colours = POSITION(np.linspace(0.0, 0.92, len(chosen)))
    edge = {"edgecolors": BLACK, "linewidths": 0.4, "zorder": 3}
    ends = np.stack([x[chosen], x_hat[chosen]], axis=1)
    ax.add_collection(LineCollection(list(ends), colors=colours, linewidths=0.8, zorder=2.5))
    _dots(ax, x[chosen], 22, colours, "some points", **edge)
    _dots(ax, x_hat[chosen], 70, colours, "where they go", marker="*", **edge)


def _draw_course(ax: Axes, epochs: np.ndarray, name: str, logs: Mapping[str, np.ndarray]) -> None:
    """One quantity over the epochs, in training and in validation."""
    marker = "o" if len(epochs) <= 10 else None
    for key, label, colour, style in ((name, "training", BLUE, "-"), (f"val_{name}", "validation", ORANGE, "--")):
        if key in logs:
            ax.plot(epochs, logs[key], style, color=colour, marker=marker, markersize=3, label=label)
    values = np.concatenate([line.get_ydata() for line in ax.lines])
    if np.nanmin(values) > 0 and np.nanmax(values) > 20 * np.nanmin(values):
        ax.set_yscale("log")
    first, last = epochs[0], epochs[-1]
    ticks = MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]).tick_values(first, last)
    ax.set_xticks([first, *(tick for tick in ticks if first + (last - first) / 8 < tick <= last)])
    ax.set(title=name.replace("_", " "), xlabel="epoch")
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


# Checks


def _numbers(x: ArrayLike, name: str) -> np.ndarray:
    """`x` as an array that holds something, and numbers only."""
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of numbers. Received: {type(x).__name__} of dtype {array.dtype}.")
    if not array.size:
        raise ValueError(f"{name} is empty: expected at least one. Received shape: {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite. Received NaN or infinite values: drop them or find their source.")
    return array


def _images(x: ArrayLike, name: str, value_range: tuple[float, float]) -> np.ndarray:
    """`x` as images `(n, h, w, c)`."""
    low, high = value_range
    if not low < high:
        raise ValueError(f"value_range must be (low, high) with low < high. Received: {value_range}.")
    images, hint = _numbers(x, name), ""
    if images.ndim == 2 or (images.ndim == 3 and images.shape[-1] in (1, 3)):
        hint = f" If this is a single image, add the batch axis: {name}[None]."
    elif images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            f"{name} must have shape (n, h, w), (n, h, w, 1) or (n, h, w, 3). Received shape: {images.shape}.{hint}"
        )
    if np.asarray(x).dtype.kind in "iu" and not low <= images.min() <= images.max() <= high:
        raise ValueError(
            f"{name} must lie in [{low:g}, {high:g}]. Received integers from {images.min():g} to "
            f"{images.max():g}: say what they range over, for example value_range=(0, 255)."
        )
    return images


def _points(x: ArrayLike, name: str) -> np.ndarray:
    points = _numbers(x, name)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"{name} must hold points of the plane, shape (n, 2). Received shape: {points.shape}.")
    return points


def _classes(y: ArrayLike, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The different classes, and the index of each code's among them."""
    y = np.asarray(y)
    if y.shape != (n,):
        raise ValueError(f"y must hold one class for each of the {n} codes, shape ({n},). Received shape: {y.shape}.")
    classes, index = np.unique(y, return_inverse=True)
    if len(classes) > len(CLASSES):
        raise ValueError(f"y must hold at most {len(CLASSES)} classes. Received {len(classes)}: select or join some.")
    return classes, index


def _require_one_shape(arrays: Mapping[str, np.ndarray]) -> None:
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"All arrays must have one shape, as they show the same examples. Received: {shapes}.")


def _positive(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a positive integer. Received: {value!r}.")
    return int(value)
