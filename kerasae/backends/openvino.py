"""OpenVINO: compiled functions of arrays.

Keras's own `predict` on OpenVINO compiles a model only once, with its weights at that time, and in the precision that
is fastest on the processor. That is often bfloat16, whose results have errors in the third digit.
"""

import functools

import keras
import numpy as np
import openvino
from openvino import opset16

from kerasae.keras_private import VariablesRead, raw_values

COMPILES_PER_LENGTH = True
_PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}


def parameter(shape, dtype):
    """Make an input of a graph. A size of −1 stands for any size."""
    return keras.ops.convert_to_tensor(opset16.parameter(list(shape), openvino.Type(np.dtype(dtype))).output(0))


def graph(function, *parameters):
    """Build the graph of a function of parameters (nested structures, or None), with current values of variables.

    Returns:
        The `openvino.Model` with flattened inputs and outputs, and the function's results as tensors.
    """
    results = function(*parameters)
    nodes = [_output(parameter).get_node() for parameter in keras.tree.flatten(parameters) if parameter is not None]
    return openvino.Model([opset16.result(_output(x)) for x in keras.tree.flatten(results)], nodes), results


def _output(tensor):
    return keras.ops.convert_to_tensor(tensor).output


class _Code:
    """A function compiled for arrays of certain shapes and dtypes and for the current values of variables."""

    def __init__(self, function, arrays):
        with VariablesRead() as scope:
            model, self.results = graph(
                lambda *given: keras.tree.map_structure(_readable, function(*given)),
                *keras.tree.map_structure(_parameter_for, arrays),
            )
        self.read = scope.read
        self.run = openvino.compile_model(model, "CPU", _PRECISION)

    def is_current(self) -> bool:
        variables, values = zip(*self.read, strict=True)
        return all(now is then for now, then in zip(raw_values(variables), values, strict=True))

    def __call__(self, arrays):
        given = [np.asarray(array, order="C") for array in keras.tree.flatten(arrays) if array is not None]
        results = self.run(given, share_outputs=False).to_tuple()
        return keras.tree.pack_sequence_as(self.results, [np.array(result) for result in results])


def compile_function(function, model=None):
    """Compile a function of nested structures of arrays (or None); see `base.Backend`.

    It is compiled once per combination of shapes, and again when a variable that it reads has changed.
    """
    codes: dict = {}

    def call(*arrays):
        arrays = keras.tree.map_structure(_array, arrays)
        key = str(keras.tree.map_structure(lambda array: array is not None and (array.shape, array.dtype), arrays))
        if key not in codes or not codes[key].is_current():
            codes[key] = _Code(function, arrays)
        return codes[key](arrays)

    return call


_latest = functools.lru_cache(maxsize=4)(compile_function)


def infer(function, *arrays):
    """Compute `function(*arrays)` as an array, or a structure of arrays if it returns one."""
    return _latest(function)(*arrays)


def _array(array):
    return None if array is None else keras.ops.convert_to_numpy(array)


def _readable(tensor):
    """Convert bfloat16 to float32. NumPy has no bfloat16 and would read its bits as float16."""
    tensor = keras.ops.convert_to_tensor(tensor)
    return keras.ops.cast(tensor, "float32") if tensor.dtype == "bfloat16" else tensor


def _parameter_for(array):
    return None if array is None else parameter(array.shape, array.dtype)
