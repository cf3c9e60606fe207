"""Save a model of one's own as an entry: measured, described and drawn as the shipped ones are."""

import dataclasses
from pathlib import Path
from typing import Any

from kerasae.zoo import writing
from kerasae.zoo.cards import Card, Provenance


def save(
    model,
    directory: str | Path,
    *,
    data: Any = None,
    name: str | None = None,
    description: str = "",
    source: str | None = None,
    license: str | None = None,
    author: str = "",
    preprocessing=None,
    **facts,
) -> Card:
    """Save any kerasae model as an entry: a directory that `zoo.load`, `verify`, `export` and the commands take.

    The entry has the model and its weights, without the optimizer's state; a card with the figures that shipped
    entries have, beside those of the baselines; golden outputs; and a picture. A class of your own must be registered
    with Keras (`keras.saving.register_keras_serializable`), and imported before the entry is loaded.

    Args:
        model: A `kerasae.models.Autoencoder`.
        directory: Directory of the entry, new or an entry that kerasae wrote, which is then replaced. Its parents
            are created.
        data: What the model is measured on: a `data.Dataset`, two arrays or two `data.Source` for training and test
            `(train, test)`, or whatever `data.load` takes, all of which is then measured. Arrays are inputs of the
            model as they are. None for a card without figures.
        name: Name of the entry; that of the directory unless given.
        description: One line.
        source: Title, authors and year of a publication.
        license: License of the weights, as an SPDX identifier such as `"Apache-2.0"`.
        author: Who trained the model.
        preprocessing: How raw data becomes the model's input, one of `kerasae.preprocessing`; that of the `data`
            unless given. What is read from files is measured through it.
        **facts: Other fields of `Card`, such as `recipe` and `seed`.

    Returns:
        The card.

    Raises:
        FileExistsError: The directory exists and is no entry, or has files in it that kerasae did not write.
        ValueError: The directory is among the shipped entries; the model's class is not registered; inputs of a wrong
            shape or range; a conditional model without labels.
        TypeError: `model` is no kerasae model, or a field is unknown.
        OSError: The files cannot be written, as on a full disk.

    >>> model, moons = kerasae.models.DenseAutoencoder((2,), (8,), 1, value_range=None), kerasae.data.two_moons()
    >>> card = save(model, "/tmp/kerasae-doctest/moons", data=moons, license="CC0-1.0")
    >>> card.name, sorted(card.figures)
    ('moons', ['mse'])
    """
    from kerasae.zoo import describe, inputs, previews

    _check(model)
    directory = Path(directory)
    writing.check_target(directory)
    found = inputs.given(data, preprocessing).with_components(model.code_size)
    card = describe.describe(
        model,
        found.dataset,
        name=name or directory.resolve().name,
        description=description,
        source=source,
        license=license,
        provenance=Provenance(author=author, data=found.name),
        data=found.name or None,
        measured=found.measured,
        preprocessing=preprocessing if preprocessing is not None else found.preprocessing,
        **facts,
    )
    writing.write(directory, model, card, previews.preview(card.name, model, found.dataset))
    return dataclasses.replace(card, files=None)


def _check(model) -> None:
    """Raise TypeError or ValueError unless the model can be loaded again."""
    import keras

    from kerasae import models

    if not isinstance(model, models.Autoencoder):
        raise TypeError(
            f"model must be a kerasae.models.Autoencoder. Received: {type(model).__name__}. "
            "Save other models with their own `save`."
        )
    cls = type(model)
    if keras.saving.get_registered_object(keras.saving.get_registered_name(cls)) is not cls:
        raise ValueError(
            f"model must be of a class that is registered with Keras. Received: {cls.__name__}, which is not. "
            "Put @keras.saving.register_keras_serializable(package=...) before the class."
        )
