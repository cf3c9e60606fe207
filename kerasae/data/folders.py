"""Find the picture files of a folder, and the labels that its class folders give."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kerasae import files

# Folders that divide a data set into parts: the class folders are those inside.
_PARTS = {"train", "training", "test", "testing", "val", "valid", "validation", "eval", "evaluation"}


class Found(NamedTuple):
    """Paths of pictures, in order, with their labels `(n,)` and the names of these, if the folders give any.

    `others` is the number of files of other types that are not hidden.
    """

    paths: list[Path]
    y: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    others: int = 0


def pictures(what: str | Path | Iterable[str | Path]) -> Found:
    """The pictures that are meant by a folder, a file, or a list of files.

    Args:
        what: A folder, which is searched with the folders in it, in alphabetical order: hidden files and files of other
            types are passed over. Or paths of pictures, taken as they are.

    Returns:
        The paths; and labels, if all pictures of a folder lie in folders inside it. The folder inside is the class;
        where all these are called `train`, `test`, `val` or the like, the folder inside these.

    Raises:
        FileNotFoundError: A path does not exist, or there is no picture in the folder.
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
        received = f"other files alone: {len(others):,} ({suffixes})" if others else "an empty folder"
        raise FileNotFoundError(
            f"{root} must hold pictures, such as .jpg or .png files, or folders of pictures. Received {received}. "
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
    """All files that are not hidden, in alphabetical order; each folder once, whatever links lead to it."""
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
    """Whether a file or folder is hidden, or what Windows and macOS add to folders."""
    return name.startswith((".", "__")) or name.lower() in ("thumbs.db", "desktop.ini")


def _labels(folders: list[tuple[str, ...]]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Labels and class names by the folders that the pictures lie in."""
    if all(parts and parts[0].lower() in _PARTS for parts in folders):
        folders = [parts[1:] for parts in folders]
    if not all(folders):
        return None, ()
    names, y = np.unique([parts[0] for parts in folders], return_inverse=True)
    return y.astype("int64"), tuple(map(str, names))
