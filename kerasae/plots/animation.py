"""Animations as GIF files."""

import io
import itertools
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

from kerasae.plots import _checks

_SMALLEST = 160  # pixels, the least width of an animation
_SAMPLES = 16  # frames that the palette is made from


def animate(
    frames: ArrayLike | Iterable[Figure | str | Path],
    path: str | Path,
    *,
    fps: float = 8.0,
    pause: float = 1.0,
    loop: bool = True,
    back: bool = False,
    widest: int = 900,
    overwrite: bool = False,
    value_range: tuple[float, float] = (0.0, 1.0),
) -> Path:
    """Write frames as an animated GIF.

    Small images are enlarged by a whole factor; wide figures and files are reduced. Frames of different sizes stand
    at the upper left. All frames share one palette of 256 colors, grays if there is no color.

    Args:
        frames: Images `(n, h, w)`, `(n, h, w, 1)` or `(n, h, w, 3)`; or figures, or paths of picture files. Figures can
            come from a generator, so that one exists at a time.
        path: Path of the file, which ends in `.gif`.
        fps: Frames per second, at most 50.
        pause: Seconds that the last frame stays longer.
        loop: Whether the animation starts again.
        back: Whether the frames also run back to the first one.
        widest: Width in pixels that figures and files are reduced to if they are wider.
        overwrite: Whether an existing file may be replaced.
        value_range: Values of images drawn as black and white. Values outside are clipped.

    Returns:
        The path.

    Raises:
        FileExistsError: The file exists and `overwrite` is False.
        ValueError: `frames` is empty or has a wrong shape; `path` has another suffix; `fps` or `pause` is out of range.

    >>> animate(np.linspace(0, 1, 5)[:, None, None] * np.ones((28, 28)), "fade.gif")  # doctest: +SKIP
    """
    path = Path(path)
    if path.suffix.lower() != ".gif":
        raise ValueError(f"path must end in .gif. Received: {path}.")
    if not 0 < fps <= 50 or pause < 0:
        raise ValueError(f"fps must be in (0, 50], and pause must not be negative. Received: fps={fps}, pause={pause}.")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists. Choose another path, or pass overwrite=True to replace it.")
    pictures = _with_one_palette(_of_one_size(_drawn(frames, value_range, widest)))
    durations = [1000.0 / fps] * len(pictures)
    durations[-1] += 1000 * pause
    if back:
        pictures, durations = pictures + pictures[-2:0:-1], durations + durations[-2:0:-1]
    _write(path, pictures, [round(duration) for duration in durations], loop)
    return path


def _drawn(frames, value_range: tuple[float, float], widest: int) -> list[Image.Image]:
    """The frames as pictures."""
    if hasattr(frames, "shape"):
        return _pictures(frames, value_range)
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError("frames is empty: expected at least one.")
    frames = itertools.chain([first], frames)
    if isinstance(first, Figure | str | Path):
        return _reduced([_picture(frame) for frame in frames], _checks.positive_size("widest", widest))
    return _pictures(list(frames), value_range)


def _pictures(images: ArrayLike, value_range: tuple[float, float]) -> list[Image.Image]:
    """Images as 8-bit pictures, enlarged by a whole factor if they are small."""
    low, high = value_range
    array = _checks.images(images, "frames", value_range).astype(float)
    pixels = np.rint(255 * ((array - low) / (high - low)).clip(0, 1)).astype("uint8")
    factor = max(1, -(-_SMALLEST // pixels.shape[2]))
    pixels = pixels.repeat(factor, axis=1).repeat(factor, axis=2)
    return [Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image) for image in pixels]


def _picture(frame: Figure | str | Path) -> Image.Image:
    """A figure, or the picture in a file, as an RGB picture."""
    source: io.BytesIO | str | Path
    if isinstance(frame, Figure):
        source = io.BytesIO()
        frame.savefig(source, format="png")
    else:
        source = frame
    with Image.open(source) as picture:
        return picture.convert("RGB")


def _reduced(pictures: list[Image.Image], widest: int) -> list[Image.Image]:
    """Pictures reduced by one factor, so that none is too wide."""
    factor = widest / max(picture.width for picture in pictures)
    if factor >= 1:
        return pictures
    sizes = [(round(picture.width * factor), round(picture.height * factor)) for picture in pictures]
    return [picture.resize(size, Image.Resampling.LANCZOS) for picture, size in zip(pictures, sizes, strict=True)]


def _of_one_size(pictures: list[Image.Image]) -> list[Image.Image]:
    """Pictures with white margins at the right and below, where others are larger."""
    size = max(picture.width for picture in pictures), max(picture.height for picture in pictures)
    same = []
    for picture in pictures:
        if picture.size != size:
            picture, smaller = Image.new(picture.mode, size, "white"), picture
            picture.paste(smaller, (0, 0))
        same.append(picture)
    return same


def _with_one_palette(pictures: list[Image.Image]) -> list[Image.Image]:
    """Pictures with the same palette, so that colors do not flicker. Pictures in gray stay as they are."""
    if pictures[0].mode == "L":
        return pictures
    chosen = [pictures[i] for i in np.linspace(0, len(pictures) - 1, min(len(pictures), _SAMPLES)).astype(int)]
    together = Image.fromarray(np.concatenate([np.asarray(picture) for picture in chosen]))
    palette = together.quantize(255, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    palette.putpalette([*(palette.getpalette() or [])[: 3 * 255], 255, 255, 255])  # white pages stay white
    return [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]


def _write(path: Path, pictures: list[Image.Image], durations: list[int], loop: bool) -> None:
    """Write the file beside its place, and move it there when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    repeat = {"loop": 0} if loop else {}
    first, *rest = pictures
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as partial:
        unfinished = Path(partial, path.name)
        first.save(unfinished, save_all=True, append_images=rest, duration=durations, optimize=True, **repeat)
        os.replace(unfinished, path)
