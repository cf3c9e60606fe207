"""Preprocessing of pixels, tables and series: raw data to model inputs and back.

A preprocessing is a small immutable object. The card of an entry stores it as JSON, so users of the entry can pass raw
data. Importing this module imports neither Keras nor NumPy.

>>> scale = ImagePreprocessing(size=(28, 28), color="grayscale")
>>> scale(np.full((1, 28, 28, 1), 51, "uint8")).max().item()
0.20000000298023224
>>> from_json(scale.to_json()) == scale
True
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from kerasae import _fields

if TYPE_CHECKING:
    import numpy as np

CHANNELS = {"grayscale": 1, "rgb": 3}
FITS = ("resize", "crop")
MAX_SIDE = 2**14  # longest side of a preprocessed picture in pixels
_MAX_LENGTH = 2**24  # most steps per window, and between windows
_MAX_NAME = 1000  # most characters in the name of a column


class _Preprocessing:
    """Base class of all kinds of preprocessing."""

    kind: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Convert to JSON types; `from_json` is the inverse."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
        return {"kind": self.kind, **plain}

    def _set(self, **fields) -> None:
        """Set fields of the frozen dataclass; only for `__post_init__`."""
        for name, value in fields.items():
            object.__setattr__(self, name, value)


@dataclasses.dataclass(frozen=True)
class ImagePreprocessing(_Preprocessing):
    """Pictures of one size, with pixels divided by 255.

    Args:
        size: Height and width in pixels.
        color: `"grayscale"` (1 channel) or `"rgb"` (3 channels).
        fit: How `read` fits a picture to `size`: `"resize"` stretches it, `"crop"` keeps its proportions and crops
            the center. Both use antialiasing.

    Raises:
        ValueError: If an argument has another value.
    """

    size: tuple[int, int]
    color: str = "rgb"
    fit: str = "resize"
    kind: ClassVar[str] = "image"
    raw_dtype: ClassVar[str] = "uint8"

    def __post_init__(self):
        size = _fields.integers("size", self.size, MAX_SIDE)
        if len(size) != 2:
            raise _fields.wrong("size", "a height and a width", self.size)
        self._set(
            size=size, color=_fields.one_of("color", self.color, CHANNELS), fit=_fields.one_of("fit", self.fit, FITS)
        )

    @property
    def raw_shape(self) -> tuple[int, ...]:
        """Shape of one raw input: height, width, channels."""
        return (*self.size, CHANNELS[self.color])

    def __call__(self, raw) -> "np.ndarray":
        """Convert uint8 pixels `(n, height, width, channels)` to float32 in [0, 1].

        Raises:
            ValueError: If the pixels have another shape or dtype.
        """
        import numpy as np

        raw = np.asarray(raw)
        if raw.dtype != np.uint8:
            raise ValueError(
                f"Raw pixels must be 8-bit integers, uint8. Received {raw.dtype}. Pixels that are in [0, 1] already "
                "need no preprocessing: pass them to the model."
            )
        _check_shape("Raw pixels", raw.shape, self.raw_shape)
        return raw / np.float32(255)

    def inverse(self, x) -> "np.ndarray":
        """Convert model outputs `(n, height, width, channels)` in [0, 1] to uint8 pixels, clipped and rounded."""
        import numpy as np

        return np.rint(np.clip(np.asarray(x, "float32"), 0, 1) * 255).astype("uint8")

    def layers(self) -> list:
        """Keras layers that do what calling the preprocessing does, for a graph of raw inputs."""
        import keras

        return [keras.layers.Rescaling(1 / 255, name="unit_interval")]

    def read(self, path: str | Path) -> "np.ndarray":
        """Read the pixels of a picture file, uint8 `(height, width, channels)`.

        All formats that Pillow reads are accepted. EXIF orientation is applied, transparency is blended with white, 16
        bits are scaled to 8, and of an animation the first frame is used.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is damaged, not a picture, or larger than `files.MAX_PIXELS`.
        """
        from kerasae import files

        return files.read_picture(path, self.size, self.color, self.fit).pixels


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Standardized(_Preprocessing):
    """Standardization `(x − mean) / scale` along the last axis."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    raw_dtype: ClassVar[str] = "float32"

    def __post_init__(self):
        mean, scale = _fields.numbers("mean", self.mean), _fields.numbers("scale", self.scale)
        if len(mean) != len(scale) or min(scale) <= 0:
            raise _fields.wrong("scale", f"{len(mean)} positive numbers, as many as means", self.scale)
        self._set(mean=mean, scale=scale)

    def inverse(self, x) -> "np.ndarray":
        """Convert model outputs to the original units: `x · scale + mean`, float64."""
        import numpy as np

        return np.asarray(x, "float64") * self.scale + self.mean

    def layers(self) -> list:
        """Keras layers that do what calling the preprocessing does, for a graph of raw inputs."""
        import keras

        variance = [scale * scale for scale in self.scale]
        return [keras.layers.Normalization(mean=list(self.mean), variance=variance, name="standardized")]

    def _standardized(self, raw: "np.ndarray") -> "np.ndarray":
        return ((raw - self.mean) / self.scale).astype("float32")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TablePreprocessing(_Standardized):
    """The columns of a table, standardized: `(x − mean) / scale`.

    Args:
        mean: Mean of each column, in its original unit.
        scale: Standard deviation of each column, in its original unit; 1 for a constant column.
        columns: Names of the columns. Default: `column 1`, `column 2`, ...

    Raises:
        ValueError: If there is not one mean, one positive scale and one name per column.
    """

    columns: tuple[str, ...] = ()
    kind: ClassVar[str] = "table"

    def __post_init__(self):
        super().__post_init__()
        names = tuple(self.columns) or tuple(f"column {i + 1}" for i in range(len(self.mean)))
        if len(names) != len(self.mean) or not all(isinstance(n, str) and len(n) <= _MAX_NAME for n in names):
            raise _fields.wrong("columns", f"{len(self.mean)} names, as many as means", self.columns)
        self._set(columns=names)

    @classmethod
    def fitted(cls, x, columns: Sequence[str] = ()) -> "TablePreprocessing":
        """Fit mean and standard deviation to the rows `x (n, d)` with scikit-learn's `StandardScaler`."""
        return cls(**_mean_and_scale(x), columns=tuple(columns))

    @property
    def raw_shape(self) -> tuple[int, ...]:
        """Shape of one raw input: the number of columns."""
        return (len(self.mean),)

    def __call__(self, raw) -> "np.ndarray":
        """Standardize rows `(n, d)`, given in original units; float32. ValueError for another number of columns."""
        raw = _floats(raw)
        _check_shape("Rows", raw.shape, self.raw_shape)
        return self._standardized(raw)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SeriesPreprocessing(_Standardized):
    """Windows of a long series, each channel standardized.

    Args:
        mean, scale: Mean and standard deviation of each channel, in its original unit.
        length: Number of steps per window.
        stride: Number of steps from the start of one window to the start of the next.

    Raises:
        ValueError: If there is not one mean and one positive scale per channel, or a length or stride is below 1.
    """

    length: int = 1
    stride: int = 1
    kind: ClassVar[str] = "series"

    def __post_init__(self):
        super().__post_init__()
        (length,), (stride,) = (_fields.integers(n, (getattr(self, n),), _MAX_LENGTH) for n in ("length", "stride"))
        self._set(length=length, stride=stride)

    @classmethod
    def fitted(cls, series, length: int, stride: int = 1) -> "SeriesPreprocessing":
        """Fit mean and standard deviation to the channels of `series (steps, channels)`."""
        return cls(**_mean_and_scale(series), length=length, stride=stride)

    @property
    def raw_shape(self) -> tuple[int, ...]:
        """Shape of one raw window: steps, channels."""
        return (self.length, len(self.mean))

    def __call__(self, raw) -> "np.ndarray":
        """Cut a series into windows if needed, and standardize them: float32 `(n, length, channels)`.

        Args:
            raw: A series `(steps, channels)`, or `(steps,)` for one channel; or windows `(n, length, channels)`.

        Raises:
            ValueError: If the number of channels or the length of the windows differs, or the series is shorter than
                one window.
        """
        raw = _floats(raw)
        raw = raw[:, None] if raw.ndim == 1 else raw
        if raw.ndim == 2:
            from kerasae.data.windows import windows

            _check_shape("A series", raw.shape, self.raw_shape[1:])
            return windows(self._standardized(raw), self.length, self.stride)
        _check_shape("Windows", raw.shape, self.raw_shape)
        return self._standardized(raw)


Preprocessing = ImagePreprocessing | TablePreprocessing | SeriesPreprocessing
_KINDS = {cls.kind: cls for cls in (ImagePreprocessing, TablePreprocessing, SeriesPreprocessing)}


def from_json(content, name: str = "preprocessing") -> Preprocessing:
    """Build a preprocessing from the result of `to_json`.

    Args:
        content: Parsed JSON from any source; it is validated.
        name: Name of the field that contains it, for error messages.

    Raises:
        ValueError: If the kind is unknown, a field is missing or unknown, or a value is out of range. The message names
            the field.
    """
    if not isinstance(content, Mapping):
        raise ValueError(f"Field {name} must be an object. Received: {_fields.brief(content)}.")
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"Field {name}.kind must be one of {', '.join(_KINDS)}. Received: {_fields.brief(kind)}.")
    cls, given = _KINDS[kind], {key: value for key, value in content.items() if key != "kind"}
    known = {field.name for field in dataclasses.fields(cls)}
    if given.keys() != known:
        raise ValueError(
            f"Field {name} must have the fields {', '.join(sorted(known))}. "
            f"Received: {_fields.brief(sorted(map(str, given)))}."
        )
    try:
        return cls(**given)
    except ValueError as error:
        raise ValueError(f"Field {name}.{error}") from None


def _mean_and_scale(x) -> dict[str, Any]:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(_floats(x))
    return {"mean": scaler.mean_, "scale": scaler.scale_}


def _floats(raw) -> "np.ndarray":
    import numpy as np

    return np.asarray(raw, "float64")  # float32 would lose digits of values with a large mean, such as dates in seconds


def _check_shape(what: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape[1:] != expected:
        wanted = f"(n, {', '.join(map(str, expected))})"
        raise ValueError(f"{what} must have shape {wanted}. Received: {shape}.")
