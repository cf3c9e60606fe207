"""Draw the pictures of the entries and of the documentation: `python tools/pictures.py [previews|sheets|animations]`.

`previews` writes `preview.png` of each entry, or of the entries that are named; `sheets` writes `docs/comparison.png`
and `docs/samples.png`; `animations` trains small models and writes `docs/animations/`. Without an argument, all are
drawn. It needs MNIST and Fashion-MNIST.
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
SHEETS = {"comparison.png": sheets.comparison, "samples.png": sheets.samples}


def write(path: Path, content: bytes) -> None:
    """Write a picture and say so."""
    path.write_bytes(content)
    print(f"{path.name}: {len(content):,} bytes", flush=True)


def draw_previews(names: Sequence[str]) -> None:
    """Write the previews of these entries; their other files stay."""
    for name in names:
        recipe = recipes.find(name)
        picture = previews.preview(name, zoo.load(name), data.named(recipe.data), recipe.shown)
        writing.replace_preview(zoo.store.directory_of(name), picture, replace_shipped=True)
        print(f"{name}: {(zoo.store.directory_of(name) / zoo.store.PREVIEW).stat().st_size:,} bytes", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Draw what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("previews", "sheets", "animations"), help="default: all")
    parser.add_argument("names", nargs="*", metavar="NAME", help="entries whose previews are drawn (default: all)")
    arguments = parser.parse_args(argv)
    if arguments.what in (None, "previews"):
        draw_previews(arguments.names or zoo.names())
    if arguments.what in (None, "sheets"):
        for name, sheet in SHEETS.items():
            write(DOCS / name, png(sheet(), colors=16, metadata={"Software": None}))
    if arguments.what in (None, "animations"):
        for name, frames in animations.ANIMATIONS.items():
            path = plots.animate(frames(), DOCS / "animations" / name, fps=5, widest=animations.WIDEST, overwrite=True)
            print(f"{path.name}: {path.stat().st_size:,} bytes", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
