"""The zoo: list, load, verify and write entries. An entry is a directory with a model, its weights and its card.

Importing this package, listing names and reading cards imports neither Keras nor NumPy.
"""

from kerasae.files import CONFIG, METADATA, WEIGHTS
from kerasae.zoo import writing
from kerasae.zoo.hub import pull, push
from kerasae.zoo.saving import save
from kerasae.zoo.searching import search
from kerasae.zoo.store import DETECTOR, GOLDEN, PREVIEW, SHIPPED, card, load, load_weights, names, reading
from kerasae.zoo.verify import TOLERANCE, Difference, golden, verify
from kerasae.zoo.writing import check_target

__all__ = [
    "CONFIG",
    "DETECTOR",
    "GOLDEN",
    "METADATA",
    "PREVIEW",
    "SHIPPED",
    "TOLERANCE",
    "WEIGHTS",
    "Difference",
    "card",
    "check_target",
    "golden",
    "load",
    "load_weights",
    "names",
    "pull",
    "push",
    "reading",
    "save",
    "search",
    "verify",
    "writing",
]
