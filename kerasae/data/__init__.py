"""Data: the built-in data sets (`mnist`, `sine`, ...) and your own pictures, arrays, tables and series.

`load` reads all kinds of data. `images`, `table` and `series` have more options for one kind.
"""

from kerasae.data.classic import bmnist_dynamic, bmnist_fixed, digits, fashion_mnist, is_at_hand, mnist
from kerasae.data.curves import SINE_LIMIT, sine, sine_excerpt, two_moons
from kerasae.data.dataset import NAMES, Dataset
from kerasae.data.files import own
from kerasae.data.loading import load, named, register
from kerasae.data.pictures import images
from kerasae.data.series import series
from kerasae.data.source import Source
from kerasae.data.tables import table
from kerasae.data.windows import per_step, windows
from kerasae.eight_bit import EightBit

__all__ = [
    "NAMES",
    "SINE_LIMIT",
    "Dataset",
    "EightBit",
    "Source",
    "bmnist_dynamic",
    "bmnist_fixed",
    "digits",
    "fashion_mnist",
    "images",
    "is_at_hand",
    "load",
    "mnist",
    "named",
    "own",
    "per_step",
    "register",
    "series",
    "sine",
    "sine_excerpt",
    "table",
    "two_moons",
    "windows",
]
