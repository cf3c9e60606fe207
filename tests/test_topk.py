"""Sparse codes with exactly k active units, and the loss that revives dead ones."""

import keras
import numpy as np
import pytest
from conftest import images, tensor

import kerasae
from kerasae.layers import TopK
from kerasae.layers.topk import largest

pytestmark = pytest.mark.shared

X = np.random.default_rng(0).random((30, 17), dtype="float32")


def small(**kwargs):
    return kerasae.models.TopKAutoencoder((17,), 24, 3, **kwargs)


def array(x):
    return keras.ops.convert_to_numpy(x)


def test_the_largest_values_are_kept_and_gradients_flow_through_these():
    from conftest import gradient

    values = np.array([[3.0, -1.0, 2.0, 0.5], [-4.0, -3.0, -2.0, -1.0]], "float32")
    kept = np.array([[1, 0, 1, 0], [0, 0, 1, 1]], "float32")
    np.testing.assert_array_equal(array(TopK(2)(tensor(values))), values * kept)
    np.testing.assert_array_equal(gradient(lambda z: TopK(2)(z), values), kept)


def test_of_equal_values_the_first_are_kept():
    values = np.random.default_rng(0).normal(size=(9, 40)).astype("float32")
    values[1], values[2, ::2], values[3], values[4], values[5, :35] = 0, 2, np.round(values[3]), values[4] * 1e-20, 0
    values[6] -= 5
    for k in (1, 7, 40):
        expected = np.zeros_like(values)
        np.put_along_axis(expected, np.argsort(-values, axis=1, kind="stable")[:, :k], 1, axis=1)
        np.testing.assert_array_equal(array(largest(tensor(values), k)), expected)


def test_every_code_has_exactly_k_active_units():
    z = small().encode(X)
    assert ((z != 0).sum(axis=1) == 3).all()
    assert (small().encode(np.zeros((2, 17))) != 0).sum() <= 6  # values of 0, where the biases are


def test_idle_steps_are_counted_in_training_alone():
    layer = TopK(1)
    values = [[2.0, 1.0, 0.0], [0.0, 3.0, 1.0]]
    layer(tensor(np.array(values, "float32")), training=True)
    layer(tensor(np.array(values[:1], "float32")), training=True)
    layer(tensor(np.array(values[:1], "float32")), training=False)
    np.testing.assert_array_equal(array(layer.idle_steps), [0, 1, 2])


def test_the_auxiliary_loss_is_that_of_the_definition():
    model = small(auxiliary_units=2, dead_after=5, auxiliary_weight=0.5)
    model.compile()
    idle = np.zeros(24)
    idle[[4, 9, 11]] = [5, 7, 6]
    model.encoder.layers[-1].idle_steps.assign(idle)
    kernel, bias = model.encoder.layers[1].get_weights()
    values = X @ kernel + bias
    dead = np.where(idle >= 5, values, -np.inf)
    chosen = np.argsort(-dead, axis=1)[:, :2]
    z = np.zeros_like(values)
    np.put_along_axis(z, chosen, np.take_along_axis(values, chosen, axis=1), axis=1)
    left_over = X - model.reconstruct(X)
    expected = np.mean((left_over - z @ model.dictionary.reshape(24, 17)) ** 2)
    found = model.evaluate(X, return_dict=True, verbose=0)
    assert found["auxiliary_loss"] == pytest.approx(expected, rel=1e-5)
    assert found["dead_units"] == pytest.approx(3 / 24)
    assert found["loss"] == pytest.approx(found["reconstruction_loss"] + 0.5 * expected, rel=1e-5)
    model.encoder.layers[-1].idle_steps.assign(np.zeros(24))
    assert model.evaluate(X, return_dict=True, verbose=0)["auxiliary_loss"] == 0


def test_dead_units_are_revived():
    """With biases that keep half of the units from ever being chosen at first."""
    dead = {}
    for weight in (0.0, 1.0):
        keras.utils.set_random_seed(0)
        model = small(auxiliary_weight=weight, dead_after=10)
        kernel, bias = model.encoder.layers[1].get_weights()
        bias[:12] = -1.0
        model.encoder.layers[1].set_weights([kernel, bias])
        model.compile(keras.optimizers.Adam(0.01))
        dead[weight] = model.fit(X, epochs=150, batch_size=15, seed=0, verbose=0).history["dead_units"][-1]
    assert dead[1.0] < 0.7 * dead[0.0]


def test_atoms_keep_norm_1():
    model = small()
    model.compile(keras.optimizers.Adam(0.1))
    model.fit(X, epochs=3, verbose=0)
    np.testing.assert_allclose(np.linalg.norm(model.dictionary, axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 25}, "k and auxiliary_units must be at most latent_dim, 24. Received: k=25"),
        ({"k": 3, "auxiliary_units": 30}, "at most latent_dim, 24. Received: k=3, auxiliary_units=30"),
        ({"k": 0}, "k must be a positive integer. Received: 0"),
        ({"k": 3, "dead_after": 0}, "dead_after must be a positive integer. Received: 0"),
    ],
)
@pytest.mark.anybackend
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kerasae.models.TopKAutoencoder((17,), 24, **arguments)


def test_images_are_decoded_to_their_shape():
    model = kerasae.models.TopKAutoencoder((6, 5, 1), 40, 4)
    assert model.reconstruct(images(2)).shape == (2, 6, 5, 1) and model.dictionary.shape == (40, 6, 5, 1)
