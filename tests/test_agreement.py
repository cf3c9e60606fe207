"""The same seed gives the same losses on another backend, and the same bits on this one."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import BACKEND, SHAPE, images, python, quantized, sparse, vaegan

from kerasae import layers, models
from kerasae.data.binarized import DynamicallyBinarized
from kerasae.zoo import recipes, train

MODELS = {
    "sparse": sparse,  # a penalty that a layer adds
    "variational": lambda: models.VariationalAutoencoder(SHAPE, (8,), 3, noise=layers.MaskPixels(0.3)),  # two draws
    "convolutional": vaegan,  # three losses
    "quantized": quantized,  # a codebook that follows the codes
    "binarized": lambda: models.VariationalAutoencoder(SHAPE, (8,), 3),  # a draw of the images for each epoch
}
OTHER = {"jax": "torch", "torch": "tensorflow", "tensorflow": "jax"}[BACKEND]


def seeded_run(name):
    """Weights after 12 or 18 steps of a seeded run, and its losses. Once, the last batch is smaller."""
    model, x = MODELS[name](), images(20 if name == "sparse" else 16)
    x = DynamicallyBinarized(x, seed=3) if name == "binarized" else x
    recipes.initialize(model, seed=1)
    model.compile(keras.optimizers.Adam(3e-3))
    history = model.fit(x, batch_size=8, epochs=6, seed=2, verbose=0).history
    return model.get_weights(), {name: [float(value) for value in history[name]] for name in history}


def recipe_run():
    """As `seeded_run`, for a recipe of the zoo."""
    model, history = train.train("deep_sine", recipes.plan("deep_sine", "shipped", epochs=3), verbose=0)
    return model.get_weights(), {name: [float(value) for value in history.history[name]] for name in history.history}


def seeded_runs() -> dict:
    """Losses of all runs, which the process of the other backend prints."""
    return {"recipe": recipe_run()[1]} | {name: seeded_run(name)[1] for name in MODELS}


@pytest.fixture(scope="module")
def elsewhere():
    code = "import sys, json; sys.path[0] = sys.argv[1]; import test_agreement as t; print(json.dumps(t.seeded_runs()))"
    return json.loads(python(code, Path(__file__).parent, backend=OTHER).stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["recipe", *MODELS])
def test_losses_are_those_of_another_backend_and_a_second_run_is_the_same(name, elsewhere):
    run = recipe_run if name == "recipe" else lambda: seeded_run(name)
    (weights, losses), (again, repeated) = run(), run()
    assert losses.keys() == elsewhere[name].keys()
    for key in losses:
        np.testing.assert_allclose(losses[key], elsewhere[name][key], rtol=1e-4, err_msg=key)
    assert losses["loss"][-1] < losses["loss"][0]
    assert repeated == losses
    for one, other in zip(weights, again, strict=True):
        np.testing.assert_array_equal(one, other)
