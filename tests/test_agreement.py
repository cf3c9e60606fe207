"""The same seed gives the same losses on every backend, and the same bits on this one.

`losses.json` has the losses of PyTorch. After a change that is meant to change them:

    KERAS_BACKEND=torch python tests/test_agreement.py
"""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import SHAPE, images, quantized, sparse, vaegan

from kerasae import layers, models
from kerasae.data.binarized import DynamicallyBinarized
from kerasae.zoo import recipes, train

MODELS = {
    "sparse": sparse,  # a penalty that a layer adds
    "variational": lambda: models.VariationalAutoencoder(SHAPE, (8,), 3, noise=layers.MaskPixels(0.3)),  # two draws
    "convolutional": lambda: vaegan(mmd_weight=1.0),  # three losses, and a term of the whole batch
    "quantized": quantized,  # a codebook that follows the codes
    "binarized": lambda: models.VariationalAutoencoder(SHAPE, (8,), 3),  # a draw of the images for each epoch
}
LOSSES = Path(__file__).with_name("losses.json")


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


@pytest.mark.parametrize("name", ["recipe", *MODELS])
def test_losses_are_those_of_other_backends_and_a_second_run_is_the_same(name):
    run = recipe_run if name == "recipe" else lambda: seeded_run(name)
    (weights, losses), (again, repeated) = run(), run()
    expected = json.loads(LOSSES.read_text())[name]
    assert losses.keys() == expected.keys()
    for key in losses:
        np.testing.assert_allclose(losses[key], expected[key], rtol=5e-5, err_msg=key)  # of two backends 1e-4
    assert losses["loss"][-1] < losses["loss"][0]
    assert repeated == losses
    for one, other in zip(weights, again, strict=True):
        np.testing.assert_array_equal(one, other)


if __name__ == "__main__":
    losses = {"recipe": recipe_run()[1]} | {name: seeded_run(name)[1] for name in MODELS}
    LOSSES.write_text(json.dumps(losses, indent=1) + "\n")
