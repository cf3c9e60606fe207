"""Inputs from a user's own `.npy` and `.npz` files, and from arrays in memory."""

from pathlib import Path

import numpy as np

from kerasae import _checks, files
from kerasae.data.classic import as_unit_interval
from kerasae.data.source import Source
from kerasae.preprocessing import CHANNELS, ImagePreprocessing


def own(path: str | Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Read inputs to measure a model on, and their labels if there are any, from a file: the test set, if it has one.

    Args:
        path: As for `load`: a `.npy` or an `.npz` file.

    Returns:
        `x (n, ...)`, and `y (n,)` or None. 8-bit images `(n, height, width)` or `(n, height, width, channels)`
        become float32 in [0, 1] with a channel axis, as `mnist` returns them. Other inputs are unchanged.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged or something else.
    """
    source = read(path)
    source = source.test or source
    return source.x, source.y


def read(path: str | Path) -> Source:
    """The arrays of a `.npy` file, or of an `.npz` file with `x` (or `x_train`, `x_test`) and labels `y` likewise.

    Errors as for `own`.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"No file at {path}. Expected a .npy or .npz file of inputs.")
    try:
        arrays = files.read_arrays(path) if path.suffix.lower() == ".npz" else {"x": files.read_array(path)}
        train, test = _parts(arrays)
    except ValueError as error:
        raise ValueError(
            f"{path} can't be read as inputs: expected a .npy file of an array, or an .npz file with x, or x_train and "
            f"x_test, and, if there are labels, y, or y_train and y_test. {error}"
        ) from error
    return from_arrays(*train, *test, name=str(path))


def from_arrays(x, y=None, x_test=None, y_test=None, *, name: str = "arrays") -> Source:
    """Arrays as a `Source`; 8-bit images get a channel axis and a preprocessing.

    Args:
        x, y: Inputs `(n, ...)`, and labels `(n,)` or None.
        x_test, y_test: The test set that comes with them, if any.
        name: What to call them in the description and in error messages.

    Raises:
        ValueError: No inputs, a single number, or another number of labels than of inputs.
        TypeError: Not numbers.
    """
    x, y = np.asarray(x), None if y is None else np.asarray(y)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold numbers. Received an array of {x.dtype}.")
    if x.ndim < 2 or not x.size:
        raise ValueError(f"{name} must hold inputs of shape (n, ...), at least one. Received shape: {x.shape}.")
    if y is not None and y.shape != x.shape[:1]:
        raise ValueError(f"{name} must hold one label for each input. Received shapes: {x.shape} and {y.shape}.")
    test = None if x_test is None else from_arrays(x_test, y_test, name=f"test set of {name}")
    scale = None
    if x.dtype == np.uint8 and x.ndim in (3, 4):
        x = x if x.ndim == 4 else x[..., None]
        color = {channels: color for color, channels in CHANNELS.items()}.get(x.shape[-1])
        scale = ImagePreprocessing(x.shape[1:3], color) if color else None
        x = x if color else as_unit_interval(x)
    what = " × ".join(map(str, x.shape[1:]))
    return Source(
        kind="image" if scale else "array",
        description=f"{_checks.counted(len(x), 'input')} of {what} from {name}",
        raw=x,
        preprocessing=scale,
        y=y,
        test=test,
    )


def _parts(arrays: dict[str, np.ndarray]) -> tuple[tuple, tuple]:
    """`(x, y), (x_test, y_test)` of an `.npz` file; None for what it lacks."""
    known = {f"{letter}{part}" for letter in "xy" for part in ("", "_train", "_test")}
    if len(arrays) == 1 and not arrays.keys() & known:
        arrays = {"x": next(iter(arrays.values()))}
    for part in ("", "_train"):
        if f"x{part}" in arrays:
            return (arrays[f"x{part}"], arrays.get(f"y{part}")), (arrays.get("x_test"), arrays.get("y_test"))
    if "x_test" in arrays:
        return (arrays["x_test"], arrays.get("y_test")), (None, None)
    raise ValueError(f"Received: {', '.join(sorted(arrays))[:200]}.")
