"""Figures of images, codes and training curves. Each function returns a matplotlib Figure.

The functions do not use pyplot: save a figure with `figure.savefig("picture.png")`. A notebook displays the
figure that is the last value of a cell.
"""

from kerasae.plots._drawing import stacked
from kerasae.plots.animation import animate
from kerasae.plots.anomalies import anomaly
from kerasae.plots.architecture import architecture
from kerasae.plots.codes import code_space, joint
from kerasae.plots.curves import error_against_noise, history
from kerasae.plots.images import decoded_grid, filters, reconstructions, rows, samples
from kerasae.plots.points import manifold
from kerasae.plots.style import BLACK, BLUE, CLASSES, GRAY, GREEN, ORANGE, PURPLE

__all__ = [
    "BLACK",
    "BLUE",
    "CLASSES",
    "GRAY",
    "GREEN",
    "ORANGE",
    "PURPLE",
    "animate",
    "anomaly",
    "architecture",
    "code_space",
    "decoded_grid",
    "error_against_noise",
    "filters",
    "history",
    "joint",
    "manifold",
    "reconstructions",
    "rows",
    "samples",
    "stacked",
]
