"""Counter-based random numbers."""

import hashlib

import keras
import numpy as np
import pytest
from conftest import BACKEND, images, vae
from scipy import stats

import kerasae
from kerasae import random
from kerasae.layers import AddGaussian, MaskPixels, Sampling

SHAPE = (400, 50)


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


def test_every_element_is_standard_normal_over_steps():
    numbers = np.stack([draw(random.normal, 3, step, (4, 5)) for step in range(300)])
    assert np.abs(numbers.mean(axis=0)).max() < 4 / np.sqrt(300)
    np.testing.assert_allclose(numbers.std(axis=0), 1.0, atol=0.2)


def test_draws_repeat_no_more_often_than_by_chance():
    numbers = draw(random.uniform, 0, 0, SHAPE)
    expected = numbers.size**2 / 2 / 2**23  # pairs among 2²³ values
    assert numbers.size - len(np.unique(numbers)) < expected + 5 * np.sqrt(expected)


@pytest.mark.parametrize(
    "other", [{"step": 1}, {"step": -1}, {"step": 2**20}, {"seed": 1}, {"seed": -1}, {"seed": 2**31}, {"stream": 1}]
)
def test_neighboring_seeds_steps_and_streams_are_unrelated(other):
    here = {"seed": 0, "step": 0, "shape": SHAPE, "stream": 0}
    a, b = draw(random.uniform, **here), draw(random.uniform, **(here | other))
    assert correlation(a, b) < 4 / np.sqrt(a.size)
    assert len(np.intersect1d(a, b)) < 2 * a.size**2 / 2**23  # nor is one a shifted copy of the other


def test_neighboring_images_and_elements_are_unrelated():
    numbers = draw(random.normal, 0, 0, SHAPE)
    assert correlation(numbers[1:], numbers[:-1]) < 4 / np.sqrt(numbers.size)
    assert correlation(numbers[:, 1:], numbers[:, :-1]) < 4 / np.sqrt(numbers.size)


def test_the_draws_of_an_image_do_not_depend_on_the_batch_size():
    np.testing.assert_array_equal(draw(random.uniform, 0, 3, (8, 5))[:3], draw(random.uniform, 0, 3, (3, 5)))
    np.testing.assert_allclose(draw(random.normal, 0, 3, (8, 5))[:3], draw(random.normal, 0, 3, (3, 5)), rtol=1e-5)


def test_seeds_of_any_size_are_taken():
    numbers = [draw(random.uniform, seed, 0, (1, 4)) for seed in (1, 2**31 - 1, 2**31, 2**63 + 5, -(2**40))]
    assert len(np.unique(np.concatenate(numbers))) == 20


def numpy_uniform(seed, step, shape, stream):
    """A second implementation of the generator, with NumPy's unsigned integers."""

    def mix(bits):
        bits = (bits ^ (bits >> np.uint32(16))) * np.uint32(0x7FEB352D)
        bits = (bits ^ (bits >> np.uint32(15))) * np.uint32(0x846CA68B)
        return bits ^ (bits >> np.uint32(16))

    golden = 0x9E3779B9
    key = mix(np.array([(seed + stream * golden) % 2**32], "uint32"))
    key = mix(key + np.array([step * golden % 2**32], "uint32"))
    index = np.arange(np.prod(shape), dtype="uint32") * np.uint32(golden)
    bits = mix(mix(index + key) + key) >> np.uint32(9)
    return ((bits + 0.5) / 2**23).reshape(shape)


def numpy_normal(seed, step, shape):
    radius, angle = (numpy_uniform(seed, step, shape, stream) for stream in (1, 2))
    return np.sqrt(-2 * np.log(radius)) * np.cos(2 * np.pi * angle)


@pytest.mark.parametrize(("seed", "step"), [(0, 0), (7, 100), (2**40 + 3, -1), (-5, 2**31 - 1)])
def test_draws_are_the_same_on_every_backend(seed, step):
    shape = (5, 3, 2)
    np.testing.assert_allclose(draw(random.uniform, seed, step, shape), numpy_uniform(seed, step, shape, 0), rtol=1e-6)
    np.testing.assert_allclose(
        draw(random.normal, seed, step, shape), numpy_normal(seed, step, shape), rtol=1e-5, atol=1e-5
    )


def test_keys_of_layers_are_a_hash_of_seed_and_role():
    key = int.from_bytes(hashlib.blake2b(b"3/sampling", digest_size=4).digest(), "little")
    zeros = np.zeros((4, 3), "float32")
    expected = numpy_normal(key, 0, zeros.shape)
    np.testing.assert_allclose(
        draw(Sampling(3, stream="sampling"), (zeros, zeros), training=True), expected, rtol=1e-5, atol=1e-5
    )


# Draws of the layers of a model: (model, layers that draw standard normal or binary noise)

FLAT = (400,)


def draws_of(layer, step, shape):
    """Draws of a layer in a step for this shape, before they are used."""
    function = random.normal if isinstance(layer, (Sampling, AddGaussian)) else random.uniform
    return draw(function, layer.key, step, shape)


def vae_with_noise():
    model = kerasae.models.VariationalAutoencoder(FLAT, (4,), 20, noise=AddGaussian(0.4))
    return [model.noise, model.sampling]


def two_masks():
    model = kerasae.models.DenseAutoencoder(FLAT, (4,), 20, noise=MaskPixels(0.5), code_dropout=0.5)
    return [model.noise, model.decoder.layers[0]]


def sampling_of_vaegan():
    model = kerasae.models.VAEGAN((8, 8, 1), filters=(2,), discriminator_filters=(2,), noise=AddGaussian(0.4))
    return [model.noise, model.sampling, model.prior]


def prior_of_aae():
    model = kerasae.models.AdversarialAutoencoder(FLAT, (4,), 20, (4,), noise=AddGaussian(0.4))
    return [model.noise, model.prior]


def neighboring_seeds():
    return [AddGaussian(0.4, seed=seed) for seed in range(3)]


@pytest.mark.parametrize("step", [-1, 0, 7])
@pytest.mark.parametrize(
    "layers", [vae_with_noise, two_masks, sampling_of_vaegan, prior_of_aae, neighboring_seeds], ids=lambda f: f.__name__
)
def test_layers_draw_unrelated_numbers(layers, step):
    layers = layers()
    assert len({layer.key for layer in layers}) == len(layers)
    some = [draws_of(layer, step, (200, 20)).ravel() for layer in layers]
    for i, a in enumerate(some):
        for b in some[:i]:
            assert correlation(a, b) < 4 / np.sqrt(a.size)
            assert len(np.intersect1d(a, b)) < 10 + 2 * a.size**2 / 2**23


def test_the_noise_of_the_code_and_of_the_pixels_are_unrelated():
    """Compares the draws of a default VAE and its noise layer, not just their keys."""
    noise, sampling = vae_with_noise()
    noise = type(noise)(1.0, clip=None, seed=noise.seed, stream=noise.stream)
    code = draw(sampling, (np.zeros((39, 20)), np.zeros((39, 20)))).ravel()
    pixels = draw(noise.corrupt, np.zeros((39, *FLAT), "float32")).ravel()[: code.size]
    assert correlation(code, pixels) < 4 / np.sqrt(code.size)


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


def test_the_step_is_saved_with_the_weights(tmp_path):
    model, x = vae(), images(16)
    model.fit(x, batch_size=8, epochs=3, verbose=0)
    model.save_weights(tmp_path / "vae.weights.h5")
    resumed = vae()
    resumed.load_weights(tmp_path / "vae.weights.h5")
    assert int(model.sampling.step) == int(resumed.sampling.step) == 6
