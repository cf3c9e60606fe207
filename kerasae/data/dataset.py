"""The return type of data sets, and the names of the built-in ones."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

NAMES: list[str] = []  # names of the built-in data sets, sorted


class Dataset(NamedTuple):
    """Training and test data.

    Attributes:
        x_train, x_test: Inputs `(n, ...)`, float32. `mnist(binarize="dynamic")` draws training inputs anew in
            each epoch.
        y_train, y_test: Labels `(n,)`: int64 classes, or for `sine` the positions t along the curve. None for your own
            data without labels.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def arrays(self) -> "Dataset":
        """The same with arrays of floats; if each epoch has its own training inputs, with those of epoch 0."""
        return self._replace(x_train=np.asarray(self.x_train), x_test=np.asarray(self.x_test))


Function = TypeVar("Function", bound=Callable[..., Dataset])


def data_set(function: Function) -> Function:
    """Decorator that makes a function a built-in data set, which `data.named` and recipes find by its name."""
    NAMES.append(function.__name__)
    NAMES.sort()
    return function
