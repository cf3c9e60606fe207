"""The zoo: pretrained entries to list, load, verify, and to write.

Importing it, listing the names and reading the cards imports neither Keras nor NumPy.
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
