"""The one way in: pictures, files of arrays and data sets, as the inputs of a model."""

import math
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerasae import data, zoo
from kerasae.zoo import raw

_PIECE = 2**26  # bytes of inputs that are read and processed at once
_MOST = 4096  # inputs


@dataclass(frozen=True)
class Piece:
    """Some of the inputs.

    Attributes:
        x: Inputs of the model `(n, *input_shape)`.
        given: Keyword arguments of the model's methods besides the inputs: the labels, for a conditional model.
        names: Name of each input.
    """

    x: np.ndarray
    given: dict[str, Any]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.x)


class Entry:
    """A model with what is needed to read its inputs and to write its outputs.

    Args:
        name: As for `zoo.load`.

    Attributes:
        name: Name that is used for default paths.
        model: The loaded model.
        card: Its card; None for a `.keras` file.
        preprocessing: How raw data becomes the input of the model; None if it takes arrays as they are.
    """

    def __init__(self, name: str):
        self.path = name
        self.name = Path(name).name.removesuffix(".keras")
        self.model = zoo.load(name)
        self.card = None if name.endswith(".keras") else zoo.card(name)
        self.preprocessing = raw.preprocessing_of(self.model, self.card)

    @property
    def is_of_pictures(self) -> bool:
        """Whether the inputs are gray or color images."""
        shape = self.model.data_shape
        return len(shape) == 3 and shape[-1] in (1, 3)

    @property
    def value_range(self) -> tuple[float, float]:
        """Values that are drawn as black and white."""
        return self.model.value_range or (0.0, 1.0)

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Names of the columns of a table; None for other data."""
        return getattr(self.preprocessing, "columns", None)

    @property
    def suffix(self) -> str:
        """Suffix of files of arrays of the model's data: of rows, that of a table."""
        return ".csv" if len(self.model.data_shape) == 1 else ".npy"

    @property
    def class_name(self) -> str:
        """Class of the model."""
        return type(self.model).__name__

    def raw(self, x: np.ndarray) -> np.ndarray:
        """Outputs of the model as they are written to arrays: of a table or a series, in the original units."""
        scale = self.preprocessing
        return x if scale is None or scale.kind == "image" else scale.inverse(x).astype("float32")


class Inputs:
    """Inputs of a model, read in pieces that fit in memory.

    Args:
        entry: The model.
        arguments: Parsed arguments: `inputs`, `n`, `invert`, `label`.

    Attributes:
        names: Name of each input: the path of a picture inside its folder, else its index.
        files: Paths of the pictures, if they are pictures.
        labels: Class of each input `(n,)`, or None.

    Raises:
        FileNotFoundError, ValueError: As for `data.load`; or several inputs that are not all pictures.
    """

    def __init__(self, entry: Entry, arguments):
        self.entry = entry
        self._invert, self._label = arguments.invert, arguments.label
        source = _load(arguments.inputs, entry.preprocessing)
        self._source = source
        n = min(len(source), arguments.n or len(source))
        self.files = source.files[:n]
        self.names = _names(self.files) or list(map(str, range(n)))
        self.labels = None if source.y is None else source.y[:n]
        for path, reason in source.skipped.items():
            print(f"skipped: {path}: {reason}", file=sys.stderr)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Piece]:
        size = max(1, min(_MOST, _PIECE // (4 * math.prod(self.entry.model.data_shape))))
        for start in range(0, len(self), size):
            rows = slice(start, min(start + size, len(self)))
            x = self._inverted(self._read(rows))
            yield Piece(x, self._given(rows), self.names[rows])

    def all(self) -> Piece:
        """All inputs at once."""
        pieces = list(self)
        given = {key: np.concatenate([piece.given[key] for piece in pieces]) for key in pieces[0].given}
        return Piece(np.concatenate([piece.x for piece in pieces]), given, self.names)

    def _read(self, rows: slice) -> np.ndarray:
        scale, source = self.entry.preprocessing, self._source
        if source.stream is not None:
            return scale(np.stack([scale.read(path) for path in self.files[rows]]))
        return as_inputs(source.raw[rows], scale)

    def _inverted(self, x: np.ndarray) -> np.ndarray:
        if not self._invert:
            return x
        if not self.entry.is_of_pictures:
            raise ValueError("--invert is for pictures. The inputs of this model are none: leave it out.")
        return np.float32(sum(self.entry.value_range)) - x

    def _given(self, rows: slice) -> dict[str, Any]:
        classes, labels = self.entry.model.classes, self.labels
        if self._label is not None:
            return {"label": np.full(rows.stop - rows.start, self._label)}
        if classes is None:
            return {}
        if labels is None:
            raise ValueError(
                f"{self.entry.name} needs the class of each input: expected --label K, from 0 to {classes - 1}, or "
                "class folders. Received neither."
            )
        return {"label": labels[rows].astype("int64")}


def as_inputs(raw: np.ndarray, scale) -> np.ndarray:
    """Raw data as inputs of a model; arrays of floats in place of pixels are inputs already."""
    if scale is None:
        return raw
    if scale.kind == "image" and raw.ndim == 3:
        raw = raw[..., None]
    return raw if scale.kind == "image" and raw.dtype.kind == "f" else scale(raw)


def read_codes(path: Path, shape: tuple[int, ...]) -> tuple[list[str], np.ndarray]:
    """Codes from a `.npy`, `.npz` or `.csv` file, as `kerasae encode` writes them.

    Args:
        path: Path of the file.
        shape: Shape of one code.

    Returns:
        Names of the codes, and the codes `(n, *shape)`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or holds something else.
    """
    path = Path(path)
    if path.suffix.lower() == ".csv":
        source = data.table(path, label="file") if _first_line(path).startswith("file,") else data.table(path)
    else:
        source = data.load(path)
    codes = np.asarray(source.raw, "float32")
    if math.prod(codes.shape[1:]) != math.prod(shape):
        raise ValueError(f"{path} must hold codes of shape (n, {', '.join(map(str, shape))}). Received: {codes.shape}.")
    names = [str(i) for i in range(len(codes))] if source.y is None else [source.class_names[i] for i in source.y]
    return names, codes.reshape(len(codes), *shape)


def _first_line(path: Path) -> str:
    if not path.exists():
        raise FileNotFoundError(f"No file at {path}. Expected a .npy, .npz or .csv file of codes.")
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        return file.readline(1000)


def _load(inputs: Sequence[str], scale):
    """The source of the inputs: of pictures, those of all paths; otherwise of one path or name."""
    if all(_may_be_pictures(Path(text)) for text in inputs):
        return _pictures([Path(text) for text in inputs], scale)
    if len(inputs) > 1:
        raise ValueError(
            f"Expected pictures and folders of pictures, or one file of arrays, or one data set. Received: "
            f"{', '.join(inputs)}."
        )
    source = data.load(inputs[0])
    return source if source.test is None else source.test


def _may_be_pictures(path: Path) -> bool:
    return path.is_dir() or (path.is_file() and path.suffix.lower() not in (".csv", ".tsv", ".txt", ".npy", ".npz"))


def _pictures(paths: Sequence[Path], scale):
    """Pictures in the size and color of the model; those that can't be read are left out."""
    if getattr(scale, "kind", None) != "image":
        raise ValueError(
            f"This model must have a file of arrays or a data set as inputs: it is none of pictures. Received: {paths[0]}."
        )
    options = {"size": scale.size, "color": scale.color, "fit": scale.fit, "on_error": "skip"}
    if len(paths) == 1 and paths[0].is_dir():
        return data.load(paths[0], **options)
    return data.load(
        [file for path in paths for file in (data.folders.pictures(path).paths if path.is_dir() else [path])], **options
    )


def _names(files: Sequence[Path]) -> list[str]:
    """Names of pictures: their paths inside the folder that they have in common."""
    if not files:
        return []
    common = Path(os.path.commonpath([path.parent for path in files]))
    return [path.relative_to(common).as_posix() for path in files]
