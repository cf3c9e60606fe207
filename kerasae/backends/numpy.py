"""Functions of arrays on NumPy: as they are."""

import keras
import numpy as np

ONE_LENGTH = False


def compile_function(function, model=None):
    """`function`, of nested structures of arrays, None among them, whose results are arrays.

    It need not be told the variables: it reads them each time.
    """

    def call(*arrays):
        with np.errstate(over="ignore"):  # exp(−x) in a sigmoid, whose value is right nevertheless
            results = function(*keras.tree.map_structure(_tensor, arrays))
        return keras.tree.map_structure(keras.ops.convert_to_numpy, results)

    return call


def infer(function, *arrays):
    """`function(*arrays)` as an array, or a tuple of arrays if it gives one."""
    return compile_function(function)(*arrays)


def _tensor(array):
    return None if array is None else keras.ops.convert_to_tensor(array)
