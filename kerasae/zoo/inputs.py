"""The inputs that a model is measured on, and their description for its card."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kerasae import data, files
from kerasae.data import Dataset, Source
from kerasae.preprocessing import SeriesPreprocessing, TablePreprocessing
from kerasae.zoo.cards import Card, Measured
from kerasae.zoo.previews import as_dataset

MOST = 2**26  # most values of the training inputs for baselines, and of the held-out inputs for figures


class Inputs(NamedTuple):
    """Inputs for `describe`.

    Attributes:
        dataset: Training inputs, which baselines are fitted to, and test inputs, which are measured; or None.
        measured: Description of the measured inputs; None for the test set of a named data set.
        name: Name of the data set, for the card's `data`; empty if it has none.
        preprocessing: Preprocessing of the raw data, or None.
    """

    dataset: Dataset | None = None
    measured: Measured | None = None
    name: str = ""
    preprocessing: Any = None

    def with_components(self, code_size: int) -> "Inputs":
        """Add a note to the description if there are too few inputs for PCA with `code_size` components."""
        if self.dataset is None or self.measured is None:
            return self
        fitted, *shape = self.dataset.x_train.shape
        if fitted >= min(code_size, math.prod(shape)):
            return self
        note = f"{self.measured.description}; PCA has only {fitted:,} components, one per input that it was fitted to"
        return self._replace(measured=dataclasses.replace(self.measured, description=note))


def given(what, preprocessing=None, path: str = "") -> Inputs:
    """Convert the argument `data` of `zoo.save` to inputs.

    Args:
        what: `data` of `zoo.save`. Arrays are used as model inputs without preprocessing.
        preprocessing: Preprocessing of data that are read. Default: that of the source.
        path: Path that the data were read from, for the card.
    """
    if what is None:
        return Inputs()
    if isinstance(what, str) and what in data.NAMES:
        return Inputs(data.named(what), name=what)
    if isinstance(what, Dataset) or _is_pair(what, np.ndarray):
        dataset = as_dataset(what)
        return Inputs(dataset, Measured(f"{len(dataset.x_test):,} test inputs given as arrays", len(dataset.x_test)))
    if _is_pair(what, Source):
        train, test = what
        return of_parts(train, test, f"{len(test):,} test inputs: {test.description}")
    source = data.load(what)
    if preprocessing is not None and source.raw is not None and not isinstance(what, np.ndarray):
        source = dataclasses.replace(source, preprocessing=preprocessing)
    if source.test is not None:
        return of_parts(source, source.test, f"the {len(source.test):,} test inputs of {source.description}")
    description = f"{source.description}; all of them are measured, and the mean and PCA are fitted to them too"
    return of_parts(source, source, description, data=path or path_of(what))


def of_parts(train: Source, held_out: Source, description: str, **facts) -> Inputs:
    """Create `Inputs` from a training part and a part to measure.

    Args:
        train, held_out: The two parts.
        description: Description of the measured inputs, for the card.
        **facts: Other fields of `Measured`.
    """
    few = [sample(part, facts.get("seed", 0)) for part in (train, held_out)]
    for part, (x, _), role in zip((train, held_out), few, ("PCA was fitted to", "measured were"), strict=True):
        if len(x) < count(part):
            description += f"; {role} {len(x):,} of them, chosen at random"
    (x, y), (x_test, y_test) = few
    labels = (y, y_test) if y is not None and y_test is not None and len(np.unique(y)) > 1 else (None, None)
    dataset = Dataset(x, labels[0], x_test, labels[1])  # type: ignore[arg-type]
    return Inputs(dataset, Measured(description, len(x_test), **facts), preprocessing=train.preprocessing)


def held_out(train: Source, rest: Source, **facts) -> Inputs:
    """Create the `Inputs` of a training. The data's own test set is measured if there is one, else the held-out part.

    Args:
        train, rest: The two parts that `split` returns.
        **facts: Other fields of `Measured`.
    """
    if train.test is not None:
        test = dataclasses.replace(train.test, preprocessing=train.preprocessing)
        return of_parts(train, test, f"test set, not used in training: {test.description}", **facts)
    return of_parts(
        train,
        rest,
        f"held out from training, though early stopping compared epochs on them: {rest.description}",
        **facts,
    )


def sample(part: Source, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Inputs of a part in random order, with at most `MOST` values in total, and their labels."""
    n = count(part)
    most = max(1, MOST // math.prod(part.input_shape))
    rows = np.random.default_rng(seed).permutation(n)[:most]
    y = None if part.y is None else part.y[rows]
    if part.stream is None:
        return np.asarray(part.x)[rows], y
    stream = part.stream.subset(rows)
    return np.concatenate([stream[i] for i in range(len(stream))]), y


def count(part: Source) -> int:
    """Number of inputs in a part."""
    return len(part.x) if isinstance(part.x, np.ndarray) else len(part)


def split(source: Source, hold_out: float, seed: int) -> tuple[Source, Source]:
    """Split into training part and held-out part. Arrays of vectors or series are standardized by the training part."""
    train, held_out = source.split(hold_out, seed)
    train = standardized(train)
    return train, dataclasses.replace(held_out, preprocessing=train.preprocessing)


def standardized(source: Source) -> Source:
    """Return the source with a standardizing preprocessing if it is an array of vectors or series."""
    if source.kind != "array" or source.raw is None or source.raw.ndim > 3:
        return source
    if source.raw.ndim == 2:
        scaler: Any = TablePreprocessing.fitted(source.raw)
    else:
        length, channels = source.raw.shape[1:]
        scaler = SeriesPreprocessing.fitted(source.raw.reshape(-1, channels), length, length)
    return dataclasses.replace(source, preprocessing=scaler)


def fingerprint(part: Source) -> str:
    """SHA-256 of the values, or of the paths of a stream. A resumed run checks that the data are the same."""
    if part.raw is None:
        return files.sha256("\n".join(map(str, part.files)).encode())
    return files.sha256(part.raw.tobytes())


def path_of(what) -> str:
    """Path or registered name of the data, for the card; empty for data in memory."""
    return str(what) if isinstance(what, str | Path) else ""


def of_card(card: Card) -> Dataset:
    """Load the inputs that a card's figures were measured on, and those that its baselines were fitted to.

    Raises:
        ValueError: If they were arrays in memory, are missing, or have changed. The message says what to do.
    """
    measured = card.measured
    if measured is None:
        if card.data is None:
            raise ValueError(_what_to_do(card, "The card does not say which"))
        return data.named(card.data)
    if not measured.data:
        raise ValueError(_what_to_do(card, "They were arrays in memory"))
    try:
        source = data.load(measured.data, **_options(measured.options))
    except FileNotFoundError as error:
        raise ValueError(_what_to_do(card, f"They are not at {measured.data}")) from error
    if not measured.hold_out:
        found = given(source, card.preprocessing, measured.data)
    else:
        found = held_out(*split(source, measured.hold_out, measured.seed), seed=measured.seed)
    if found.measured is None or found.measured.number != measured.number:
        raise ValueError(_what_to_do(card, f"The data at {measured.data} have changed since"))
    assert found.dataset is not None
    return found.dataset


def _what_to_do(card: Card, why: str) -> str:
    about = f" ({card.measured.description})" if card.measured else ""
    return (
        f"The inputs that the figures of {card.name} were measured on must be available{about}. {why}. "
        f"Give other inputs: kerasae evaluate {card.name} --data PATH."
    )


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in options.items()}


def _is_pair(what, cls: type) -> bool:
    return isinstance(what, tuple | list) and len(what) == 2 and all(isinstance(part, cls) for part in what)
