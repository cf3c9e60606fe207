"""How raw data becomes a model's input, and back: pixels, columns of a table, a long series.

A preprocessing is a small immutable object. The card of an entry holds it as JSON, so that whoever loads the entry can
pass raw data. Importing this module imports neither Keras nor NumPy.

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
MAX_SIDE = 2**14  # pixels, of pictures after preprocessing
_MAX_LENGTH = 2**24  # steps of a window, or between two windows
_MAX_NAME = 1000  # characters of a column's name


class _Preprocessing:
    """What the kinds share."""

    kind: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """The preprocessing as JSON types, for `from_json`."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
        return {"kind": self.kind, **plain}

    def _set(self, **fields) -> None:
        """Set fields of a frozen dataclass, in `__post_init__` alone."""
        for name, value in fields.items():
            object.__setattr__(self, name, value)


@dataclasses.dataclass(frozen=True)
class ImagePreprocessing(_Preprocessing):
    """Pictures of one size, with pixels divided by 255.

    Args:
        size: Height and width in pixels.
        color: `"grayscale"` (1 channel) or `"rgb"` (3 channels).
        fit: How `read` brings a picture to `size`: `"resize"` stretches it, `"crop"` keeps its proportions and cuts off
            what is outside the center. Both are antialiased.

    Raises:
        ValueError: An argument is none of these.
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
        """Pixels `(n, height, width, channels)` uint8 as float32 in [0, 1].

        Raises:
            ValueError: The pixels have another shape or type.
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
        """Model outputs `(n, height, width, channels)` in [0, 1] as uint8 pixels, rounded and clipped."""
        import numpy as np

        return np.rint(np.clip(np.asarray(x, "float32"), 0, 1) * 255).astype("uint8")

    def layers(self) -> list:
        """Keras layers that do what calling the preprocessing does, for a graph of raw inputs."""
        import keras

        return [keras.layers.Rescaling(1 / 255, name="unit_interval")]

    def read(self, path: str | Path) -> "np.ndarray":
        """The pixels of a picture, uint8 `(height, width, channels)`.

        Any format that Pillow reads: oriented as its EXIF tag says, alpha over white, 16-bit scaled to 8, the first
        frame of an animation.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file is damaged, no picture, or larger than `files.MAX_PIXELS`.
        """
        from kerasae import files

        return files.read_picture(path, self.size, self.color, self.fit).pixels


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Standardized(_Preprocessing):
    """`(x − mean) / scale` along the last axis."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    raw_dtype: ClassVar[str] = "float32"

    def __post_init__(self):
        mean, scale = _fields.numbers("mean", self.mean), _fields.numbers("scale", self.scale)
        if len(mean) != len(scale) or min(scale) <= 0:
            raise _fields.wrong("scale", f"{len(mean)} positive numbers, as many as means", self.scale)
        self._set(mean=mean, scale=scale)

    def inverse(self, x) -> "np.ndarray":
        """Model outputs in the original units: `x · scale + mean`, float64."""
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
        mean, scale: One number for each column; `scale` is the standard deviation, and 1 for a constant column.
        columns: Names of the columns.

    Raises:
        ValueError: Not one mean, one positive scale and one name for each column.
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
        """Mean and standard deviation of the rows `x (n, d)`, as scikit-learn's `StandardScaler` finds them."""
        return cls(**_mean_and_scale(x), columns=tuple(columns))

    @property
    def raw_shape(self) -> tuple[int, ...]:
        """Shape of one raw input: the number of columns."""
        return (len(self.mean),)

    def __call__(self, raw) -> "np.ndarray":
        """Rows `(n, d)` in the original units, standardized, float32. ValueError for another number of columns."""
        raw = _floats(raw)
        _check_shape("Rows", raw.shape, self.raw_shape)
        return self._standardized(raw)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SeriesPreprocessing(_Standardized):
    """Windows of a long series, each channel standardized.

    Args:
        mean, scale: One number for each channel.
        length: Steps per window.
        stride: Steps from the beginning of one window to that of the next.

    Raises:
        ValueError: Not one mean and one positive scale for each channel, or a length or stride below 1.
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
        """Mean and standard deviation of the channels of `series (steps, channels)`."""
        return cls(**_mean_and_scale(series), length=length, stride=stride)

    @property
    def raw_shape(self) -> tuple[int, ...]:
        """Shape of one raw input, a window: steps, channels."""
        return (self.length, len(self.mean))

    def __call__(self, raw) -> "np.ndarray":
        """Standardized windows `(n, length, channels)`, float32.

        Args:
            raw: A series `(steps, channels)`, or `(steps,)` of one channel; or windows `(n, length, channels)`.

        Raises:
            ValueError: Another number of channels, another length of windows, or a series shorter than one window.
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
    """The preprocessing that `to_json` gave.

    Args:
        content: Parsed JSON, perhaps written by somebody else.
        name: Name of the field that holds it, for error messages.

    Raises:
        ValueError: Another kind, a missing or unknown field, or values out of bounds. The message names the field.
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

    return np.asarray(raw, "float64")  # large offsets, such as dates in seconds, need the digits until they are gone


def _check_shape(what: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape[1:] != expected:
        wanted = f"(n, {', '.join(map(str, expected))})"
        raise ValueError(f"{what} must have shape {wanted}. Received: {shape}.")
