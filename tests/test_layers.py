"""Convolution with built-in upsampling, sampling and noise."""

import inspect
import json

import keras
import numpy as np
import pytest
from conftest import gradient, images, tensor
from keras import ops

import kerasae
from kerasae.layers import AddGaussian, FlipPixels, MaskPixels, Noise, SaltAndPepper, Sampling, UpConv2D

pytestmark = pytest.mark.shared

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
    """An `UpConv2D` and the two Keras layers that it replaces, with the same weights."""
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


def test_upconv_has_an_activation_and_an_optional_bias():
    short, long = twins(4, 3, (5, 3, 2), activation="relu", use_bias=False)
    x = images(3, (5, 3, 2))
    assert len(short.weights) == 1
    np.testing.assert_allclose(outputs(short, x), np.maximum(outputs(long, x), 0), atol=1e-5)


def test_upconv_takes_images_of_different_sizes():
    layer = UpConv2D(2, 3)
    assert layer(np.zeros((1, 4, 3, 2))).shape == (1, 8, 6, 2)
    assert layer(np.zeros((5, 2, 7, 2))).shape == (5, 4, 14, 2)


def test_upconv_computes_its_output_shape():
    assert UpConv2D(4, 3).compute_output_shape((None, 5, 3, 2)) == (None, 10, 6, 4)


@pytest.mark.parametrize("option", [{"strides": 2}, {"dilation_rate": 2}, {"groups": 2}])
def test_upconv_refuses_strides_dilation_and_groups(option):
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
def test_layers_are_rebuilt_from_their_config(layer):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    revived = keras.saving.deserialize_keras_object(config)
    assert type(revived) is type(layer)
    assert revived.get_config() == layer.get_config()
    arguments = set(inspect.signature(type(layer)).parameters) - {"kwargs"}
    assert arguments <= set(layer.get_config())


def test_sampling_adds_noise_of_the_given_standard_deviation():
    mean, log_variance = np.full((5000, 2), 3.0), np.tile([0.0, np.log(0.25)], (5000, 1))
    z = ops.convert_to_numpy(Sampling(seed=0)((mean, log_variance), training=True))
    np.testing.assert_allclose(z.mean(axis=0), [3.0, 3.0], atol=0.05)
    np.testing.assert_allclose(z.std(axis=0), [1.0, 0.5], rtol=0.05)


def test_sampling_differs_between_training_steps_and_is_fixed_in_evaluation():
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
def test_noise_acts_in_training_only_and_differs_between_steps(name):
    layer = type(NOISES[name]).from_config(NOISES[name].get_config())
    np.testing.assert_array_equal(outputs(layer, X), X)
    np.testing.assert_array_equal(outputs(lambda x: layer(x, training=False), X), X)
    first, second = (outputs(lambda x: layer(x, training=True), X) for _ in range(2))
    assert (first != second).mean() > 0.3
    assert int(layer.step) == 2
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(outputs(lambda x: again(x, training=True), X), first)


@pytest.mark.parametrize("name", NOISES)
def test_corrupt_gives_the_same_noise_at_every_call(name):
    layer = NOISES[name]
    noisy = outputs(layer.corrupt, X)
    np.testing.assert_array_equal(outputs(layer.corrupt, X), noisy)
    assert np.abs(noisy - outputs(lambda x: layer.corrupt(x, step=0), X)).max() > 0.1
    other = type(layer).from_config(layer.get_config() | {"seed": 1})
    assert np.abs(noisy - outputs(other.corrupt, X)).max() > 0.1


def test_flipped_pixels_are_one_minus_themselves_at_the_given_rate():
    noisy = outputs(FlipPixels(0.3).corrupt, X)
    flipped = noisy != X
    np.testing.assert_allclose(noisy[flipped], 1 - X[flipped], atol=1e-6)
    assert flipped.mean() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("rescale", [False, True])
def test_masked_pixels_are_zero_at_the_given_rate(rescale):
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
def test_a_rate_must_be_a_probability(layer, rate):
    with pytest.raises(ValueError, match=f"rate must be a probability, at least 0 and below 1. Received: {rate}"):
        layer(rate)


@pytest.mark.parametrize("stddev", [-0.1, float("nan")])
def test_a_negative_stddev_is_refused(stddev):
    with pytest.raises(ValueError, match=f"stddev must not be negative. Received: {stddev}"):
        AddGaussian(stddev)


def test_a_noise_layer_must_define_corrupt():
    with pytest.raises(NotImplementedError, match="Noise must define corrupt"):
        Noise().corrupt(X)


def test_gaussian_noise_takes_the_old_name_of_its_argument_from_a_config():
    config = AddGaussian(0.3).get_config()
    config["deviation"] = config.pop("stddev")
    assert AddGaussian.from_config(config).stddev == 0.3


# Noise in a model


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
def test_noise_that_needs_a_range_refuses_a_model_without_one(layer):
    needed = rf"{layer.__name__} needs a value range \(low, high\)\. Received: value_range="
    with pytest.raises(ValueError, match=f"{needed}None of the model and value_range='auto' of the layer. Give"):
        corrupted(layer(0.3), X, None)
    with pytest.raises(ValueError, match=rf"{needed}\(0\.0, 1\.0\) of the model and value_range=None of the layer"):
        corrupted(layer(0.3, value_range=None), X, (0, 1))


NOISE_OF_KERAS = ("GaussianNoise", "Dropout", "GaussianDropout", "AlphaDropout", "SpatialDropout2D")


def noise_of_keras(name, rate=0.3):
    return getattr(keras.layers, name)(rate, seed=1)


def small(noise, value_range=(0, 1)):
    shape = (4, 4, 3)
    activation = "sigmoid" if value_range == (0, 1) else "linear"
    return kerasae.models.DenseAutoencoder(
        shape, (4,), 2, output_activation=activation, value_range=value_range, noise=noise
    )


@pytest.mark.parametrize("name", NOISE_OF_KERAS)
def test_noise_layers_of_keras_act_in_training_only_and_are_saved(name, tmp_path):
    model, x = small(noise_of_keras(name)), images(8, (4, 4, 3))
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse")
    history = model.fit(x, batch_size=8, epochs=2, validation_data=x, verbose=0).history
    assert history["loss"][0] != history["loss"][1]
    assert history["val_loss"][0] == history["val_loss"][1] == model.evaluate(x, verbose=0)[0]
    noisy = outputs(model.noise.corrupt, x)
    assert np.abs(noisy - x).max() > 0.01 and noisy.min() >= 0 and noisy.max() <= 1
    np.testing.assert_array_equal(outputs(lambda x: model.noise(x, training=False), x), x)
    clean = small(None)
    clean.set_weights(model.encoder.get_weights() + model.decoder.get_weights())
    np.testing.assert_allclose(model.predict(x, verbose=0), clean.reconstruct(x), atol=1e-6)
    model.save(tmp_path / "it.keras")
    for again in (keras.saving.load_model(tmp_path / "it.keras"), kerasae.zoo.load(tmp_path / "it.keras")):
        assert type(again.noise.layer) is getattr(keras.layers, name)
        np.testing.assert_allclose(outputs(again.noise.corrupt, x), noisy, atol=1e-6)


@pytest.mark.parametrize("name", ["GaussianNoise", "AddGaussian"])
def test_noise_resumes_with_the_draws_of_an_uninterrupted_run(name, tmp_path):
    def made():
        return small(AddGaussian(0.3, seed=1) if name == "AddGaussian" else noise_of_keras(name))

    whole, first, resumed, x = made(), made(), made(), images(8, (4, 4, 3))
    first.set_weights(whole.get_weights())
    for model in (whole, first, resumed):
        model.compile(keras.optimizers.SGD(0.1))
    options = {"batch_size": 4, "shuffle": False, "verbose": 0}
    whole.fit(x, epochs=3, **options)
    first.fit(x, epochs=2, **options)
    first.save_weights(tmp_path / "it.weights.h5")
    resumed.load_weights(tmp_path / "it.weights.h5")
    resumed.fit(x, **options)
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("name", ["GaussianNoise", "GaussianDropout"])
def test_noise_of_keras_is_clipped_to_the_range_of_the_model(name):
    x = 2 * images(8, (4, 4, 3)) - 1
    noisy = outputs(small(noise_of_keras(name, 0.5), (-1, 1)).noise.corrupt, x)
    assert noisy.min() == -1 and noisy.max() == 1
    assert outputs(small(noise_of_keras(name, 0.5), None).noise.corrupt, x).max() > 1


@pytest.mark.parametrize("layer", [FlipPixels(0.3), MaskPixels(0.3), MaskPixels(0.3, rescale=True), AddGaussian(0.5)])
def test_images_in_another_range_get_the_same_noise(layer):
    """The same draws, rescaled with the range."""

    def noisy(scale, low):
        config = layer.get_config() | ({"stddev": 0.5 * scale} if isinstance(layer, AddGaussian) else {})
        noise, x = type(layer).from_config(config), images(8, (4, 4, 3))
        result = outputs(small(noise, (low, low + scale)).noise.corrupt, scale * x + low)
        return (result - low) / scale

    np.testing.assert_allclose(noisy(2.0, -1.0), noisy(1.0, 0.0), atol=1e-5)
