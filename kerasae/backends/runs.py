"""Runs: many steps of `fit` in one call, over arrays that stay on the device."""

import contextlib
import itertools
import math
import operator
import sys

import keras
import numpy as np

_UPDATES = 20  # of the progress bar in an epoch, at least
_SHORT = 50  # an epoch of no more steps is one call: the bar would only flicker
_RESIDENT = 2**32  # bytes of arrays that stay on the device for a whole fit; of larger ones, parts go there
_BUFFER = 2**28  # bytes of such a part
_HOOKS = [f"on_{kind}batch_{end}" for kind in ("", "train_", "test_") for end in ("begin", "end")]


class Rows(keras.callbacks.Callback):
    """The arrays that a `fit` trains on, and the order in which an epoch's steps take their rows.

    Args:
        arrays: `x`, `(x, y)` or `(x, y, sample_weight)`: arrays, or dicts of arrays, of `n` rows.
        batch_size: The last batch of an epoch holds what is left.
        on_device: Makes a NumPy array a tensor.
        shuffle: Whether each epoch has an order of its own.
        seed: Makes that order a function of `(seed, epoch)`; without, it is what NumPy's generator gives next.
        epochs: How many there will be, at most.

    Attributes:
        steps: Of an epoch.
        total: Of all epochs.
        first: The first row of each array.
    """

    def __init__(
        self, arrays, batch_size: int, on_device, shuffle: bool = False, seed: int | None = None, epochs: int = 1
    ):
        super().__init__()
        flat = [_for_keras(array) for array in keras.tree.flatten(arrays)]
        self.first = keras.tree.pack_sequence_as(arrays, [array[:1] for array in flat])
        self._n, size = len(flat[0]), sum(array.nbytes for array in flat)
        self._batch_size, self._shuffle, self._seed, self._on_device = batch_size, shuffle, seed, on_device
        self._resident = size <= _RESIDENT
        self._most = sys.maxsize if self._resident else max(1, _BUFFER // (batch_size * size // self._n))
        # Without the images' axes: compilers make slower code of taking images than of taking rows.
        table = [array.reshape(len(array), -1) for array in flat]
        self._table = list(map(on_device, table)) if self._resident else table
        self.steps = math.ceil(self._n / batch_size)
        self.total = self.steps * epochs

    def data(self, table, rows, gather=operator.getitem):
        """The batch, nested and shaped as `arrays` are, of these rows `(n,)` of a table."""
        shapes = [array.shape[1:] for array in keras.tree.flatten(self.first)]
        batch = [
            keras.ops.reshape(gather(array, rows), (-1, *shape)) for array, shape in zip(table, shapes, strict=True)
        ]
        return keras.tree.pack_sequence_as(self.first, batch)

    def on_epoch_begin(self, epoch, logs=None):
        rng = np.random if self._seed is None else np.random.default_rng([self._seed, epoch])
        self._order = (rng.permutation if self._shuffle else np.arange)(self._n).astype("int32")
        self._taken = 0

    def take(self, steps: int):
        """The data of the next so many steps, in as few parts as can be.

        Yields:
            A table, which is a list of tensors on the device; its rows that make up each batch, for
            `data`, `(most steps, batch)`, int32; how many of these batches are meant. Batches of one size
            come in arrays of one length, so that compiled code fits all of them; what is left at the
            end of an epoch comes alone.
        """
        while steps > 0 and self._taken < self._n:
            length = min(steps, self._most)
            rows = self._order[self._taken :][: length * self._batch_size]
            whole = len(rows) // self._batch_size
            if whole:
                batches = np.zeros((length, self._batch_size), "int32")
                batches[:whole] = rows[: whole * self._batch_size].reshape(whole, -1)
                yield *self._data(batches), whole
            if whole * self._batch_size < len(rows):
                yield *self._data(rows[None, whole * self._batch_size :]), 1
            self._taken += len(rows)
            steps -= length

    def _data(self, batches):
        if self._resident:
            return self._table, batches
        chosen = [self._on_device(array[batches.ravel()]) for array in self._table]
        return chosen, np.arange(batches.size, dtype="int32").reshape(batches.shape)

    @contextlib.contextmanager
    def among(self, callbacks):
        """The callbacks, and this one, which must hear of epochs."""
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            yield [self, *keras.tree.flatten(callbacks or [])]
            return
        callbacks.append(self)
        try:
            yield callbacks
        finally:
            callbacks.callbacks.remove(self)


class OverRows:
    """What the backends' `Steps` share: functions that take rows where there are any, else Keras's own.

    A subclass gives the functions, `_train_run()` and `_test_run()`.
    """

    takes_rows = True

    def make_train_function(self, force=False):
        if self._rows is None:
            super().make_train_function(force)  # type: ignore[misc]
        elif self.train_function is None or force:  # type: ignore[has-type]
            self.train_function = self._train_run()

    def make_test_function(self, force=False):
        if self._rows is None:
            super().make_test_function(force)  # type: ignore[misc]
        elif self.test_function is None or force:  # type: ignore[has-type]
            self.test_function = self._test_run()


def convolves(model) -> bool:
    """Whether a model has convolutions, which compilers for CPU treat in their own ways."""
    convolution = keras.layers.Conv2D.__base__
    return any(isinstance(layer, convolution) for layer in model._flatten_layers())


def nothing():
    """What Keras is given for data where it is only to count steps: a batch of nothing, again and again."""
    return ((np.zeros((1, 1)),) for _ in itertools.count())


def split(arrays, validation_split: float):
    """The first rows and the last, for training and validation, as Keras splits them.

    Raises:
        ValueError: One of the two would be empty.
    """
    n = len(keras.tree.flatten(arrays)[0])
    first = math.floor(n * (1.0 - validation_split))
    if not 0 < first < n:
        raise ValueError(
            f"validation_split must leave something to train and to validate on. Received: {validation_split} of {n}."
        )
    return tuple(
        keras.tree.map_structure(lambda array, part=part: array[part], arrays)
        for part in (slice(first), slice(first, None))
    )


def _for_keras(array):
    """Floats in the precision that Keras works in."""
    array = np.asarray(array)
    return array.astype(keras.config.floatx(), copy=False) if array.dtype.kind == "f" else array


def steps_a_call(steps: int, callbacks) -> int:
    """The number of steps between which nobody looks at the model.

    Args:
        steps: Of an epoch.
        callbacks: As `fit` takes them. One that is called at every batch gets single steps.
    """
    if any(map(_looks_at_batches, keras.tree.flatten(callbacks or []))):
        return 1
    return steps if steps <= _SHORT else steps // _UPDATES


def _looks_at_batches(callback) -> bool:
    if isinstance(callback, keras.callbacks.CallbackList):
        return any(map(_looks_at_batches, callback.callbacks))
    if isinstance(callback, (keras.callbacks.ProgbarLogger, keras.callbacks.History)):
        return False
    if getattr(callback, "save_freq", None) == "epoch":  # Keras's checkpoints, which hook batches in any case
        return False
    return any(_own(callback, hook) for hook in _HOOKS)


def _own(callback, hook: str) -> bool:
    """Whether a callback does something at this hook (LambdaCallback sets it on the instance)."""
    return hook in vars(callback) or getattr(type(callback), hook) is not getattr(keras.callbacks.Callback, hook)
