"""Apply a compiled function to arrays of any length, batch by batch."""

import math
from collections.abc import Callable, Iterator

import keras
import numpy as np

from kerasae import backends, keras_private
from kerasae.eight_bit import EightBit

_FEW = 256  # up to this many rows, a batch is padded to a power of two; longer ones are split


def default_batch_size(model) -> int:
    """Default batch size of inference: 4096 or 16384 for small inputs without convolutions, else 256, 64 or 32.

    JAX and PyTorch allocate memory at every call. Results of convolutions for 256 images are so large that the system
    would have to clear new pages each time, which takes as long as the convolutions. TensorFlow's calls cost more, so
    it gets larger batches.
    """
    small = math.prod(model.data_shape) <= 1024
    if keras_private.convolves(model):
        return (64 if small else 32) if backends.COMPILES_PER_LENGTH else 256
    if small:
        return 4096 if backends.COMPILES_PER_LENGTH else 16384
    return 256


def in_floats(x):
    """An array in Keras's default float type; an `EightBit` as it is, to be converted batch by batch."""
    return x if isinstance(x, EightBit) else x.astype(keras.config.floatx(), copy=False)


def apply(function, size: int, *arrays, check: Callable = lambda first: None):
    """Apply a function to arrays, at most `size` rows per call.

    Args:
        function: Result of `backends.compile_function`. On backends that compile for each length, it is called with few
            different lengths, all powers of two.
        size: Largest number of rows per call, which bounds the memory.
        *arrays: Arrays or `EightBit`s of one length, at least 1.
        check: Is called with each batch of the first array and may raise an error. Some backends compute in the
            meantime; on the others, the batch is still in the processor's cache.

    Returns:
        A new float32 array, or a structure of arrays (tuples, dicts) if the function returns one.
    """
    n = len(arrays[0])
    if n > min(size, _FEW):
        return _one_by_one(function, size, arrays, check)
    results = function(*_padded(arrays))
    check(arrays[0])
    if isinstance(results, (tuple, list, dict)):
        return keras.tree.map_structure(lambda result: _first(n, result), results)
    return _first(n, results)


def _one_by_one(function, size: int, arrays, check):
    """Apply batch by batch. Each batch is started before the results of the previous one are copied."""
    n, whole, running = len(arrays[0]), None, None
    for rows in (*_batches(n, size), None):
        following = None
        if rows:
            batch = [array[rows] for array in arrays]
            following = rows, function(*_padded(batch))
            check(batch[0])
        if running:
            done, results = running
            if whole is None:
                whole = keras.tree.map_structure(lambda one: np.empty((n, *one.shape[1:]), "float32"), results)
            for into, result in zip(keras.tree.flatten(whole), keras.tree.flatten(results), strict=True):
                into[done] = np.asarray(result)[: done.stop - done.start]
        running = following
    return whole


def _batches(n: int, size: int) -> Iterator[slice]:
    """Yield the rows of each batch. On backends that compile for each length, lengths above 256 are powers of two."""
    start = 0
    while start < n:
        rows = min(size, n - start)
        if backends.COMPILES_PER_LENGTH and rows > _FEW:
            rows = 1 << (rows.bit_length() - 1)
        yield slice(start, start + rows)
        start += rows


def _padded(arrays):
    """Repeat the last row up to a power of two of rows, on backends that compile for each length."""
    n = len(arrays[0])
    if backends.COMPILES_PER_LENGTH and n & (n - 1):
        rows = np.minimum(np.arange(2 ** n.bit_length()), n - 1)
        arrays = [array[rows] for array in arrays]
    return [np.ascontiguousarray(array) for array in arrays]  # PyTorch takes no negative strides


def _first(n: int, result) -> np.ndarray:
    """Copy the first n rows of a result, since arrays of a backend may be read-only."""
    if len(result) == n:
        return np.array(result, np.float32)
    return np.array(np.asarray(result)[:n], np.float32)


class Slices:
    """Batches of an array for `loop.predict`, several per slice.

    Args:
        x: Array, or dict of arrays, with n rows.
        batch_size: Number of images per batch.
        steps: Number of batches, or None for all.
    """

    def __init__(self, x, batch_size: int, steps: int | None = None):
        self._x, self._batch_size = x, batch_size
        n = len(keras.tree.flatten(x)[0])
        self.num_batches = min(steps or n, -(-n // batch_size))

    def __call__(self, steps_per_call: int):
        for first in range(0, self.num_batches, steps_per_call):
            last = min(first + steps_per_call, self.num_batches)
            rows = slice(first * self._batch_size, last * self._batch_size)
            yield last - first, keras.tree.map_structure(lambda array, rows=rows: np.asarray(array[rows]), self._x)


class Streamed:
    """Batches of a stream for `loop.predict`, one by one."""

    def __init__(self, stream, check):
        self._stream, self._check = stream, check

    @property
    def num_batches(self) -> int | None:
        """Number of batches, or None if it is unknown."""
        return self._stream.num_batches

    def __call__(self, steps_per_call: int):
        self._stream.restart()
        for batch in self._stream.epoch():
            yield 1, self._check(batch)


Pieces = Slices | Streamed
