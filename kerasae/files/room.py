"""Save weights after reserving disk space for them.

If the disk is full, HDF5 cannot close its file, and the process crashes at its end. Space is therefore allocated first,
by a call that fails with an OSError.
"""

import math
import os
from pathlib import Path

_PER_ARRAY, _PER_FILE = 2**11, 2**14  # estimated overhead of HDF5 in bytes


def save_weights(model, path: Path) -> None:
    """Call `model.save_weights(path)` after reserving disk space.

    Args:
        model: A built Keras model; the state of its optimizer is saved too if it has one.
        path: Path of the file, which ends in `.weights.h5`. The file is removed after an error.

    Raises:
        OSError: If the disk is full or a quota is exceeded.
    """
    try:
        require_room(path, _size(model))
        model.save_weights(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def require_room(path: Path, size: int) -> None:
    """Create a file and reserve `size` bytes for it, on systems that support this. OSError if the disk is full."""
    with open(path, "wb") as file:
        if hasattr(os, "posix_fallocate"):  # not on macOS and Windows
            os.posix_fallocate(file.fileno(), 0, size)


def _size(model) -> int:
    """Approximate size of a weights file in bytes."""
    variables = [*model.variables, *getattr(getattr(model, "optimizer", None), "variables", ())]
    return _PER_FILE + sum(_PER_ARRAY + 4 * math.prod(variable.shape) for variable in variables)
