"""The drawing of a network, layer by layer."""

import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from kerasae.plots._layers import Block, Strip, strips
from kerasae.plots.style import BLACK, MODEL, NUMBER_SIZE, Picture, styled

# All sizes are in hundredths of an inch.
_WIDTH, _STEP, _MOST = 700, 90, 11  # of the figure; from one block to the next, usually; blocks per line
_LETTER = 7  # width of a letter of a heading
_BAR, _TALLEST, _SHORTEST = 30, 64, 10
_ABOVE, _BELOW = 62, 44  # space for the heading and the name of a block; for its shape and its parameters
_COLORS = {"input": "#dddddd", "noise": "#eeeeee", "layer": "#a9c7e0", "label": "#dddddd", "code": MODEL}


@styled
def architecture(model, *, title: str | None = None) -> Figure:
    """Draw the layers of a model from left to right: encoder, code, decoder; a discriminator below.

    Each block is a layer, as high as the logarithm of its number of values. Its name and its activation function are
    above, the shape of its output and its number of parameters below. The code is dark. Layers that only reshape,
    scale or add values are omitted, and parallel branches follow one another.

    Args:
        model: An autoencoder, or any built Keras model.
        title: Title of the figure.

    >>> model = kerasae.models.DenseAutoencoder((28, 28, 1), (64,), 16)
    >>> [text.get_text() for text in architecture(model).axes[0].texts][:2]
    ['encoder: 51,280 parameters', 'input']
    """
    lines = [line for group in _groups(strips(model)) for line in group]
    height = len(lines) * (_ABOVE + _TALLEST + _BELOW) + (30 if title else 4)
    figure = Picture(figsize=(_WIDTH / 100, height / 100))
    if title:
        figure.suptitle(title, y=1 - 6 / height)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, _WIDTH), ylim=(0, height), xticks=[], yticks=[], frame_on=False)
    largest = max(block.size for line in lines for strip in line for block in strip.blocks)
    for number, line in enumerate(lines, start=1):
        _draw_line(ax, line, (len(lines) - number) * (_ABOVE + _TALLEST + _BELOW), largest)
    return figure


def _groups(parts: Sequence[Strip]) -> list[list[list[Strip]]]:
    """Lines of strips: encoder and decoder in one line if they fit, the discriminator in its own."""
    network = [part for part in parts if part.name != "discriminator"]
    others = [part for part in parts if part.name == "discriminator"]
    if sum(len(part.blocks) for part in network) <= _MOST:
        return [[network], [[part] for part in others]]
    return [[[piece] for piece in _pieces(part)] for part in parts]


def _pieces(part: Strip) -> list[Strip]:
    """A strip, divided into equal ones that fit into a line."""
    parts = np.array_split(np.arange(len(part.blocks)), math.ceil(len(part.blocks) / _MOST))
    pieces = [Strip(part.name, [part.blocks[i] for i in indices], part.parameters) for indices in parts]
    return [pieces[0], *(Strip(f"{part.name}, continued", piece.blocks, 0) for piece in pieces[1:])]


def _draw_line(ax: Axes, line: Sequence[Strip], bottom: float, largest: int) -> None:
    """Draw strips beside each other, the centers of their blocks on one height."""
    n = sum(len(strip.blocks) for strip in line)
    widest = max(_LETTER * len(_heading(strip)) / len(strip.blocks) for strip in line)  # in a strip of few blocks
    step = min(max(_STEP, widest), (_WIDTH - 4) / n)
    x = (_WIDTH - n * step) / 2 + step / 2
    middle = bottom + _BELOW + _TALLEST / 2
    ax.plot([x, x + (n - 1) * step], [middle, middle], color="#888888", linewidth=0.8, zorder=0)
    for strip in line:
        ends = x - step / 2 + 4, x + (len(strip.blocks) - 0.5) * step - 4
        top = bottom + _BELOW + _TALLEST + _ABOVE - 18
        ax.plot(ends, [top, top], color="#888888", linewidth=0.8)
        ax.text(sum(ends) / 2, top + 2, _heading(strip), ha="center", va="bottom", fontsize=8.5)
        for block in strip.blocks:
            _draw_block(ax, block, x, middle, step, largest)
            x += step


def _heading(strip: Strip) -> str:
    return f"{strip.name}: {strip.parameters:,} parameters" if strip.parameters else strip.name


def _draw_block(ax: Axes, block: Block, x: float, middle: float, step: float, largest: int) -> None:
    height = _SHORTEST + (_TALLEST - _SHORTEST) * math.log1p(block.size) / math.log1p(largest)
    corner = x - _BAR / 2 + 2, middle - height / 2 + 2
    edge = {"edgecolor": BLACK, "linewidth": 0.6, "linestyle": ":" if block.kind == "noise" else "-"}
    style = "round,pad=2,rounding_size=2"
    ax.add_patch(FancyBboxPatch(corner, _BAR - 4, height - 4, style, facecolor=_COLORS[block.kind], **edge))
    name = [*textwrap.wrap(block.name, 12), block.activation]
    if block.kind == "code":
        name = ["code", *name]
    dark = {"color": MODEL, "weight": "bold"} if block.kind == "code" else {}
    look = {"ha": "center", "fontsize": NUMBER_SIZE, **dark}
    ax.text(x, middle + _TALLEST / 2 + 3, "\n".join(filter(None, name)), va="bottom", linespacing=1.1, **look)
    sizes = "×".join(map(str, block.shape)) or "1"
    below = f"{sizes}\n{block.parameters:,}" if block.parameters else sizes
    ax.text(x, middle - _TALLEST / 2 - 4, below, va="top", linespacing=1.3, **look)
