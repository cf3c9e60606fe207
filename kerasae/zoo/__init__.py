"""The zoo: pretrained entries to list, load, verify, and to write.

Importing it, listing the names and reading the cards imports neither Keras nor NumPy.
"""

from kerasae.files import CONFIG, METADATA, WEIGHTS
from kerasae.zoo.store import GOLDEN, PREVIEW, SHIPPED, card, load, load_weights, names, reading
from kerasae.zoo.verify import TOLERANCE, Difference, golden, verify
from kerasae.zoo.writing import check_target, save

__all__ = [
    "CONFIG",
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
    "reading",
    "save",
    "verify",
]
