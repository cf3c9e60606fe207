"""Blocks of several batches, and the layout of a batch.

A block has a table of rows on the device and, for each of its batches, the indices of its rows. One compiled call runs
the steps of a whole block.
"""

import operator
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np

from kerasae.eight_bit import EightBit


class Layout:
    """Nesting, shapes and dtypes of a batch `x`, `(x, y)` or `(x, y, sample_weight)`. Equal layouts compare equal.

    `EightBit` arrays are 8-bit pixels in a table, and are converted to floats when a batch is gathered.

    If an array occurs twice in a batch, as in `(x, x)`, a table has it once.

    Args:
        batch: Nested arrays `(n, ...)`, an example of a batch.
    """

    def __init__(self, batch):
        flat = keras.tree.flatten(batch)
        self._structure = keras.tree.map_structure(lambda _: 0, batch)
        self._places = places_of(flat)
        columns = distinct(flat)
        self._shapes = [tuple(array.shape[1:]) for array in columns]
        self._dtypes = [str(array.dtype) for array in columns]
        self._are_pixels = [isinstance(array, EightBit) for array in columns]
        self._key = str(self._structure), *self._places, *self._shapes, *self._dtypes, *self._are_pixels

    def example(self):
        """Make a batch of one image of zeros, to build objects whose variables depend on shapes."""
        return self._nested(
            [np.zeros((1, *shape), kind) for shape, kind in zip(self._shapes, self._dtypes, strict=True)]
        )

    def batch(self, table, rows, gather: Callable = operator.getitem, reshape: Callable = keras.ops.reshape):
        """Gather the rows `(n,)` of a table and restore nesting and shapes."""
        columns = [reshape(gather(array, rows), (-1, *shape)) for array, shape in zip(table, self._shapes, strict=True)]
        for i in np.flatnonzero(self._are_pixels):
            columns[i] = keras.ops.cast(columns[i], self._dtypes[i]) / 255
        return self._nested(columns)

    def _nested(self, columns: list):
        return keras.tree.pack_sequence_as(self._structure, [columns[place] for place in self._places])

    def __eq__(self, other):
        return isinstance(other, Layout) and self._key == other._key

    def __hash__(self):
        return hash(self._key)


class Block(NamedTuple):
    """Data of several steps.

    Attributes:
        layout: Layout of every batch.
        table: Tensors `(rows, values)` on the device, one per distinct array of a batch.
        batches: Indices of the rows of each batch, int32 `(capacity, batch size)`. Blocks of one batch size have the
            same capacity, so they share compiled code.
        steps: Number of these batches that are used; the others are padding.
        shared: Whether all processes that train the model have the same block. If not, each has its own stream.
        rest: Indices of the rows of a smaller last batch of the epoch, int32 `(1, rows)`, or `(0, 0)` without one.
    """

    layout: Layout
    table: list
    batches: np.ndarray
    steps: int
    shared: bool = True
    rest: np.ndarray = np.zeros((0, 0), "int32")

    @property
    def kind(self):
        """Everything about the block that compiled code depends on."""
        shapes = tuple(tuple(array.shape) for array in (*self.table, self.batches, self.rest))
        return self.layout, shapes, self.shared

    @property
    def parts(self) -> list[np.ndarray]:
        """Indices of all batches, those of one size together: the used `batches`, and `rest` if there is one."""
        return [self.batches[: self.steps], self.rest][: 1 + len(self.rest)]

    @property
    def total(self) -> int:
        """Number of steps, one per batch."""
        return self.steps + len(self.rest)


def columns_of(batch) -> tuple[Layout, list]:
    """Layout of nested arrays, and the arrays of which a table is made."""
    flat = keras.tree.flatten(batch)
    columns = [in_keras_precision(array) for array in distinct(flat)]
    return Layout(keras.tree.pack_sequence_as(batch, [columns[place] for place in places_of(flat)])), columns


def places_of(arrays) -> list[int]:
    """For each array, its place among the distinct ones."""
    places: dict[int, int] = {}
    return [places.setdefault(id(array), len(places)) for array in arrays]


def distinct(arrays) -> list:
    """The arrays without repetitions."""
    return list({id(array): array for array in arrays}.values())


def stored(array) -> np.ndarray:
    """What a table stores of an array: the pixels of an `EightBit`."""
    return array.pixels if isinstance(array, EightBit) else array


def in_keras_precision(array):
    """Convert floats to Keras's default float type."""
    if isinstance(array, EightBit):
        return array
    array = np.asarray(array)
    return array.astype(keras.config.floatx(), copy=False) if array.dtype.kind == "f" else array
