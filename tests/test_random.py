"""Random numbers from a counter."""

import keras
import numpy as np
import pytest
from conftest import BACKEND, images, vae
from scipy import stats

from kerasae import random

SHAPE = (400, 50)

# uniform(0, 0, (2, 2)) and normal(7, 100, (2, 2, 2)): the shipped recipes depend on these.
UNIFORM = [[5.960464477539063e-08, 0.6813889145851135], [0.016560256481170654, 0.5932074189186096]]
NORMAL = [[[-0.6661747, 2.0997975], [-1.1485856, 2.6919155]], [[0.33014914, 0.41796715], [0.63605583, 1.9299339]]]


def draw(function, *args, **kwargs):
    return keras.ops.convert_to_numpy(function(*args, **kwargs))


def correlation(a, b):
    return abs(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_uniform_numbers_are_uniform():
    numbers = draw(random.uniform, 0, 0, SHAPE)
    assert numbers.shape == SHAPE
    assert numbers.dtype == np.float32
    assert numbers.min() > 0.0
    assert numbers.max() < 1.0
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 0.01


def test_normal_numbers_are_normal():
    numbers = draw(random.normal, 0, 0, SHAPE)
    assert numbers.dtype == np.float32
    np.testing.assert_allclose([numbers.mean(), numbers.var()], [0.0, 1.0], atol=0.03)
    assert stats.kstest(numbers.ravel(), "norm").pvalue > 0.01


def test_every_element_has_its_own_mean_and_variance_right():
    numbers = np.stack([draw(random.normal, 3, step, (4, 5)) for step in range(300)])
    assert np.abs(numbers.mean(axis=0)).max() < 4 / np.sqrt(300)
    np.testing.assert_allclose(numbers.std(axis=0), 1.0, atol=0.2)


def test_no_number_comes_twice_more_often_than_chance_has_it():
    numbers = draw(random.uniform, 0, 0, SHAPE)
    expected = numbers.size**2 / 2 / 2**23  # pairs among 2²³ values
    assert numbers.size - len(np.unique(numbers)) < expected + 5 * np.sqrt(expected)


@pytest.mark.parametrize(
    "other", [{"step": 1}, {"step": -1}, {"step": 2**20}, {"seed": 1}, {"seed": -1}, {"seed": 2**31}, {"stream": 1}]
)
def test_neighbouring_seeds_steps_and_streams_are_unrelated(other):
    here = {"seed": 0, "step": 0, "shape": SHAPE, "stream": 0}
    a, b = draw(random.uniform, **here), draw(random.uniform, **(here | other))
    assert correlation(a, b) < 4 / np.sqrt(a.size)
    assert len(np.intersect1d(a, b)) < 2 * a.size**2 / 2**23  # nor is one a shifted copy of the other


def test_neighbouring_images_and_elements_are_unrelated():
    numbers = draw(random.normal, 0, 0, SHAPE)
    assert correlation(numbers[1:], numbers[:-1]) < 4 / np.sqrt(numbers.size)
    assert correlation(numbers[:, 1:], numbers[:, :-1]) < 4 / np.sqrt(numbers.size)


def test_an_image_draws_the_same_whatever_the_batch_it_is_first_in():
    np.testing.assert_array_equal(draw(random.uniform, 0, 3, (8, 5))[:3], draw(random.uniform, 0, 3, (3, 5)))
    np.testing.assert_allclose(draw(random.normal, 0, 3, (8, 5))[:3], draw(random.normal, 0, 3, (3, 5)), rtol=1e-5)


def test_seeds_of_any_size_are_taken():
    numbers = [draw(random.uniform, seed, 0, (1, 4)) for seed in (1, 2**31 - 1, 2**31, 2**63 + 5, -(2**40))]
    assert len(np.unique(np.concatenate(numbers))) == 20


def test_a_seed_and_a_step_give_the_same_numbers_on_every_backend():
    np.testing.assert_array_equal(draw(random.uniform, 0, 0, (2, 2)), UNIFORM)
    np.testing.assert_allclose(draw(random.normal, 7, 100, (2, 2, 2)), NORMAL, rtol=1e-5)


def test_compiled_and_plain_draws_agree():
    def noise(step):
        return random.normal(5, step, (3, 4))

    compiled = {"jax": _jax_jit, "tensorflow": _tf_function, "torch": lambda function: function}[BACKEND](noise)
    step = keras.ops.convert_to_tensor(11, "int32")
    np.testing.assert_allclose(draw(compiled, step), draw(noise, 11), rtol=1e-5)


def _jax_jit(function):
    import jax

    return jax.jit(function)


def _tf_function(function):
    import tensorflow as tf

    return tf.function(function, jit_compile=True)


def test_the_step_is_saved_with_the_weights_so_that_training_goes_on_with_new_noise(tmp_path):
    model, x = vae(), images(16)
    model.fit(x, batch_size=8, epochs=3, verbose=0)
    model.save_weights(tmp_path / "vae.weights.h5")
    resumed = vae()
    resumed.load_weights(tmp_path / "vae.weights.h5")
    assert int(model.sampling.step) == int(resumed.sampling.step) == 6
