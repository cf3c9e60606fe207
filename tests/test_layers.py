"""Upsampling inside a convolution, sampling and noise."""

import inspect
import json

import keras
import numpy as np
import pytest
from conftest import gradient, images, tensor
from keras import ops

import kerasae
from kerasae.layers import AddGaussian, FlipPixels, MaskPixels, Noise, SaltAndPepper, Sampling, UpConv2D

# One of each noise layer.
NOISES = {
    "flip": FlipPixels(0.3),
    "mask": MaskPixels(0.3),
    "salt": SaltAndPepper(0.6),
    "gauss": AddGaussian(0.3, clip=None),
}
X = images(8, (20, 20, 1))


def outputs(network, x):
    return ops.convert_to_numpy(network(x))


def twins(filters, kernel_size, shape, **kwargs):
    """An `UpConv2D` and the two Keras layers that it stands for, with the same weights."""
    short = keras.Sequential([keras.Input(shape), UpConv2D(filters, kernel_size, **kwargs)])
    long = keras.Sequential(
        [keras.Input(shape), keras.layers.UpSampling2D(2), keras.layers.Conv2D(filters, kernel_size, padding="same")]
    )
    if kwargs.get("use_bias", True):
        short.layers[0].bias.assign(np.linspace(-1, 1, filters))
        long.set_weights(short.get_weights())
    else:
        long.set_weights([*short.get_weights(), np.zeros(filters)])
    return short, long


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5, 6, 7, (2, 5), (7, 1)])
def test_upconv_equals_upsampling_then_convolution(kernel_size):
    short, long = twins(4, kernel_size, (5, 3, 2))
    x = images(3, (5, 3, 2))
    np.testing.assert_allclose(outputs(short, x), outputs(long, x), atol=1e-5)


def test_upconv_works_on_a_single_pixel():
    short, long = twins(2, 7, (1, 1, 3))
    x = images(2, (1, 1, 3))
    np.testing.assert_allclose(outputs(short, x), outputs(long, x), atol=1e-5)


@pytest.mark.parametrize("kernel_size", [2, 3, 7])
def test_upconv_has_the_gradients_of_upsampling_then_convolution(kernel_size):
    short, long = twins(3, kernel_size, (4, 3, 2))
    x, kernel = images(2, (4, 3, 2)), short.get_weights()[0]

    def of_kernel(network):
        def output(kernel):
            (_, *rest) = network.trainable_variables
            values, _ = network.stateless_call([kernel, *(v.value for v in rest)], [], tensor(x))
            return values**2

        return gradient(output, kernel)

    np.testing.assert_allclose(gradient(lambda x: short(x) ** 2, x), gradient(lambda x: long(x) ** 2, x), atol=1e-4)
    np.testing.assert_allclose(of_kernel(short), of_kernel(long), rtol=1e-4, atol=1e-4)


def test_upconv_applies_its_activation_and_no_bias_when_told_so():
    short, long = twins(4, 3, (5, 3, 2), activation="relu", use_bias=False)
    x = images(3, (5, 3, 2))
    assert len(short.weights) == 1
    np.testing.assert_allclose(outputs(short, x), np.maximum(outputs(long, x), 0), atol=1e-5)


def test_upconv_takes_images_of_unknown_size_one_after_the_other():
    layer = UpConv2D(2, 3)
    assert layer(np.zeros((1, 4, 3, 2))).shape == (1, 8, 6, 2)
    assert layer(np.zeros((5, 2, 7, 2))).shape == (5, 4, 14, 2)


def test_upconv_declares_the_shape_it_gives():
    assert UpConv2D(4, 3).compute_output_shape((None, 5, 3, 2)) == (None, 10, 6, 4)


@pytest.mark.parametrize("option", [{"strides": 2}, {"dilation_rate": 2}, {"groups": 2}])
def test_upconv_refuses_the_options_of_a_convolution_that_it_lacks(option):
    with pytest.raises((TypeError, ValueError), match=next(iter(option))):
        UpConv2D(4, 3, **option)


@pytest.mark.parametrize(
    "layer",
    [
        UpConv2D(4, (3, 2), activation="tanh", use_bias=False, name="up"),
        Sampling(seed=5, name="draw"),
        *NOISES.values(),
        MaskPixels(0.2, rescale=True, seed=5),
        AddGaussian(0.2, clip=(-1, 2), seed=5),
    ],
    ids=lambda layer: layer.name,
)
def test_layers_survive_their_config(layer):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    revived = keras.saving.deserialize_keras_object(config)
    assert type(revived) is type(layer)
    assert revived.get_config() == layer.get_config()
    arguments = set(inspect.signature(type(layer)).parameters) - {"kwargs"}
    assert arguments <= set(layer.get_config())


def test_sampling_keeps_its_seed_in_its_config():
    assert Sampling(seed=5).get_config()["seed"] == 5


def test_sampling_adds_noise_of_the_given_standard_deviation():
    mean, log_variance = np.full((5000, 2), 3.0), np.tile([0.0, np.log(0.25)], (5000, 1))
    z = ops.convert_to_numpy(Sampling(seed=0)((mean, log_variance), training=True))
    np.testing.assert_allclose(z.mean(axis=0), [3.0, 3.0], atol=0.05)
    np.testing.assert_allclose(z.std(axis=0), [1.0, 0.5], rtol=0.05)


def test_sampling_draws_anew_at_each_training_step_and_alike_in_evaluation():
    layer, inputs = Sampling(seed=0), (np.zeros((3, 2)), np.zeros((3, 2)))
    first, second = (ops.convert_to_numpy(layer(inputs, training=True)) for _ in range(2))
    assert np.abs(first - second).min() > 1e-4
    calm, again = (ops.convert_to_numpy(layer(inputs, training=False)) for _ in range(2))
    np.testing.assert_array_equal(calm, again)
    assert int(layer.step) == 2


def test_sampling_lets_gradients_through_to_mean_and_variance():
    noise = outputs(Sampling(seed=0), (np.zeros((3, 2)), np.zeros((3, 2))))
    posterior = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    slope = gradient(lambda p: Sampling(seed=0)((p[:, :2], p[:, 2:])), posterior)
    np.testing.assert_allclose(slope[:, :2], 1.0)
    np.testing.assert_allclose(slope[:, 2:], 0.5 * np.exp(0.5 * posterior[:, 2:]) * noise, rtol=1e-4)


# Noise


def test_every_noise_layer_is_among_those_tested():
    public = {getattr(kerasae.layers, name) for name in kerasae.layers.__all__} - {kerasae.layers.KERAS_NOISE}
    noises = {cls for cls in public if issubclass(cls, Noise)} - {Noise, kerasae.layers.KerasNoise}
    assert noises == {type(layer) for layer in NOISES.values()}


@pytest.mark.parametrize("name", NOISES)
def test_noise_acts_in_training_only_and_anew_at_each_step(name):
    layer = type(NOISES[name]).from_config(NOISES[name].get_config())
    np.testing.assert_array_equal(outputs(layer, X), X)
    np.testing.assert_array_equal(outputs(lambda x: layer(x, training=False), X), X)
    first, second = (outputs(lambda x: layer(x, training=True), X) for _ in range(2))
    assert (first != second).mean() > 0.3
    assert int(layer.step) == 2
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(outputs(lambda x: again(x, training=True), X), first)


@pytest.mark.parametrize("name", NOISES)
def test_noise_can_be_put_on_by_hand_the_same_each_time(name):
    layer = NOISES[name]
    noisy = outputs(layer.corrupt, X)
    np.testing.assert_array_equal(outputs(layer.corrupt, X), noisy)
    assert np.abs(noisy - outputs(lambda x: layer.corrupt(x, step=0), X)).max() > 0.1
    other = type(layer).from_config(layer.get_config() | {"seed": 1})
    assert np.abs(noisy - outputs(other.corrupt, X)).max() > 0.1


def test_flipped_pixels_are_one_minus_themselves_at_the_rate_given():
    noisy = outputs(FlipPixels(0.3).corrupt, X)
    flipped = noisy != X
    np.testing.assert_allclose(noisy[flipped], 1 - X[flipped], atol=1e-6)
    assert flipped.mean() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("rescale", [False, True])
def test_masked_pixels_are_zero_at_the_rate_given(rescale):
    noisy = outputs(MaskPixels(0.3, rescale=rescale).corrupt, X)
    masked = noisy == 0
    assert masked.mean() == pytest.approx(0.3, abs=0.03)
    np.testing.assert_allclose(noisy[~masked], X[~masked] / (0.7 if rescale else 1.0), rtol=1e-5)


def test_salt_and_pepper_are_the_ends_of_the_range_at_half_the_rate_each():
    x = 2 * X - 1
    for noisy in (
        outputs(SaltAndPepper(0.4, value_range=(-1, 1)).corrupt, x),
        corrupted(SaltAndPepper(0.4), x, (-1, 1)),
    ):
        assert (noisy == -1).mean() == pytest.approx(0.2, abs=0.03)
        assert (noisy == 1).mean() == pytest.approx(0.2, abs=0.03)
        np.testing.assert_array_equal(noisy[np.abs(noisy) != 1], x[np.abs(noisy) != 1])


def test_gaussian_noise_has_the_given_stddev_and_is_clipped():
    free, clipped = (outputs(AddGaussian(0.3, clip=clip).corrupt, X) for clip in (None, (0.0, 1.0)))
    noise = free - X
    np.testing.assert_allclose([noise.mean(), noise.std()], [0.0, 0.3], atol=0.02)
    np.testing.assert_allclose(clipped, free.clip(0, 1), atol=1e-6)


@pytest.mark.parametrize("layer", [type(layer) for layer in NOISES.values() if hasattr(layer, "rate")])
@pytest.mark.parametrize("rate", [-0.1, 1.0, 255, float("nan")])
def test_a_rate_that_is_no_probability_is_refused(layer, rate):
    with pytest.raises(ValueError, match=f"rate must be a probability, at least 0 and below 1. Received: {rate}"):
        layer(rate)


@pytest.mark.parametrize("stddev", [-0.1, float("nan")])
def test_a_negative_stddev_is_refused(stddev):
    with pytest.raises(ValueError, match=f"stddev must not be negative. Received: {stddev}"):
        AddGaussian(stddev)


def test_a_noise_must_say_what_it_does():
    with pytest.raises(NotImplementedError, match="Noise must define corrupt"):
        Noise().corrupt(X)


def test_gaussian_noise_takes_the_old_name_of_its_argument_from_a_config():
    config = AddGaussian(0.3).get_config()
    config["deviation"] = config.pop("stddev")
    assert AddGaussian.from_config(config).stddev == 0.3


# Noise within a model's range, and draws of several layers


def corrupted(noise, x, value_range):
    model = kerasae.models.DenseAutoencoder((20, 20, 1), (4,), 2, value_range=value_range, noise=noise)
    return outputs(model.noise.corrupt, x)


def test_noise_acts_within_the_range_of_its_model():
    x = 2 * X - 1
    flipped = corrupted(FlipPixels(0.3), x, (-1, 1))
    np.testing.assert_allclose(flipped[flipped != x], -x[flipped != x], atol=1e-6)
    masked = corrupted(MaskPixels(0.3), x, (-1, 1))
    assert (masked[masked != x] == -1).all() and (masked != x).mean() > 0.2
    noisy = corrupted(AddGaussian(0.5), x, (-1, 1))
    assert noisy.min() == -1 and noisy.max() == 1
    assert corrupted(AddGaussian(0.5, clip=None), x, (-1, 1)).max() > 1
    assert corrupted(AddGaussian(0.5), x, None).max() > 1


@pytest.mark.parametrize("layer", [FlipPixels, SaltAndPepper])
def test_noise_between_the_ends_of_a_range_needs_one(layer):
    message = f"{layer.__name__} needs a value range. Received a model with value_range=None. Give"
    with pytest.raises(ValueError, match=message):
        corrupted(layer(0.3), X, None)


@pytest.mark.parametrize("name", ["GaussianNoise", "Dropout", "GaussianDropout", "AlphaDropout"])
def test_noise_layers_of_keras_are_taken(name, tmp_path):
    model = kerasae.models.DenseAutoencoder((20, 20, 1), (4,), 2, noise=getattr(keras.layers, name)(0.3, seed=1))
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse")
    before = model.evaluate(X, verbose=0)
    losses = model.fit(X, batch_size=8, epochs=2, verbose=0).history["loss"]
    assert losses[0] != losses[1]
    assert model.evaluate(X, verbose=0) == pytest.approx(before)
    noisy = outputs(model.noise.corrupt, X)
    assert np.abs(noisy - X).max() > 0.01 and noisy.min() >= 0 and noisy.max() <= 1
    model.save(tmp_path / "it.keras")
    again = keras.saving.load_model(tmp_path / "it.keras")
    np.testing.assert_allclose(outputs(again.noise.corrupt, X), noisy, atol=1e-6)
    assert type(kerasae.zoo.load(tmp_path / "it.keras").noise.layer) is getattr(keras.layers, name)


def test_layers_with_equal_seeds_draw_unrelated_numbers():
    model = kerasae.models.VariationalAutoencoder((28, 28, 1), (4,), 20, noise=AddGaussian(1.0, clip=None))
    zeros = np.zeros((200, 20), "float32")
    code = outputs(model.sampling, (zeros, zeros))[:39].ravel()
    pixels = outputs(model.noise.corrupt, np.zeros((1, 28, 28, 1), "float32")).ravel()[: code.size]
    assert abs(np.corrcoef(code, pixels)[0, 1]) < 4 / np.sqrt(code.size)


def test_two_noise_layers_of_one_kind_in_a_model_draw_unrelated_numbers():
    model = kerasae.models.DenseAutoencoder((400,), (4,), 400, noise=MaskPixels(0.5), code_dropout=0.5)
    ones = np.ones((10, 400), "float32")
    a = outputs(model.noise.corrupt, ones) == 0
    b = outputs(model.decoder.layers[0].corrupt, ones) == 0
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.07
