"""One seed, one course of training: the same losses on another backend, the same bits on this one."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import BACKEND, SHAPE, images, python, quantized, sparse, vaegan

from kerasae import layers, models
from kerasae.zoo import recipes, train

MODELS = {
    "sparse": sparse,  # a penalty that a layer adds
    "variational": lambda: models.VariationalAutoencoder(SHAPE, (8,), 3, noise=layers.MaskPixels(0.3)),  # two draws
    "convolutional": vaegan,  # three losses
    "quantized": quantized,  # a codebook that follows the codes
}
OTHER = {"jax": "torch", "torch": "tensorflow", "tensorflow": "jax"}[BACKEND]


def course(make):
    """A model's weights after 18 steps, from initial weights and in an order that come from a seed; its losses."""
    model = make()
    recipes.initialize(model, seed=1)
    model.compile(keras.optimizers.Adam(3e-3))
    history = model.fit(images(20), batch_size=8, epochs=6, seed=2, verbose=0).history
    return model.get_weights(), {name: [float(value) for value in history[name]] for name in history}


def recipe_course():
    """As `course`, of a recipe of the zoo."""
    model, history = train.train("deep_sine", recipes.plan("deep_sine", "shipped", epochs=3), verbose=0)
    return model.get_weights(), {name: [float(value) for value in history.history[name]] for name in history.history}


def courses() -> dict:
    """The losses of all; what the other backend's process prints."""
    return {"recipe": recipe_course()[1]} | {name: course(make)[1] for name, make in MODELS.items()}


@pytest.fixture(scope="module")
def elsewhere():
    code = "import sys, json; sys.path[0] = sys.argv[1]; import test_agreement as t; print(json.dumps(t.courses()))"
    return json.loads(python(code, Path(__file__).parent, backend=OTHER).stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["recipe", *MODELS])
def test_losses_are_those_of_another_backend_and_a_second_run_is_the_same(name, elsewhere):
    run = recipe_course if name == "recipe" else lambda: course(MODELS[name])
    (weights, losses), (again, repeated) = run(), run()
    assert losses.keys() == elsewhere[name].keys()
    for key in losses:
        np.testing.assert_allclose(losses[key], elsewhere[name][key], rtol=1e-4, err_msg=key)
    assert losses["loss"][-1] < losses["loss"][0]
    assert repeated == losses
    for one, other in zip(weights, again, strict=True):
        np.testing.assert_array_equal(one, other)
