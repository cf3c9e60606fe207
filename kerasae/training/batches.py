"""Batches: from arrays that stay on the device, and from streams, both in blocks of many batches.

A block is a table of rows on the device and, for each of its batches, which rows it takes. One
compiled call makes the steps of a whole block.
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

_RESIDENT = 2**32  # bytes of arrays that stay on the device for a whole fit; of larger ones, parts are copied
_BUFFER = 2**28  # bytes of such a part
_STREAMED = 2**26  # bytes of a block of streamed batches
_PATIENCE = 0.2  # seconds that a block waits for a slow stream, so that the progress bar keeps moving
_UPDATES = 20  # of the progress bar per epoch, at least
_SHORT = 50  # an epoch of no more steps is one block: the bar would only flicker
_UNKNOWN = 32  # batches per block of a stream whose length is not known


class Layout:
    """How a batch is nested and shaped, `x`, `(x, y)` or `(x, y, sample_weight)`; compares and hashes by that.

    Args:
        batch: Nested arrays `(n, ...)`, as in every batch of this layout.
    """

    def __init__(self, batch):
        flat = keras.tree.flatten(batch)
        self._structure = keras.tree.map_structure(lambda _: 0, batch)
        self._shapes = [tuple(array.shape[1:]) for array in flat]
        self._dtypes = [str(array.dtype) for array in flat]
        self._key = str(self._structure), *self._shapes, *self._dtypes

    def example(self):
        """A batch of one image, all zeros, for building what depends on shapes."""
        flat = [np.zeros((1, *shape), dtype) for shape, dtype in zip(self._shapes, self._dtypes, strict=True)]
        return keras.tree.pack_sequence_as(self._structure, flat)

    def batch(self, table, rows, gather: Callable = operator.getitem, reshape: Callable = keras.ops.reshape):
        """The batch of these rows `(n,)` of a table, nested and shaped as the layout says."""
        flat = [reshape(gather(array, rows), (-1, *shape)) for array, shape in zip(table, self._shapes, strict=True)]
        return keras.tree.pack_sequence_as(self._structure, flat)

    def __eq__(self, other):
        return isinstance(other, Layout) and self._key == other._key

    def __hash__(self):
        return hash(self._key)


class Block(NamedTuple):
    """The data of several steps.

    Attributes:
        layout: Layout of every batch.
        table: Tensors `(rows, values)` on the device, one for each array of a batch.
        batches: Rows that make up each batch, int32 `(capacity, batch size)`. Blocks of one batch size have one
            capacity, so that compiled code fits all of them.
        steps: How many of these batches are meant.
        shared: Whether every process that trains the model has this block. Else each has a stream of its own.
    """

    layout: Layout
    table: list
    batches: np.ndarray
    steps: int
    shared: bool = True

    @property
    def kind(self):
        """What compiled code depends on."""
        return self.layout, self.batches.shape, tuple(tuple(array.shape) for array in self.table), self.shared


class ArrayBatches:
    """Batches of arrays that stay on the device.

    Args:
        arrays: `x`, `(x, y)` or `(x, y, sample_weight)`: arrays, or dicts of arrays, of `n` rows.
        batch_size: Images per batch; the last one of an epoch holds the rest.
        shuffle: Whether each epoch has an order of its own.
        seed: Makes that order a function of `(seed, epoch)`; without, NumPy's global generator decides.
        epochs: Epochs that the batches are for, at most.

    Attributes:
        num_batches: Batches per epoch.
        total: Batches of all epochs.
    """

    def __init__(self, arrays, batch_size: int, shuffle: bool = False, seed: int | None = None, epochs: int = 1):
        flat = [_in_keras_precision(array) for array in keras.tree.flatten(arrays)]
        size = sum(array.nbytes for array in flat)
        self._layout = Layout(keras.tree.pack_sequence_as(arrays, flat))
        self._n, self._batch_size, self._shuffle, self._seed = len(flat[0]), batch_size, shuffle, seed
        self._resident = size <= _RESIDENT
        self._most = sys.maxsize if self._resident else max(1, _BUFFER // (batch_size * size // self._n))
        # Without the images' axes: compilers make slower code for taking images than for taking rows.
        table = [array.reshape(len(array), -1) for array in flat]
        self._table = [backends.to_device(array) for array in table] if self._resident else table
        self.num_batches: int | None = math.ceil(self._n / batch_size)
        self.total: float = self.num_batches * epochs

    def restart(self) -> None:
        """Nothing to do: every epoch begins with the first row of its order."""

    def blocks(self, epoch: int, most_steps: int) -> Iterator[Block]:
        """The batches of an epoch, up to `most_steps` per block. A smaller last batch is a block of its own."""
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


class StreamBatches:
    """Batches of a `tf.data.Dataset`, `DataLoader`, `PyDataset`, generator, or of arrays in an order of Keras's.

    A `PyDataset` may have a method `begin_epoch(epoch)`, which is called before the first batch of each epoch.

    Args:
        stream: Gives the batches of each epoch.
        check: Function of a batch that gives the batch to train on, or raises.
    """

    total = math.inf  # batches of all epochs

    def __init__(self, stream: keras_private.Stream, check: Callable[[Any], tuple]):
        self._stream, self._check = stream, check

    @property
    def num_batches(self) -> int | None:
        """Batches per epoch; None where only the end of the first epoch will tell."""
        return self._stream.num_batches

    def restart(self) -> None:
        """Begin anew with the first batch."""
        self._stream.restart()

    def blocks(self, epoch: int, most_steps: int) -> Iterator[Block]:
        """The batches of the next epoch, up to `most_steps` per block, fewer if the stream is slow.

        A thread gathers the next block while the steps of one are made, unless somebody looks at each batch.
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
    nbytes = sum(array.nbytes for array in flat.arrays)
    return max(1, min(most_steps, _STREAMED // max(nbytes, 1)))


def _stacked(batches: list[_Flat], most_steps: int) -> Block:
    """Batches of one size, one after the other in a table with room for as many as a block can have."""
    first, capacity = batches[0], _capacity(batches[0], most_steps)
    if len(batches) == 1:  # as the last batch of an epoch often is: a size of its own
        capacity = 1
    table = []
    for i, array in enumerate(first.arrays):
        rows = np.zeros((capacity * first.size, math.prod(array.shape[1:])), array.dtype)
        for k, batch in enumerate(batches):
            rows[k * first.size : (k + 1) * first.size] = batch.arrays[i].reshape(first.size, -1)
        table.append(backends.to_device(rows))
    return Block(first.layout, table, _consecutive((capacity, first.size)), len(batches), shared=False)


def _consecutive(shape: tuple[int, int]) -> np.ndarray:
    return np.arange(math.prod(shape), dtype="int32").reshape(shape)


def _in_keras_precision(array) -> np.ndarray:
    """Floats in the precision that Keras works in."""
    array = np.asarray(array)
    return array.astype(keras.config.floatx(), copy=False) if array.dtype.kind == "f" else array


def split(arrays, validation_split: float):
    """The first rows and the last, for training and validation, as Keras splits them.

    Raises:
        ValueError: One of the two would be empty.
    """
    n = len(keras.tree.flatten(arrays)[0])
    first = math.floor(n * (1.0 - validation_split))
    if not 0 < first < n:
        raise ValueError(
            f"`validation_split` must leave images to train on and images to validate on. "
            f"Received {validation_split} with {n} images. Give a fraction between 0 and 1, or more images."
        )
    return tuple(
        keras.tree.map_structure(lambda array, part=part: array[part], arrays)
        for part in (slice(first), slice(first, None))
    )


def ordered(x, batch_size: int | None, shuffle: bool | str = False, seed: int | None = None) -> tuple:
    """A data set in the batches that are asked for, if it makes batches of any size and order; else as it is.

    Args:
        x: A data set. Its method `ordered`, if it has one, takes the other arguments.
        batch_size, shuffle, seed: As for `fit`.

    Returns:
        The data set, and whether it is still to be shuffled.

    Raises:
        ValueError: A seed for a data set with an order of its own.
    """
    if hasattr(x, "ordered"):
        return x.ordered(batch_size, bool(shuffle), seed), False
    if seed is not None:
        raise ValueError(
            "`seed` orders the batches of arrays. Received a data set with an order of its own. "
            "Leave seed out, or pass arrays."
        )
    return x, shuffle


def steps_per_call(num_batches: int | None) -> int:
    """How many steps to make in one call where nobody looks at the model between them."""
    if num_batches is None:
        return _UNKNOWN
    return num_batches if num_batches <= _SHORT else num_batches // _UPDATES
