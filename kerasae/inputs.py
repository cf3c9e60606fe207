"""The input contract: arrays are checked before any compiled code, streamed batches as they pass."""

import types
from collections.abc import Callable

import keras
import numpy as np

# Room for the rounding of float32 arithmetic that should have stayed in the range.
_TOLERANCE = 1e-5


def check_shape(shape, expected: tuple[int, ...], name: str = "x") -> None:
    """Raise ValueError unless `shape` is `(n, *expected)`."""
    shape = tuple(shape)
    if len(shape) == len(expected) + 1 and shape[1:] == expected:
        return
    wanted = f"(n, {', '.join(map(str, expected))})"
    hint = ""
    if shape == expected:
        hint = f" This looks like a single one: add the batch axis, {name}[None]."
    elif expected[-1] == 1 and shape[1:] == expected[:-1]:
        hint = f" The channel axis is missing: {name}[..., None]."
    elif len(shape) == 2 and shape[1] == int(np.prod(expected)):
        hint = f" These look flattened: {name}.reshape(-1, {', '.join(map(str, expected))})."
    raise ValueError(f"{name} must have shape {wanted}. Received shape: {shape}.{hint}")


def check_values(x: np.ndarray, value_range: tuple[float, float] | None, name: str = "x") -> None:
    """Raise ValueError if the array is empty, holds NaN or infinity, or leaves `value_range`."""
    if x.size == 0:
        raise ValueError(f"{name} is empty: expected at least one. Received shape: {x.shape}.")
    low, high = float(x.min()), float(x.max())  # NaN, if there is one, comes through both
    if np.isnan(low) or np.isnan(high):
        bad = int(np.isnan(np.asarray(x, "float32")).sum())
        raise ValueError(f"{name} must hold numbers. Received {bad} NaN among {x.size} values: drop or fill them.")
    if np.isinf(low) or np.isinf(high):
        raise ValueError(f"{name} must be finite. Received infinite values: clip or drop them.")
    if value_range is None:
        return
    if low < value_range[0] - _TOLERANCE or high > value_range[1] + _TOLERANCE:
        hint = f"Scale {name} to the range the model was made for."
        if value_range == (0.0, 1.0) and low >= 0 and 1 < high <= 255:
            hint = f"These look like 8-bit pixels: {name}.astype('float32') / 255."
        raise ValueError(
            f"{name} must lie in [{value_range[0]:g}, {value_range[1]:g}]. "
            f"Received {x.dtype} values from {low:g} to {high:g}. {hint}"
        )


def as_float_array(x, name: str = "x") -> np.ndarray:
    """`x` as a float32 array (other float types stay as they are).

    Raises:
        TypeError: `x` is not numeric.
        ValueError: `x` is a list that makes no array.
    """
    try:
        array = np.asarray(keras.ops.convert_to_numpy(x) if keras.ops.is_tensor(x) else x)
    except ValueError as error:  # lists of unequal lengths
        raise ValueError(f"{name} must be an array, all of whose rows have one shape. {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must be an array of numbers. Received: {type(x).__name__} of dtype {array.dtype}. "
            "Load files into arrays first, for example with np.load or keras.utils.load_img."
        )
    return array if array.dtype.kind == "f" else array.astype("float32")


def checked_array(x, shape: tuple[int, ...], value_range, name: str = "x") -> np.ndarray:
    """`x` as a float array of shape `(n, *shape)` within `value_range`, or an error that says what is wrong."""
    array = as_float_array(x, name)
    check_shape(array.shape, shape, name)
    check_values(array if np.asarray(x).dtype.kind == "f" else np.asarray(x), value_range, name)
    return array


def check_sample_weight(sample_weight, n: int) -> None:
    """Raise ValueError unless there is one finite weight, not negative, for each of `n` inputs."""
    weights = as_float_array(sample_weight, "sample_weight")
    if weights.shape not in ((n,), (n, 1)):
        raise ValueError(f"sample_weight must be one number for each input, shape ({n},). Received: {weights.shape}.")
    if not np.all(np.isfinite(weights)) or weights.min() < 0:
        raise ValueError("sample_weight must be finite and not negative.")


def is_array(x) -> bool:
    """Whether Keras would slice `x` into batches itself (arrays, tensors, lists; not data sets)."""
    arrays = (np.ndarray, list, tuple, int, float, str)
    return isinstance(x, arrays) or keras.ops.is_tensor(x) or hasattr(x, "__array__")


class Stream:
    """A source of batches, each checked on the host as it passes.

    Keras tells sources apart by their type, so each kind is wrapped in its own: `source` is what to
    give to Keras in its place. TensorFlow turns an exception raised inside `tf.data` into its own
    kind of error; `error` keeps the original, for the caller to raise.

    Args:
        source: A `tf.data.Dataset`, torch `DataLoader`, `keras.utils.PyDataset`, generator or
            anything else that Keras takes (which is handed on unchecked).
        check: Called with every batch: `x`, `(x, y)` or `(x, y, sample_weight)`.
    """

    def __init__(self, source, check: Callable):
        self.error: Exception | None = None
        self._check = check
        self.source = self._wrap(source)

    def _checked(self, batch):
        try:
            self._check(batch)
        except (TypeError, ValueError) as error:
            self.error = error
            raise
        return batch

    def _wrap(self, source):
        kind = type(source).__module__.partition(".")[0]
        if isinstance(source, keras.utils.PyDataset):
            return _CheckedPyDataset(source, self._checked)
        if isinstance(source, types.GeneratorType):
            return (self._checked(batch) for batch in source)
        if kind == "tensorflow" and hasattr(source, "element_spec"):
            return self._wrap_tf(source)
        if hasattr(source, "collate_fn"):
            return self._wrap_torch(source)
        return source

    def _wrap_torch(self, loader):
        import copy

        loader = copy.copy(loader)
        collate = loader.collate_fn
        loader.collate_fn = lambda samples: self._checked(collate(samples))
        return loader

    def _wrap_tf(self, dataset):
        import tensorflow as tf

        def check(*batch):
            self._checked(tuple(part.numpy() for part in batch))
            return True

        def checked(*batch):
            with tf.control_dependencies([tf.py_function(check, list(batch), Tout=tf.bool)]):
                return tf.nest.map_structure(tf.identity, batch if len(batch) > 1 else batch[0])

        return dataset.map(checked)


class _CheckedPyDataset(keras.utils.PyDataset):
    """A PyDataset that hands on another's batches after checking each."""

    def __init__(self, dataset, check):
        super().__init__(
            workers=dataset.workers,
            use_multiprocessing=dataset.use_multiprocessing,
            max_queue_size=dataset.max_queue_size,
        )
        self._dataset = dataset
        self._check = check

    def __getitem__(self, index):
        return self._check(self._dataset[index])

    @property
    def num_batches(self):
        return self._dataset.num_batches

    def on_epoch_begin(self):
        self._dataset.on_epoch_begin()

    def on_epoch_end(self):
        self._dataset.on_epoch_end()
