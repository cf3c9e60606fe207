"""Read untrusted pictures, in any format that Pillow decodes, as 8-bit pixels of one size.

Each file is opened once, and its numbers of bytes and pixels are limited. All errors are ValueErrors that name the
file, except for a missing file.
"""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kerasae.files import reading

if TYPE_CHECKING:
    import numpy as np

MAX_PIXELS = 2**27  # largest width × height of a picture, about 134 million
_MAX_BYTES = 2**30  # largest size of a file
# Formats that need another program (EPS) or Windows, or that Pillow recognizes but cannot decode.
_NOT_DECODED = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
_COMMON = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")  # tried first, since Pillow is slow at ruling out some others
_GRAY = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_GRAY_TOLERANCE = 2  # largest difference between channels of a gray picture, for JPEG's rounding
_ORIENTATION = 0x0112  # EXIF tag
_TURNED = (5, 6, 7, 8)  # orientations that swap width and height


class Header(NamedTuple):
    """Facts about a picture before decoding: height and width after rotation by EXIF, and whether its mode is gray."""

    size: tuple[int, int]
    is_gray: bool


class Picture(NamedTuple):
    """Decoded pixels, uint8 `(height, width, channels)`; size of the picture in the file, and whether it was gray."""

    pixels: "np.ndarray"
    size: tuple[int, int]
    is_gray: bool


@functools.cache
def picture_suffixes() -> frozenset[str]:
    """Suffixes of picture files, in lower case: `.jpg`, `.png`, ..."""
    from PIL import Image

    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in _formats())


def read_header(path: str | Path) -> Header:
    """Read size and mode of a picture. Errors as for `read_picture`."""
    return _read(path, lambda image: Header(_shown_size(image), image.mode in _GRAY))


def read_picture(path: str | Path, size: tuple[int, int], color: str, fit: str = "resize") -> Picture:
    """Decode a picture.

    EXIF orientation is applied, transparent pixels become white, 16-bit values are scaled to 8 bits, and of an
    animation the first frame is used.

    Args:
        path: Path of the file.
        size: Height and width of the result, in pixels.
        color: `"grayscale"` or `"rgb"`.
        fit: `"resize"` to stretch the picture, `"crop"` to keep its proportions and crop the center. Both use
            antialiasing.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, not a picture, or has more than `MAX_PIXELS` pixels.
    """
    import numpy as np

    def decode(image) -> Picture:
        shown, is_gray = _shown_size(image), image.mode in _GRAY
        image.draft(None, (2 * max(size),) * 2)  # decodes a large JPEG faster, at a fraction of its size
        image = _in_8_bits(_oriented(image))
        if color == "grayscale":
            is_gray = is_gray or _has_equal_channels(image)
            image = image.convert("L")
        elif image.mode != "RGB":
            image = image.convert("RGB")
        return Picture(np.asarray(_fitted(image, size, fit)).reshape(*size, -1), shown, is_gray)

    return _read(path, decode)


def _read(path: str | Path, function):
    """Open a picture and apply `function` to it."""
    from PIL import Image

    if not Path(path).exists():
        raise FileNotFoundError(f"No file at {path}. Expected a picture.")
    try:
        with reading.open_regular(Path(path), _MAX_BYTES) as file, Image.open(file, formats=_formats()) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(
                    f"it has {image.width} × {image.height} pixels, expected at most {MAX_PIXELS:,} in all"
                )
            return function(image)
    except Exception as error:  # Pillow raises many types for damaged files
        raise ValueError(f"{path} can't be read as a picture: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "its content has no known picture format"
    return reading.brief(error).rstrip(".")


@functools.cache
def _formats() -> tuple[str, ...]:
    from PIL import Image

    Image.init()
    others = [name for name in Image.OPEN if name not in {*_COMMON, *_NOT_DECODED}]
    return tuple([name for name in _COMMON if name in Image.OPEN] + others)


def _orientation(image) -> int:
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a damaged EXIF block does not make the pixels unreadable
        return 1


def _shown_size(image) -> tuple[int, int]:
    width, height = image.size
    return (width, height) if _orientation(image) in _TURNED else (height, width)


def _oriented(image):
    from PIL import ImageOps

    image.load()
    return image if _orientation(image) == 1 else ImageOps.exif_transpose(image)


def _in_8_bits(image):
    """Convert a picture to 8 bits without alpha, with transparent pixels over white."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_scaled(image))
    if not image.has_transparency_data:
        return image if image.mode == "L" else image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _scaled(image) -> "np.ndarray":
    """Scale 16-bit gray values, or floats in [0, 1], to 8 bits."""
    import numpy as np

    values = np.asarray(image)
    white, kind = (1, "floats") if values.dtype.kind == "f" else (2**16 - 1, "integers of 16 bits")
    low, high = values.min(), values.max()
    if not 0 <= low <= high <= white:
        raise ValueError(f"its gray values must be {kind} from 0 to {white}, received {low:g} to {high:g}")
    return np.rint(values * (255 / white)).astype("uint8")


def _has_equal_channels(image) -> bool:
    import numpy as np

    pixels = np.asarray(image)
    return pixels.ndim == 2 or int(np.ptp(pixels, axis=-1).max()) <= _GRAY_TOLERANCE


def _fitted(image, size: tuple[int, int], fit: str):
    from PIL import Image, ImageOps

    height, width = size
    if image.size == (width, height):
        return image
    if fit == "crop":
        return ImageOps.fit(image, (width, height), method=Image.Resampling.BICUBIC)
    return image.resize((width, height), Image.Resampling.BICUBIC)  # Pillow's filter is antialiasing
