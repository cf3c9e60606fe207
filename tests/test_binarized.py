"""Binary images: a fixed draw, and one for each epoch, which training takes like arrays on every backend."""

import keras
import numpy as np
import pytest
from conftest import vae

from kerasae import data
from kerasae.data.binarized import TEST, DynamicallyBinarized, draw

pytestmark = pytest.mark.shared

GRAY = np.random.default_rng(0).random((40, 6, 5, 1), dtype="float32")


@pytest.mark.anybackend
def test_a_pixel_is_1_with_the_probability_of_its_value():
    x = np.full((50_000, 2), [0.1, 0.7], "float32")
    np.testing.assert_allclose(draw(x, seed=0).mean(axis=0), [0.1, 0.7], atol=0.01)
    assert set(np.unique(draw(np.array([0.0, 1.0]), 0))) == {0.0, 1.0}


@pytest.mark.anybackend
def test_draws_are_a_function_of_seed_part_and_epoch():
    first = draw(GRAY, 0)
    np.testing.assert_array_equal(first, draw(GRAY, 0))
    for other in (draw(GRAY, 1), draw(GRAY, 0, TEST), draw(GRAY, 0, epoch=1)):
        assert 0.3 < (first != other).mean() < 0.4  # of two independent draws: 2 p (1 − p), in the mean 1/3


@pytest.mark.anybackend
def test_mnist_is_binarized_once_or_in_each_epoch():
    gray, fixed, dynamic = data.mnist(), data.mnist("fixed"), data.mnist("dynamic")
    assert fixed.x_train.shape == dynamic.x_train.shape == gray.x_train.shape
    np.testing.assert_array_equal(fixed.x_train, np.asarray(dynamic.x_train))
    np.testing.assert_array_equal(fixed.x_test, dynamic.x_test)
    assert abs(float(fixed.x_test.mean() - gray.x_test.mean())) < 1e-3
    assert not np.array_equal(dynamic.x_train.at_epoch(1), fixed.x_train)
    assert (data.named("bmnist_fixed").x_test != data.mnist("fixed", seed=1).x_test).any()
    with pytest.raises(ValueError, match="binarize must be 'fixed', 'dynamic' or None. Received: True"):
        data.mnist(True)


def test_each_epoch_trains_on_its_own_draw():
    """As single fits on the arrays of each epoch do."""
    images = DynamicallyBinarized(GRAY, seed=3)
    whole, parts = vae(), vae()
    parts.set_weights(whole.get_weights())
    whole.fit(images, epochs=3, batch_size=16, seed=5, verbose=0)
    for epoch in range(3):
        parts.fit(images.at_epoch(epoch), initial_epoch=epoch, epochs=epoch + 1, batch_size=16, seed=5, verbose=0)
    for a, b in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_keras_models_take_the_batches_of_each_epoch():
    seen = []

    class Plain(keras.Model):
        def call(self, x):
            return x

    images = DynamicallyBinarized(GRAY, seed=3, batch_size=16)
    for _ in range(2):
        seen.append(np.concatenate([images[i] for i in range(len(images))]))
        images.on_epoch_end()
    np.testing.assert_array_equal(seen, [images.at_epoch(0), images.at_epoch(1)])
    assert Plain().predict(DynamicallyBinarized(GRAY, batch_size=16), verbose=0).shape == GRAY.shape
