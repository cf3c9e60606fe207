"""What every data set returns, and the names of all data sets."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

NAMES: list[str] = []  # of the data sets that kerasae has, in alphabetical order


class Dataset(NamedTuple):
    """Training and test inputs (float32) with what is known about each of them.

    Attributes:
        x_train, x_test: Inputs `(n, ...)`.
        y_train, y_test: Labels `(n,)` int64 of images; positions `(n,)` along the curve, for points. None for data of
            a user's own without labels.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


Function = TypeVar("Function", bound=Callable[..., Dataset])


def data_set(function: Function) -> Function:
    """Decorator of the functions that `data.named` finds, and a recipe's `data`, by their names."""
    NAMES.append(function.__name__)
    NAMES.sort()
    return function
