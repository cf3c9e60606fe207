"""Data of a user's own, with what is known about it."""

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
    """Inputs that were read from somewhere, and what was done to them.

    Attributes:
        kind: `"image"`, `"table"`, `"series"`, or `"array"` for other arrays, which are used as they are.
        description: One sentence: what was read and what was done to it.
        raw: Inputs as `preprocessing` takes them: uint8 pixels `(n, height, width, channels)`, the rows of a table
            `(n, d)` in their units, a series `(steps, channels)`; or, without preprocessing, the inputs of the model.
            None for a stream.
        stream: Pictures that do not fit in memory, as a `keras.utils.PyDataset`; else None.
        preprocessing: How raw data becomes the input of a model, or None.
        y: Labels `(n,)`: integers, or numbers that a table gives; None if there are none.
        class_names: Names of the integer labels, in their order.
        files: Path of each picture, in order.
        skipped: Path of each unreadable picture, with the reason.
        test: The test set that comes with the data, else None.
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
        """Inputs of a model `(n, *input_shape)`, float32; a stream of batches if pictures do not fit in memory."""
        if self.stream is not None:
            return self.stream
        return self.raw if self.preprocessing is None else self.preprocessing(self.raw)

    def __len__(self) -> int:
        if self.stream is not None:
            return len(self.stream.files)
        if self.kind == "series":  # cut into windows only when `x` is asked for
            return max(0, (len(self.raw) - self.preprocessing.length) // self.preprocessing.stride + 1)
        return len(self.raw)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input of a model."""
        return self.raw.shape[1:] if self.preprocessing is None else self.preprocessing.raw_shape

    def split(self, hold_out: float = 0.1, seed: int = 0) -> tuple["Source", "Source"]:
        """Divide the data at random into a part to train on and a part to hold out.

        A table is standardized by the mean and standard deviation of the training part. A series is not shuffled: its
        last steps are held out, since windows that overlap would be in both parts.

        Args:
            hold_out: Share of the inputs to hold out, between 0 and 1, or their number, 1 or more.
            seed: Seed of the division.

        Returns:
            `(train, held_out)`, each in the order of the data. `train` keeps `test`.

        Raises:
            ValueError: One of the two parts would be empty.
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
                f"Each part of a series must be as long as a window of {length} steps. Received {shortest} of "
                f"{len(self.raw)} steps. Choose another hold_out, or a shorter window."
            )
        scaler = SeriesPreprocessing.fitted(self.raw[:cut], length, self.preprocessing.stride)
        shared = dataclasses.replace(self, preprocessing=scaler)
        return (
            dataclasses.replace(shared, raw=self.raw[:cut], description=f"beginning of {self.description}"),
            dataclasses.replace(shared, raw=self.raw[cut:], description=f"end of {self.description}", test=None),
        )


def _held_out(hold_out: Any, n: int) -> int:
    """The number of inputs to hold out."""
    if _fields.is_integer(hold_out):
        count = int(hold_out)
    elif _fields.is_number(hold_out) and 0 < hold_out < 1:
        count = max(1, round(n * float(hold_out)))
    else:
        count = 0
    if not 0 < count < n:
        raise ValueError(
            f"hold_out must be a share between 0 and 1, or a number of inputs, that leaves inputs in both parts. "
            f"Received: {hold_out!r} of {n} inputs."
        )
    return count
