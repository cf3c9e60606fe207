"""Data sets of the classic experiments, and a user's own, as arrays ready to use."""

from kerasae import _checks
from kerasae.data.curves import SINE_LIMIT, sine, sine_excerpt, two_moons
from kerasae.data.dataset import NAMES, Dataset
from kerasae.data.files import own
from kerasae.data.images import digits, fashion_mnist, is_at_hand, mnist

__all__ = [
    "NAMES",
    "SINE_LIMIT",
    "Dataset",
    "digits",
    "fashion_mnist",
    "is_at_hand",
    "mnist",
    "named",
    "own",
    "sine",
    "sine_excerpt",
    "two_moons",
]


def named(name: str) -> Dataset:
    """The data set of a name, with the default arguments of the function of that name.

    Raises:
        ValueError: The name is not one of `NAMES`.

    >>> named("sine").x_train.shape
    (1000, 2)
    """
    if name not in NAMES:
        raise _checks.unknown("data set", name, NAMES)
    return globals()[name]()
