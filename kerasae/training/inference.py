"""A compiled function applied to arrays of any length, batch by batch."""

import math
from collections.abc import Iterator

import keras
import numpy as np

from kerasae import backends, keras_private

_FEW = 256  # rows: more than these are rather divided than padded


def default_batch_size(model) -> int:
    """Inputs per call where the user says nothing: many for small inputs without convolutions."""
    small = math.prod(model.data_shape) <= 1024 and not keras_private.convolves(model)
    return 4096 if small else 256


def apply(function, size: int, *arrays):
    """What a function makes of arrays, at most `size` rows at a time: new arrays in float32.

    Args:
        function: As `backends.compile_function` gives it. Where that compiles anew for each length it meets few,
            all of them powers of two.
        size: Bounds the memory, whatever the length of the arrays.
        *arrays: Of one length, at least 1.

    Returns:
        An array, or a structure of arrays (tuples, dicts) if the function gives one.
    """
    if len(arrays[0]) <= min(size, _FEW):
        return _first(len(arrays[0]), function(*_padded(arrays)))
    return _one_by_one(function, size, arrays)


def _one_by_one(function, size: int, arrays):
    """Batch by batch; the next one is begun before the last one's results are waited for and copied."""
    n, whole, running = len(arrays[0]), None, None
    for rows in (*_batches(n, size), None):
        following = rows and (rows, function(*_padded([array[rows] for array in arrays])))
        if running:
            done, results = running
            if whole is None:
                whole = keras.tree.map_structure(lambda one: np.empty((n, *one.shape[1:]), "float32"), results)
            for into, result in zip(keras.tree.flatten(whole), keras.tree.flatten(results), strict=True):
                into[done] = np.asarray(result)[: done.stop - done.start]
        running = following
    return whole


def _batches(n: int, size: int) -> Iterator[slice]:
    """The rows of each batch; if lengths are to be few, powers of two, which need no padding, and the few left over."""
    start = 0
    while start < n:
        rows = min(size, n - start)
        if backends.ONE_LENGTH and rows > _FEW:
            rows = 1 << (rows.bit_length() - 1)
        yield slice(start, start + rows)
        start += rows


def _padded(arrays):
    """Arrays with a power of two of rows, the last one repeated, if lengths are to be few."""
    n = len(arrays[0])
    if not backends.ONE_LENGTH or n & (n - 1) == 0:
        return arrays
    rows = np.minimum(np.arange(2 ** n.bit_length()), n - 1)
    return [array[rows] for array in arrays]


def _first(n: int, results):
    """The first rows of results, as arrays of their own: what a backend gives may be read-only."""
    return keras.tree.map_structure(lambda result: np.array(np.asarray(result)[:n], "float32"), results)


class Slices:
    """The batches of an array, several in one slice, for `loop.predict`.

    Args:
        x: Array, or dict of arrays, of `n` rows.
        batch_size: Images per batch.
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
            yield last - first, keras.tree.map_structure(lambda array, rows=rows: array[rows], self._x)


class Streamed:
    """The batches of a stream, one by one, for `loop.predict`."""

    def __init__(self, stream, check):
        self._stream, self._check = stream, check

    @property
    def num_batches(self) -> int | None:
        """Batches in all, if known."""
        return self._stream.num_batches

    def __call__(self, steps_per_call: int):
        self._stream.restart()
        for batch in self._stream.epoch():
            yield 1, self._check(batch)


Pieces = Slices | Streamed
