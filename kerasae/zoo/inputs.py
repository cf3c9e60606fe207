"""The inputs that a model is measured on, and what a card says about them."""

from typing import Any, NamedTuple

from kerasae import data
from kerasae.zoo.cards import Measured
from kerasae.zoo.previews import as_dataset


class Inputs(NamedTuple):
    """Inputs for `describe`.

    Attributes:
        dataset: Training inputs, which baselines are fitted on, and the inputs that are measured; None for none.
        measured: What the card says about the latter; None if they are the test set of a data set with a name.
        name: Name of the data set, for the card's `data`; empty if it has none.
        preprocessing: How the raw data became inputs; None if it was not changed.
    """

    dataset: data.Dataset | None = None
    measured: Measured | None = None
    name: str = ""
    preprocessing: Any = None


def given(what) -> Inputs:
    """The inputs that `zoo.save` is given as `data`."""
    if what is None:
        return Inputs()
    if isinstance(what, str) and what in data.NAMES:
        return Inputs(data.named(what), name=what)
    dataset = as_dataset(what)
    return Inputs(dataset, Measured(f"{len(dataset.x_test):,} test inputs given as arrays", len(dataset.x_test)))
