"""NumPy: functions of arrays, without compilation."""

import keras
import numpy as np

COMPILES_PER_LENGTH = False


def compile_function(function, model=None):
    """Wrap a function of nested structures of arrays (or None) so that it returns arrays; see `base.Backend`."""

    def call(*arrays):
        with np.errstate(over="ignore"):  # exp(−x) in a sigmoid may overflow; the result is still correct
            results = function(*keras.tree.map_structure(_tensor, arrays))
        return keras.tree.map_structure(keras.ops.convert_to_numpy, results)

    return call


def infer(function, *arrays):
    """Compute `function(*arrays)` as an array, or a structure of arrays if it returns one."""
    return compile_function(function)(*arrays)


def _tensor(array):
    return None if array is None else keras.ops.convert_to_tensor(array)
