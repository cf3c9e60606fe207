"""Inputs from a user's own file."""

from pathlib import Path

import numpy as np

from kerasae import files
from kerasae.data.images import as_unit_interval


def own(path: str | Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Read inputs, and their labels if there are any, from a file.

    Args:
        path: A `.npy` file of inputs; or an `.npz` file of `x_test` and, if there are labels, `y_test`, as MNIST and
            its replacements come.

    Returns:
        `x (n, ...)`, and `y (n,)` or None. 8-bit images `(n, height, width)` or `(n, height, width, channels)`
        become float32 in [0, 1] with a channel axis, as `mnist` returns them. Other inputs are unchanged.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged or something else.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"No file at {path}. Expected a .npy or .npz file of inputs.")
    try:
        arrays = files.read_arrays(path) if path.suffix == ".npz" else {"x_test": files.read_array(path)}
        x, y = arrays["x_test"], arrays.get("y_test")
        if x.ndim == 0:
            raise ValueError("a single number")
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{path} can't be read as inputs: expected a .npy file of an array, or an .npz file with x_test and, "
            f"if there are labels, y_test. {error}"
        ) from error
    if y is not None and y.shape != x.shape[:1]:
        raise ValueError(f"{path} must hold one label for each input. Received shapes: {x.shape} and {y.shape}.")
    if x.dtype == "uint8" and x.ndim in (3, 4):
        x = as_unit_interval(x if x.ndim == 4 else x[..., None])
    return x, y
