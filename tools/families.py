"""The families of the zoo: the modules of `kerasae.zoo.recipes`, in the order of the recipes."""

import importlib
import pkgutil

from kerasae.zoo import recipes

TITLES = {
    "sine": "Points on a curve",
    "dense": "Dense",
    "conv": "Convolutional",
    "denoising": "Denoising",
    "generative": "Generative",
    "likelihood": "Likelihood models",
    "quantized": "Discrete codes",
    "sparse": "Sparse codes",
    "published": "Reproductions of published results",
}


def families() -> dict[str, list[str]]:
    """Title of a family → names of its entries. A module without a title is called by its name."""
    place = {}
    for module in pkgutil.iter_modules(recipes.__path__, f"{recipes.__name__}."):
        for row in getattr(importlib.import_module(module.name), "ROWS", ()):
            place[row.name] = module.name.rpartition(".")[2]
    groups: dict[str, list[str]] = {}
    for name in recipes.RECIPES:
        key = place[name]
        groups.setdefault(TITLES.get(key, key.replace("_", " ").capitalize()), []).append(name)
    return groups
