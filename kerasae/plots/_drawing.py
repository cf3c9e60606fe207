"""Layouts of images that the plot functions share."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from kerasae.plots.style import NUMBER_SIZE, TITLE_SIZE, Picture, styled


@styled
def tiled(
    blocks: Sequence[np.ndarray],
    columns: int,
    value_range: tuple[float, float],
    title: str | None,
    *,
    left: float = 0,
    above: float = 0,
    below: Sequence[float] = (0,),
    smallest: float = 60.0,
    largest: float = 120.0,
    gap: int | None = None,
    white: float | None = None,
    colors="gray",
) -> Picture:
    """Return a Figure of blocks of images `(n, h, w, c)`, one below the other, with one Axes per block.

    Small images are scaled by a whole number of dots, so that they stay sharp. Sizes are in hundredths of an inch,
    which are two dots.

    Args:
        blocks: Arrays of images, all of the same shape.
        columns: Number of images per line.
        value_range, title: As for `rows`.
        left: Width of the margin for row names.
        above: Height of the margin above the first block.
        below: Height of the margin below each block.
        smallest, largest: Minimum and maximum width of an image.
        gap: Pixels between images. Default: 1/14 of the image width.
        white: Value of the pixels between images. Default: the upper end of `value_range`.
        colors: Colormap of images with one channel.
    """
    low, high = value_range
    gap = max(1, blocks[0].shape[2] // 14) if gap is None else gap
    mosaics = [_mosaic(images, columns, gap, high if white is None else white) for images in blocks]
    scale = min(largest, max(smallest, 650.0 / columns)) / blocks[0].shape[2]
    scale = math.floor(2 * scale) / 2 if scale > 1 else scale
    height, width = (math.ceil(side * scale) for side in mosaics[0].shape[:2])
    lines = title.splitlines() if title else []
    border, top = 4, above + (14 + 17 * len(lines) if lines else 4)
    full_width = 2 * border + max(left + width, *(text_width(line, TITLE_SIZE) for line in lines), 1)
    full_height = top + len(blocks) * height + sum(below) + border
    figure = Picture(figsize=(full_width / 100, full_height / 100))
    if title:
        figure.suptitle(title, y=1 - 1.5 * border / full_height)
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


def name_row(ax: Axes, name: str) -> None:
    """Write the name of a row of images before it."""
    ax.set_ylabel(name, rotation=0, ha="right", va="center")


def name_columns(ax: Axes, names: Sequence[str], width: int) -> None:
    """Write a name above each image of a line; `width` is an image's, in pixels."""
    for center, name in zip(_centers(ax, len(names), width), names, strict=True):
        where = (center, 1), (0, 3), ax.get_xaxis_transform(), "offset points"
        ax.annotate(name, *where, ha="center", va="bottom", fontsize=8)


def numbers_below(ax: Axes, numbers: np.ndarray, width: int, name: str) -> None:
    """Print one number below each image of a line, and their name before them; `width` is an image's, in pixels."""
    ax.set_xticks(_centers(ax, len(numbers), width), [f"{number:.3g}" for number in numbers], fontsize=NUMBER_SIZE)
    ax.tick_params(length=0, pad=2)
    ax.annotate(name, (0, 0), (-5, -2), "axes fraction", "offset points", ha="right", va="top", fontsize=NUMBER_SIZE)


def _centers(ax: Axes, n: int, width: int) -> np.ndarray:
    """The horizontal positions of the centers of `n` images."""
    return np.linspace(width / 2 - 0.5, ax.get_xlim()[1] - width / 2, n)


def _mosaic(images: np.ndarray, columns: int, gap: int, white: float) -> np.ndarray:
    """Arrange images `(n, h, w, c)` into one image `(H, W, c)` with `columns` images per line."""
    n, h, w, c = images.shape
    lines = math.ceil(n / columns)
    canvas = np.full((lines * columns, h + gap, w + gap, c), white, dtype=float)
    canvas[:n, :h, :w] = images
    canvas = canvas.reshape(lines, columns, h + gap, w + gap, c).swapaxes(1, 2)
    canvas = canvas.reshape(lines * (h + gap), columns * (w + gap), c)
    return canvas[: len(canvas) - gap, : canvas.shape[1] - gap]


def text_width(text: str, size: float = 9.0) -> float:
    """Return the width of the text, with a font of `size` points, in hundredths of an inch."""
    path = TextPath((0, 0), text.strip() or ".", prop=FontProperties(size=size))
    return math.ceil(1.03 * path.get_extents().width / 0.72)  # hinting makes letters a little wider


def stacked(figures: Sequence[Figure], beside: bool = False) -> Picture:
    """Put figures below or beside one another into one figure (as pixels), each in the middle.

    Args:
        figures: One or more figures.
        beside: Whether they are beside one another.

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
    along = 1 if beside else 0
    longest = max(part.shape[1 - along] for part in pixels)
    sheet = np.concatenate([_centered(part, longest, 1 - along) for part in pixels], axis=along)
    dpi = figures[0].dpi
    whole = Picture(figsize=(sheet.shape[1] / dpi, len(sheet) / dpi), dpi=dpi)
    whole.add_axes((0, 0, 1, 1), frame_on=False, xticks=[], yticks=[]).imshow(sheet)
    return whole


def _centered(pixels: np.ndarray, length: int, axis: int) -> np.ndarray:
    """Pixels `(h, w, 3)` with white margins on both sides, so that the axis has this length."""
    space = length - pixels.shape[axis]
    margins = [(0, 0)] * 3
    margins[axis] = space // 2, space - space // 2
    return np.pad(pixels, margins, constant_values=255)
