"""The input contract: arrays are checked before any compiled code, streamed batches as they pass."""

import copy
import math
import types

import keras
import numpy as np

# Room for the rounding of float32 arithmetic that should have stayed in the range.
_TOLERANCE = 1e-5


def is_tensor(x) -> bool:
    """Whether `x` is a tensor of the backend and no array: on the NumPy backend Keras takes these for tensors, too."""
    return keras.ops.is_tensor(x) and not isinstance(x, np.ndarray)


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
    elif len(shape) == 2 and shape[1] == math.prod(expected):
        hint = f" These look flattened: {name}.reshape(-1, {', '.join(map(str, expected))})."
    raise ValueError(f"{name} must have shape {wanted}. Received shape: {shape}.{hint}")


def check_values(x: np.ndarray, value_range: tuple[float, float] | None, name: str = "x", dtype=None) -> None:
    """Raise ValueError if the array is empty, holds NaN or infinity, or leaves `value_range`."""
    if x.size == 0:
        raise ValueError(f"{name} is empty: expected at least one. Received shape: {x.shape}.")
    low, high = float(x.min()), float(x.max())  # NaN, if there is one, comes through both
    if math.isnan(low) or math.isnan(high):
        bad = int(np.isnan(np.asarray(x, "float32")).sum())
        raise ValueError(f"{name} must hold numbers. Received {bad} NaN among {x.size} values: drop or fill them.")
    if math.isinf(low) or math.isinf(high):
        raise ValueError(f"{name} must be finite. Received infinite values: clip or drop them.")
    if value_range is None:
        return
    if low < value_range[0] - _TOLERANCE or high > value_range[1] + _TOLERANCE:
        hint = f"Scale {name} to the range the model was made for."
        if value_range == (0.0, 1.0) and low >= 0 and 1 < high <= 255:
            hint = f"These look like 8-bit pixels: {name}.astype('float32') / 255."
        raise ValueError(
            f"{name} must lie in [{value_range[0]:g}, {value_range[1]:g}]. "
            f"Received {dtype or x.dtype} values from {low:g} to {high:g}. {hint}"
        )


def as_float_array(x, name: str = "x") -> np.ndarray:
    """`x` as a float32 array (other float types stay as they are).

    Raises:
        TypeError: `x` is not numeric.
        ValueError: `x` is a list that makes no array.
    """
    if type(x) is np.ndarray and x.dtype == np.float32:
        return x  # as most are: what follows takes its time
    try:
        array = np.asarray(keras.ops.convert_to_numpy(x) if keras.ops.is_tensor(x) else x)
    except ValueError as error:  # lists of unequal lengths
        raise ValueError(f"{name} must be an array, all of whose rows have one shape. {error}") from None
    if array.dtype.name.startswith(("bfloat", "float8")):  # of reduced precision, which NumPy itself doesn't have
        array = array.astype("float32")
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
    check_values(array, value_range, name, getattr(x, "dtype", None))
    return array


def check_sample_weight(sample_weight, n: int) -> None:
    """Raise ValueError unless there is one finite weight, not negative, for each of `n` inputs."""
    weights = as_float_array(sample_weight, "sample_weight")
    if weights.shape not in ((n,), (n, 1)):
        raise ValueError(f"sample_weight must be one number for each input, shape ({n},). Received: {weights.shape}.")
    if not np.all(np.isfinite(weights)) or weights.min() < 0:
        raise ValueError("sample_weight must be finite and not negative.")


class Door:
    """Lets a model's inputs in: arrays are checked at once, the batches of a stream as they pass.

    Used as a context manager around the call that consumes them: TensorFlow turns an exception
    raised inside `tf.data` into an error of its own, and leaving the context raises the original.

    Args:
        model: Has `data_shape`; `checked(x, y)`, which gives whole arrays or one batch (`y` may be
            None) as float arrays, or raises; `target(x, y)`, what x is to be turned into; and `remember()`
            and `recover(remembered)`, called when the context is entered, and left by an exception.
    """

    def __init__(self, model):
        self._model = model
        self._error: Exception | None = None

    def __enter__(self):
        self._remembered = self._model.remember()
        return self

    def __exit__(self, kind, error, traceback):
        if error is None:
            return
        self._model.recover(self._remembered)
        if self._error is not None and error is not self._error:
            raise self._error from None

    def admit(self, x, y=None, sample_weight=None):
        """What to give to Keras for `x` and `y`.

        Args:
            x: An array, or a source of batches: a `tf.data.Dataset`, torch `DataLoader`,
                `keras.utils.PyDataset` or generator (anything else is handed on unchecked).
            y, sample_weight: As for `fit`.

        Raises:
            ValueError, TypeError: The arrays break the contract.
        """
        if x is None:
            raise ValueError("x is missing: pass an array, or a data set that yields batches.")
        if not is_array(x):
            return self._wrap(x), y
        x, y = self._model.checked(x, y)
        if sample_weight is not None:
            y = self._model.target(x, y)  # Keras drops the weights of a batch without targets
            check_sample_weight(sample_weight, len(y))
        return x, y

    def admit_validation(self, validation_data):
        """The same for what `fit` takes as `validation_data`: a source, `x`, `(x, y)` or `(x, y, sample_weight)`."""
        if validation_data is None:
            return None
        if not isinstance(validation_data, (tuple, list)):
            x, _ = self.admit(validation_data)
            return (x, self._model.target(x, None)) if is_array(x) else x
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(tuple(validation_data))
        x, y = self.admit(x, y, sample_weight)
        return keras.utils.pack_x_y_sample_weight(x, self._model.target(x, y), sample_weight)

    def _checked(self, batch):
        """A batch as it came, unless it has weights and no targets: these Keras would forget or fail on."""
        try:
            x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
            self._model.checked(x, y)
        except (TypeError, ValueError) as error:
            self._error = error
            raise
        return batch if y is not None or sample_weight is None else (x, self._model.target(x, y), sample_weight)

    def _wrap(self, source):
        """The source with its batches checked, still of its own type: Keras tells sources apart by that."""
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
        check = self._checked

        class CheckedDataLoader(type(loader)):  # type: ignore[misc]  # Keras knows it by its base class
            """Checks in this process, so that nothing but the data set goes to the loader's workers."""

            def __iter__(self):
                return map(check, super().__iter__())

        loader = copy.copy(loader)
        loader.__class__ = CheckedDataLoader
        return loader

    def _wrap_tf(self, dataset):
        import tensorflow as tf

        # Before TensorFlow builds a graph for the shape, and fails in its own words.
        first = dataset.element_spec
        first = first[0] if isinstance(first, tuple) else first
        if isinstance(first, tf.TensorSpec) and first.shape.rank is not None:
            check_shape(first.shape, self._model.data_shape)

        def checked(*batch):
            def check(*present):
                parts = iter(present)
                self._checked(tf.nest.map_structure(lambda part: None if part is None else next(parts).numpy(), batch))
                return True

            present = [part for part in tf.nest.flatten(batch) if part is not None]
            done = tf.py_function(check, present, Tout=tf.bool)
            with tf.control_dependencies([done]):
                batch = tf.nest.map_structure(lambda part: None if part is None else tf.identity(part), batch)
            return batch if len(batch) > 1 else batch[0]

        return dataset.map(checked)


def is_array(x) -> bool:
    """Whether Keras would slice `x` into batches itself (arrays, tensors, lists, dicts; not data sets)."""
    arrays = (np.ndarray, list, tuple, dict, int, float, str)
    return isinstance(x, arrays) or keras.ops.is_tensor(x) or hasattr(x, "__array__")


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
