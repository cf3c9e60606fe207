"""`Source`: inputs with labels, preprocessing and a description."""

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasae import _fields
from kerasae.preprocessing import SeriesPreprocessing, TablePreprocessing

if TYPE_CHECKING:
    from kerasae.data.stream import PictureStream


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Source:
    """Inputs that were read from a file or an array, with labels and preprocessing.

    Attributes:
        kind: `"image"`, `"table"`, `"series"`, or `"array"` for other arrays.
        description: One sentence: what was read and how it was converted.
        raw: Raw inputs: uint8 pixels `(n, height, width, channels)`, rows of a table `(n, d)` in original units, or a
            series `(steps, channels)`. Without preprocessing, the inputs of the model. None for a stream.
        stream: Pictures that do not fit in memory, as a `keras.utils.PyDataset`, or None.
        preprocessing: Object of `kerasae.preprocessing` that converts `raw` to inputs of a model, or None.
        y: Labels `(n,)`, integers or (in a table) any numbers, or None.
        class_names: Names of the integer labels 0, 1, ...
        files: Path of each picture.
        skipped: Path of each unreadable picture that was left out, with the reason.
        test: Separate test set, or None.
    """

    kind: str
    description: str
    raw: Any = None
    stream: "PictureStream | None" = None
    preprocessing: Any = None
    y: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    skipped: dict[Path, str] = dataclasses.field(default_factory=dict)
    test: "Source | None" = None

    @functools.cached_property
    def x(self) -> "np.ndarray | PictureStream":
        """Inputs of a model `(n, *input_shape)`; a stream of batches for pictures that do not fit in memory."""
        if self.stream is not None:
            return self.stream
        return self.raw if self.preprocessing is None else self.preprocessing(self.raw)

    def __len__(self) -> int:
        if self.stream is not None:
            return len(self.stream.files)
        if self.kind == "series":  # `x` cuts it into windows
            return max(0, (len(self.raw) - self.preprocessing.length) // self.preprocessing.stride + 1)
        return len(self.raw)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input of a model."""
        return self.raw.shape[1:] if self.preprocessing is None else self.preprocessing.raw_shape

    def split(self, hold_out: float = 0.1, seed: int = 0) -> tuple["Source", "Source"]:
        """Split the data at random into a training part and a held-out part.

        A table is standardized with the mean and standard deviation of the training part. A series is not shuffled: its
        last steps are held out, because random windows of both parts would overlap.

        Args:
            hold_out: Fraction of the inputs to hold out, between 0 and 1, or their number, 1 or more.
            seed: Seed of the random split.

        Returns:
            `(train, held_out)`, each in the original order. `train` keeps `test`.

        Raises:
            ValueError: If a part would be empty, or a part of a series shorter than one window.
        """
        n = len(self.raw) if self.kind == "series" else len(self)
        count = _held_out(hold_out, n)
        if self.kind == "series":
            return self._series_parts(n - count)
        order = np.random.default_rng(seed).permutation(n)
        held_out = self._part(np.sort(order[:count]))
        train = dataclasses.replace(self._part(np.sort(order[count:])), test=self.test)
        if isinstance(train.preprocessing, TablePreprocessing):
            scaler = TablePreprocessing.fitted(train.raw, train.preprocessing.columns)
            train, held_out = (dataclasses.replace(part, preprocessing=scaler) for part in (train, held_out))
        return train, held_out

    def _part(self, rows: np.ndarray) -> "Source":
        return dataclasses.replace(
            self,
            raw=None if self.raw is None else self.raw[rows],
            stream=None if self.stream is None else self.stream.subset(rows),
            y=None if self.y is None else self.y[rows],
            files=tuple(self.files[row] for row in rows) if self.files else (),
            description=f"{len(rows):,} of {self.description}",
            test=None,
        )

    def _series_parts(self, cut: int) -> tuple["Source", "Source"]:
        shortest, length = min(cut, len(self.raw) - cut), self.preprocessing.length
        if shortest < length:
            raise ValueError(
                f"Each part of a series must have at least {length} steps, the length of a window. Received {shortest} "
                f"of {len(self.raw)} steps. Choose another hold_out, or a shorter window."
            )
        scaler = SeriesPreprocessing.fitted(self.raw[:cut], length, self.preprocessing.stride)
        shared = dataclasses.replace(self, preprocessing=scaler)
        return (
            dataclasses.replace(shared, raw=self.raw[:cut], description=f"beginning of {self.description}"),
            dataclasses.replace(shared, raw=self.raw[cut:], description=f"end of {self.description}", test=None),
        )


def _held_out(hold_out: Any, n: int) -> int:
    """Number of inputs to hold out."""
    if _fields.is_integer(hold_out):
        count = int(hold_out)
    elif _fields.is_number(hold_out) and 0 < hold_out < 1:
        count = max(1, round(n * float(hold_out)))
    else:
        count = 0
    if not 0 < count < n:
        raise ValueError(
            f"hold_out must be a fraction between 0 and 1 or a number of inputs, and leave inputs in both parts. "
            f"Received: {hold_out!r} of {n} inputs."
        )
    return count
