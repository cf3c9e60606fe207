"""What every data set returns."""

from typing import NamedTuple

import numpy as np


class Dataset(NamedTuple):
    """Training and test inputs (float32) with what is known about each of them.

    Attributes:
        x_train, x_test: Inputs `(n, ...)`.
        y_train, y_test: Labels `(n,)` int64 of images; positions `(n,)` along the curve, for points.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
