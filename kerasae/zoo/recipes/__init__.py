"""Recipes of the zoo, one row per entry in the module of its family. `zoo.train` trains with them."""

import dataclasses

from kerasae import _checks
from kerasae.zoo.initial_weights import initialize
from kerasae.zoo.recipes import conv, denoising, dense, generative, likelihood, quantized, sine, sparse
from kerasae.zoo.recipes.recipe import IMAGE, LOSSES, Recipe, Reference, Schedule

__all__ = ["IMAGE", "LOSSES", "RECIPES", "Recipe", "Reference", "Schedule", "find", "initialise", "initialize", "plan"]

initialise = initialize  # spelling in version 0.1

_FAMILIES = (sine, dense, sparse, conv, denoising, generative, likelihood, quantized)
RECIPES = {row.name: row for family in _FAMILIES for row in family.ROWS}


def find(name: str) -> Recipe:
    """Find a recipe by name. The ValueError for an unknown name lists all names."""
    if name not in RECIPES:
        raise _checks.unknown("recipe", name, RECIPES)
    return RECIPES[name]


def plan(name: str, schedule: str = "written", epochs: int | None = None) -> Schedule:
    """Schedule for `train`: `"written"` (published) or `"shipped"`, optionally with another number of epochs."""
    chosen = find(name).schedule(schedule)
    return chosen if epochs is None else dataclasses.replace(chosen, epochs=_checks.positive_size("epochs", epochs))
