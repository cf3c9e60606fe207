"""The look of all figures: colors with one meaning each, sizes, ticks and legends.

Figures are drawn with these settings whatever the global settings of matplotlib are, and leave those unchanged.
"""

import functools
import io
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import ParamSpec, TypeVar

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from PIL import Image

# The palette of Okabe and Ito, which color-blind readers can tell apart.
BLUE, ORANGE, GREEN, PURPLE, SKY, RED = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"
BLACK, GRAY = "#222222", "#b8b8b8"
# For classes: Tol's "muted" palette and a gray.
CLASSES = (
    "#332288", "#88ccee", "#cc6677", "#117733", "#ddcc77", "#aa4499", "#44aa99", "#882255", "#999933", "#777777",
)  # fmt: skip
WINE, BROWN = "#882255", "#8c6d31"
# What a color means is the same in all figures.
MODEL, VALIDATION, BASELINE, OTHER, DATA, TRUTH = BLUE, SKY, ORANGE, WINE, GRAY, BLACK
BACKENDS = {"tensorflow": RED, "torch": PURPLE, "jax": GREEN}
NAMED = {"pca": BASELINE, "noisy": "#777777", "median": WINE, "mean": BLACK}  # by the beginning of a name
POSITION = matplotlib.colormaps["plasma"]
DIVERGING = matplotlib.colormaps["RdBu_r"].with_extremes(bad=GRAY)
ERROR = matplotlib.colormaps["inferno"]

DPI = 200  # dots per inch: twice the size on the screen, for displays with fine pixels
TITLE_SIZE, NUMBER_SIZE = 11.0, 7.0  # points
_FEWEST, _MOST = 3, 7  # ticks on an axis
_STEPS = ([1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7])  # of logarithmic axes, per power of ten
_RC = {
    "font.size": 9.0,
    "font.family": "sans-serif",
    "text.color": BLACK,
    "text.usetex": False,
    "mathtext.fontset": "dejavusans",
    "figure.facecolor": "white",
    "figure.titlesize": TITLE_SIZE,
    "figure.constrained_layout.use": False,
    "savefig.facecolor": "auto",
    "savefig.edgecolor": "auto",
    "axes.facecolor": "white",
    "axes.edgecolor": "#666666",
    "axes.labelcolor": BLACK,
    "axes.linewidth": 0.6,
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "axes.axisbelow": True,
    "axes.grid": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.xmargin": 0.04,
    "axes.ymargin": 0.06,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "grid.linestyle": "-",
    "lines.linewidth": 1.5,
    "lines.markersize": 4.0,
    "image.interpolation": "nearest",
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    **{f"{axis}tick.{key}": value for axis in "xy" for key, value in {
        "color": "#666666", "labelcolor": BLACK, "labelsize": 8.0, "major.width": 0.6, "major.size": 3.0,
        "direction": "out",
    }.items()},
}  # fmt: skip

P = ParamSpec("P")
T = TypeVar("T")


def styled(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function with the settings of this module, and restore the settings before it."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with matplotlib.rc_context(_RC):
            return function(*args, **kwargs)

    return run


class Picture(Figure):
    """A Figure that notebooks display without pyplot, which would keep a reference to it.

    It has `DPI` dots per inch and is displayed at half of its size in pixels. Ticks and texts that are made only when
    the figure is drawn have the style of the others.
    """

    def __init__(self, *args, dpi: float = DPI, **kwargs):
        super().__init__(*args, dpi=dpi, **kwargs)

    draw = styled(Figure.draw)
    savefig = styled(Figure.savefig)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        content = png(self, bbox_inches="tight")
        width, height = Image.open(io.BytesIO(content)).size
        return content, {"width": round(width * 100 / self.dpi), "height": round(height * 100 / self.dpi)}


def png(figure: Figure, colors: int = 256, tolerance: float | None = 1.0, **options) -> bytes:
    """Return the figure as a PNG file with a palette, which makes it three times smaller. 256 colors keep all grays.

    Args:
        figure: Any matplotlib Figure.
        colors: Number of colors, at most 256.
        tolerance: Largest mean change of the pixels, of 256 levels. A picture that the palette would change more, such
            as a photograph in color, is stored without one. None allows any change.
        **options: As for `figure.savefig`.
    """
    drawn, stored = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", **options)
    image = Image.open(drawn).convert("RGB")
    few = image.quantize(colors, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    change = np.abs(np.asarray(few.convert("RGB"), float) - np.asarray(image)).mean()
    (few if tolerance is None or change <= tolerance else image).save(stored, format="png", optimize=True)
    return stored.getvalue()


@styled
def new_figure(width: float, height: float, title: str | None = None) -> Picture:
    """Return a Figure of `width` × `height` inches, plus space for the title."""
    space = 0.18 + 0.17 * len(title.splitlines()) if title else 0.0
    figure = Picture(figsize=(width, height + space), layout="constrained")
    if title:
        figure.suptitle(title)
    return figure


@styled
def plane(width: float, height: float, names: tuple[str, str], title: str | None) -> tuple[Picture, Axes]:
    """Return a Figure with Axes for points of the plane in equal units on both axes, named `names`."""
    figure = new_figure(width, height, title)
    ax = figure.subplots()
    ax.set_aspect("equal", adjustable="datalim")
    ax.set(xlabel=names[0], ylabel=names[1])
    tidy(ax)
    return figure, ax


@styled
def tidy(ax: Axes, x: str | None = "linear", y: str | None = "linear") -> None:
    """Give each axis 3 to 7 ticks at round numbers. Call it after drawing, with the scale of each axis.

    Args:
        ax: Axes.
        x, y: `"linear"`, `"log"`, or None for an axis with ticks of its own.
    """
    for axis, scale in ((ax.xaxis, x), (ax.yaxis, y)):
        if scale == "linear":
            axis.set_major_locator(MaxNLocator(_MOST - 2, min_n_ticks=_FEWEST, steps=[1, 2, 2.5, 5, 10]))
        elif scale == "log":
            axis.set_major_locator(FixedLocator(log_ticks(*axis.get_view_interval())))
            axis.set_major_formatter(FixedFormatter([short_number(tick) for tick in axis.get_majorticklocs()]))
            axis.set_minor_locator(NullLocator())


def colors_of(names: Iterable[str], free: Sequence[str] = (MODEL, BROWN, WINE, BLACK)) -> list[str]:
    """Return a color for each name: that of its meaning if it has one, otherwise one of `free` in turn.

    >>> colors_of(["model", "PCA-8", "another"]) == [MODEL, BASELINE, BROWN]
    True
    """
    others = itertools.cycle(free)
    known = [[color for start, color in NAMED.items() if name.lower().startswith(start)] for name in names]
    return [colors[0] if colors else next(others) for colors in known]


def log_ticks(low: float, high: float) -> list[float]:
    """Return 3 to 7 round numbers for a logarithmic axis from `low` to `high`.

    >>> log_ticks(0.9, 1100)
    [1.0, 10.0, 100.0, 1000.0]
    >>> log_ticks(0.15, 0.9)
    [0.15, 0.2, 0.3, 0.5, 0.7]
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    stride = math.ceil((last - first + 1) / _MOST)
    for powers, steps in ((range(first, last + 1, stride), [1]), *((range(first, last + 1), s) for s in _STEPS)):
        ticks = [tick for power in powers for step in steps if low <= (tick := float(f"{step}e{power}")) <= high]
        if len(ticks) >= _FEWEST:
            return ticks[:: math.ceil(len(ticks) / _MOST)]
    ticks = MaxNLocator(_MOST - 2, min_n_ticks=_FEWEST).tick_values(low, high)  # less than a factor of two
    return [float(tick) for tick in ticks if low <= tick <= high]


def short_number(number: float) -> str:
    """Return a number as it is written on an axis.

    >>> [short_number(number) for number in (0.05, 1024, 2000, 50_000, 1_000_000)]
    ['0.05', '1,024', '2k', '50k', '1M']
    """
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size and number % (size // 10) == 0:
            return f"{number / size:g}{unit}"
    return f"{number:,g}"


@styled
def class_legend(figure: Figure, classes: np.ndarray, *more: Line2D) -> None:
    """Add a legend of the class colors, and of more lines, to the right of the Axes."""
    marks = [Line2D([], [], color=color, marker="o", linestyle="") for color in CLASSES[: len(classes)]]
    names = [*map(str, classes), *(str(line.get_label()) for line in more)]
    outside = figure.get_layout_engine() is not None
    figure.legend([*marks, *more], names, loc="outside right center" if outside else "center right")


def dots(ax: Axes, points: np.ndarray, size: float, color, label: str | None = None, **look) -> None:
    """Draw points `(n, 2)`."""
    ax.scatter(*points.T, s=size, c=color, label=label, **{"linewidths": 0, **look})
