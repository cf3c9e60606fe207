"""A fitted outlier detector as a Keras graph and as an entry of the zoo."""

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
_OWN = ("centers", "spreads", "peak", "center", "spread")  # arrays of the score, besides those of its parts


class _ScoreLayer(keras.layers.Layer):
    """Computes scores and labels from features and errors of inputs."""

    def __init__(self, score: Score, offset: float, **kwargs):
        super().__init__(**kwargs)
        self.score, self.offset = score, offset

    def call(self, observed):
        score = self.score(observed)
        return score, ops.where(score < self.offset, -1, 1)


def graph(model: models.Autoencoder, score: Score, offset: float) -> keras.Model:
    """Build a Keras model of a detector: `x (n, *shape)` → dict of `reconstruction`, `code`, `score` and `label`."""
    x = keras.Input(model.data_shape, name="x")
    x_hat, z, observed = model.observed(x)
    scores, labels = _ScoreLayer(score, offset, name="score", dtype="float32")(observed)
    return keras.Model(x, {"reconstruction": x_hat, "code": z, "score": scores, "label": labels}, name="detector")


def save(directory, model: models.Autoencoder, score: Score, settings: Mapping, facts: Mapping) -> zoo.cards.Card:
    """Write a detector as an entry: the entry of its model, with `detector.npz` and the field `detector` on its card.

    Args:
        directory: Directory of the entry.
        model, score: Model and score of the detector.
        settings: Field `detector` of the card: numbers and short strings.
        facts: Other fields of the card. Default of `name`: the name of the directory.

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
    """Load model, score and settings of a detector that `save` has written.

    Raises:
        ValueError: If there is no such entry, it has no detector, or its files are damaged.
    """
    settings = zoo.card(directory).detector
    if settings is None:
        raise ValueError(
            f"directory must be the entry of an outlier detector. {directory} has no detector: fit a "
            "kerasae.sklearn.OutlierDetector on its model, and save it."
        )
    share, offset = settings.get("contamination"), settings.get("offset")
    if not isinstance(offset, float | int) or not (share == "auto" or isinstance(share, float)):
        raise ValueError(f"The card of {directory} must have a detector with contamination and offset: {settings}.")
    model = zoo.load(directory)
    source = f"{directory}/{store.DETECTOR}"
    try:
        score = from_arrays(store.extra_arrays(directory, store.DETECTOR))
        graph(model, score, offset)  # raises an error if the arrays do not fit the model
    except Exception as error:
        raise ValueError(f"{source} must have the arrays of a detector of its model: {files.brief(error)}") from error
    return model, score, {"contamination": share, "offset": float(offset)}


def to_arrays(score: Score) -> dict[str, np.ndarray]:
    """Convert a score to arrays with names such as `centers` and `code.neighbors.points`."""
    arrays = {key: getattr(score, key) for key in _OWN}
    for name, part in score.parts.items():
        arrays |= {f"{name}.{key}": np.asarray(value) for key, value in vars(part).items()}
    return {key: np.asarray(value) for key, value in arrays.items()}


def from_arrays(arrays: Mapping[str, np.ndarray]) -> Score:
    """Build a score from the arrays of `to_arrays`; ValueError for other arrays."""
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
