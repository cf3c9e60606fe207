"""Write a thumbnail of each entry's preview: `python tools/thumbnails.py docs/thumbnails [--check]`."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pages
from PIL import Image, ImageChops, ImageOps

from kerasae import zoo
from kerasae.zoo import store

WIDTH, HEIGHT = 256, 160  # pixels; shown at half the size, for displays with fine pixels
COLORS = 32
SAME = 6.0  # largest mean difference of two thumbnails, in levels of gray, between versions of Pillow


def thumbnail(preview: Image.Image) -> Image.Image:
    """The upper part of a preview without its margins, on a white ground of fixed size."""
    image = preview.convert("RGB")
    image = image.crop(ImageChops.invert(image).getbbox())
    image = image.crop((0, 0, image.width, min(image.height, image.width * HEIGHT // WIDTH)))
    return ImageOps.pad(image, (WIDTH, HEIGHT), Image.Resampling.LANCZOS, color="white")


def png(image: Image.Image) -> bytes:
    """An image as a small PNG file of few colors."""
    stored = io.BytesIO()
    few = image.quantize(COLORS, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    few.save(stored, format="png", optimize=True)
    return stored.getvalue()


def of_entry(name: str) -> Image.Image:
    """The thumbnail of a shipped entry."""
    return thumbnail(Image.open(store.root() / name / store.PREVIEW))


def is_current(path: Path, image: Image.Image) -> bool:
    """Whether a file shows an image, up to the choice of colors."""
    if not path.exists():
        return False
    stored = np.asarray(Image.open(path).convert("L"), "float32")
    return bool(np.abs(stored - np.asarray(image.convert("L"), "float32")).mean() <= SAME)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the thumbnails that are not current, or check that all are."""
    arguments = pages.parse(__doc__, argv)
    old = []
    for name in zoo.names():
        path, image = arguments.file / f"{name}.png", of_entry(name)
        if not is_current(path, image):
            old.append(path)
            if not arguments.check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(png(image))
    if arguments.check and old:
        print(f"{', '.join(map(str, old))} is not current: run `python tools/thumbnails.py {arguments.file}`")
    return int(arguments.check and bool(old))


if __name__ == "__main__":
    sys.exit(main())
