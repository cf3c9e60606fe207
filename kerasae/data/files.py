"""Your own inputs from `.npy` and `.npz` files and from arrays in memory."""

from pathlib import Path

import numpy as np

from kerasae import _checks, files
from kerasae.data.classic import as_unit_interval
from kerasae.data.source import Source
from kerasae.preprocessing import CHANNELS, ImagePreprocessing


def own(path: str | Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Read inputs and labels to evaluate a model on. If the file has a test set, only the test set is returned.

    Args:
        path: Path of a `.npy` or `.npz` file, as for `load`.

    Returns:
        `x (n, ...)`, and `y (n,)` or None. 8-bit images `(n, height, width)` or `(n, height, width, channels)`
        become float32 in [0, 1] with a channel axis, as `mnist` returns them. Other inputs are unchanged.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or has another content.
    """
    source = read(path)
    source = source.test or source
    return source.x, source.y


def read(path: str | Path) -> Source:
    """Read a `.npy` or `.npz` file as a `Source`. Errors as for `own`.

    An `.npz` file has `x`, or `x_train` and `x_test`, and optional labels `y`, or `y_train` and `y_test`.
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
    """Make a `Source` of arrays. 8-bit images get a channel axis and a preprocessing.

    Args:
        x, y: Inputs `(n, ...)`, and labels `(n,)` or None.
        x_test, y_test: Test set, or None.
        name: Name of the data in the description and in error messages.

    Raises:
        ValueError: If `x` is empty or has fewer than two axes, or the numbers of labels and inputs differ.
        TypeError: If `x` does not consist of numbers.
    """
    x, y = np.asarray(x), None if y is None else np.asarray(y)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be numbers. Received an array of {x.dtype}.")
    if x.ndim < 2 or not x.size:
        raise ValueError(f"{name} must have shape (n, ...) with at least one input. Received shape: {x.shape}.")
    if y is not None and y.shape != x.shape[:1]:
        raise ValueError(f"{name} must have one label per input. Received shapes: {x.shape} and {y.shape}.")
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
    """`(x, y), (x_test, y_test)` of an `.npz` file; None for each missing array."""
    known = {f"{letter}{part}" for letter in "xy" for part in ("", "_train", "_test")}
    if len(arrays) == 1 and not arrays.keys() & known:
        arrays = {"x": next(iter(arrays.values()))}
    for part in ("", "_train"):
        if f"x{part}" in arrays:
            return (arrays[f"x{part}"], arrays.get(f"y{part}")), (arrays.get("x_test"), arrays.get("y_test"))
    if "x_test" in arrays:
        return (arrays["x_test"], arrays.get("y_test")), (None, None)
    raise ValueError(f"Received: {', '.join(sorted(arrays))[:200]}.")
