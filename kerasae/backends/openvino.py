"""Functions of arrays on OpenVINO, compiled.

Keras's own `predict` there compiles a model once and for all, with the weights it has then, and in
whatever precision the processor is fastest in: bfloat16 on many, which is wrong in the third digit.
"""

import functools

import keras
import numpy as np
import openvino
from openvino import opset16

from kerasae.keras_private import VariablesRead, raw_values

ONE_LENGTH = True
_PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}


def parameter(shape, dtype):
    """A tensor that stands for an array to come; −1 stands for any size."""
    return keras.ops.convert_to_tensor(opset16.parameter(list(shape), openvino.Type(np.dtype(dtype))).output(0))


def graph(function, *parameters):
    """What a function does to parameters in nested structures, None among them, with the variables' values of now.

    Returns:
        The `openvino.Model`, whose inputs and outputs are flat, and the function's results as tensors.
    """
    results = function(*parameters)
    nodes = [_output(parameter).get_node() for parameter in keras.tree.flatten(parameters) if parameter is not None]
    return openvino.Model([opset16.result(_output(x)) for x in keras.tree.flatten(results)], nodes), results


def _output(tensor):
    return keras.ops.convert_to_tensor(tensor).output


class _Code:
    """What a function does to arrays of certain shapes and types, with the values that variables have now."""

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
    """`function`, of nested structures of arrays, None among them, whose results are arrays.

    Compiled for all shapes it meets, and again when a variable has another value than it was compiled
    with: which ones there are it finds itself.
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
    """`function(*arrays)` as an array, or a tuple of arrays if it gives one."""
    return _latest(function)(*arrays)


def _array(array):
    return None if array is None else keras.ops.convert_to_numpy(array)


def _readable(tensor):
    """The tensor, bfloat16 as float32: NumPy doesn't have it, and is given its bits as those of float16."""
    tensor = keras.ops.convert_to_tensor(tensor)
    return keras.ops.cast(tensor, "float32") if tensor.dtype == "bfloat16" else tensor


def _parameter_for(array):
    return None if array is None else parameter(array.shape, array.dtype)
