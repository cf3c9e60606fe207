"""Fit an outlier detector: train its ensemble, then fit the parts of its score."""

import math
from typing import Any, NamedTuple

import keras
import numpy as np

from kerasae import backends, models
from kerasae.outliers import trimming
from kerasae.outliers.parts import Distances, Errors, Neighbors, Part, Residuals, Tails
from kerasae.outliers.scoring import Score
from kerasae.training import inference
from kerasae.zoo.initial_weights import initialize

MOST_TRAINED = 20_000  # largest number of inputs that the ensemble is trained on
MOST_POINTS = 4096  # largest number of inputs that the score is fitted to
FEW_IMAGES = 2000  # an ensemble overfits fewer images than this: their errors are far below those of new images
BATCH_SIZE = 1024  # number of inputs per batch, which bounds the memory


class Schedule(NamedTuple):
    """Number of training steps, batch size, and initial learning rate of Adam with cosine decay to 0."""

    steps: int
    batch_size: int
    learning_rate: float


TABLE, IMAGES = Schedule(400, 64, 3e-3), Schedule(500, 128, 3e-3)


def _for_table(x: np.ndarray) -> dict[str, Any]:
    """Arguments of the ensemble for rows of a table `(n, d)`."""
    return {"members": 4, "hidden_units": 64, "latent_dim": max(1, min(16, x.shape[1] // 2)), "noise_stddev": 0.5}


def _for_images(x: np.ndarray, normalize: bool) -> dict[str, Any]:
    """Arguments of the ensemble for images `(n, height, width, channels)`."""
    sizes = {"members": 1, "hidden_units": 128, "latent_dim": 32}
    black = float(x.min())
    views = {"views": ("pixels", "edges"), "low": black, "normalize": normalize}
    return {**views, **sizes, "noise_stddev": 1.0, "activation": "relu"}


def trained(x: np.ndarray, rng: np.random.Generator, normalize: bool = False) -> models.EnsembleAutoencoder:
    """Train the default ensemble on rows of a table `(n, d)` or images `(n, height, width, channels)`.

    The number of steps is nearly independent of the number of inputs, so large tables take little longer than small
    ones.
    """
    seed = int(rng.integers(2**31 - 1))
    is_table = x.ndim == 2
    schedule, settings = (TABLE, _for_table(x)) if is_table else (IMAGES, _for_images(x, normalize))
    model = models.EnsembleAutoencoder(x.shape[1:], seed=seed, **settings)
    sample = some(x, MOST_TRAINED, rng)
    model.adapt(sample)
    if is_table:
        sample = sample[trimming.usual(np.asarray(model.features(sample)), rng)]
    initialize(model, seed)
    batches = max(1, round(len(sample) / schedule.batch_size))
    sample = some(sample, len(sample) // batches * batches, rng)  # batches of equal size need one compiled step
    epochs = math.ceil(schedule.steps / batches)
    rate = keras.optimizers.schedules.CosineDecay(schedule.learning_rate, epochs * batches)
    model.compile(optimizer=keras.optimizers.Adam(rate))
    model.fit(sample, batch_size=len(sample) // batches, epochs=epochs, seed=seed, verbose=0)
    return model


def kept_back(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose the images that the ensemble is not trained on: a random fifth of fewer than 2,000 images; mask `(n,)`.

    Their scores define the usual score of unseen images, since the ensemble overfits few images. No image is held out
    of a larger set. No row of a table is held out, since its most suspicious fifth is not trained on anyway.
    """
    mask = np.zeros(len(x), bool)
    if x.ndim > 2 and 10 <= len(x) < FEW_IMAGES:
        mask[rng.choice(len(x), len(x) // 5, replace=False)] = True
    return mask


def score(model: models.Autoencoder, x: np.ndarray, rng: np.random.Generator, unseen: np.ndarray) -> Score:
    """Fit the score of a trained model to training inputs.

    Args:
        model: Trained model.
        x: Training inputs `(n, *shape)`. At most 4,096 are used.
        rng: Generator of random choices.
        unseen: Mask `(n,)` of inputs that the model was not trained on. They define center and scale of the score; if
            there are none, all inputs do.
    """
    if len(x) > MOST_POINTS:
        rows = np.sort(rng.choice(len(x), MOST_POINTS, replace=False))
        x, unseen = x[rows], unseen[rows]
    observed = _observed(model, x)
    is_table = x.ndim == 2
    parts: dict[str, Part] = {}
    for space, values in observed.items():
        features, errors = values["features"], values["errors"]
        parts[f"{space}.neighbors"] = Neighbors.fit(features)
        if is_table:
            kept = trimming.usual(features, rng)
            parts[f"{space}.errors"] = Errors.fit(errors[kept], float(features.std()))
            parts[f"{space}.tails"] = Tails.fit(features[kept])
        else:
            parts[f"{space}.residuals"] = Residuals.fit(errors, float(features.std()))
        if is_table or space == "code":
            parts[f"{space}.distances"] = Distances.fit(features)
    usual = keras.tree.map_structure(lambda values: values[unseen], observed) if unseen.any() else observed
    return Score.fit(parts, usual, peak=0.5 if is_table else 0.0)


def some(x: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return the rows, or a random subset of `most` rows in their order."""
    return x if len(x) <= most else x[np.sort(rng.choice(len(x), most, replace=False))]


def _observed(model, x: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Compute features and errors of inputs, as arrays."""
    function = backends.compile_function(lambda x: model.observed(x)[2], model)
    return inference.apply(function, BATCH_SIZE, model.checked(x, None)[0])
