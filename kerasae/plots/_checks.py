"""Validation of the arguments of plot functions."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from kerasae._checks import positive_size
from kerasae.plots.style import CLASSES

__all__ = ["classes", "codes", "images", "numbers", "points", "positive_size", "require_one_shape"]


def numbers(x: ArrayLike, name: str) -> np.ndarray:
    """Validate `x` and return it as a non-empty array of finite numbers."""
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of numbers. Received: {type(x).__name__} of dtype {array.dtype}.")
    if not array.size:
        raise ValueError(f"{name} is empty: expected at least one. Received shape: {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite. Received NaN or infinite values: remove them.")
    return array


def images(x: ArrayLike, name: str, value_range: tuple[float, float]) -> np.ndarray:
    """Validate `x` and return it as images `(n, h, w, c)`."""
    low, high = value_range
    if not low < high:
        raise ValueError(f"value_range must be (low, high) with low < high. Received: {value_range}.")
    array, hint = numbers(x, name), ""
    if array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (1, 3)):
        hint = f" If this is a single image, add the batch axis: {name}[None]."
    elif array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[-1] not in (1, 3):
        raise ValueError(
            f"{name} must have shape (n, h, w), (n, h, w, 1) or (n, h, w, 3). Received shape: {array.shape}.{hint}"
        )
    if np.asarray(x).dtype.kind in "iu" and not low <= array.min() <= array.max() <= high:
        raise ValueError(
            f"{name} must lie in [{low:g}, {high:g}]. Received integers from {array.min():g} to "
            f"{array.max():g}: pass their range, for example value_range=(0, 255)."
        )
    return array


def points(x: ArrayLike, name: str) -> np.ndarray:
    """Validate `x` and return it as points `(n, 2)`."""
    array = numbers(x, name)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"{name} must hold points of the plane, shape (n, 2). Received shape: {array.shape}.")
    return array


def codes(z: ArrayLike, coordinates: Sequence[int], allowed: Sequence[int]) -> np.ndarray:
    """Return the given coordinates of codes `(n, ...)` as `(n, len(coordinates))`."""
    array = numbers(z, "z")
    array = array.reshape(len(array), -1)
    if array.shape[1] < 2:
        raise ValueError(f"z must hold codes of at least two numbers. Received shape: {array.shape}.")
    chosen = set(coordinates)
    if len(chosen) != len(coordinates) or len(chosen) not in allowed or not chosen <= set(range(array.shape[1])):
        raise ValueError(
            f"coordinates must be {' or '.join(map(str, allowed))} different ones from 0 to {array.shape[1] - 1}. "
            f"Received: {coordinates}."
        )
    return array[:, list(coordinates)]


def classes(y: ArrayLike, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct classes, and for each code the index of its class `(n,)`."""
    y = np.asarray(y)
    if y.shape != (n,):
        raise ValueError(f"y must hold one class for each of the {n} codes, shape ({n},). Received shape: {y.shape}.")
    names, index = np.unique(y, return_inverse=True)
    if len(names) > len(CLASSES):
        raise ValueError(f"y must hold at most {len(CLASSES)} classes. Received {len(names)}: select or merge some.")
    return names, index


def require_one_shape(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError unless all arrays have the same shape."""
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"All arrays must have one shape, as they show the same examples. Received: {shapes}.")
