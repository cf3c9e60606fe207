"""Save your own model as an entry, with card, figures and picture."""

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

    The entry has the config and the weights of the model (without the optimizer's state), a card with figures of the
    model and the baselines, golden outputs, and a picture. A class of your own must be registered with Keras
    (`keras.saving.register_keras_serializable`) and imported before the entry is loaded.

    Args:
        model: A `kerasae.models.Autoencoder`.
        directory: Directory of the entry. It must be new, or an entry written by kerasae, which is then replaced.
            Parent directories are created.
        data: Data to measure the model on: a `data.Dataset`; a pair `(train, test)` of arrays or of `data.Source`; or
            anything that `data.load` takes, all of which is then measured. Arrays are used as model inputs without
            preprocessing. None for a card without figures.
        name: Name of the entry. Default: the name of the directory.
        description: Description in one line.
        source: Title, authors and year of a publication.
        license: License of the weights, an SPDX identifier such as `"Apache-2.0"`.
        author: Author of the training.
        preprocessing: Preprocessing of raw data, one of `kerasae.preprocessing`. Default: that of `data`. It is applied
            to data that are read from files.
        **facts: Other fields of `Card`, such as `recipe` and `seed`.

    Returns:
        The card.

    Raises:
        FileExistsError: If the directory exists and is not an entry, or has files that kerasae did not write.
        ValueError: If the directory is inside that of the pretrained entries, the model's class is not registered,
            inputs have a wrong shape or range, or a conditional model gets no labels.
        TypeError: If `model` is not a kerasae model, or a field is unknown.
        OSError: If the files cannot be written, for example on a full disk.

    >>> model, moons = kerasae.models.DenseAutoencoder((2,), (8,), 1, value_range=None), kerasae.data.two_moons()
    >>> card = save(model, "/tmp/kerasae-doctest/moons", data=moons, license="CC0-1.0")
    >>> card.name, sorted(card.figures)
    ('moons', ['mse'])
    """
    from kerasae.zoo import describe, inputs, previews

    _check(model)
    directory = Path(directory)
    writing.check_target(directory)
    found = inputs.given(data, preprocessing).with_components(model.active_size)
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
    """Raise TypeError or ValueError if the saved model could not be loaded."""
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
            f"The class of model must be registered with Keras. Received: {cls.__name__}, which is not. "
            "Put @keras.saving.register_keras_serializable(package=...) before the class."
        )
