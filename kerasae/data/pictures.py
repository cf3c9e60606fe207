"""Read pictures as an array, or as a stream if they do not fit in memory."""

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from kerasae import _checks, _fields, files
from kerasae.data import decoding, folders
from kerasae.data.source import Source
from kerasae.preprocessing import ImagePreprocessing

MEMORY = 2**28  # default limit in bytes of the float32 array. Training copies it; the process stays below 2 GiB
LONGEST = 128  # longest side in pixels of the default size
_SAMPLE = 1000  # number of pictures whose headers decide the default size and color
_NAMED = 10  # number of unreadable pictures that an error names
_DECODED = 100  # number of sampled pictures in a color mode that are decoded to see whether they are gray


def images(
    what: str | Path | Iterable[str | Path],
    size: int | tuple[int, int] | None = None,
    color: str | None = None,
    fit: str = "resize",
    on_error: str = "raise",
    memory: int = MEMORY,
    workers: int | None = None,
    verbose: bool = True,
) -> Source:
    """Read pictures of any format and size.

    Transparent pixels become white, 16-bit values are scaled to 8 bits, EXIF orientation is applied, and of an
    animation the first frame is used. Every picture is decoded once, to find unreadable files before training.

    Args:
        what: A folder of pictures, or paths of pictures. Inner folders give labels: `cats/1.jpg` has the class `cats`.
            Folders named `train`, `test` and the like do not count as classes.
        size: Height and width in pixels, or one number for a square. Default: the most common size if half of the
            pictures have it, else median height and median width; scaled down so that no side is longer than 128.
            A sample of up to 1,000 pictures is used.
        color: `"rgb"` or `"grayscale"`. Default: grayscale if all pictures of the sample are gray.
        fit: How to fit pictures of other sizes: `"resize"` stretches them, `"crop"` keeps their proportions and
            crops the center.
        on_error: `"raise"` or `"skip"`: whether unreadable pictures raise an error or are left out. Both list them.
        memory: Largest size of `x` in bytes, as float32 (default: 256 MiB). If it is larger, `x` is a stream
            that decodes batches of pictures during training.
        workers: Number of decoding threads. Default: the number of CPUs, at most 16.
        verbose: Whether to show a progress bar on standard error for more than 2,000 pictures.

    Returns:
        A `Source` whose `x` has shape `(n, height, width, channels)`, float32 in [0, 1].

    Raises:
        FileNotFoundError: If a path does not exist, or there is no picture in the folder.
        ValueError: If no picture is readable, or one is not and `on_error="raise"`, or an argument is out of range.
    """
    if on_error not in ("raise", "skip"):
        raise ValueError(f"on_error must be 'raise' or 'skip'. Received: {on_error!r}.")
    if workers is not None:
        _checks.positive_size("workers", workers)
    found = folders.pictures(what)
    scale = _preprocessing(found.paths, size, color, fit)
    fits = len(found.paths) * math.prod(scale.raw_shape) * 4 <= memory
    read = decoding.read_all(found.paths, scale, keep=fits, workers=workers, verbose=verbose)
    if read.unreadable and (on_error == "raise" or len(read.unreadable) == len(found.paths)):
        raise ValueError(_refusal(read.unreadable, len(found.paths)))
    rows = np.flatnonzero(read.is_readable)
    paths = tuple(found.paths[row] for row in rows)
    where: dict[str, Any] = {"raw": read.pixels}
    if not fits:
        from kerasae.data.stream import PictureStream

        where = {"stream": PictureStream(paths, scale, workers=workers)}
    return Source(
        kind="image",
        description=_description(scale, read, found, color is not None, fits),
        preprocessing=scale,
        y=None if found.y is None else found.y[rows],
        class_names=found.class_names,
        files=paths,
        skipped=read.unreadable,
        **where,
    )


def _preprocessing(paths: list[Path], size, color: str | None, fit: str) -> ImagePreprocessing:
    """Size, color and fit as given, with defaults from a sample of the pictures."""
    if _fields.is_integer(size):
        size = (size, size)
    if size is not None and color is not None:
        return ImagePreprocessing(size, color, fit)
    sample = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, _SAMPLE).astype(int))]
    headers = {}
    for path in sample:
        try:
            headers[path] = files.read_header(path)
        except ValueError:
            continue  # reported when all pictures are decoded
    size = size or _common_size([header.size for header in headers.values()] or [(1, 1)])
    if color is None:
        in_color = [path for path, header in headers.items() if not header.is_gray]
        color = "grayscale" if all(map(_is_gray, in_color[:: max(1, len(in_color) // _DECODED)])) else "rgb"
    return ImagePreprocessing(size, color, fit)


def _common_size(sizes: list[tuple[int, int]]) -> tuple[int, int]:
    """The most common size, if half of the pictures have it, else the medians; no side longer than `LONGEST`."""
    counts = Counter(sizes)
    size, count = max(counts.items(), key=lambda item: (item[1], item[0]))
    height, width = size if 2 * count >= len(sizes) else np.median(sizes, axis=0)
    factor = min(1.0, LONGEST / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def _is_gray(path: Path) -> bool:
    try:
        return files.read_picture(path, (LONGEST, LONGEST), "grayscale").is_gray
    except ValueError:
        return True  # reported when all pictures are decoded


def _refusal(unreadable: dict[Path, str], n: int) -> str:
    if len(unreadable) == n:
        return f"None of {n:,} files can be read as a picture. The first one: {next(iter(unreadable.values()))}"
    named = "\n".join(f"  {reason}" for reason in list(unreadable.values())[:_NAMED])
    more = f"\n  and {len(unreadable) - _NAMED:,} more" if len(unreadable) > _NAMED else ""
    return (
        f"{len(unreadable):,} of {n:,} pictures can't be read. Remove them, or pass on_error='skip' to leave them out:"
        f"\n{named}{more}"
    )


def _description(scale: ImagePreprocessing, read: decoding.Read, found: folders.Found, color_asked, fits: bool) -> str:
    """One sentence: what was read and how it was converted."""
    n, classes = int(read.is_readable.sum()), len(found.class_names)
    height, width = scale.size
    named = "color" if scale.color == "rgb" else "grayscale"
    parts = [_checks.counted(n, "picture") + (f" of {_checks.counted(classes, 'class')}" if classes else "")]
    parts += [f"{height} × {width}, {named}"]
    done = {"resize": "resized", "crop": "center-cropped"}[scale.fit]
    parts += [f"{read.resized:,} of another size {done}"] if read.resized else []
    if read.grayed and not color_asked:
        parts += [f"{_checks.counted(read.grayed, 'color picture')} converted to grayscale (color='rgb' keeps color)"]
    parts += [f"{len(read.unreadable):,} unreadable skipped"] if read.unreadable else []
    parts += [f"{_checks.counted(found.others, 'other file')} ignored"] if found.others else []
    parts += [] if fits else ["read from disk during training"]
    return ", ".join(parts)
