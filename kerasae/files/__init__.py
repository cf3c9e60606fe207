"""Files from elsewhere, read as data: what is not as kerasae and Keras write it is refused before it is used.

- A config names classes and sizes. Only a few kinds of class may be named, and before anything of
  these sizes is made the model's outline, shapes without memory, is compared with the weights file.
- A weights file holds arrays stored as they are. No links, nothing compressed, virtual or outside of
  the file: so an array can't be larger than the file that holds it.
- A `.keras` file holds just these two and a note of Keras's, stored as they are.
"""

import contextlib
import inspect
import json
import math
import operator
import shutil
import tempfile
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
MOST_NUMBERS = 2**31  # in a model that a config describes: 8 GiB of float32, far beyond what autoencoders here need

MOST_OF_CONFIG, _MOST_JSON = 2**20, 2**23  # bytes; cards have arrays in them
_DEEPEST = 32  # levels of nesting, in JSON and in weights files
_LONGEST, _MOST_OF_A_METRIC = 100, 1000  # in a config: items of a list; a metric's classes or thresholds
_MOST_ITEMS = 10_000  # groups and arrays in a weights file
_LONGEST_MESSAGE = 600
_IN_KERAS_FILE = {CONFIG, METADATA, WEIGHTS}
# Where Keras has the classes and the functions that a config may name.
_MODULES = {"keras": "", "keras.initializers": "initializers", "keras.losses": "losses", "keras.metrics": "metrics"}
_MODULES |= {"keras.layers": "layers"}  # of which `check_config` takes noise layers alone
_MODULES |= {"keras.optimizers": "optimizers", "keras.optimizers.schedules": "optimizers.schedules"}
_OF_FUNCTIONS = ("builtins", "keras.activations", "keras.losses", "keras.metrics")
_OPPONENT = ".*discriminator.*"  # the variables that may have an optimiser of their own: see `Adversarial.compile`


class Damaged(ValueError, OSError):
    """What Keras takes for an error of reading, after which its `BackupAndRestore` goes to its second file."""


class Array(NamedTuple):
    """What a weights file says of an array: its shape, and its type as NumPy names it."""

    shape: tuple[int, ...]
    dtype: str


# JSON


def read_json(path: Path, most: int = _MOST_JSON) -> dict:
    """The object in a JSON file of at most so many bytes.

    Raises:
        ValueError: No regular file, too large, not UTF-8, not JSON, not an object, nested too deep; NaN or
            infinity, which JSON does not have; a control character in a text.
    """
    try:
        content = json.loads(_regular(path, most).read_text("utf-8"), parse_constant=_refuse_constant)
        if not isinstance(content, dict):
            raise ValueError(f"expected an object, received {type(content).__name__}")
        for value in _values(content):
            if isinstance(value, str) and not value.isprintable():
                raise ValueError(f"a text with control characters: {value[:40]!r}")
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError("a number that is not finite")
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {brief(error)}. Expected JSON as kerasae or Keras writes it") from error
    return content


def brief(error: Exception) -> str:
    """What an error says, without the whole config or array that some errors quote."""
    text = str(error) or type(error).__name__
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]} ..."


def _regular(path: Path, most: float = math.inf) -> Path:
    """The path, if it is a file of at most so many bytes: reading a pipe or a device would never end."""
    if not path.is_file():
        raise ValueError(f"{path} is not a regular file.")
    if path.stat().st_size > most:
        raise ValueError(f"{path} has {path.stat().st_size:,} bytes, expected at most {most:,}.")
    return path


def _refuse_constant(name: str):
    raise ValueError(f"{name} is not a number")


def _values(content, depth: int = 0) -> Iterator[Any]:
    """All keys and values, of whatever depth."""
    if depth > _DEEPEST:
        raise ValueError(f"nested deeper than {_DEEPEST} levels")
    if isinstance(content, dict):
        yield from content
        content = list(content.values())
    if isinstance(content, list):
        for value in content:
            yield from _values(value, depth + 1)
    else:
        yield content


# Configs


def check_config(config: dict) -> None:
    """Raise ValueError if a model's config names anything but the parts of an autoencoder.

    These are classes of a few kinds, Keras's or registered with it, and Keras's functions. What else
    Keras could make of a config (layers, lambdas, arrays) has no place there.

    Args:
        config: As `keras.saving.serialize_keras_object` gives it.
    """
    import keras

    from kerasae import layers, models

    _class(config, (models.Autoencoder,))
    schedule = keras.optimizers.schedules.LearningRateSchedule
    optimizers = (keras.optimizers.Optimizer, keras.optimizers.OptimizerMap, schedule)
    of_compiling = (keras.losses.Loss, keras.metrics.Metric, *optimizers, keras.DTypePolicy)
    for key, value in config.items():
        if key == "compile_config":
            _check(value, of_compiling)
        elif key != "class_name":
            _check(value, (layers.Noise, *layers.KERAS_NOISE, keras.initializers.Initializer, keras.DTypePolicy))


def _check(config, kinds: tuple[type, ...], within: type = object) -> None:
    """Check a part of a config, which belongs to the class `within`."""
    import keras

    if isinstance(config, dict) and config.get("class_name") == "function":
        _check_function(config)
    elif isinstance(config, dict):
        within = _class(config, kinds) if "class_name" in config else within
        for key, value in config.items():
            # Keras matches variables' names with these patterns, and some patterns take forever.
            if (within, key) == (keras.optimizers.OptimizerMap, "optimizer_map") and list(value) != [_OPPONENT]:
                raise ValueError(f"expected an optimiser for {_OPPONENT!r} alone, received: {list(value)}")
            _check(value, kinds, within)
    elif isinstance(config, list):
        if len(config) > _LONGEST:
            raise ValueError(f"expected lists of at most {_LONGEST} items, received one of {len(config)}")
        for value in config:
            _check(value, kinds, within)
    elif isinstance(config, int | float) and issubclass(within, keras.metrics.Metric) and config > _MOST_OF_A_METRIC:
        raise ValueError(f"expected at most {_MOST_OF_A_METRIC} classes or thresholds of a metric, received {config}")


def _class(config: dict, kinds: tuple[type, ...]) -> type:
    """The class that Keras would take for a config, if it is of one of the kinds."""
    import keras

    name, module = config.get("class_name"), config.get("module")
    registered = config.get("registered_name", name)
    found = keras.saving.get_registered_object(registered) if isinstance(registered, str) else None
    if found is None and isinstance(name, str) and isinstance(module, str) and module in _MODULES:
        found = getattr(operator.attrgetter(_MODULES[module])(keras) if _MODULES[module] else keras, name, None)
    if not (isinstance(found, type) and issubclass(found, kinds)):
        raise ValueError(
            f"{module}.{name}, registered as {registered!r}, has no place there. Expected one of Keras's or "
            f"kerasae's, or registered with Keras, of these kinds: {', '.join(kind.__name__ for kind in kinds)}"
        )
    return found


def _check_function(config: dict) -> None:
    import keras

    name, module = config.get("config"), config.get("module")
    places = [getattr(keras, place) for place in ("activations", "losses", "metrics")]
    found = isinstance(name, str) and any(inspect.isfunction(getattr(place, name, None)) for place in places)
    if not found or module not in _OF_FUNCTIONS or name in ("get", "serialize", "deserialize"):
        raise ValueError(f"{module}.{name} is no activation, loss or metric of Keras's")


# Models


class _Sizes(threading.local):
    are_checked = False


_sizes = _Sizes()


@contextlib.contextmanager
def _sized() -> Iterator[None]:
    """While a model is built whose size is known, or an outline, which has none: `check_size` need not look again."""
    _sizes.are_checked = True
    try:
        yield
    finally:
        _sizes.are_checked = False


def shapes_of(build: Callable[[], Any]) -> Counter[tuple[int, ...]]:
    """How often each shape is among the weights of the model that `build` makes; takes no memory for them."""
    import keras

    def outline():
        with _sized(), keras.StatelessScope(initialize_variables=False):
            return Counter(tuple(weight.shape) for weight in build().weights)

    # In a thread of its own: Keras keeps a list of the variables that have no value yet, one for each
    # thread, and gives them one when the next such scope ends.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(outline).result()


def check_size(build: Callable[[], Any]) -> None:
    """Raise ValueError if the model that `build` makes would have more than `MOST_NUMBERS` weights."""
    if _sizes.are_checked:
        return
    try:
        shapes = shapes_of(build)
    except Exception:  # what is wrong with it shows when it is built
        return
    numbers = sum(math.prod(shape) * n for shape, n in shapes.items())
    if numbers > MOST_NUMBERS:
        raise ValueError(
            f"The config describes a model of {numbers:,} weights, expected at most {MOST_NUMBERS:,}. "
            "If that is meant, call the constructor instead."
        )


def of_zeros(build: Callable[[], Any]):
    """The model that `build` makes, of a size that is known, its weights zero: for a file's, and soon made."""
    import keras
    import numpy as np

    with _sized(), keras.StatelessScope():  # at the end of which the variables get their first values
        model = build()
        for weight in model.weights:
            if getattr(weight, "_initializer", None) is not None:
                weight._initializer = np.zeros  # which nothing need be compiled for
    return model


# Weights


def arrays(path: Path) -> dict[str, Array]:
    """Every array in a weights file, by its path in the file.

    Raises:
        ValueError: No regular file, not HDF5, damaged; or it has what weights files don't have: links, arrays
            that are not stored as they are (compressed, virtual, in other files, not at all), other than numbers.
    """
    import h5py

    found: dict[str, Array] = {}
    seen = [0]

    def visit(group, prefix: str, depth: int) -> None:
        for key in group:
            seen[0] += 1
            if seen[0] > _MOST_ITEMS or depth > _DEEPEST:
                raise ValueError("more groups and arrays than a model has")
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise ValueError(f"it has a link at {prefix}{key}, which weights files don't have")
            item = group[key]
            if isinstance(item, h5py.Group):
                visit(item, f"{prefix}{key}/", depth + 1)
            else:
                found[prefix + key] = _array(item, prefix + key)

    try:
        size = _regular(path).stat().st_size
        with h5py.File(path) as file:
            visit(file, "", 0)
            declared = sum(_bytes(file[key]) for key in found)
        if declared > size:
            raise ValueError(f"its arrays take {declared:,} bytes, and the file has {size:,}")
    except Exception as error:  # h5py raises many kinds for damaged files
        raise Damaged(f"{path} can't be read as a weights file: {brief(error)}") from error
    return found


def _array(item, key: str) -> Array:
    """What a weights file says of one array; ValueError unless it is numbers that are stored as they are."""
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
    """What an array takes. Not h5py's own `nbytes`, which starts again from 0 after 64 bits."""
    return math.prod(item.shape) * item.dtype.itemsize


def _is_marked_bfloat16(item) -> bool:
    """Whether the array has the attribute by which Keras knows this type, which HDF5 doesn't have."""
    return set(item.attrs) == {"dtype"} and item.attrs.get_id("dtype").shape == () and item.attrs["dtype"] == "bfloat16"


def load_weights(model, path: str | Path, **kwargs) -> None:
    """Load a `.weights.h5` file, or that in a `.keras` file, into a model that it fits, or leave the model as it was.

    Keras itself passes over variables that a file has too many, and stops half-way at one that does not fit.
    The optimiser's state, where the model and the file have one, is left to Keras.

    Args:
        model: A built Keras model.
        path: The file.
        **kwargs: For Keras's `load_weights`.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Not a weights file, a damaged one, or the weights of another model.
    """
    import keras
    import numpy as np

    with _weights_of(Path(path)) as weights:
        found = _network(model, arrays(weights))
        # As many arrays as weights, of the same shapes and types: if each weight finds its own, none is left over.
        fits = Counter(found.values()) == Counter(Array(tuple(w.shape), w.dtype) for w in model.weights)
        if not fits and found != _expected(model):
            raise _of_another_model(path, model, found)
        optimizer = getattr(model, "optimizer", None)
        variables = [*model.variables, *(optimizer.variables if optimizer is not None else ())]
        before = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
        try:
            keras.Model.load_weights(model, weights, **kwargs)
            if not all(np.isfinite(array).all() for array in model.get_weights()):
                raise ValueError("It holds NaN or infinity.")
        except Exception as error:
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)
            if found.keys() != _expected(model).keys():
                raise _of_another_model(path, model, found) from None
            raise Damaged(f"{path} is damaged; no weights were loaded. {brief(error)}") from error


def _of_another_model(path, model, found: dict[str, Array]) -> ValueError:
    difference = _difference(_expected(model), found)
    return ValueError(f"{path} holds the weights of another model; none were loaded. {difference}")


@contextlib.contextmanager
def _weights_of(path: Path) -> Iterator[Path]:
    """A weights file, or that in a `.keras` file."""
    if not path.exists():
        raise FileNotFoundError(f"No weights file at {path}. Expected a file that model.save_weights has written.")
    if path.name.endswith(".weights.h5"):
        yield path
    elif path.suffix == ".keras":
        with unpacked(path) as directory:
            yield directory / WEIGHTS
    else:
        raise ValueError(f"Weights are read from a .weights.h5 or a .keras file. Received: {path}.")


def _without_optimizer(found: dict[str, Array]) -> dict[str, Array]:
    return {key: array for key, array in found.items() if not key.startswith("optimizer/")}


def _network(model, found: dict[str, Array]) -> dict[str, Array]:
    """The arrays of the network itself: without an optimizer's state and without weights of loss terms."""
    scalars = {f"vars/{name}" for name in getattr(model, "loss_weight_names", ())}
    return {key: array for key, array in _without_optimizer(found).items() if key not in scalars}


def _expected(model) -> dict[str, Array]:
    """What `arrays` would find in the model's own weights file, without an optimiser's state."""
    import keras

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, WEIGHTS)
        keras.Model.save_weights(model, path)
        return _network(model, arrays(path))


def shapes_in(path: Path) -> Counter[tuple[int, ...]]:
    """How often each shape is among the weights in a file. Errors as for `arrays`."""
    return Counter(array.shape for array in _without_optimizer(arrays(path)).values())


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


# Whole models


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A `.keras` file's contents in a directory, which is removed afterwards.

    Raises:
        ValueError: Not a zip file, a damaged one, or one with other files than Keras writes, or compressed ones.
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        try:
            size = _regular(path).stat().st_size
            with zipfile.ZipFile(path) as archive:
                _check_members(archive.infolist(), size)
                for member in _IN_KERAS_FILE:
                    with archive.open(member) as packed, open(directory / member, "wb") as file:
                        shutil.copyfileobj(packed, file)  # which compares its checksum at the end
        except Exception as error:  # zipfile raises many kinds for damaged files
            raise ValueError(f"{path} can't be read as a .keras file: {brief(error)}") from error
        yield directory


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    names = sorted(member.filename for member in members)
    if names != sorted(_IN_KERAS_FILE):
        raise ValueError(f"expected {', '.join(sorted(_IN_KERAS_FILE))} in it, received {', '.join(names)[:200]}")
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.file_size > size:
            raise ValueError(f"{member.filename} is not stored as it is, as Keras does")
