"""Read pictures that somebody else made, in any format that Pillow decodes, as 8-bit pixels of one size.

Each file is opened once and decoded within bounds. Everything that is wrong with a picture is a ValueError that names
the file.
"""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kerasae.files import reading

if TYPE_CHECKING:
    import numpy as np

MAX_PIXELS = 2**27  # width × height of a picture: about 134 million
_MAX_BYTES = 2**30  # of a file
# Formats that run another program (EPS), that Pillow finds but does not decode, or that need Windows.
_NOT_DECODED = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
_COMMON = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")  # tried first: Pillow takes long to rule out some others
_GRAY = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_GRAY_TOLERANCE = 2  # between the channels of a gray picture, which JPEG may round
_ORIENTATION = 0x0112  # EXIF tag
_TURNED = (5, 6, 7, 8)  # orientations that exchange width and height


class Header(NamedTuple):
    """What is known of a picture without decoding it: height and width as shown, and whether its mode is gray."""

    size: tuple[int, int]
    is_gray: bool


class Picture(NamedTuple):
    """Decoded pixels, uint8 `(height, width, channels)`, with what the file had: its size, and whether it was gray."""

    pixels: "np.ndarray"
    size: tuple[int, int]
    is_gray: bool


@functools.cache
def picture_suffixes() -> frozenset[str]:
    """Suffixes of picture files, in lower case: `.jpg`, `.png`, ..."""
    from PIL import Image

    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in _formats())


def read_header(path: str | Path) -> Header:
    """Size and mode of a picture. Errors as for `read_picture`."""
    return _read(path, lambda image: Header(_shown_size(image), image.mode in _GRAY))


def read_picture(path: str | Path, size: tuple[int, int], color: str, fit: str = "resize") -> Picture:
    """Decode a picture.

    The picture is turned as its EXIF orientation says; transparent pixels show white; 16-bit values are scaled to 8
    bits; of an animation the first frame is taken.

    Args:
        path: Path of the file.
        size: Height and width to bring it to, antialiased.
        color: `"grayscale"` or `"rgb"`.
        fit: `"resize"` to stretch it, `"crop"` to keep its proportions and cut off what is outside the center.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, is no picture, or has more than `MAX_PIXELS` pixels.
    """
    import numpy as np

    def decode(image) -> Picture:
        shown, is_gray = _shown_size(image), image.mode in _GRAY
        image.draft(None, (2 * max(size),) * 2)  # a large JPEG is decoded at a fraction of its size
        image = _in_8_bits(_oriented(image))
        if color == "grayscale":
            is_gray = is_gray or _has_equal_channels(image)
            image = image.convert("L")
        elif image.mode != "RGB":
            image = image.convert("RGB")
        return Picture(np.asarray(_fitted(image, size, fit)).reshape(*size, -1), shown, is_gray)

    return _read(path, decode)


def _read(path: str | Path, function):
    """What `function` gives for the opened picture."""
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
    except Exception as error:  # Pillow raises many kinds for damaged files
        raise ValueError(f"{path} can't be read as a picture: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "its content is of no known picture format"
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
    """A picture without alpha, transparent pixels over white, and without 16-bit values."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_scaled(image))
    if not image.has_transparency_data:
        return image if image.mode == "L" else image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _scaled(image) -> "np.ndarray":
    """Gray values of 16 bits, or floats in [0, 1], as 8 bits."""
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
    return image.resize((width, height), Image.Resampling.BICUBIC)  # antialiased: the filter widens as it shrinks
