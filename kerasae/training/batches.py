"""Batches of arrays and of streams, grouped into blocks of many batches.

A block has a table of rows on the device and, for each of its batches, the indices of its rows. One compiled call runs
the steps of a whole block.
"""

import math
import operator
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import keras
import numpy as np

from kerasae import backends, keras_private
from kerasae.eight_bit import EightBit

_RESIDENT = 2**32  # bytes: arrays up to this size stay on the device during `fit`; larger ones are copied in parts
_BUFFER = 2**28  # size of such a part in bytes
_STREAMED = 2**26  # largest size of a block of streamed batches in bytes
_PATIENCE = 0.2  # seconds that a block waits for a slow stream; then it runs, so that the progress bar is updated
_UPDATES = 20  # smallest number of updates of the progress bar per epoch
_SHORT = 50  # an epoch of at most this many steps is one block
_UNKNOWN = 32  # batches per block if the length of a stream is unknown


class Layout:
    """Nesting, shapes and dtypes of a batch `x`, `(x, y)` or `(x, y, sample_weight)`. Equal layouts compare equal.

    `EightBit` arrays are 8-bit pixels in a table, and are converted to floats when a batch is gathered.

    Args:
        batch: Nested arrays `(n, ...)`, an example of a batch.
    """

    def __init__(self, batch):
        flat = keras.tree.flatten(batch)
        self._structure = keras.tree.map_structure(lambda _: 0, batch)
        self._shapes = [tuple(array.shape[1:]) for array in flat]
        self._dtypes = [str(array.dtype) for array in flat]
        self._are_pixels = [isinstance(array, EightBit) for array in flat]
        self._key = str(self._structure), *self._shapes, *self._dtypes, *self._are_pixels

    def example(self):
        """Make a batch of one image of zeros, to build objects whose variables depend on shapes."""
        flat = [np.zeros((1, *shape), dtype) for shape, dtype in zip(self._shapes, self._dtypes, strict=True)]
        return keras.tree.pack_sequence_as(self._structure, flat)

    def batch(self, table, rows, gather: Callable = operator.getitem, reshape: Callable = keras.ops.reshape):
        """Gather the rows `(n,)` of a table and restore nesting and shapes."""
        flat = [reshape(gather(array, rows), (-1, *shape)) for array, shape in zip(table, self._shapes, strict=True)]
        for i in np.flatnonzero(self._are_pixels):
            flat[i] = keras.ops.cast(flat[i], self._dtypes[i]) / 255
        return keras.tree.pack_sequence_as(self._structure, flat)

    def __eq__(self, other):
        return isinstance(other, Layout) and self._key == other._key

    def __hash__(self):
        return hash(self._key)


class Block(NamedTuple):
    """Data of several steps.

    Attributes:
        layout: Layout of every batch.
        table: Tensors `(rows, values)` on the device, one per array of a batch.
        batches: Indices of the rows of each batch, int32 `(capacity, batch size)`. Blocks of one batch size have the
            same capacity, so they share compiled code.
        steps: Number of batches that are used; the others are padding.
        shared: Whether all processes that train the model have the same block. If not, each has its own stream.
    """

    layout: Layout
    table: list
    batches: np.ndarray
    steps: int
    shared: bool = True

    @property
    def kind(self):
        """Everything about the block that compiled code depends on."""
        return self.layout, self.batches.shape, tuple(tuple(array.shape) for array in self.table), self.shared


class ArrayBatches:
    """Batches of arrays. Arrays of up to 4 GiB stay on the device.

    Args:
        arrays: `x`, `(x, y)` or `(x, y, sample_weight)`: arrays, or dicts of arrays, with n rows.
        batch_size: Number of images per batch; the last batch of an epoch may be smaller.
        shuffle: Whether to shuffle the images in each epoch.
        seed: Seed of the shuffling; the order is a function of `(seed, epoch)`. None uses NumPy's global generator.
        epochs: Largest number of epochs.

    Attributes:
        num_batches: Number of batches per epoch.
        total: Number of batches of all epochs.
    """

    def __init__(self, arrays, batch_size: int, shuffle: bool = False, seed: int | None = None, epochs: int = 1):
        self._batch_size, self._shuffle, self._seed = batch_size, shuffle, seed
        self._load(arrays)
        self.num_batches: int | None = math.ceil(self._n / batch_size)
        self.total: float = self.num_batches * epochs

    def _load(self, arrays) -> None:
        """Make arrays the table of the blocks."""
        flat = [_in_keras_precision(array) for array in keras.tree.flatten(arrays)]
        # Two axes only: gathering rows of a matrix compiles to faster code than gathering images.
        table = [_stored(array).reshape(len(array), -1) for array in flat]
        size = sum(array.nbytes for array in table)
        self._layout = Layout(keras.tree.pack_sequence_as(arrays, flat))
        self._n = len(flat[0])
        self._resident = size <= _RESIDENT
        self._most = sys.maxsize if self._resident else max(1, _BUFFER // (self._batch_size * size // self._n))
        self._table = [backends.to_device(array) for array in table] if self._resident else table

    def restart(self) -> None:
        """Do nothing: every epoch begins with the first row."""

    def blocks(self, epoch: int, most_steps: int) -> Iterator[Block]:
        """Yield the batches of an epoch, up to `most_steps` per block. A smaller last batch gets its own block."""
        rng = np.random if self._seed is None else np.random.default_rng([self._seed, epoch])
        order = (rng.permutation if self._shuffle else np.arange)(self._n).astype("int32")
        whole = self._n // self._batch_size
        batches = order[: whole * self._batch_size].reshape(whole, self._batch_size)
        capacity = min(most_steps, self._most, max(whole, 1))
        for start in range(0, whole, capacity):
            yield self._block(batches[start : start + capacity], capacity)
        if whole * self._batch_size < self._n:
            yield self._block(order[None, whole * self._batch_size :], 1)

    def _block(self, batches: np.ndarray, capacity: int) -> Block:
        count = len(batches)
        padded = np.zeros((capacity, batches.shape[1]), "int32")
        padded[:count] = batches
        if self._resident:
            return Block(self._layout, self._table, padded, count)
        chosen = [backends.to_device(array[padded.ravel()]) for array in self._table]
        return Block(self._layout, chosen, _consecutive(padded.shape), count)


class EpochBatches(ArrayBatches):
    """Batches of arrays that change from epoch to epoch.

    Args:
        arrays_of: Function of the epoch that gives the arrays, as for `ArrayBatches`.
        batch_size, shuffle, seed, epochs: As for `ArrayBatches`.
    """

    def __init__(self, arrays_of: Callable[[int], Any], batch_size: int, shuffle, seed, epochs):
        super().__init__(arrays_of(0), batch_size, shuffle, seed, epochs)
        self._arrays_of = arrays_of

    def blocks(self, epoch: int, most_steps: int) -> Iterator[Block]:
        """Yield the batches of an epoch, as `ArrayBatches` does."""
        self._load(self._arrays_of(epoch))
        yield from super().blocks(epoch, most_steps)


class StreamBatches:
    """Batches of a `tf.data.Dataset`, `DataLoader`, `PyDataset` or generator, or of arrays in batches made by Keras.

    A `PyDataset` may have a method `begin_epoch(epoch)`, which is called before the first batch of each epoch.

    Args:
        stream: Source of the batches of each epoch.
        check: Function that validates a batch and returns the batch to train on.
    """

    total = math.inf  # batches of all epochs

    def __init__(self, stream: keras_private.Stream, check: Callable[[Any], tuple]):
        self._stream, self._check = stream, check

    @property
    def num_batches(self) -> int | None:
        """Number of batches per epoch; None if it is unknown until the end of the first epoch."""
        return self._stream.num_batches

    def restart(self) -> None:
        """Start again with the first batch."""
        self._stream.restart()

    def blocks(self, epoch: int, most_steps: int) -> Iterator[Block]:
        """Yield the batches of the next epoch, up to `most_steps` per block, fewer if the stream is slow.

        A thread collects the next block during the steps of the current one, unless `most_steps` is 1.
        """
        gathered = self._gathered(epoch, most_steps)
        if most_steps == 1:
            yield from gathered
            return
        with ThreadPoolExecutor(1) as thread:
            following = thread.submit(next, gathered, None)
            while (block := following.result()) is not None:
                following = thread.submit(next, gathered, None)
                yield block

    def _gathered(self, epoch: int, most_steps: int) -> Iterator[Block]:
        waiting: list[_Flat] = []
        since = time.monotonic()
        for batch in map(self._check, self._stream.epoch(epoch)):
            flat = _flat(batch)
            if waiting and (flat.layout, flat.size) != (waiting[0].layout, waiting[0].size):
                yield _stacked(waiting, most_steps)
                waiting, since = [], time.monotonic()
            waiting.append(flat)
            if len(waiting) == _capacity(flat, most_steps) or time.monotonic() - since > _PATIENCE:
                yield _stacked(waiting, most_steps)
                waiting, since = [], time.monotonic()
        if waiting:
            yield _stacked(waiting, most_steps)


class _Flat(NamedTuple):
    layout: Layout
    arrays: list
    size: int


def _flat(batch) -> _Flat:
    arrays = [_in_keras_precision(array) for array in keras.tree.flatten(batch)]
    return _Flat(Layout(keras.tree.pack_sequence_as(batch, arrays)), arrays, len(arrays[0]))


def _capacity(flat: _Flat, most_steps: int) -> int:
    nbytes = sum(_stored(array).nbytes for array in flat.arrays)
    return max(1, min(most_steps, _STREAMED // max(nbytes, 1)))


def _stacked(batches: list[_Flat], most_steps: int) -> Block:
    """Concatenate batches of one size in a table that has room for the capacity of a block."""
    first, capacity = batches[0], _capacity(batches[0], most_steps)
    if len(batches) == 1:  # often the last batch of an epoch, which has another size
        capacity = 1
    table = []
    for i, array in enumerate(first.arrays):
        rows = np.zeros((capacity * first.size, math.prod(array.shape[1:])), _stored(array).dtype)
        for k, batch in enumerate(batches):
            rows[k * first.size : (k + 1) * first.size] = _stored(batch.arrays[i]).reshape(first.size, -1)
        table.append(backends.to_device(rows))
    return Block(first.layout, table, _consecutive((capacity, first.size)), len(batches), shared=False)


def _consecutive(shape: tuple[int, int]) -> np.ndarray:
    return np.arange(math.prod(shape), dtype="int32").reshape(shape)


def _stored(array) -> np.ndarray:
    """What a table stores of an array: the pixels of an `EightBit`."""
    return array.pixels if isinstance(array, EightBit) else array


def _in_keras_precision(array):
    """Convert floats to Keras's default float type."""
    if isinstance(array, EightBit):
        return array
    array = np.asarray(array)
    return array.astype(keras.config.floatx(), copy=False) if array.dtype.kind == "f" else array


def ordered(x, batch_size: int | None, shuffle: bool | str = False, seed: int | None = None) -> tuple:
    """Apply batch size, shuffling and seed to a data set that supports them, such as `data.stream.PictureStream`.

    Args:
        x: A data set. If it has a method `ordered`, that is called with the other arguments.
        batch_size, shuffle, seed: As for `fit`.

    Returns:
        The data set, and whether it is still to be shuffled.

    Raises:
        ValueError: If a seed is given for a data set that determines its own order.
    """
    if hasattr(x, "ordered"):
        return x.ordered(batch_size, bool(shuffle), seed), False
    if seed is not None:
        raise ValueError(
            "`seed` determines the order of arrays. Received a data set, which determines its own order. "
            "Leave seed out, or pass arrays."
        )
    return x, shuffle


def steps_per_call(num_batches: int | None) -> int:
    """Number of steps per compiled call if no callback uses single batches."""
    if num_batches is None:
        return _UNKNOWN
    return num_batches if num_batches <= _SHORT else num_batches // _UPDATES
