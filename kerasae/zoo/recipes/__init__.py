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


def plan(
    name: str,
    schedule: str = "written",
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
) -> Schedule:
    """Schedule for `train`.

    Args:
        name: Name of the recipe.
        schedule: `"written"` (published) or `"shipped"`.
        epochs, batch_size: Positive integers to use instead of those of the schedule.
        learning_rate: Initial learning rate to use instead, between 0 and 1.

    Raises:
        ValueError: If the recipe or the schedule does not exist, or a number is out of range.
    """
    given = {"epochs": epochs, "batch_size": batch_size}
    changes: dict = {key: _checks.positive_size(key, value) for key, value in given.items() if value is not None}
    if learning_rate is not None:
        changes["learning_rate"] = _checks.learning_rate(learning_rate)
    return dataclasses.replace(find(name).schedule(schedule), **changes)
