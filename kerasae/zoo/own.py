"""Train a model on your own data and write its entry."""

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from kerasae import models, text
from kerasae.data import Source, load
from kerasae.metrics import table
from kerasae.training import checkpoints
from kerasae.training.early_stopping import KeepBest
from kerasae.zoo import describe, inputs, plans, previews, writing
from kerasae.zoo.cards import Card, Provenance
from kerasae.zoo.initial_weights import initialize

_FEWEST = 10  # smallest number of inputs


class Trained(NamedTuple):
    """A trained model, its card, and the directory of its entry."""

    model: models.Autoencoder
    card: Card
    directory: Path


@dataclass(frozen=True)
class Preparation:
    """Data and plan of a training, before it begins.

    Attributes:
        parts: The training part and the held-out part.
        plan: Architecture, loss and schedule.
        model: Existing model to be trained further, or None.
        reading: Fields of `Measured` that reproduce these parts from the data.
    """

    parts: tuple[Source, Source]
    plan: plans.Plan
    model: models.Autoencoder | None
    reading: Mapping[str, Any]

    def __str__(self) -> str:
        train, held_out = self.parts
        outline = self.model or self.plan.build(train.input_shape)
        values, grid = math.prod(train.input_shape), " × ".join(map(str, outline.code_shape))
        code = f"{grid} = {outline.code_size}" if len(outline.code_shape) > 1 else grid
        return (
            f"  data      {inputs.count(train):,} inputs to train on, {inputs.count(held_out):,} held out: "
            f"{train.description}\n{self.plan}\n"
            f"  code      {code} numbers for the {values:,} values of an input; {outline.count_params():,} parameters"
        )


def train(data, model: str | type | models.Autoencoder | None = None, *, verbose="auto", **options):
    """Train a model on your own data and write its entry.

    Rules choose architecture, loss and schedule from the data; the choices and reasons are printed before training.
    Images, series and volumes get convolutions, rows of tables get dense layers. Gray values get cross-entropy, other
    values mean squared error. Training takes about 8,000 steps (fewer for residual networks). A part of the data is
    held out: training stops early when its loss no longer falls, the weights of the best epoch are kept, and the
    card's figures are measured on it.

    The state of training is saved after each epoch, beside the entry's directory. If training is interrupted, the same
    call resumes it from the last completed epoch. The entry's directory appears only when the entry is complete.

    Args:
        data: Anything that `kerasae.data.load` takes: a folder of pictures, an array or its file, a table, the name of
            a data set, a `Source`.
        model: Class, name of a class in `kerasae.models`, or a model to train further. Default: chosen by the rules.
        verbose: As for `fit`. With 0 nothing is printed.
        out: Directory of the entry. Default: `entries/NAME`.
        name: Name of the entry. Default: the name of the directory, else of the folder or file of the data.
        overwrite: Whether to replace an existing entry in `out`. Files that kerasae did not write are never replaced.
        hold_out: Fraction of the data that is held out, or the number of inputs. Default: 0.1.
        seed: Seed of the held-out part, the initial weights and the batch order. Default: 0.
        epochs: Largest number of epochs.
        batch_size: Number of inputs per batch.
        learning_rate: Initial learning rate of Adam; it decays to 0 (cosine).
        patience: Number of epochs without a lower validation loss after which training stops.
        loss: Name of a Keras loss.
        code_size: Approximate number of values in a code; convolutional models round it to whole channels.
        arguments: Arguments of the model's class.
        options: Options of `kerasae.data.load`, such as `{"size": 64}`.
        plan: A `zoo.plans.Plan` that replaces the rules and the arguments from `epochs` to `arguments`.
        callbacks: As for `fit`.
        description, source, license, author: As for `zoo.save`.

    Returns:
        The trained model, with the weights of the best epoch.

    Raises:
        FileExistsError: If `out` exists and `overwrite` is False, or `out` is not an entry written by kerasae.
        FileNotFoundError: If the data do not exist.
        ValueError: If there are too few inputs, an argument is out of range, checkpoints of another run are found, or
            the loss is not finite.
        TypeError: If the data or an option has a wrong type.
        OSError: If the disk is full. Nothing is lost; the same call resumes training.
    """
    trained = run(data, model, verbose=verbose, **options)
    if verbose != 0:
        print(report(trained))
    return trained.model


def run(data, model=None, *, out=None, name=None, overwrite=False, verbose="auto", callbacks=(), **options) -> Trained:
    """Train like `train` and also return card and directory. `command` is the command line, for the card."""
    names = ("description", "source", "license", "author", "command")
    facts = {key: options.pop(key) for key in names if key in options}
    name = name or _name_of(data, out)
    directory = target(name, out, overwrite)
    prepared = prepare(data, model, **options)
    if verbose != 0:
        print(f"{prepared}\n  entry     {directory}", flush=True)
    try:
        reading = {key: prepared.reading[key] for key in ("seed", "hold_out", "options")}
        partial = checkpoints.directory(directory, prepared.plan, **reading, data=inputs.fingerprint(prepared.parts[0]))
        trained, keeper = _fit(prepared, partial, callbacks, verbose)
        card = _write(directory, name, trained, prepared, keeper, facts)
    except OSError as error:
        raise OSError(
            f"out must be on a disk with room for the entry and the state of its training. Received: {directory}. "
            f"{error}. Nothing is lost: make room, and the same command resumes after the last completed epoch."
        ) from error
    shutil.rmtree(partial)
    return Trained(trained, card, directory)


def report(trained: Trained) -> str:
    """One line: the main figure, the same figure of the baselines, and the inputs that were measured."""
    card = trained.card
    key = card.headline or ""
    beside = [
        f"{text.baseline_name(name, card)} {table.number(key, f[key])}"
        for name, f in card.baselines.items()
        if key in f
    ]
    others = f" ({', '.join(beside)})" if beside else ""
    measured = f"; measured on: {card.measured.description}" if card.measured else ""
    return f"{trained.directory}: {text.figure(key, card.figures[key])}{others}{measured}"


def prepare(
    data,
    model=None,
    *,
    hold_out: float = 0.1,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
    plan: plans.Plan | None = None,
    **wanted,
) -> Preparation:
    """Read and split the data and choose the plan; `print` shows the result. Arguments and errors as for `train`."""
    source = load(data, **(options or {}))
    if len(source) < _FEWEST:
        raise ValueError(f"data must have at least {_FEWEST} inputs to hold some out. Received: {len(source)}.")
    parts = inputs.split(source, hold_out, seed)
    reading = {"data": inputs.path_of(data), "options": dict(options or {}), "hold_out": hold_out, "seed": seed}
    own = model if isinstance(model, models.Autoencoder) else None
    if own is not None and own.data_shape != tuple(source.input_shape):
        raise ValueError(
            f"model must take inputs of shape {tuple(source.input_shape)}, that of the data. Received a model of "
            f"{own.data_shape}. Read the data in that shape, or choose another model."
        )
    plan = plan or plans.choose(_facts(parts[0]), type(own) if own is not None else model, arguments, **wanted)
    return Preparation(parts, plan, own, reading)


def target(name: str, out: str | Path | None, overwrite: bool = False) -> Path:
    """Directory of a new entry, validated before training.

    Raises:
        FileExistsError: If it exists and `overwrite` is False, or it is not an entry written by kerasae.
        ValueError: If it is the directory of the pretrained entries in the package, or inside it.
    """
    directory = Path("entries", name) if out is None else Path(out)
    if directory.exists() and not overwrite:
        raise FileExistsError(f"out must be new. {directory} exists. Choose another `out`, or pass `overwrite`.")
    writing.check_target(directory)
    return directory


def _name_of(data, out) -> str:
    if out is not None:
        return Path(out).resolve().name
    if isinstance(data, str | Path):
        return Path(data).resolve().stem
    raise ValueError("out must be the directory of the entry, since the data have no name. Received: None.")


def _facts(train: Source) -> plans.Facts:
    """Facts about the data that the rules use."""
    classes = len(train.class_names)
    if not classes and train.y is not None and train.y.dtype.kind in "iu":
        classes = int(np.max(train.y)) + 1
    is_unit = len(train.input_shape) > 1 and train.kind != "series" and _is_in_unit_interval(train)
    return plans.Facts(tuple(train.input_shape), inputs.count(train), (0.0, 1.0) if is_unit else None, classes)


def _is_in_unit_interval(train: Source) -> bool:
    if train.kind == "image":
        return True
    x = train.x
    return train.preprocessing is None and float(np.min(x)) >= 0 and float(np.max(x)) <= 1


def _fit(prepared: Preparation, partial: Path, callbacks, verbose) -> tuple[models.Autoencoder, KeepBest]:
    """Train a model, from its last checkpoint if there is one. It ends with the weights of its best epoch."""
    (train, held_out), plan, seed = prepared.parts, prepared.plan, prepared.reading["seed"]
    keras.utils.clear_session(free_memory=False)  # layer names in its files must not depend on earlier models
    keras.utils.set_random_seed(seed)
    model = prepared.model or plan.build(train.input_shape)
    if prepared.model is None:
        initialize(model, seed)
    steps = plan.epochs * -(-inputs.count(train) // plan.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(plan.learning_rate, steps)
    model.compile(keras.optimizers.Adam(rate), loss=plan.loss_function(model))
    keeper = KeepBest(partial / "best", plan.patience)
    if not keeper.has_stopped and len(keeper.logs) < plan.epochs:
        x, x_val = (_fed(model, part) for part in prepared.parts)
        model.fit(
            x,
            batch_size=plan.batch_size,
            epochs=plan.epochs,
            validation_data=x_val if held_out.stream is not None else (x_val, model.target(x_val, None)),
            validation_batch_size=max(plan.batch_size, 256),
            callbacks=[*callbacks, keeper, checkpoints.Backup(partial / "state")],
            seed=seed,
            verbose=verbose,
        )
    keeper.restore(model)
    model.compile("adam", loss=plan.loss_function(model))
    return model, keeper


def _fed(model: models.Autoencoder, part: Source):
    """The `x` of `fit`: the inputs, with labels for a conditional model."""
    if model.classes is not None and part.y is None:
        raise ValueError(
            f"data must have labels for a {type(model).__name__}. Received none. Put the pictures of each class into a "
            "folder, or choose another model."
        )
    return model.labeled(part.x, part.y)


def _write(directory: Path, name: str, model, prepared: Preparation, keeper: KeepBest, facts: dict) -> Card:
    """Measure the model and write its entry."""
    found = inputs.held_out(*prepared.parts, **prepared.reading).with_components(model.active_size)
    trained = {"epochs_trained": len(keeper.logs), "best_epoch": keeper.best_epoch + 1}
    data = prepared.parts[0].description
    facts = {"description": f"{prepared.plan.model} trained on {data}"} | facts
    card = describe.describe(
        model,
        found.dataset,
        name=name,
        measured=found.measured,
        preprocessing=found.preprocessing,
        recipe=prepared.plan.recipe() | trained,
        schedule="other",
        seed=prepared.reading["seed"],
        hold_out=inputs.count(prepared.parts[1]),
        provenance=Provenance(author=facts.pop("author", ""), data=data, command=facts.pop("command", "kerasae.train")),
        **facts,
    )
    writing.write(directory, model, card, previews.preview(name, model, found.dataset))
    return card
