"""Weights files that somebody else wrote: HDF5 files of plain arrays, which fit a model or are refused.

Arrays must be stored as they are: no links, nothing compressed, virtual or outside of the file. An array can then
not be larger than the file that holds it.
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
from kerasae.files.reading import DamagedFileError, brief

MAX_ITEMS = 10_000  # groups and arrays in one file
_MAX_DEPTH = 32
_OPTIMIZER = "optimizer/"
# A model's own variables are numbered, the weights of its loss terms have names: see `models.loss_weights`.
_LOSS_WEIGHT = re.compile(r"vars/[a-z]\w*").fullmatch


class Array(NamedTuple):
    """Shape and type of an array in a weights file, the type by its name in NumPy."""

    shape: tuple[int, ...]
    dtype: str


def load_weights(model, path: str | Path, **kwargs) -> None:
    """Load a `.weights.h5` or `.keras` file into a model that it fits, or leave the model as it was.

    Keras itself ignores variables that are only in the file, and stops half-way at one that does not fit. Keras
    decides what happens to the optimizer's state, where both the model and the file have one.

    Args:
        model: A built Keras model.
        path: The file.
        **kwargs: Arguments of Keras's `load_weights`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: Not a weights file, a damaged one (NaN and infinity included), or the weights of another model.
    """
    with _private_weights(Path(path)) as weights:
        load_checked(model, weights, path, **kwargs)


def load_checked(model, weights: Path, source: str | Path, **kwargs) -> None:
    """`load_weights` for a file that nobody else can change.

    Args:
        model: A built Keras model.
        weights: The file, whose name ends in `.weights.h5`.
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
    # As many arrays as weights, of the same shapes and types: if each weight finds its own, none is left over.
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
    """Every array in a weights file, by its path in the file.

    Args:
        path: The file, which nobody else can change.
        source: Path of the original file, for error messages.

    Raises:
        ValueError: Not HDF5, or damaged; or it contains what weights files don't: links, arrays
            that are not stored as they are (compressed, virtual, in other files, not at all), or other than numbers.
    """
    import h5py

    try:
        size = path.stat().st_size
        with h5py.File(path, "r") as file:
            found = dict(_visit(file, "", 0, [0]))
            declared = sum(_bytes(file[key]) for key in found)
        if declared > size:
            raise ValueError(f"its arrays take {declared:,} bytes, and the file has {size:,}")
    except Exception as error:  # h5py raises many kinds for damaged files
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
    """Shape and type of one array. ValueError unless it consists of numbers that are stored as they are."""
    import h5py

    if not isinstance(item, h5py.Dataset) or item.shape is None:
        raise ValueError(f"{key} is neither a group nor an array")
    is_bfloat16 = item.dtype.str == "|V2" and _is_marked_bfloat16(item)
    if not is_bfloat16 and (item.dtype.kind not in "fiu" or item.dtype.itemsize > 8):
        raise ValueError(f"{key} has type {item.dtype}, expected numbers of at most 64 bits")
    expected, stored = _bytes(item), item.id.get_storage_size()
    if item.external or item.is_virtual or item.chunks or stored != expected:
        raise ValueError(
            f"{key} is not stored as it is: expected {expected:,} bytes in one piece, found {stored:,}. "
            "Save the weights with model.save_weights"
        )
    return Array(tuple(item.shape), "bfloat16" if is_bfloat16 else str(item.dtype))


def _bytes(item) -> int:
    """The size of an array. Not h5py's own `nbytes`, which overflows after 64 bits."""
    return math.prod(item.shape) * item.dtype.itemsize


def _is_marked_bfloat16(item) -> bool:
    """Whether the array has the attribute by which Keras marks this type, which HDF5 doesn't have."""
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
    """A private copy of a weights file, or of the one in a `.keras` file."""
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
    return ValueError(f"{source} holds the weights of another model; none were loaded. {difference}")


def _network(found: dict[str, Array]) -> dict[str, Array]:
    """The arrays of the network itself: without an optimizer's state and without weights of loss terms."""
    return {key: array for key, array in found.items() if not key.startswith(_OPTIMIZER) and not _LOSS_WEIGHT(key)}


def _expected(model) -> dict[str, Array]:
    """What `arrays` would find in the model's own weights file, without an optimizer's state."""
    import keras

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, WEIGHTS)
        keras.Model.save_weights(model, path)
        return _network(arrays(path))


def _difference(expected: dict[str, Array], found: dict[str, Array]) -> str:
    """The first few ways in which two sets of arrays differ."""
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
