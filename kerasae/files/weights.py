"""Load untrusted weights files: HDF5 files of plain arrays that must match the weights of a model.

Links and compressed, virtual or external arrays are refused, so no array can be larger than the file.
"""

import contextlib
import math
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kerasae.files import archive, reading
from kerasae.files.archive import WEIGHTS
from kerasae.files.planes import is_in_planes
from kerasae.files.reading import DamagedFileError, brief

MAX_ITEMS = 10_000  # most groups and arrays in one file
_MAX_DEPTH = 32
_OPTIMIZER = "optimizer/"
# A model's own variables are numbered; the weights of its loss terms have names: see `models.loss_weights`.
_LOSS_WEIGHT = re.compile(r"vars/[a-z]\w*").fullmatch


class Array(NamedTuple):
    """Shape of an array in a weights file, and NumPy's name of its dtype."""

    shape: tuple[int, ...]
    dtype: str


def load_weights(model, path: str | Path, **kwargs) -> None:
    """Load a `.weights.h5` or `.keras` file that has exactly the weights of a model. If that fails, nothing changes.

    (Keras itself ignores additional variables in the file, and stops half-way at one that does not fit.) If both the
    model and the file have an optimizer's state, Keras loads it.

    Args:
        model: A built Keras model.
        path: Path of the file.
        **kwargs: Arguments of Keras's `load_weights`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not a weights file, is damaged, has NaN or infinity, or has the weights of another
            model.
    """
    with _private_weights(Path(path)) as weights:
        load_checked(model, weights, path, **kwargs)


def load_checked(model, weights: Path, source: str | Path, **kwargs) -> None:
    """Load weights like `load_weights`, from a file that no other process can change.

    Args:
        model: A built Keras model.
        weights: Path of the file, which ends in `.weights.h5`.
        source: Path of the original file, for error messages.
        **kwargs: Arguments of Keras's `load_weights`.
    """
    import keras
    import numpy as np

    optimizer = getattr(model, "optimizer", None)
    if any(optimizer is skipped for skipped in kwargs.get("objects_to_skip", ())):
        optimizer = None
    everything = arrays(weights, source)
    found = _network(everything)
    # If shapes and dtypes match in number and Keras finds an array for each weight, no array is left over.
    fits = Counter(found.values()) == Counter(Array(tuple(w.shape), w.dtype) for w in model.weights)
    if not fits and found != _expected(model):
        raise _other_model(source, model, found)
    _check_finite(weights, everything if optimizer is not None else found, source)
    variables = [*model.variables, *(optimizer.variables if optimizer is not None else ())]
    before = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    try:
        keras.Model.load_weights(model, weights, **kwargs)
    except Exception as error:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        if found.keys() != _expected(model).keys():
            raise _other_model(source, model, found) from None
        raise _damaged(source, error) from error


def arrays(path: Path, source: str | Path | None = None) -> dict[str, Array]:
    """List all arrays in a weights file by their paths in the file.

    Args:
        path: Path of the file, which no other process can change.
        source: Path of the original file, for error messages.

    Raises:
        ValueError: If the file is not HDF5 or is damaged, or has links, arrays that are compressed, virtual, external
            or not stored completely, or arrays of other types than numbers.
    """
    import h5py

    try:
        size = path.stat().st_size
        with h5py.File(path, "r") as file:
            found = dict(_visit(file, "", 0, [0]))
            declared = sum(_bytes(file[key]) for key in found)
        if declared > size:
            raise ValueError(f"its arrays take {declared:,} bytes, but the file has {size:,}")
    except Exception as error:  # h5py raises many types for damaged files
        raise DamagedFileError(f"{source or path} can't be read as a weights file: {brief(error)}") from error
    return found


def shapes_in(path: Path) -> Counter[tuple[int, ...]]:
    """Count the shapes of the weights in a file. Errors as for `arrays`."""
    return Counter(array.shape for array in _network(arrays(path)).values())


def _visit(group, prefix: str, depth: int, seen: list[int]) -> Iterator[tuple[str, Array]]:
    import h5py

    for key in group:
        seen[0] += 1
        if seen[0] > MAX_ITEMS or depth > _MAX_DEPTH:
            raise ValueError("more groups and arrays than a model has")
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise ValueError(f"it has a link at {prefix}{key}, which weights files don't have")
        item = group[key]
        if isinstance(item, h5py.Group):
            yield from _visit(item, f"{prefix}{key}/", depth + 1, seen)
        else:
            yield prefix + key, _array(item, prefix + key)


def _array(item, key: str) -> Array:
    """Shape and dtype of one array. ValueError unless it consists of numbers stored in one piece, uncompressed.

    The order of the bytes may be that of `planes.store_in_planes`.
    """
    import h5py

    if not isinstance(item, h5py.Dataset) or item.shape is None:
        raise ValueError(f"{key} is neither a group nor an array")
    is_bfloat16 = item.dtype.str == "|V2" and _is_marked_bfloat16(item)
    if not is_bfloat16 and (item.dtype.kind not in "fiu" or item.dtype.itemsize > 8):
        raise ValueError(f"{key} has type {item.dtype}, expected numbers of at most 64 bits")
    expected, stored = _bytes(item), item.id.get_storage_size()
    in_one_piece = not item.chunks or is_in_planes(item)
    if item.external or item.is_virtual or not in_one_piece or stored != expected:
        raise ValueError(
            f"{key} must be stored uncompressed, {expected:,} bytes in one piece. Received {stored:,} bytes. "
            "Save the weights with model.save_weights"
        )
    return Array(tuple(item.shape), "bfloat16" if is_bfloat16 else str(item.dtype))


def _bytes(item) -> int:
    """Size of an array in bytes. h5py's own `nbytes` overflows at 64 bits."""
    return math.prod(item.shape) * item.dtype.itemsize


def _is_marked_bfloat16(item) -> bool:
    """Whether the array has the attribute by which Keras marks bfloat16, which HDF5 does not have."""
    return set(item.attrs) == {"dtype"} and item.attrs.get_id("dtype").shape == () and item.attrs["dtype"] == "bfloat16"


def _check_finite(path: Path, found: dict[str, Array], source: str | Path) -> None:
    import h5py
    import numpy as np

    try:
        with h5py.File(path, "r") as file:
            for key, array in found.items():
                value = file[key][()]
                if array.dtype == "bfloat16":  # the upper half of a float32
                    value = (value.view("uint16").astype("uint32") << 16).view("float32")
                if not np.isfinite(value).all():
                    raise ValueError(f"{key} has NaN or infinity.")
    except Exception as error:
        raise _damaged(source, error) from error


@contextlib.contextmanager
def _private_weights(path: Path) -> Iterator[Path]:
    """Copy a weights file, or the one in a `.keras` file, to a private directory."""
    if not path.exists():
        raise FileNotFoundError(f"No weights file at {path}. Expected a file that model.save_weights has written.")
    if path.name.endswith(".weights.h5"):
        with contextlib.ExitStack() as stack:
            try:
                copy, _ = stack.enter_context(reading.private_copy(path, WEIGHTS))
            except (OSError, ValueError) as error:
                raise DamagedFileError(f"{path} can't be read as a weights file: {brief(error)}") from error
            yield copy
    elif path.suffix == ".keras":
        with archive.unpacked(path) as directory:
            yield directory / WEIGHTS
    else:
        raise ValueError(f"Weights are read from a .weights.h5 or a .keras file. Received: {path}.")


def _damaged(source: str | Path, error: Exception) -> DamagedFileError:
    return DamagedFileError(f"{source} is damaged; no weights were loaded. {brief(error)}")


def _other_model(source: str | Path, model, found: dict[str, Array]) -> ValueError:
    difference = _difference(_expected(model), found)
    return ValueError(f"{source} has the weights of another model; none were loaded. {difference}")


def _network(found: dict[str, Array]) -> dict[str, Array]:
    """Arrays of the network itself, without the optimizer's state and the weights of loss terms."""
    return {key: array for key, array in found.items() if not key.startswith(_OPTIMIZER) and not _LOSS_WEIGHT(key)}


def _expected(model) -> dict[str, Array]:
    """Arrays that the model's own weights file would have, without the optimizer's state."""
    import keras

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, WEIGHTS)
        keras.Model.save_weights(model, path)
        return _network(arrays(path))


def _difference(expected: dict[str, Array], found: dict[str, Array]) -> str:
    """Describe the first three differences between two sets of arrays."""
    notes = [f"{key}: expected {_named(expected[key])}, missing" for key in expected if key not in found]
    notes += [f"{key}: {_named(found[key])}, not expected" for key in found if key not in expected]
    notes += [
        f"{key}: expected {_named(expected[key])}, received {_named(found[key])}"
        for key in expected
        if key in found and expected[key] != found[key]
    ]
    more = f" (and {len(notes) - 3} more)" if len(notes) > 3 else ""
    return "; ".join(notes[:3]) + more


def _named(array: Array) -> str:
    return f"shape {array.shape} {array.dtype}"
