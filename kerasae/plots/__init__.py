"""Pictures of what an autoencoder does. Every function returns a matplotlib Figure and shows nothing by itself.

`figure.savefig("picture.png")` writes a picture; a notebook draws the one that is a cell's last value.
"""

from kerasae.plots._drawing import BLACK, BLUE, CLASSES, GREEN, GREY, ORANGE, PURPLE, stacked
from kerasae.plots.codes import code_space, joint
from kerasae.plots.curves import error_against_noise, history
from kerasae.plots.images import decoded_grid, filters, reconstructions, rows, samples
from kerasae.plots.points import manifold

__all__ = [
    "BLACK",
    "BLUE",
    "CLASSES",
    "GREEN",
    "GREY",
    "ORANGE",
    "PURPLE",
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
