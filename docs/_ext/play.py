"""Pages to play with some entries in the browser, and the page of the gallery that shows them."""

from pathlib import Path

import files
from gallery import embedded

import kerasae
from kerasae import zoo

ENTRIES = ("vae2_mnist", "dense2_mnist", "cvae_mnist")
TITLES = {"vae2_mnist": "Variational", "dense2_mnist": "Dense", "cvae_mnist": "Conditional"}
EXTRA = "_play"  # a directory whose content Sphinx copies to the root of the site

_INTRODUCTION = """---
html_theme.sidebar_secondary.remove: true
---

# Play

Move the pointer over the map of codes, and the decoder draws the digit of that place. The browser computes encoder and
decoder itself; nothing is sent or loaded.

Draw a digit to see its code and its reconstruction. With the conditional model, choose a class: the code is then the
style.

The maps show {data}. Make such a page of any model, your own too, with `kerasae explore NAME`
({{doc}}`/explorer`).
"""


def _digits() -> tuple[kerasae.data.Dataset, str]:
    """The images on the maps: MNIST if it is at hand, so that a build needs no download."""
    if kerasae.data.is_at_hand("mnist"):
        return kerasae.data.mnist(), "2,000 test images of MNIST"
    return kerasae.data.digits(), "the digits of scikit-learn, as MNIST was not at hand when this site was built"


def write(docs: Path) -> None:
    """Write a page for each of `ENTRIES`, and `docs/gallery/play.md`."""
    digits, described = _digits()
    for name in ENTRIES:
        path = docs / EXTRA / "play" / f"{name}.html"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            kerasae.explorer.page(name, digits.x_test[:2000], digits.y_test[:2000], path, title="Codes of digits")
    tabs = [line for name in ENTRIES for line in _tab(name)]
    page = [_INTRODUCTION.format(data=described), "::::{tab-set}", "", *tabs, "::::", ""]
    files.write(docs / "gallery" / "play.md", "\n".join(page))


def _tab(name: str) -> list[str]:
    about = f"{{doc}}`{name}`: {zoo.card(name).description}."
    return [f":::{{tab-item}} {TITLES[name]}", "", about, "", *embedded(f"../play/{name}.html", name), ":::", ""]
