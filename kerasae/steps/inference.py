"""Keras's backends that can't train: NumPy and OpenVINO."""

import functools

import keras


class Steps:
    """No steps of its own: Keras's evaluate over `compute_loss`; `fit` is refused."""

    takes_rows = False

    def fit(self, *args, **kwargs):
        raise ValueError(
            f"The {keras.backend.backend()} backend can't train. "
            "Set KERAS_BACKEND to jax, torch or tensorflow before Keras is imported."
        )

    def remember(self):
        """Nothing needs to be remembered: see `recover`."""

    def recover(self, remembered):
        """Nothing is lost when `fit` is broken off: the model itself was trained."""


def on_device(array):
    """A NumPy array as a tensor."""
    return keras.ops.convert_to_tensor(array)


def compiled(function, variables):
    """`function` of arrays: nothing is compiled."""
    return functools.partial(infer, function)


def infer(function, *arrays):
    """`function(*arrays)` as an array, or a tuple of arrays if it gives one."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, function(*map(keras.ops.convert_to_tensor, arrays)))
