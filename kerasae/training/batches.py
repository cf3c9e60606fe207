"""Batches of arrays and of streams, grouped into blocks of many batches."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import keras
import numpy as np

from kerasae import backends, keras_private
from kerasae.backends.aligned import aligned_zeros
from kerasae.training.blocks import Block, Layout, columns_of, distinct, in_keras_precision, places_of, stored

_RESIDENT = 2**32  # bytes: arrays up to this size stay on the device during `fit`; larger ones are copied in parts
_BUFFER = 2**28  # size of such a part in bytes
_STREAMED = 2**26  # largest size of a block of streamed batches in bytes
_PATIENCE = 0.2  # default of `StreamBatches`
_UPDATES = 20  # smallest number of updates of the progress bar per epoch
_SHORT = 50  # an epoch of at most this many steps is one block
_UNKNOWN = 32  # batches per block if the length of a stream is unknown


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
        self._layout, columns = columns_of(arrays)
        # Two axes only: gathering rows of a matrix compiles to faster code than gathering images.
        table = [stored(array).reshape(len(array), -1) for array in columns]
        size = sum(array.nbytes for array in table)
        self._n = len(table[0])
        self._resident = size <= _RESIDENT
        self._most = sys.maxsize if self._resident else max(1, _BUFFER // (self._batch_size * size // self._n))
        self._table = [backends.to_device(array) for array in table] if self._resident else table

    def restart(self) -> None:
        """Do nothing: every epoch begins with the first row."""

    def blocks(self, epoch: int, most_steps: int) -> Iterator[Block]:
        """Yield the batches of an epoch, up to `most_steps` per block.

        A smaller last batch gets its own block, unless one block holds the whole epoch: in a short epoch, another call
        would take as long as many steps on TensorFlow.
        """
        rng = np.random if self._seed is None else np.random.default_rng([self._seed, epoch])
        order = (rng.permutation if self._shuffle else np.arange)(self._n).astype("int32")
        whole, left = divmod(self._n, self._batch_size)
        batches, rest = order[: self._n - left].reshape(whole, self._batch_size), order[None, self._n - left :]
        if left and self._resident and 0 < whole < most_steps:
            yield Block(self._layout, self._table, batches, whole, rest=rest)
            return
        capacity = min(most_steps, self._most, max(whole, 1))
        for start in range(0, whole, capacity):
            yield self._block(batches[start : start + capacity], capacity)
        if left:
            yield self._block(rest, 1)

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
        patience: Seconds that a block waits for a slow stream. Then it runs, so that the progress bar is updated.
            Infinite for several processes, whose blocks must have equally many batches of the same layout.
    """

    total = math.inf  # batches of all epochs

    def __init__(self, stream: keras_private.Stream, check: Callable[[Any], tuple], patience: float = _PATIENCE):
        self._stream, self._check, self._patience = stream, check, patience
        self._layouts: dict[tuple, Layout] = {}
        # Several processes must have blocks of the same layout, whatever their batches are.
        self._targets_are_inputs = math.isfinite(patience)

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
        distribution = keras.distribution.distribution()  # of this thread; JAX needs it to copy batches to the devices
        with ThreadPoolExecutor(1, "blocks", keras.distribution.set_distribution, (distribution,)) as thread:
            following = thread.submit(next, gathered, None)
            while (block := following.result()) is not None:
                following = thread.submit(next, gathered, None)
                yield block

    def _gathered(self, epoch: int, most_steps: int) -> Iterator[Block]:
        filling, since = None, time.monotonic()
        for batch in map(self._check, map(self._once, self._stream.epoch(epoch))):
            flat = self._flat(batch)
            if filling is not None and not filling.takes(flat):
                yield filling.block()
                filling = None
            if filling is None:
                filling, since = _Filling(flat, most_steps), time.monotonic()
            filling.add(flat)
            if filling.is_full or time.monotonic() - since > self._patience:
                yield filling.block()
                filling = None
        if filling is not None:
            yield filling.block()

    def _once(self, batch):
        """Replace targets that equal the inputs by the inputs, so that they are checked, copied and gathered once.

        After the first batch in which they differ they are no longer compared, so code is compiled at most twice.
        """
        if type(batch) is tuple and len(batch) > 1 and self._targets_are_inputs:
            x, y, *weights = batch
            self._targets_are_inputs = y is x or _are_equal(x, y)
            if self._targets_are_inputs:
                return x, x, *weights
        return batch

    def _flat(self, batch: tuple) -> "_Flat":
        """Layout and arrays of a batch. Layouts are kept: making one takes longer than copying a small batch."""
        if type(batch) is not tuple or not all(type(part) is np.ndarray for part in batch):
            layout, columns = columns_of(batch)
            return _Flat(layout, columns, len(columns[0]))
        signature = (*places_of(batch), *[(part.shape[1:], part.dtype) for part in batch])
        if signature not in self._layouts:
            self._layouts[signature], _ = columns_of(batch)
        columns = [in_keras_precision(array) for array in distinct(batch)]
        return _Flat(self._layouts[signature], columns, len(columns[0]))


class _Flat(NamedTuple):
    layout: Layout
    columns: list
    size: int


class _Filling:
    """A block that is being filled with batches of one layout and size.

    A batch is copied when it arrives, since a generator may yield one array again and again, with new values.
    """

    def __init__(self, first: _Flat, most_steps: int):
        columns = list(map(stored, first.columns))
        nbytes = sum(column.nbytes for column in columns)
        self._layout, self._size, self._steps = first.layout, first.size, 0
        self._capacity = max(1, min(most_steps, _STREAMED // max(nbytes, 1)))
        rows = self._capacity * self._size
        self._table = [aligned_zeros((rows, math.prod(column.shape[1:])), column.dtype) for column in columns]

    def takes(self, flat: _Flat) -> bool:
        """Whether a batch has this block's layout and size."""
        return flat.layout == self._layout and flat.size == self._size

    def add(self, flat: _Flat) -> None:
        """Copy a batch into the block."""
        rows = slice(self._steps * self._size, (self._steps + 1) * self._size)
        for table, column in zip(self._table, flat.columns, strict=True):
            table[rows] = stored(column).reshape(self._size, -1)
        self._steps += 1

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another batch."""
        return self._steps == self._capacity

    def block(self) -> Block:
        """The finished block."""
        capacity = self._capacity if self._steps > 1 else 1  # often the last batch of an epoch, which has another size
        shape = capacity, self._size
        table = [backends.adopt(rows[: math.prod(shape)], self._size) for rows in self._table]
        return Block(self._layout, table, _consecutive(shape), self._steps, shared=False)


def _are_equal(x, y) -> bool:
    return type(x) is type(y) is np.ndarray and x.dtype == y.dtype and np.array_equal(x, y)


def _consecutive(shape: tuple[int, int]) -> np.ndarray:
    return np.arange(math.prod(shape), dtype="int32").reshape(shape)


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
