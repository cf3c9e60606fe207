"""The examples in the docstrings give the results they show."""

import doctest
import importlib
import pkgutil

import keras
import numpy as np
import pytest

import kerasae

pytestmark = pytest.mark.anybackend

MODULES = [
    module.name for module in pkgutil.walk_packages(kerasae.__path__, "kerasae.") if ".backends." not in module.name
]


@pytest.mark.parametrize("name", ["kerasae", *MODULES])
def test_examples(name):
    module = importlib.import_module(name)
    names = {"np": np, "keras": keras, "kerasae": kerasae}
    assert doctest.testmod(module, extraglobs=names).failed == 0


@pytest.mark.parametrize("name", kerasae.models.__all__)
def test_every_model_has_an_example(name):
    model = getattr(kerasae.models, name)
    if issubclass(model, kerasae.models.Autoencoder) and model is not kerasae.models.Autoencoder:
        assert doctest.DocTestFinder(recurse=False).find(model)[0].examples
