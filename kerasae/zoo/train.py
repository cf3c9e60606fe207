"""Train entries of the zoo with their recipes."""

import contextlib
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from kerasae import backends, data, models
from kerasae.callbacks import AnnealWeight
from kerasae.models.prior import Posterior
from kerasae.training.checkpoints import Backup
from kerasae.zoo import recipes, store
from kerasae.zoo.initial_weights import initialize


def train(
    name: str,
    schedule: recipes.Schedule | None = None,
    seed: int | None = None,
    hold_out: int = 0,
    checkpoints: str | Path | None = None,
    callbacks=(),
    verbose="auto",
    devices: int = 1,
):
    """Train a model with the recipe of an entry.

    NumPy draws the initial weights and the batch order, so they are the same on every backend.

    Args:
        name: Name of the entry.
        schedule: Training schedule, as `recipes.plan` returns it. Default: the published one.
        seed: Seed of the initial weights and the batch order. Default: the recipe's.
        hold_out: Number of training examples, the last ones, to hold out for validation. With 0, the model
            is validated on the test set: do not choose settings by these figures.
        checkpoints: Directory for the state of training after each epoch. If it has a state, training resumes from
            it. Processes that train together share one directory.
        callbacks, verbose: Arguments of `fit`.
        devices: Number of devices for data parallel training, of all hosts together; see `training.devices`.

    Returns:
        The trained model, in float32, and Keras's `History`.

    Raises:
        ValueError: If there is no such recipe, `hold_out` leaves no training examples, or there are fewer devices.
    """
    recipe = recipes.find(name)
    schedule = schedule or recipe.written
    seed = recipe.seed if seed is None else seed
    x, y, x_val, y_val = data.named(recipe.data)
    images = x.shape[0] - hold_out
    if hold_out < 0 or images < 1:
        raise ValueError(f"hold_out must be from 0 to {x.shape[0] - 1}. Received: {hold_out}.")
    if hold_out:
        x, x_val = _rows(x, slice(images)), np.asarray(_rows(x, slice(images, None)))
        y, y_val = (None, None) if y is None else (y[:images], y[images:])
    with backends.devices(devices) if devices > 1 else contextlib.nullcontext():
        model = _initial_model(recipe, schedule, seed)
        x, x_val = model.labeled(x, y), model.labeled(x_val, y_val)
        for phase in _phases(recipe, schedule):
            _compile(model, schedule, phase, images)
            state = [] if checkpoints is None else [Backup(Path(checkpoints, phase.name))]
            history = model.fit(
                x,
                batch_size=schedule.batch_size,
                initial_epoch=phase.start,
                epochs=phase.end,
                validation_data=(x_val, model.target(x_val, None)),
                validation_batch_size=1000,
                callbacks=[*_annealing(schedule), *callbacks, *state],
                seed=seed,
                verbose=verbose,
            )
    return in_float32(recipe, model), history


def _rows(x, rows: slice):
    """Some of the training inputs, an array or a `DynamicallyBinarized`."""
    return x.subset(rows) if hasattr(x, "subset") else x[rows]


class _Phase(NamedTuple):
    """Epochs that are trained with one loss and one optimizer."""

    name: str
    start: int
    end: int
    loss: object


def _phases(recipe: recipes.Recipe, schedule: recipes.Schedule) -> list[_Phase]:
    first = min(schedule.first_epochs, schedule.epochs)
    first_loss: object = recipes.LOSSES.get(schedule.first_loss or "", schedule.first_loss)
    phases = [_Phase("first", 0, first, first_loss), _Phase("last", first, schedule.epochs, recipe.loss)]
    return [phase for phase in phases if phase.start < phase.end]


def _initial_model(recipe: recipes.Recipe, schedule: recipes.Schedule, seed: int) -> models.Autoencoder:
    """Build the untrained model of a recipe, with initial weights from the seed or from an entry."""
    keras.utils.set_random_seed(seed)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(schedule.precision)
    try:
        model = recipe.model()
    finally:
        keras.config.set_dtype_policy(policy)
    if schedule.start:
        trained = store.load(schedule.start).trainable_variables
        for variable, value in zip(model.trainable_variables, trained, strict=True):
            variable.assign(value)
    else:
        initialize(model, seed)
    if schedule.starts_at_prior:
        for head in map(model.encoder.get_layer, Posterior._fields):
            head.kernel.assign(np.zeros(head.kernel.shape))
    return model


def compiled_model(recipe: recipes.Recipe, schedule: recipes.Schedule, images: int, seed: int) -> models.Autoencoder:
    """Build and compile the untrained model of a recipe, as for the first epoch of a training on `images` images."""
    model = _initial_model(recipe, schedule, seed)
    _compile(model, schedule, _phases(recipe, schedule)[0], images)
    return model


def _compile(model: models.Autoencoder, schedule: recipes.Schedule, phase: _Phase, images: int) -> None:
    rate: object = schedule.learning_rate
    if schedule.decay == "cosine":
        steps = (phase.end - phase.start) * -(-images // schedule.batch_size)
        rate = keras.optimizers.schedules.CosineDecay(schedule.learning_rate, steps)
    average = {} if schedule.ema_momentum is None else {"use_ema": True, "ema_momentum": schedule.ema_momentum}
    adam = keras.optimizers.Adam(rate, beta_1=schedule.beta_1, epsilon=schedule.epsilon, **average)
    model.compile(optimizer=adam, loss=phase.loss)


def _annealing(schedule: recipes.Schedule) -> list[keras.callbacks.Callback]:
    warm_up = schedule.warm_up_epochs or max(1, schedule.epochs // 2)
    names = ("kl_weight", "feature_weight")
    ends = {name: (getattr(schedule, f"initial_{name}"), getattr(schedule, name)) for name in names}
    annealing = [
        AnnealWeight(name, warm_up, end, start=start or 0.0) for name, (start, end) in ends.items() if end is not None
    ]
    if schedule.mmd_weight is not None:
        annealing.append(AnnealWeight("mmd_weight", 1, schedule.mmd_weight, wait=warm_up - 1))
    return annealing


def in_float32(recipe: recipes.Recipe, model: models.Autoencoder) -> models.Autoencoder:
    """Copy a trained model to one that computes in float32, compiled with Adam for further training."""
    keras.utils.clear_session(free_memory=False)  # layer names in its files must not depend on earlier models
    plain = recipe.model()
    plain.set_weights(model.get_weights())
    plain.compile(optimizer="adam", loss=recipe.loss)
    return plain
