"""Find the picture files in a folder; the folders inside give the labels."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kerasae import files

# Names of folders for the parts of a data set. They are not classes; the folders inside them are.
_PARTS = {"train", "training", "test", "testing", "val", "valid", "validation", "eval", "evaluation"}


class Found(NamedTuple):
    """Pictures that were found.

    Attributes:
        paths: Paths of the n pictures, in order.
        y: Labels `(n,)`, or None if the folders give none.
        class_names: Names of the labels.
        others: Number of files of other types, without hidden files.
    """

    paths: list[Path]
    y: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    others: int = 0


def pictures(what: str | Path | Iterable[str | Path]) -> Found:
    """Find pictures in a folder, or take the given files.

    Args:
        what: A folder, which is searched recursively in alphabetical order, without hidden files and files of other
            types; or the path of a picture, or a list of such paths, which are used as given.

    Returns:
        The paths; and labels, if all pictures of the folder are in folders inside it. The name of that inner folder is
        the class. Folders named `train`, `test`, `val` and the like are skipped if all inner folders have such names.

    Raises:
        FileNotFoundError: If a path does not exist, or there is no picture in the folder.
        TypeError: If `what` is neither a path nor a list.
    """
    if not isinstance(what, str | Path | Iterable):
        raise TypeError(f"Expected a folder of pictures, or paths of pictures. Received: {type(what).__name__}.")
    if not isinstance(what, str | Path):
        return Found(_existing([Path(path) for path in what]))
    root = Path(what)
    if not root.is_dir():
        return Found(_existing([root]))
    paths: list[Path] = []
    others: list[Path] = []
    for path in _walk(root, set()):
        (paths if path.suffix.lower() in files.picture_suffixes() else others).append(path)
    if not paths:
        suffixes = ", ".join(sorted({path.suffix or path.name for path in others})[:10])
        received = f"{len(others):,} other files ({suffixes})" if others else "an empty folder"
        raise FileNotFoundError(
            f"{root} must contain pictures, such as .jpg or .png files, or folders of pictures. Received {received}. "
            "Check the path."
        )
    return Found(paths, *_labels([path.relative_to(root).parts[:-1] for path in paths]), len(others))


def _existing(paths: list[Path]) -> list[Path]:
    missing = [path for path in paths if not path.is_file()]
    if missing or not paths:
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise FileNotFoundError(
            f"No picture at {missing[0]}{more}. Expected a folder of pictures, or paths of pictures. Check the path."
            if missing
            else "Expected a folder of pictures, or paths of pictures. Received an empty list."
        )
    return paths


def _walk(folder: Path, visited: set[str]) -> Iterator[Path]:
    """Yield all files that are not hidden, in alphabetical order. A folder with several links is visited once."""
    real = os.path.realpath(folder)
    if real in visited:
        return
    visited.add(real)
    with os.scandir(folder) as listing:
        entries = sorted((entry for entry in listing if not _is_hidden(entry.name)), key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir():
            yield from _walk(Path(entry.path), visited)
        elif entry.is_file():
            yield Path(entry.path)


def _is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden, or one that Windows or macOS adds."""
    return name.startswith((".", "__")) or name.lower() in ("thumbs.db", "desktop.ini")


def _labels(folders: list[tuple[str, ...]]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Labels and class names from the folder names of each picture, relative to the root."""
    if all(parts and parts[0].lower() in _PARTS for parts in folders):
        folders = [parts[1:] for parts in folders]
    if not all(folders):
        return None, ()
    names, y = np.unique([parts[0] for parts in folders], return_inverse=True)
    return y.astype("int64"), tuple(map(str, names))
