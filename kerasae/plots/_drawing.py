"""Colors, the Figure class for notebooks, and layouts that the plot functions share."""

import io
import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath
from PIL import Image

# Distinguishable for color-blind readers: the palette of Okabe and Ito; for classes Tol's "muted" palette plus a gray.
BLUE, ORANGE, GREEN, PURPLE, BLACK, GREY = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#222222", "#b8b8b8"
CLASSES = (
    "#332288", "#88ccee", "#cc6677", "#117733", "#ddcc77", "#aa4499", "#44aa99", "#882255", "#999933", "#777777",
)  # fmt: skip
POSITION = matplotlib.colormaps["plasma"]
DIVERGING = matplotlib.colormaps["RdBu_r"].with_extremes(bad=GREY)


class Picture(Figure):
    """A Figure that notebooks display without pyplot, which would keep a reference to it.

    The PNG has 256 colors, which makes it three times smaller and keeps all levels of gray.
    """

    def _repr_png_(self) -> bytes:
        drawn, stored = io.BytesIO(), io.BytesIO()
        self.savefig(drawn, format="png", bbox_inches="tight")
        image = (
            Image.open(drawn)
            .convert("RGB")
            .quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
        )
        image.save(stored, format="png", optimize=True)
        return stored.getvalue()


def new_figure(width: float, height: float, title: str | None) -> Picture:
    """Return a Figure of `width` × `height` inches, plus space for the title."""
    figure = Picture(figsize=(width, height + (0.35 if title else 0.0)), layout="constrained")
    if title:
        figure.suptitle(title)
    return figure


def plane(width: float, height: float, coordinate: str, title: str | None) -> tuple[Picture, Axes]:
    """Return a Figure with Axes for 2-D points in equal units on both axes."""
    figure = new_figure(width, height, title)
    ax = figure.subplots()
    ax.set_aspect("equal", adjustable="datalim")
    ax.set(xlabel=f"${coordinate}_1$", ylabel=f"${coordinate}_2$")
    ax.spines[["top", "right"]].set_visible(False)
    return figure, ax


def dots(ax: Axes, points: np.ndarray, size: float, color, label: str | None = None, **look) -> None:
    """Draw points `(n, 2)`, or `(n, 3)` on three-dimensional Axes."""
    ax.scatter(*points.T, s=size, c=color, label=label, **{"linewidths": 0, **look})


def class_legend(figure: Figure, classes: np.ndarray) -> None:
    """Add a legend of the class colors to the right of the Axes."""
    marks = [Line2D([], [], color=color, marker="o", linestyle="") for color in CLASSES[: len(classes)]]
    figure.legend(marks, list(map(str, classes)), loc="outside right center", frameon=False)


def tiled(
    blocks: Sequence[np.ndarray],
    columns: int,
    value_range: tuple[float, float],
    title: str | None,
    *,
    left: float = 0,
    below: Sequence[float] = (0,),
    smallest: float = 60.0,
    gap: int | None = None,
    white: float | None = None,
    colors="gray",
) -> Picture:
    """Return a Figure of blocks of images `(n, h, w, c)`, one below the other, with one Axes per block.

    Small images are scaled by an integer factor, so that they stay sharp. Sizes are in hundredths of an inch.

    Args:
        blocks: Arrays of images, all of the same shape.
        columns: Number of images per line.
        value_range, title: As for `rows`.
        left: Width of the margin for row names.
        below: Height of the margin below each block.
        smallest: Minimum width of an image.
        gap: Pixels between images. Default: 1/14 of the image width.
        white: Value of the pixels between images. Default: the upper end of `value_range`.
        colors: Colormap of images with one channel.
    """
    low, high = value_range
    gap = max(1, blocks[0].shape[2] // 14) if gap is None else gap
    mosaics = [_mosaic(images, columns, gap, high if white is None else white) for images in blocks]
    scale = min(120.0, max(smallest, 650.0 / columns)) / blocks[0].shape[2]
    scale = round(scale) if scale > 1 else scale
    height, width = (side * scale for side in mosaics[0].shape[:2])
    border, top = 4, 34 if title else 4
    full_width = 2 * border + max(left + width, text_width(title or "", "large"))
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
            ax.imshow(mosaic[..., 0], cmap=colors, vmin=low, vmax=high)
        y -= space
    return figure


def numbers_below(ax: Axes, numbers: np.ndarray, width: int, name: str) -> None:
    """Print one number below each image of a line, and their name before them; `width` is an image's, in pixels."""
    centres = np.linspace(width / 2 - 0.5, ax.get_xlim()[1] - width / 2, len(numbers))
    ax.set_xticks(centres, [f"{number:.3g}" for number in numbers], fontsize=7)
    ax.tick_params(length=0, pad=2)
    ax.annotate(name, (0, 0), (-5, -2), "axes fraction", "offset points", ha="right", va="top", fontsize=7)


def _mosaic(images: np.ndarray, columns: int, gap: int, white: float) -> np.ndarray:
    """Arrange images `(n, h, w, c)` into one image `(H, W, c)` with `columns` images per line."""
    n, h, w, c = images.shape
    lines = math.ceil(n / columns)
    canvas = np.full((lines * columns, h + gap, w + gap, c), white, dtype=float)
    canvas[:n, :h, :w] = images
    canvas = canvas.reshape(lines, columns, h + gap, w + gap, c).swapaxes(1, 2)
    canvas = canvas.reshape(lines * (h + gap), columns * (w + gap), c)
    return canvas[: len(canvas) - gap, : canvas.shape[1] - gap]


def text_width(text: str, size: str = "medium") -> float:
    """Return the width of the text in hundredths of an inch."""
    path = TextPath((0, 0), text.strip() or ".", prop=FontProperties(size=size))
    return math.ceil(path.get_extents().width / 0.72)


def stacked(figures: Sequence[Figure]) -> Picture:
    """Stack figures vertically into one figure (as pixels).

    Args:
        figures: One or more figures.

    Raises:
        ValueError: `figures` is empty.

    >>> stacked([Figure((4, 1)), Figure((6, 2))]).get_size_inches()
    array([6., 3.])
    """
    if not figures:
        raise ValueError("figures is empty: expected at least one.")
    pixels = []
    for figure in figures:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pixels.append(np.asarray(canvas.buffer_rgba())[..., :3])
    width = max(part.shape[1] for part in pixels)
    sides = [((0, 0), (0, width - part.shape[1]), (0, 0)) for part in pixels]
    sheet = np.concatenate([np.pad(part, side, constant_values=255) for part, side in zip(pixels, sides, strict=True)])
    dpi = figures[0].dpi
    whole = Picture(figsize=(width / dpi, len(sheet) / dpi), dpi=dpi)
    whole.add_axes((0, 0, 1, 1), frame_on=False, xticks=[], yticks=[]).imshow(sheet)
    return whole
