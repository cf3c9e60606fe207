"""Draw the pictures of the entries and of the documentation.

    python tools/pictures.py                      # all
    python tools/pictures.py previews aae_mnist   # preview.png of an entry
    python tools/pictures.py sheets               # docs/comparison.png and others
    python tools/pictures.py animations           # docs/animations/: trains two small models

It needs MNIST and Fashion-MNIST.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import animations
import sheets

from kerasae import data, plots, zoo
from kerasae.plots.style import png
from kerasae.zoo import previews, recipes, writing

DOCS = Path(__file__).parents[1] / "docs"


def draw_preview(name: str) -> Path:
    """Write the preview of an entry; its other files stay."""
    recipe, directory = recipes.find(name), zoo.store.directory_of(name)
    picture = previews.preview(name, zoo.load(name), data.named(recipe.data), recipe.shown)
    writing.replace_preview(directory, picture, replace_shipped=True)
    return directory / zoo.store.PREVIEW


def draw_sheet(name: str) -> Path:
    """Write a sheet, in 12 levels of gray."""
    path = DOCS / name
    path.write_bytes(png(sheets.SHEETS[name](), colors=12, tolerance=None, metadata={"Software": None}))
    return path


def draw_animation(name: str) -> Path:
    """Write an animation."""
    frames = animations.ANIMATIONS[name]()
    return plots.animate(frames, DOCS / "animations" / name, fps=5, widest=animations.WIDEST, overwrite=True)


KINDS = {
    "previews": (draw_preview, zoo.names),
    "sheets": (draw_sheet, lambda: list(sheets.SHEETS)),
    "animations": (draw_animation, lambda: list(animations.ANIMATIONS)),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Draw what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=KINDS, help="kind of pictures (default: all)")
    parser.add_argument("names", nargs="*", metavar="NAME", help="entries or files of this kind (default: all)")
    arguments = parser.parse_args(argv)
    for what in [arguments.what] if arguments.what else KINDS:
        draw, names = KINDS[what]
        for name in arguments.names or names():
            print(f"{name}: {draw(name).stat().st_size:,} bytes", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
