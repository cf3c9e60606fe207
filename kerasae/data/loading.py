"""`load`, which reads data of any kind, and the registry of names for data."""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kerasae import _checks
from kerasae.data import files, tables
from kerasae.data.dataset import NAMES, Dataset
from kerasae.data.frames import is_frame
from kerasae.data.pictures import images
from kerasae.data.series import series
from kerasae.data.source import Source

ENTRY_POINTS = "kerasae.data"  # group of the entry points by which packages name loaders
_TABLES = (".csv", ".tsv", ".txt")
_ARRAYS = (".npy", ".npz")
_registered: dict[str, Any] = {}


def register(name: str, loader: "Callable[[], Any] | Any") -> None:
    """Register a name for your own data, which recipes, cards and commands then accept like `mnist`.

    The registration ends with the process. On the command line, `--import MODULE` imports a module that registers data.
    An installed package can instead declare loaders in its `pyproject.toml`:

        [project.entry-points."kerasae.data"]
        mine = "mypackage.data:mine"

    Args:
        name: Name of the data. Registering a name again replaces its loader.
        loader: Function without arguments that returns a `Dataset` or anything that `load` accepts; or such a value
            itself, for example the path of a folder.

    Raises:
        ValueError: If the name is empty, looks like a path, or is the name of a built-in data set.

    >>> register("shifted_moons", lambda: kerasae.data.two_moons(seed=7))
    >>> named("shifted_moons").x_train.shape
    (1000, 2)
    """
    if not isinstance(name, str) or not name or Path(name).name != name:
        raise ValueError(f"name must be a word, not a path. Received: {name!r}.")
    if name in NAMES:
        raise ValueError(f"{name!r} is the name of a built-in data set. Choose another name.")
    _registered[name] = loader


def named(name: str) -> Dataset:
    """Load a data set by name: one of `NAMES`, a registered name, or an entry point of the group `kerasae.data`.

    If registered data have no test set, a random tenth becomes the test set, the same one in each call.

    Raises:
        ValueError: If there is no such name, or its pictures do not fit in memory.

    >>> named("sine").x_train.shape
    (1000, 2)
    """
    loaded = _loaded(name)
    if isinstance(loaded, Dataset):
        return loaded
    source = load(loaded)
    if source.stream is not None:
        raise ValueError(
            f"The data set {name!r} must fit in memory to be used by name. Received {len(source):,} pictures. "
            "Pass a smaller `size`, or a larger `memory`, to `images` in its loader."
        )
    train, test = (source, source.test) if source.test else source.split()
    return Dataset(train.x, train.y, test.x, test.y)  # type: ignore[arg-type]


def _loaded(name: str):
    """Result of the loader of a name."""
    if name in NAMES:
        from kerasae import data

        return getattr(data, name)()
    loader = _registered.get(name)
    if loader is None:
        points = importlib.metadata.entry_points(group=ENTRY_POINTS, name=name)
        if not points:
            raise _checks.unknown("data set", name, _names())
        loader = next(iter(points)).load()
    return loader() if callable(loader) else loader


def _names() -> list[str]:
    installed = importlib.metadata.entry_points(group=ENTRY_POINTS).names
    return sorted({*NAMES, *_registered, *installed})


def load(what, **options) -> Source:
    """Read your own data, or a data set by name.

    Args:
        what: A folder of pictures, the path of a picture, or a list of such paths; a `.npy` or `.npz` file; a `.csv`
            file or a data frame; the name of a data set (built-in or registered); a NumPy array, or a tuple `(x, y)`
            of two; a `Dataset`; or a `Source`, which is returned unchanged.
        **options: Arguments of `images` for pictures, of `table` for tables. With `length`, arguments of `series`: the
            rows of the table or array are then the steps of a series.

    Returns:
        A `Source`: inputs, labels, preprocessing, and a description of what was read.

    Raises:
        FileNotFoundError: If a path does not exist or a folder has no pictures, or there is no data set of that name.
        ValueError: If the data cannot be read.
        TypeError: If `what` has another type, or does not take an option.
    """
    if isinstance(what, str) and not what:
        raise ValueError("Expected a path, or the name of a data set. Received an empty string.")
    if "length" in options:
        return series(what, **options)
    if isinstance(what, str) and not Path(what).exists() and what in _names():
        return _without_options(_of_name(what), options)
    if isinstance(what, str | Path):
        return _from_path(Path(what), options)
    if is_frame(what):
        return tables.table(what, **options)
    if isinstance(what, Source):
        return _without_options(what, options)
    if isinstance(what, Dataset):
        return _without_options(files.from_arrays(*what, name="a data set"), options)
    if isinstance(what, np.ndarray):
        return _without_options(files.from_arrays(what), options)
    if isinstance(what, tuple) and len(what) == 2 and all(isinstance(part, np.ndarray) for part in what):
        return _without_options(files.from_arrays(*what), options)
    if isinstance(what, list | tuple) and what and all(isinstance(path, str | Path) for path in what):
        return images(what, **options)
    raise TypeError(
        "Expected a folder or list of pictures, a .npy, .npz or .csv file, a data frame, the name of a data set, or "
        f"NumPy arrays. Received: {type(what).__name__}."
    )


def _of_name(name: str) -> Source:
    loaded = _loaded(name)
    return files.from_arrays(*loaded, name=name) if isinstance(loaded, Dataset) else load(loaded)


def _from_path(path: Path, options) -> Source:
    suffix = path.suffix.lower()
    if not path.exists():
        is_name = path.name == str(path) and not suffix
        close = f" {_checks.unknown('data set', path.name, _names())}" if is_name else ""
        raise FileNotFoundError(f"No file or folder at {path}. Check the path.{close}")
    if suffix in _ARRAYS:
        return _without_options(files.read(path), options)
    return tables.table(path, **options) if suffix in _TABLES else images(path, **options)


def _without_options(source: Source, options) -> Source:
    if options:
        raise TypeError(
            f"Arrays and data sets are used unchanged and take no options. Received: {', '.join(options)}. "
            "Pass `length` for the windows of a series, and other options with pictures and tables."
        )
    return source
