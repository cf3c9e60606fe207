"""Read pictures, files of arrays and data sets as the inputs of a model, for all commands."""

import functools
import math
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerasae import data, zoo
from kerasae.data import folders
from kerasae.zoo import raw

_PIECE = 2**26  # largest size of a piece of inputs in bytes
_MOST = 4096  # most inputs in a piece


@dataclass(frozen=True)
class Piece:
    """A part of the inputs that fits in memory.

    Attributes:
        x: Inputs of the model `(n, *input_shape)`.
        given: Further keyword arguments of the model's methods: the labels of a conditional model.
        names: Name of each input.
        rows: Index of each input among all inputs.
    """

    x: np.ndarray
    given: dict[str, Any]
    names: Sequence[str]
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.x)


class Entry:
    """A model with its card, preprocessing and outlier detector.

    Args:
        name: As for `zoo.load`.

    Attributes:
        name: Name for default paths.
        model: The loaded model.
        card: Card of the entry; None for a `.keras` file.
        preprocessing: Preprocessing of raw data, or None.
    """

    def __init__(self, name: str):
        self.path = name
        self.name = Path(name).name.removesuffix(".keras")
        self.model = zoo.load(name)
        self.card = None if name.endswith(".keras") else zoo.card(name)
        self.preprocessing: Any = raw.preprocessing_of(self.model, self.card)

    @functools.cached_property
    def detector(self):
        """The outlier detector of the entry; None if it has none."""
        if self.card is None or self.card.detector is None:
            return None
        from kerasae.sklearn import OutlierDetector

        return OutlierDetector.load(self.path)

    @property
    def is_of_pictures(self) -> bool:
        """Whether the inputs are gray or color images."""
        shape = self.model.data_shape
        return len(shape) == 3 and shape[-1] in (1, 3)

    @property
    def value_range(self) -> tuple[float, float]:
        """Range of the values from black to white."""
        return self.model.value_range or (0.0, 1.0)

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Names of the columns of a table; None for other data."""
        return getattr(self.preprocessing, "columns", None)

    @property
    def suffix(self) -> str:
        """Suffix of files of the model's data: `.csv` for vectors, else `.npy`."""
        return ".csv" if len(self.model.data_shape) == 1 else ".npy"

    @property
    def class_name(self) -> str:
        """Class of the model."""
        return type(self.model).__name__

    def raw(self, x: np.ndarray) -> np.ndarray:
        """Convert outputs of the model to the units of files: the original units of a table or a series."""
        scale = self.preprocessing
        return x if scale is None or scale.kind == "image" else scale.inverse(x).astype("float32")


class Inputs:
    """Inputs of a model, read in pieces that fit in memory.

    Args:
        entry: Entry of the model.
        arguments: Parsed arguments: `inputs`, `n`, `invert`, `label`.

    Attributes:
        names: Name of each input: path of a picture relative to its folder, or index.
        files: Paths of the pictures, or empty.
        labels: Class of each input `(n,)`, or None.
        class_names: Names of the classes, or empty.
        steps: Number of steps of a series, if the inputs are its windows; else None.

    Raises:
        FileNotFoundError, ValueError: As for `data.load`; ValueError also for several inputs that are not all pictures.
    """

    def __init__(self, entry: Entry, arguments):
        self.entry, self._invert, self._label = entry, arguments.invert, arguments.label
        if self._invert and not entry.is_of_pictures:
            raise ValueError("--invert needs a model of pictures, which this model is not. Leave out --invert.")
        self.files: Sequence[Path] = ()
        self.class_names: tuple[str, ...] = ()
        self.steps: int | None = None
        if all(_may_be_pictures(Path(text)) for text in arguments.inputs):
            self.files, self.labels, self.class_names = _pictures(arguments.inputs, entry.preprocessing)
            self.files = self.files[: arguments.n]
            self.names = _names(self.files)
        else:
            x, self.labels, self.steps = _arrays(arguments.inputs, entry.preprocessing)
            self._x = x[: arguments.n]
            self.names = [str(i) for i in range(len(self._x))]
        self.labels = None if self.labels is None else self.labels[: arguments.n]

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Piece]:
        return self.pieces(np.arange(len(self)))

    def pieces(self, rows: np.ndarray) -> Iterator[Piece]:
        """Yield the inputs with these indices, in this order, without unreadable pictures."""
        size = max(1, min(_MOST, _PIECE // (4 * math.prod(self.entry.model.data_shape))))
        readable = 0
        for start in range(0, len(rows), size):
            found, x = self._read(rows[start : start + size])
            readable += len(found)
            if len(found):
                yield Piece(self.inverted(x), self._given(found), [self.names[row] for row in found], found)
        if not readable:
            raise ValueError(f"Expected pictures that Pillow decodes. None of {len(rows)} pictures can be read.")

    def all(self) -> Piece:
        """Read all inputs at once."""
        pieces = list(self)
        given = {key: np.concatenate([piece.given[key] for piece in pieces]) for key in pieces[0].given}
        names = [name for piece in pieces for name in piece.names]
        rows = np.concatenate([piece.rows for piece in pieces])
        return Piece(np.concatenate([piece.x for piece in pieces]), given, names, rows)

    def inverted(self, x: np.ndarray) -> np.ndarray:
        """Invert inputs or outputs if `--invert` is given: dark on light becomes light on dark, and back."""
        return np.float32(sum(self.entry.value_range)) - x if self._invert else x

    def _read(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read inputs; returns the indices of readable ones, and these inputs."""
        if not self.files:
            return rows, self._x[rows]
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            pixels = list(threads.map(self._read_picture, rows))
        found = [i for i, picture in enumerate(pixels) if picture is not None]
        stacked = np.stack([pixels[i] for i in found]) if found else np.empty(0)
        return rows[found], self.entry.preprocessing(stacked) if found else stacked

    def _read_picture(self, row: int):
        try:
            return self.entry.preprocessing.read(self.files[row])
        except ValueError as error:
            print(f"skipped: {error}", file=sys.stderr)
            return None

    def _given(self, rows: np.ndarray) -> dict[str, Any]:
        classes = self.entry.model.classes
        if self._label is not None:
            return {"label": np.full(len(rows), self._label)}
        if classes is None:
            return {}
        if self.labels is None:
            raise ValueError(
                f"{self.entry.name} needs the class of each input: expected --label K, from 0 to {classes - 1}, or "
                "class folders. Received neither."
            )
        return {"label": self.labels[rows].astype("int64")}


def test_data(entry: Entry, what: str) -> str:
    """Name of the data set whose test data is used for an entry if no inputs are given.

    Args:
        entry: Entry of the model.
        what: Participle for the message if scikit-learn's digits replace a missing data set, such as "drawn".

    Raises:
        ValueError: If the entry has no card that names its data.
    """
    name = entry.card.data if entry.card is not None else None
    if name in ("mnist", "fashion_mnist") and not data.is_at_hand(name):
        print(f"{name} is not on this machine; scikit-learn's digits are {what} instead.", file=sys.stderr)
        return "digits"
    if name is None:
        raise ValueError(f"{entry.name} needs inputs, since its card names no data set. Pass your own inputs.")
    return name


def label_names(inputs: Inputs, piece: Piece) -> np.ndarray | None:
    """Labels of the inputs of a piece, as class names if there are any; None without labels."""
    labels = None if inputs.labels is None else np.asarray(inputs.labels)[piece.rows]
    return np.asarray(inputs.class_names)[labels] if inputs.class_names and labels is not None else labels


def read_codes(path: Path, shape: tuple[int, ...]) -> tuple[list[str], np.ndarray]:
    """Read codes from a `.npy`, `.npz` or `.csv` file, as `kerasae encode` writes it.

    Args:
        path: Path of the file.
        shape: Shape of one code.

    Returns:
        Names of the codes, and the codes `(n, *shape)`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or has arrays of another shape.
    """
    if path.suffix.lower() == ".csv" and path.exists():
        source = data.table(path, label="file" if _begins_with_files(path) else None)
    else:
        source = data.load(path)
    codes = np.asarray(source.raw, "float32")
    if math.prod(codes.shape[1:]) != math.prod(shape):
        expected = ", ".join(map(str, shape))
        raise ValueError(f"{path} must have codes of shape (n, {expected}). Received shape: {codes.shape}.")
    names = list(map(str, range(len(codes))))
    if source.y is not None and source.class_names:
        names = [source.class_names[i] for i in source.y]
    return names, codes.reshape(len(codes), *shape)


def _begins_with_files(path: Path) -> bool:
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        return file.readline(100).startswith("file,")


def _may_be_pictures(path: Path) -> bool:
    return path.is_dir() or (path.is_file() and path.suffix.lower() not in (".csv", ".tsv", ".txt", ".npy", ".npz"))


def _pictures(inputs: Sequence[str], scale) -> tuple[list[Path], np.ndarray | None, tuple[str, ...]]:
    """Paths of pictures; for a single folder also labels and class names from its class folders."""
    if getattr(scale, "kind", None) != "image":
        raise ValueError(
            "Expected a file of arrays or a data set, since the inputs of this model are not pictures. Received: "
            f"{inputs[0]}."
        )
    found = [folders.pictures(path) for path in inputs]
    if len(found) == 1:
        return found[0].paths, found[0].y, found[0].class_names
    return [path for part in found for path in part.paths], None, ()


def _arrays(inputs: Sequence[str], scale) -> tuple[np.ndarray, np.ndarray | None, int | None]:
    """Inputs, labels and number of steps from a file of arrays, or from the test set of a data set."""
    if len(inputs) > 1:
        if missing := [text for text in inputs if not Path(text).exists()]:
            raise FileNotFoundError(f"No file or folder at {missing[0]}. Check the path.")
        raise ValueError(
            "Expected pictures and folders of pictures, or one file of arrays, or one data set. Received: "
            f"{', '.join(inputs)}."
        )
    is_table = Path(inputs[0]).suffix.lower() == ".csv" and getattr(scale, "kind", None) == "table"
    source = data.load(inputs[0], **({"columns": scale.columns} if is_table else {}))
    source = source.test or source
    raw = np.asarray(source.raw)
    if scale is None:
        return source.x if source.kind == "image" else raw.astype("float32"), source.y, None
    if scale.kind == "image" and raw.dtype.kind == "f":
        return raw, source.y, None  # already in [0, 1], like the images of a data set
    return scale(raw), source.y, len(raw) if scale.kind == "series" and raw.ndim == 2 else None


def _names(files: Sequence[Path]) -> list[str]:
    """Names of pictures: paths relative to their common folder."""
    common = Path(os.path.commonpath([path.parent for path in files]))
    return [path.relative_to(common).as_posix() for path in files]
