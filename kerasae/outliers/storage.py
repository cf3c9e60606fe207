"""A fitted detector as a graph and as an entry of the zoo."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
from keras import ops

from kerasae import files, models, zoo
from kerasae.outliers.parts import Distances, Errors, Neighbors, Part, Residuals, Tails
from kerasae.outliers.scoring import Score
from kerasae.zoo import describe, previews, store

_KINDS: dict[str, type[Part]] = {
    "errors": Errors,
    "residuals": Residuals,
    "neighbors": Neighbors,
    "distances": Distances,
    "tails": Tails,
}
_OWN = ("centers", "spreads", "peak", "center", "spread")  # arrays of the score itself


class _ScoreLayer(keras.layers.Layer):
    """Features and errors of inputs → score and label."""

    def __init__(self, score: Score, offset: float, **kwargs):
        super().__init__(**kwargs)
        self.score, self.offset = score, offset

    def call(self, observed):
        score = self.score(observed)
        return score, ops.where(score < self.offset, -1, 1)


def graph(model: models.Autoencoder, score: Score, offset: float) -> keras.Model:
    """A detector as a Keras model: `x (n, *shape)` → a dict of `reconstruction`, `code`, `score` and `label`."""
    x = keras.Input(model.data_shape, name="x")
    x_hat, z, observed = model.observed(x)
    scores, labels = _ScoreLayer(score, offset, name="score", dtype="float32")(observed)
    return keras.Model(x, {"reconstruction": x_hat, "code": z, "score": scores, "label": labels}, name="detector")


def save(directory, model: models.Autoencoder, score: Score, settings: Mapping, facts: Mapping) -> zoo.cards.Card:
    """Write a detector as an entry: that of its model, `detector.npz`, and `settings` as `detector` on its card.

    Args:
        directory: Directory of the entry.
        model, score: The detector.
        settings: Numbers and short strings.
        facts: Fields of the card; `name` is that of the directory unless given.

    Returns:
        The card.

    Raises:
        FileExistsError, ValueError, OSError: As for `zoo.save`.
    """
    directory = Path(directory)
    zoo.check_target(directory)
    facts = dict(facts)
    name = facts.pop("name", None) or directory.resolve().name
    facts = {key: value for key, value in facts.items() if value is not None}
    card = describe.describe(model, facts.pop("data", None), name=name, detector=dict(settings), **facts)
    arrays = to_arrays(score)
    zoo.writing.write(directory, model, card, previews.preview(name, model), extra={store.DETECTOR: arrays})
    return dataclasses.replace(card, files=None)


def load(directory) -> tuple[models.Autoencoder, Score, Mapping]:
    """The model, the score and the settings of a detector that `save` has written.

    Raises:
        ValueError: No such entry, one without a detector, or damaged files.
    """
    settings = zoo.card(directory).detector
    if settings is None:
        raise ValueError(
            f"directory must be an entry of a detector. {directory} has none: fit a "
            "kerasae.sklearn.OutlierDetector on its model, and save that."
        )
    share, offset = settings.get("contamination"), settings.get("offset")
    if not isinstance(offset, float | int) or not (share == "auto" or isinstance(share, float)):
        raise ValueError(f"The card of {directory} must have a detector with contamination and offset: {settings}.")
    model = zoo.load(directory)
    source = f"{directory}/{store.DETECTOR}"
    try:
        score = from_arrays(store.extra_arrays(directory, store.DETECTOR))
        graph(model, score, offset)  # raises what does not fit
    except Exception as error:
        raise ValueError(f"{source} must hold the arrays of a detector of its model: {files.brief(error)}") from error
    return model, score, {"contamination": share, "offset": float(offset)}


def to_arrays(score: Score) -> dict[str, np.ndarray]:
    """The arrays of a score, by names such as `centers` and `code.neighbors.points`."""
    arrays = {key: getattr(score, key) for key in _OWN}
    for name, part in score.parts.items():
        arrays |= {f"{name}.{key}": np.asarray(value) for key, value in vars(part).items()}
    return {key: np.asarray(value) for key, value in arrays.items()}


def from_arrays(arrays: Mapping[str, np.ndarray]) -> Score:
    """The score of these arrays; ValueError for others than `to_arrays` gives."""
    grouped: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{key} must be finite")
        name, _, field = key.rpartition(".")
        grouped.setdefault(name, {})[field] = array
    own = grouped.pop("", {})
    if own.keys() != set(_OWN):
        raise ValueError(f"expected arrays {', '.join(_OWN)}. Received: {', '.join(own) or 'none'}")
    parts = {name: _part(name, fields) for name, fields in grouped.items()}
    if any(len(own[key]) != len(parts) for key in ("centers", "spreads")) or not parts:
        raise ValueError(f"expected one center and spread for each of {len(parts)} parts")
    return Score(parts, **own)


def _part(name: str, fields: dict[str, np.ndarray]) -> Part:
    kind = _KINDS.get(name.partition(".")[2])
    if kind is None or fields.keys() != {field.name for field in dataclasses.fields(kind)}:
        raise ValueError(f"{name} must be a part of a score with its arrays. Received: {', '.join(fields)}")
    return kind(**fields)
