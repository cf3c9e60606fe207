"""Save weights where there is room for them.

HDF5 does not survive a full disk: the file stays open, and the process crashes when it ends. Room is therefore
allocated first, by a call that fails cleanly.
"""

import math
import os
from pathlib import Path

_PER_ARRAY, _PER_FILE = 2**11, 2**14  # bytes of HDF5's own, at least


def save_weights(model, path: Path) -> None:
    """`model.save_weights(path)`, if the disk has room for it.

    Args:
        model: A built Keras model; the state of its optimizer is saved too if it has one.
        path: The file, whose name ends in `.weights.h5`. After an error there is none.

    Raises:
        OSError: The disk is full, or a quota is used up.
    """
    try:
        _require_room(path, _size(model))
        model.save_weights(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _require_room(path: Path, size: int) -> None:
    """Raise OSError unless a file of `size` bytes can be written; systems that can't tell don't."""
    with open(path, "wb") as file:
        if hasattr(os, "posix_fallocate"):  # not on macOS and Windows
            os.posix_fallocate(file.fileno(), 0, size)


def _size(model) -> int:
    """About the size of a weights file, in bytes."""
    variables = [*model.variables, *getattr(getattr(model, "optimizer", None), "variables", ())]
    return _PER_FILE + sum(_PER_ARRAY + 4 * math.prod(variable.shape) for variable in variables)
