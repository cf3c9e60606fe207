"""Validation of inputs: arrays before any compiled code runs, batches of streams as they arrive."""

import functools
import math

import keras
import numpy as np

from kerasae.eight_bit import EightBit

# Tolerance for values that leave the range by float32 rounding.
_TOLERANCE = 1e-5


def is_tensor(x) -> bool:
    """Whether `x` is a tensor and not a NumPy array, which Keras calls a tensor on its NumPy backend."""
    return keras.ops.is_tensor(x) and not isinstance(x, np.ndarray)


def check_shape(shape, expected: tuple[int, ...], name: str = "x") -> None:
    """Raise ValueError unless `shape` is `(n, *expected)`."""
    shape = tuple(shape)
    if len(shape) == len(expected) + 1 and shape[1:] == expected:
        return
    wanted = f"(n, {', '.join(map(str, expected))})"
    hint = ""
    if shape == expected:
        hint = f" This looks like a single input: add a batch axis with {name}[None]."
    elif expected[-1] == 1 and shape[1:] == expected[:-1]:
        hint = f" The channel axis is missing: {name}[..., None]."
    elif len(shape) == 2 and shape[1] == math.prod(expected):
        hint = f" These look flattened: {name}.reshape(-1, {', '.join(map(str, expected))})."
    raise ValueError(f"{name} must have shape {wanted}. Received shape: {shape}.{hint}")


def has_valid_values(x: np.ndarray, value_range: tuple[float, float] | None) -> bool:
    """Whether all values are finite and in `value_range`, up to rounding."""
    if value_range is not None and value_range[0] == 0 and x.dtype == np.float32:
        # Read as integers, floats from 0 up to a number are those up to its bits: negative numbers, infinity and NaN
        # are larger. This reads the array once.
        largest = np.maximum.reduce(x.view(np.uint32), axis=None)
        if largest <= _bits(value_range[1] + _TOLERANCE):
            return True
    low, high = np.minimum.reduce(x, axis=None), np.maximum.reduce(x, axis=None)  # both are NaN if any value is
    if value_range is None:
        return math.isfinite(low) and math.isfinite(high)
    return bool(low >= value_range[0] - _TOLERANCE and high <= value_range[1] + _TOLERANCE)


@functools.cache
def _bits(number: float) -> np.uint32:
    """The bits of a 32-bit float."""
    return np.float32(number).view(np.uint32)


def check_values(x: np.ndarray, value_range: tuple[float, float] | None, name: str = "x", dtype=None) -> None:
    """Raise ValueError if the array is empty, has NaN or infinity, or leaves `value_range`."""
    check_not_empty(x, name)
    if has_valid_values(x, value_range):
        return
    low, high = float(x.min()), float(x.max())
    if math.isnan(low) or math.isnan(high):
        bad = int(np.isnan(np.asarray(x, "float32")).sum())
        raise ValueError(f"{name} must not contain NaN. Received {bad} NaN among {x.size} values. Drop or fill them.")
    if math.isinf(low) or math.isinf(high):
        raise ValueError(f"{name} must be finite. Received infinite values. Clip or drop them.")
    assert value_range is not None
    hint = f"Scale {name} to the range the model was made for."
    if value_range == (0.0, 1.0) and low >= 0 and 1 < high <= 255:
        hint = f"These look like 8-bit pixels: {name}.astype('float32') / 255."
    raise ValueError(
        f"{name} must lie in [{value_range[0]:g}, {value_range[1]:g}]. "
        f"Received {dtype or x.dtype} values from {low:g} to {high:g}. {hint}"
    )


def check_part(part, x, value_range, name: str, dtype) -> None:
    """Raise the error of `check_values(x, ...)` if a part of `x` has invalid values."""
    if not isinstance(part, EightBit) and not has_valid_values(part, value_range):
        check_values(x, value_range, name, dtype)


def check_not_empty(x, name: str = "x") -> None:
    """Raise ValueError if an array has no values."""
    if x.size == 0:
        raise ValueError(f"{name} must not be empty. Received shape: {x.shape}.")


def as_float_array(x, name: str = "x") -> np.ndarray:
    """Convert `x` to a float32 array. Other float types are kept.

    Raises:
        TypeError: If `x` is not numeric.
        ValueError: If `x` is a list of rows of different shapes.
    """
    if type(x) is np.ndarray and x.dtype == np.float32:
        return x  # the usual case, without the slow conversions below
    try:
        array = np.asarray(keras.ops.convert_to_numpy(x) if keras.ops.is_tensor(x) else x)
    except ValueError as error:  # lists of unequal lengths
        raise ValueError(f"{name} must be an array whose rows have the same shape. {error}") from None
    if array.dtype.name.startswith(("bfloat", "float8")):  # types of reduced precision that NumPy does not have
        array = array.astype("float32")
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must be an array of numbers. Received: {type(x).__name__} of dtype {array.dtype}. "
            "Load files into arrays first, for example with np.load or keras.utils.load_img."
        )
    return array if array.dtype.kind == "f" else array.astype("float32")


def checked_array(x, shape: tuple[int, ...], value_range, name: str = "x"):
    """Validate `x` and return it as a float array, or an `EightBit`, of shape `(n, *shape)` within `value_range`."""
    array = checked_shape(x, shape, value_range, name)
    if not isinstance(array, EightBit):
        check_values(array, value_range, name, getattr(x, "dtype", None))
    return array


def checked_shape(x, shape: tuple[int, ...], value_range, name: str = "x"):
    """As `checked_array`, without reading the values of a float array."""
    if isinstance(x, EightBit):
        if value_range is not None and value_range != (0.0, 1.0):
            raise ValueError(
                f"An EightBit array stands for values from 0 to 1, and {name} must lie in [{value_range[0]:g}, "
                f"{value_range[1]:g}]. Pass an array of floats in that range."
            )
    else:
        x = as_float_array(x, name)
    check_shape(x.shape, shape, name)
    check_not_empty(x, name)
    return x


def check_sample_weight(sample_weight, n: int) -> None:
    """Raise ValueError unless there is one finite, nonnegative weight per input, n in total."""
    weights = as_float_array(sample_weight, "sample_weight")
    if weights.shape not in ((n,), (n, 1)):
        raise ValueError(f"sample_weight must be one number for each input, shape ({n},). Received: {weights.shape}.")
    if not np.all(np.isfinite(weights)) or weights.min() < 0:
        low, high = weights.min(), weights.max()
        raise ValueError(f"sample_weight must be finite and not negative. Received values from {low} to {high}.")


def checked_arrays(model, x, y=None, sample_weight=None) -> tuple:
    """Validate arrays for `fit`, and return `(x,)`, `(x, y)` or `(x, y, sample_weight)`.

    Args:
        model: Model with `checked(x, y)`, which returns float arrays or raises, and `target(x, y)`.
        x, y, sample_weight: As for `fit`.

    Raises:
        ValueError, TypeError: If the arrays are not valid inputs of the model.
    """
    x, y = model.checked(x, y)
    if sample_weight is None:
        return (x,) if y is None else (x, y)
    y = model.target(x, y)  # Keras ignores the weights of a batch without targets
    check_sample_weight(sample_weight, len(y))
    return x, y, np.asarray(sample_weight)


def checked_batch(model, batch) -> tuple:
    """Validate one batch of a stream, with the result of `checked_arrays`."""
    return checked_arrays(model, *keras.utils.unpack_x_y_sample_weight(batch))


def is_array(x) -> bool:
    """Whether Keras would slice `x` into batches itself (arrays, tensors, lists, dicts; not data sets)."""
    arrays = (np.ndarray, list, tuple, dict, int, float, str)
    return isinstance(x, arrays) or keras.ops.is_tensor(x) or hasattr(x, "__array__")


def checked_range(value_range) -> tuple[float, float] | None:
    """Validate a model's input range: `(low, high)` as floats, or None. ValueError if it is empty."""
    if value_range is None:
        return None
    if len(value_range) != 2 or not value_range[0] < value_range[1]:
        raise ValueError(f"value_range must be (low, high) with low < high, or None. Received: {value_range}")
    return float(value_range[0]), float(value_range[1])


def split(arrays, validation_split: float):
    """Split arrays into first rows for training and last rows for validation, as Keras does.

    Raises:
        ValueError: If a part would be empty.
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
