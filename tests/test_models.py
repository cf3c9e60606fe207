"""Every model: inputs and outputs, configuration, losses."""

import functools
import inspect
import json

import h5py
import keras
import numpy as np
import pytest
from conftest import MODELS, SHAPE, denoising, dense, gradient, images, images_for, sparse, tensor, vae
from keras import ops
from scipy import stats

import kerasae
from kerasae import models, random
from kerasae.models.prior import kl_to_standard_normal

pytestmark = pytest.mark.shared


def test_every_class_has_a_test_model():
    classes = {getattr(models, name) for name in models.__all__}
    classes = {cls for cls in classes if issubclass(cls, keras.Model)} - {models.Autoencoder}
    # The conditional model takes labels too and has its own tests.
    assert classes == {type(make()) for make in MODELS.values()} | {models.ConditionalVariationalAutoencoder}


# In and out


def test_arrays_in_arrays_out(model):
    x = images_for(model)
    z, x_hat = model.encode(x), model.reconstruct(x)
    assert isinstance(z, np.ndarray)
    assert z.shape == (len(x), *model.code_shape)
    for output in (x_hat, model.decode(z), model.predict(x, verbose=0)):
        assert isinstance(output, np.ndarray)
        assert output.dtype == np.float32
        assert output.shape == x.shape
        np.testing.assert_allclose(output, x_hat, atol=1e-5)


def test_the_batch_size_changes_nothing(model):
    x = images_for(model)
    np.testing.assert_allclose(model.encode(x, batch_size=4), model.encode(x), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.reconstruct(x, batch_size=4), model.reconstruct(x), rtol=1e-4, atol=1e-5)


def test_tensors_in_tensors_out(model):
    x = images_for(model)
    z, x_hat = model.encode(tensor(x)), model.reconstruct(tensor(x))
    assert ops.is_tensor(z)
    assert ops.is_tensor(x_hat)
    np.testing.assert_allclose(ops.convert_to_numpy(z), model.encode(x), atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(model.decode(z)), model.reconstruct(x), atol=1e-5)


def test_outputs_for_tensors_can_be_differentiated(model):
    x = images_for(model, n=2)
    slope = gradient(lambda x: model.reconstruct(x) ** 2, x)
    assert np.abs(slope).max() > 0
    np.testing.assert_allclose(slope, gradient(lambda x: model(x) ** 2, x), rtol=1e-4, atol=1e-5)
    composed = gradient(lambda x: model.decode(model.encode(x)) ** 2, x)
    np.testing.assert_allclose(slope, composed, rtol=1e-4, atol=1e-5)


def test_outputs_stay_in_the_range_of_a_sigmoid(model):
    x_hat = model.decode(np.random.default_rng(0).normal(size=(6, *model.code_shape)) * 100)
    if model.decoder.layers[-1].activation is keras.activations.sigmoid:
        assert x_hat.min() >= 0.0
        assert x_hat.max() <= 1.0
    else:
        assert x_hat.min() < 0.0


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (7, 7), (31, 33)])
def test_reconstructions_have_the_size_of_the_images(size):
    model = models.ConvAutoencoder((*size, 2), filters=(3, 2), latent_channels=1)
    assert model.code_shape == (-(-size[0] // 4), -(-size[1] // 4), 1)
    assert model.reconstruct(images_for(model, n=2)).shape == (2, *size, 2)


def test_encoder_and_decoder_work_in_a_functional_graph(model):
    x = keras.Input(model.data_shape)
    graph = keras.Model(x, model.decoder(keras.tree.flatten(model.encoder(x))[0]))
    whole = keras.Model(x, model(x))
    data = images_for(model)
    for network in (graph, whole):
        np.testing.assert_allclose(ops.convert_to_numpy(network(data)), model.reconstruct(data), atol=1e-5)


def test_summary_prints_real_shapes(model):
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line), line_length=120)
    text = "\n".join(lines)
    assert f"(None, {', '.join(map(str, model.data_shape))})" in text
    assert f"(None, {', '.join(map(str, model.code_shape))}" in text
    assert "?" not in text


@pytest.mark.parametrize("name", ["dense-vector", "conv-odd", "vae-image"])
def test_interpolation_goes_from_one_reconstruction_to_the_other(name):
    model = MODELS[name]()
    a, b = images_for(model, n=2)
    path = model.interpolate(a, b, steps=5)
    np.testing.assert_allclose(path[[0, -1]], model.reconstruct(np.stack([a, b])), atol=1e-5)
    z = model.encode(np.stack([a, b]))
    np.testing.assert_allclose(path[1], model.decode((0.75 * z[0] + 0.25 * z[1])[None])[0], atol=1e-5)
    mixtures = model.interpolate(a, b, steps=5, space="pixel")
    np.testing.assert_allclose(mixtures[[0, 1, 4]], np.stack([a, 0.75 * a + 0.25 * b, b]), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 1}, "steps must be at least 2"),
        ({"steps": 2.5}, r"steps must be a positive integer. Received: 2\.5"),
        ({"space": "latent"}, "space must be 'code' or 'pixel'. Received: 'latent'"),
        ({"a": np.zeros((1, 6, 5, 1))}, r"a must have shape \(6, 5, 1\). Received shape: \(1, 6, 5, 1\)"),
        ({"b": np.full((6, 5, 1), 7)}, r"a and b must lie in \[0, 1\]"),
    ],
)
def test_interpolation_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        dense().interpolate(**{"a": np.zeros(SHAPE), "b": np.zeros(SHAPE)} | arguments)


# Configuration


def test_every_constructor_argument_is_in_the_config(model):
    arguments = {*inspect.signature(type(model)).parameters, *inspect.signature(models.Autoencoder).parameters}
    arguments -= {"kwargs"}
    assert arguments <= set(model.get_config())


def test_a_config_rebuilds_the_same_architecture(model):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    twin = keras.saving.deserialize_keras_object(config)
    assert type(twin) is type(model)
    assert twin.get_config() == model.get_config()
    twin.set_weights(model.get_weights())
    x = images_for(model)
    np.testing.assert_allclose(twin.reconstruct(x), model.reconstruct(x), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "change"), [(sparse, {"l1": 0.5}), (sparse, {"l2": 0.5}), (vae, {"kl_weight": 3}), (vae, {"seed": 1})]
)
def test_the_config_restores_the_settings_of_the_loss(make, change):
    model = make()
    losses = []
    for config in (model.get_config(), model.get_config() | change):
        twin = type(model).from_config(config)
        twin.set_weights(model.get_weights())
        twin.compile(run_eagerly=True)
        losses.append(twin.evaluate(images(), verbose=0)[0])
    assert abs(losses[0] - losses[1]) > 1e-4


def test_the_config_keeps_name_and_dtype_policy():
    model = dense(name="mine", dtype="mixed_bfloat16")
    twin = type(model).from_config(model.get_config())
    assert twin.name == "mine"
    assert twin.dtype_policy.name == "mixed_bfloat16"
    assert twin.encoder.layers[-1].compute_dtype == "bfloat16"


CONV_VAE = [
    *("encoder/layers/conv2d", "encoder/layers/conv2d_1"),
    *("encoder/layers/dense", "encoder/layers/dense_1", "encoder/layers/dense_2"),
    *("decoder/layers/dense", "decoder/layers/conv2d_transpose", "decoder/layers/conv2d_transpose_1"),
    "decoder/layers/conv2d",
]


def _numbered(part, name, number):
    return [f"{part}/layers/{name}{f'_{i}' if i else ''}" for i in range(number)]


def _residual_blocks(part, number):
    names = ("first_norm", "first_conv", "second_norm", "second_conv")
    return [f"{block}/{name}" for block in _numbered(part, "residual_block", number) for name in names]


WEIGHTS = {
    "linear-vector": ["encoder/layers/dense", "decoder/layers/dense"],
    "dense-image": [
        *("encoder/layers/dense", "encoder/layers/dense_1", "encoder/layers/dense_2"),
        *("decoder/layers/dense", "decoder/layers/dense_1", "decoder/layers/dense_2"),
    ],
    "dense-vector": ["encoder/layers/dense", "decoder/layers/dense"],
    "sparse-image": [
        *("encoder/layers/dense", "encoder/layers/dense_1"),
        *("decoder/layers/dense", "decoder/layers/dense_1"),
    ],
    "conv-image": [
        *("encoder/layers/conv2d", "encoder/layers/conv2d_1", "encoder/layers/conv2d_2"),
        *("decoder/layers/conv2d", "decoder/layers/up_conv2d", "decoder/layers/up_conv2d_1"),
    ],
    "conv-odd": [
        *("encoder/layers/conv2d", "encoder/layers/conv2d_1", "encoder/layers/conv2d_2"),
        *("decoder/layers/conv2d", "decoder/layers/up_conv2d", "decoder/layers/up_conv2d_1"),
    ],
    "vae-image": [
        *("encoder/layers/dense", "encoder/layers/dense_1", "encoder/layers/dense_2"),
        *("decoder/layers/dense", "decoder/layers/dense_1"),
    ],
    "vae-vector": [
        *("encoder/layers/dense", "encoder/layers/dense_1", "encoder/layers/dense_2", "encoder/layers/dense_3"),
        *("decoder/layers/dense", "decoder/layers/dense_1", "decoder/layers/dense_2"),
    ],
    "iwae-vector": [
        *("encoder/layers/dense", "encoder/layers/dense_1", "encoder/layers/dense_2"),
        *("decoder/layers/dense", "decoder/layers/dense_1"),
    ],
    "transposed-odd": [
        *("encoder/layers/conv2d", "encoder/layers/conv2d_1", "decoder/layers/conv2d"),
        *("decoder/layers/conv2d_transpose", "decoder/layers/conv2d_transpose_1"),
    ],
    "conv-vae-odd": CONV_VAE,
    "adversarial-vector": [
        *("encoder/layers/dense", "encoder/layers/dense_1", "decoder/layers/dense", "decoder/layers/dense_1"),
        *("discriminator/layers/dense", "discriminator/layers/dense_1"),
    ],
    "vq-odd": [
        *("encoder/layers/conv2d", "encoder/layers/conv2d_1", "encoder/layers/conv2d_2"),
        *("decoder/layers/conv2d", "decoder/layers/conv2d_transpose", "decoder/layers/conv2d_transpose_1"),
        "decoder/layers/conv2d_1",
    ],
    "topk-vector": ["encoder/layers/dense", "decoder/layers/dense"],
    "vqvae-odd": [
        *("encoder/layers/conv2d", "encoder/layers/conv2d_1"),
        *("decoder/layers/conv2d", "decoder/layers/conv2d_transpose", "decoder/layers/conv2d_1"),
        *("code_prior/layers/conv1d", "code_prior/layers/conv1d_1", "code_prior/layers/dense"),
    ],
    "conv-signal": [
        *("encoder/layers/conv1d", "encoder/layers/conv1d_1", "encoder/layers/conv1d_2"),
        *("decoder/layers/conv1d", "decoder/layers/up_conv1d", "decoder/layers/up_conv1d_1"),
    ],
    "transposed-volume": [
        *("encoder/layers/conv3d", "encoder/layers/conv3d_1", "decoder/layers/conv3d"),
        *("decoder/layers/conv3d_transpose", "decoder/layers/conv3d_transpose_1"),
    ],
    "ensemble-image": [
        *("decoder/layers/unstandardize/standardization", "encoder/layers/standardization_1"),
        *("encoder/layers/einsum_dense", "encoder/layers/einsum_dense_1"),
        *("encoder/layers/einsum_dense_2", "encoder/layers/einsum_dense_3"),
        *("decoder/layers/einsum_dense", "decoder/layers/einsum_dense_1"),
        *("layers/functional_1/layers/einsum_dense_1", "layers/functional_1/layers/einsum_dense_3"),
    ],
    "residual-odd": [
        *_numbered("encoder", "conv2d", 3),
        *_residual_blocks("encoder", 4),
        *("decoder/layers/conv2d", *_numbered("decoder", "conv2d_transpose", 2)),
        *_residual_blocks("decoder", 4),
    ],
    "residual-vae-odd": [
        *(*_numbered("encoder", "conv2d", 1), *_numbered("encoder", "dense", 3)),
        *_residual_blocks("encoder", 2),
        *("decoder/layers/dense", *_numbered("decoder", "conv2d_transpose", 1)),
        *_residual_blocks("decoder", 2),
    ],
    "pca-residual-odd": [
        *(*_numbered("encoder", "conv2d", 1), *_numbered("encoder", "dense", 2)),
        *_residual_blocks("encoder", 2),
        *("decoder/layers/dense", *_numbered("decoder", "conv2d", 1), *_numbered("decoder", "conv2d_transpose", 1)),
        *_residual_blocks("decoder", 4),
    ],
    "vaegan-odd": [
        *CONV_VAE,
        *("discriminator/layers/conv2d", "discriminator/layers/conv2d_1"),
        *("discriminator/layers/dense", "discriminator/layers/dense_1"),
    ],
}
OTHER_VARIABLES = {  # by layer, their number: counters of random draws, and a codebook with its state
    "dense-image": {"layers/add_gaussian": 1, "decoder/layers/mask_pixels": 1},
    "conv-odd": {"layers/flip_pixels": 1},
    "vae-image": {"layers/sampling": 1},
    "vae-vector": {"layers/sampling": 1},
    "iwae-vector": {"layers/sampling": 1, "": 1},
    "conv-vae-odd": {"layers/sampling": 1},
    "residual-vae-odd": {"layers/sampling": 1},
    "adversarial-vector": {"layers/sampling": 1},
    "vq-odd": {"encoder/layers/vector_quantizer": 4},
    "topk-vector": {"encoder/layers/top_k": 1},
    "vqvae-odd": {
        "encoder/layers/vector_quantizer": 3,
        **{f"code_prior/layers/{name}": 1 for name in ("embedding", "embedding_1")},
    },
    "ensemble-image": {"encoder/layers/add_gaussian": 1, "encoder/layers/add_gaussian_1": 1},
    "vaegan-odd": {"layers/sampling": 1, "layers/sampling_1": 1},
}


@pytest.mark.parametrize("name", MODELS)
def test_the_names_in_a_weights_file_are_frozen(name, tmp_path):
    MODELS[name]().save_weights(tmp_path / "it.weights.h5")
    with h5py.File(tmp_path / "it.weights.h5") as file:
        found = []
        file.visititems(lambda path, item: found.append(path) if isinstance(item, h5py.Dataset) else None)
    numbers = dict.fromkeys(WEIGHTS[name], 2) | OTHER_VARIABLES.get(name, {})  # 2: kernel and bias
    own = {"vars/0"} if name == "pca-residual-odd" else set()  # whether it has seen data
    assert set(found) == own | {
        f"{layer}/vars/{i}".lstrip("/") for layer, number in numbers.items() for i in range(number)
    }


BAD_ARGUMENTS = [
    (models.DenseAutoencoder, {"latent_dim": 0}, "latent_dim must be a positive integer. Received: 0"),
    (models.DenseAutoencoder, {"latent_dim": 2.5}, r"latent_dim must be a positive integer. Received: 2\.5"),
    (models.DenseAutoencoder, {"latent_dim": True}, "latent_dim must be a positive integer. Received: True"),
    (models.DenseAutoencoder, {"hidden_units": (8, 0)}, r"hidden_units must be made of positive .*\(8, 0\)"),
    (models.DenseAutoencoder, {"hidden_units": 0}, "hidden_units must be made of positive integers. Received: 0"),
    (models.DenseAutoencoder, {"input_shape": (28, -1)}, r"input_shape must be made of positive .*\(28, -1\)"),
    (models.DenseAutoencoder, {"input_shape": (None, 28)}, r"input_shape must be made of positive .*\(None, 28\)"),
    (models.DenseAutoencoder, {"input_shape": ()}, r"input_shape must be made of positive integers. Received: \(\)"),
    (models.DenseAutoencoder, {"value_range": (1, 0)}, r"value_range must be \(low, high\) .*Received: \(1, 0\)"),
    (models.DenseAutoencoder, {"value_range": (1, 1)}, r"value_range must be \(low, high\) .*Received: \(1, 1\)"),
    (models.DenseAutoencoder, {"value_range": (0,)}, r"value_range must be \(low, high\) .*Received: \(0,\)"),
    (models.DenseAutoencoder, {"activation": "rellu"}, "rellu"),
    (models.LinearAutoencoder, {"latent_dim": -1}, "latent_dim must be a positive integer. Received: -1"),
    (models.SparseAutoencoder, {"l1": -0.1}, r"l1 must not be negative or infinite. Received: -0\.1"),
    (models.SparseAutoencoder, {"l2": -1}, "l2 must not be negative or infinite. Received: -1"),
    (models.ConvAutoencoder, {"input_shape": (2,) * 5}, r"must be \(steps, channels\), .* Received: \(2, 2, 2, 2, 2\)"),
    (models.ConvAutoencoder, {"filters": ()}, r"filters must be made of positive integers. Received: \(\)"),
    (models.ConvAutoencoder, {"filters": (8, "4")}, r"filters must be made of positive integers. Received: \(8, '4'\)"),
    (models.ConvAutoencoder, {"filters": (1,) * 6}, r"6 levels are too many for inputs of shape \(8, 8, 1\)"),
    (models.ConvAutoencoder, {"kernel_sizes": (3, 3)}, r"kernel_sizes must be one integer or 3, .*Received: \(3, 3\)"),
    (models.ConvAutoencoder, {"latent_channels": 0}, "latent_channels must be a positive integer. Received: 0"),
    (models.DenseAutoencoder, {"code_dropout": 1.0}, r"rate must be a probability.*Received: 1\.0"),
    (models.DenseAutoencoder, {"code_dropout": -0.5}, r"rate must be a probability.*Received: -0\.5"),
    (models.DenseAutoencoder, {"weight_penalty": -1}, "weight_penalty must not be negative or infinite. Received: -1"),
    (models.ConvAutoencoder, {"noise": 0.3}, r"noise must be a kerasae\.layers\.Noise, .* or None. Received: 0\.3"),
    (models.VariationalAutoencoder, {"latent_dim": 0}, "latent_dim must be a positive integer. Received: 0"),
    (models.VariationalAutoencoder, {"seed": "7"}, "seed must be an integer. Received: '7'"),
    (models.VariationalAutoencoder, {"kl_weight": -1}, "kl_weight must not be negative or infinite. Received: -1"),
    (models.TransposedConvAutoencoder, {"input_shape": (28,)}, r"must be \(steps, channels\), .*\(28,\)"),
    (models.ConvVariationalAutoencoder, {"input_shape": (28,)}, r"must be \(steps, channels\), .*\(28,\)"),
    (models.ConditionalVariationalAutoencoder, {"classes": 0}, "classes must be a positive integer. Received: 0"),
    (
        models.AdversarialAutoencoder,
        {"adversarial_weight": -1},
        "adversarial_weight must not be negative or infinite. .*-1",
    ),
    (models.VectorQuantizedAutoencoder, {"codebook_size": 1}, "codebook_size must be at least 2.*Received: 1"),
    (models.VectorQuantizedAutoencoder, {"codebook_update": "ema"}, "one of 'moving_average', 'gradient'. .*'ema'"),
    (models.VectorQuantizedAutoencoder, {"decay": 1.0}, r"decay must be at least 0 and below 1. Received: 1\.0"),
    (models.VectorQuantizedAutoencoder, {"restart_below": -1}, "restart_below must be at least 0 .*Received: -1"),
    (models.VectorQuantizedAutoencoder, {"commitment_weight": -1}, "commitment_weight must not be negative .*-1"),
    (models.ResidualAutoencoder, {"blocks_per_level": 0}, "blocks_per_level must be a positive integer. Received: 0"),
    (models.PCAResidualAutoencoder, {"input_shape": (8,)}, r"must be \(steps, channels\), .*\(8,\)"),
    (models.ResidualVariationalAutoencoder, {"filters": (1,) * 6}, r"6 levels are too many for inputs of shape"),
    (models.VAEGAN, {"feature_weight": -1}, "feature_weight must not be negative or infinite. Received: -1"),
]


@pytest.mark.parametrize(("cls", "arguments", "message"), BAD_ARGUMENTS, ids=[str(row[1]) for row in BAD_ARGUMENTS])
def test_bad_constructor_arguments_are_refused(cls, arguments, message):
    with pytest.raises(ValueError, match=message):
        cls(**{"input_shape": (8, 8, 1)} | arguments)


def test_numpy_integers_and_lists_are_accepted_as_sizes():
    model = models.DenseAutoencoder([np.int64(6), 5, 1], [np.int32(8)], np.int64(3))
    assert model.get_config()["hidden_units"] == (8,)
    json.dumps(keras.saving.serialize_keras_object(model))


# Training


@pytest.mark.parametrize("name", ["dense-image", "vae-vector", "vq-odd", "pca-residual-odd"])
def test_fit_x_means_fit_x_x_and_learns(name):
    model = MODELS[name]()
    x = images_for(model, n=8) * 0.2
    twin = type(model).from_config(model.get_config())
    twin.set_weights(model.get_weights())
    histories = []
    for each, data in ((model, (x,)), (twin, (x, x))):
        each.compile(optimizer=keras.optimizers.Adam(0.02))
        histories.append(each.fit(*data, batch_size=8, epochs=8, shuffle=False, verbose=0).history)
    alone, paired = histories
    assert set(alone) == set(paired) == {"loss", *model.reported}
    for name, values in alone.items():
        np.testing.assert_allclose(values, paired[name], rtol=1e-4)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    if not isinstance(model, models.PCAResidualAutoencoder):  # this model starts at the optimum of a linear model
        assert min(alone["loss"][4:]) < alone["loss"][0]


def test_evaluate_x_means_evaluate_x_x():
    model, x = vae(), images()
    assert model.evaluate(x, verbose=0) == pytest.approx(model.evaluate(x, x, verbose=0), rel=1e-6)


@pytest.mark.parametrize("reversed_targets", [False, True])
def test_targets_may_differ_from_the_input(reversed_targets):
    model, x = dense(), images()
    y = x[::-1].copy() if reversed_targets else x
    model.compile(loss="mse")
    loss = model.evaluate(x, y, verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx(((model.reconstruct(x) - y) ** 2).mean(), rel=1e-5)


@pytest.mark.parametrize("loss", [keras.losses.BinaryCrossentropy(from_logits=True), None])
def test_a_loss_from_logits_needs_a_sigmoid_output(loss):
    linear = dense(output_activation="linear")
    if loss is None:
        linear.compile()
        assert linear.loss.from_logits is False
        return
    with pytest.raises(ValueError, match=r"from_logits=True` needs .* output_activation='sigmoid'.*'linear'"):
        linear.compile(loss=loss)


def test_loss_from_logits_is_that_of_the_probabilities():
    model, x = dense(), images()
    figures = []
    for from_logits in (True, False):
        model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=from_logits))
        figures.append(model.evaluate(x, verbose=0)[0])
    assert figures[0] == pytest.approx(figures[1], rel=1e-5)
    assert figures[0] == pytest.approx(_cross_entropy(x, model.reconstruct(x)).mean(), rel=1e-5)


def _cross_entropy(x, x_hat):
    """In nats per pixel."""
    x_hat = x_hat.astype("float64")
    return -(x * np.log(x_hat) + (1 - x) * np.log1p(-x_hat))


def test_extreme_logits_give_a_finite_loss():
    model, x = dense(), np.round(images())
    model.decoder.layers[-3].kernel.assign(1e4 * np.ones((8, 30)))
    assert np.isfinite(model.fit(x, verbose=0).history["loss"]).all()


# The penalty on the code


def test_the_sparse_penalty_is_that_of_its_formula():
    model, x = sparse(), images()
    figures = model.evaluate(x, batch_size=8, verbose=0, return_dict=True)
    z = model.encode(x)
    penalty = (0.05 * np.abs(z) + 0.02 * z**2).sum(axis=1).mean()
    assert figures["loss"] - figures["reconstruction_loss"] == pytest.approx(penalty, rel=1e-4)
    assert figures["reconstruction_loss"] == pytest.approx(_cross_entropy(x, model.reconstruct(x)).mean(), rel=1e-5)


# Noise, dropout and the penalty on weights


def test_a_denoising_model_is_evaluated_with_clean_targets_and_a_fixed_draw_of_noise():
    model, x = denoising(), images()
    model.compile(loss="mse")
    figures = [model.evaluate(x, verbose=0, return_dict=True)["reconstruction_loss"] for _ in range(2)]
    noisy = ops.convert_to_numpy(model.noise.corrupt(x))
    assert (noisy == 0).mean() == pytest.approx(0.3, abs=0.05)
    assert figures == [pytest.approx(((model.reconstruct(noisy) - x) ** 2).mean(), rel=1e-5)] * 2
    assert int(model.noise.step) == 0


def test_noise_is_new_in_each_training_step_and_absent_in_predictions():
    model, x = denoising(), images()
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse")
    losses = model.fit(x, batch_size=20, epochs=3, verbose=0).history["loss"]
    assert len(set(losses)) == 3
    assert int(model.noise.step) == 3
    clean = dense()
    clean.encoder.set_weights(model.encoder.get_weights())
    clean.decoder.set_weights(model.decoder.get_weights())
    np.testing.assert_allclose(model.predict(x, verbose=0), clean.reconstruct(x), atol=1e-6)


def test_dropout_of_the_code_acts_in_training_only():
    model, x = dense(code_dropout=0.5), images()
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse")
    clean = ((model.reconstruct(x) - x) ** 2).mean()
    history = model.fit(x, batch_size=20, validation_data=x, verbose=0).history
    assert history["val_loss"] == [pytest.approx(clean, rel=1e-5)]
    assert history["loss"] != [pytest.approx(clean, rel=1e-4)]


def test_the_penalty_on_weights_is_part_of_the_loss_only():
    model, x = dense(weight_penalty=0.5), images()
    model.compile(loss="mse")
    figures = model.evaluate(x, batch_size=8, verbose=0, return_dict=True)
    penalty = 0.5 * sum((kernel**2).mean() for kernel in model.get_weights() if kernel.ndim == 2)
    assert figures["loss"] - figures["reconstruction_loss"] == pytest.approx(penalty, rel=1e-4)
    assert figures["reconstruction_loss"] == pytest.approx(((model.reconstruct(x) - x) ** 2).mean(), rel=1e-5)


def test_layers_of_equal_shape_have_different_initial_weights():
    kernels = [w for w in models.DenseAutoencoder((8,), (8, 8), 8).get_weights() if w.ndim == 2]
    assert len(kernels) == 6
    for i, kernel in enumerate(kernels):
        assert all(np.abs(kernel - other).max() > 0.01 for other in kernels[:i])


# Initializers


@keras.saving.register_keras_serializable(package="tests")
def thirds(shape, dtype=None):
    return ops.full(shape, 1 / 3, dtype=dtype)


class Halves:
    def __call__(self, shape, dtype=None):
        return ops.full(shape, 0.5, dtype=dtype)


INITIALIZERS = {
    "name": ("ones", 1.0),
    "class": (keras.initializers.Ones, 1.0),
    "registered": (thirds, 1 / 3),
    "lambda": (lambda shape, dtype=None: ops.zeros(shape, dtype=dtype), 0.0),
    "partial": (functools.partial(ops.full, fill_value=0.5), 0.5),
    "object": (Halves(), 0.5),
}


@pytest.mark.parametrize("kind", INITIALIZERS)
def test_a_kernel_initializer_may_be_any_callable(kind, tmp_path):
    initializer, number = INITIALIZERS[kind]
    model = dense(kernel_initializer=initializer)
    for layer in (*model.encoder.layers, *model.decoder.layers):
        if isinstance(layer, keras.layers.Dense):
            np.testing.assert_allclose(ops.convert_to_numpy(layer.kernel), number, rtol=1e-6)
    assert np.isfinite(model.fit(images(8), verbose=0).history["loss"]).all()
    if kind in ("lambda", "partial", "object"):
        with pytest.raises(ValueError, match="or a registered function to be saved.*register_keras_serializable"):
            model.save(tmp_path / "it.keras")
        return
    model.save(tmp_path / "it.keras")
    loaded = keras.saving.load_model(tmp_path / "it.keras")
    assert loaded.get_config() == model.get_config()
    fresh = type(model).from_config(loaded.get_config())
    np.testing.assert_allclose(ops.convert_to_numpy(fresh.encoder.layers[-1].kernel), number, rtol=1e-6)


# Variational autoencoders


def test_posterior_takes_arrays_or_tensors():
    model, x = vae(), images()
    posterior = model.posterior(x)
    assert posterior.mean.shape == posterior.log_variance.shape == (20, 3)
    assert isinstance(posterior.mean, np.ndarray)
    np.testing.assert_allclose(model.posterior(x, batch_size=3).log_variance, posterior.log_variance, atol=1e-5)
    tensors = model.posterior(tensor(x))
    assert ops.is_tensor(tensors.log_variance)
    np.testing.assert_allclose(ops.convert_to_numpy(tensors.mean), posterior.mean, atol=1e-6)
    assert np.abs(gradient(lambda x: model.posterior(x).log_variance, x)).max() > 0


def test_encode_gives_the_mean_and_reconstruct_decodes_it():
    model, x = vae(), images()
    np.testing.assert_allclose(model.encode(x), model.posterior(x).mean, atol=1e-6)
    np.testing.assert_array_equal(model.encode(x), model.encode(x))
    np.testing.assert_allclose(model.reconstruct(x), model.decode(model.posterior(x).mean), atol=1e-6)


def test_generate_decodes_numpy_samples_of_the_seed():
    model = vae()
    z = np.random.default_rng(3).standard_normal((5, 3), dtype="float32")
    samples = model.generate(5, seed=3)
    assert samples.shape == (5, *SHAPE)
    np.testing.assert_allclose(samples, model.decode(z), atol=1e-6)
    np.testing.assert_array_equal(samples, model.generate(5, seed=3))
    for other in (model.generate(5, seed=4), model.generate(5), model.generate(5)):
        assert np.abs(other - samples).max() > 1e-3


@pytest.mark.parametrize("n", [0, -1, 2.5])
def test_generate_needs_a_positive_number_of_images(n):
    with pytest.raises(ValueError, match=f"n must be a positive integer. Received: {n}"):
        vae().generate(n)


def test_kl_is_that_of_the_definition():
    mean, stddev = np.array([0.5, -1.0, 0.0]), np.array([0.4, 1.5, 1.0])
    z = mean + stddev * np.random.default_rng(0).normal(size=(400_000, 3))
    ratio = stats.norm.logpdf(z, mean, stddev) - stats.norm.logpdf(z)
    kl = ops.convert_to_numpy(kl_to_standard_normal(mean[None], 2 * np.log(stddev)[None]))
    assert kl.shape == (1,)
    assert kl[0] == pytest.approx(ratio.sum(axis=1).mean(), rel=0.01)


def test_kl_of_the_prior_is_zero():
    assert float(kl_to_standard_normal(np.zeros((1, 4)), np.zeros((1, 4)))[0]) == 0.0


def test_the_elbo_is_in_nats_per_image_of_one_seeded_sample():
    model, x = vae(kl_weight=0.5, seed=7), images()
    figures = model.evaluate(x, batch_size=len(x), verbose=0, return_dict=True)
    mean, log_variance = model.posterior(x)
    noise = ops.convert_to_numpy(random.normal(random.key(7, "sampling"), -1, (20, 3)))
    x_hat = model.decode(mean + np.exp(0.5 * log_variance) * noise)
    reconstruction = _cross_entropy(x, x_hat).reshape(20, -1).sum(axis=1).mean()
    kl = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1).mean()
    assert figures["reconstruction_loss"] == pytest.approx(reconstruction, rel=1e-5)
    assert figures["kl_loss"] == pytest.approx(kl, rel=1e-4)
    assert figures["loss"] == pytest.approx(reconstruction + 0.5 * kl, rel=1e-5)


def test_evaluating_twice_gives_the_same_figures():
    model, x = vae(), images()
    before = [model.evaluate(x, batch_size=8, verbose=0) for _ in range(2)]
    assert before[0] == before[1]
    assert int(model.sampling.step) == 0


def test_training_samples_a_new_code_at_each_step():
    model, x = vae(), images(8)
    model.compile(optimizer=keras.optimizers.SGD(0.0))
    losses = model.fit(x, batch_size=8, epochs=3, verbose=0).history["reconstruction_loss"]
    assert len(set(losses)) == 3


# Precision


@pytest.fixture
def bfloat16():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_float32_under_mixed_precision(bfloat16, name):
    model = MODELS[name]()
    x = images_for(model, n=2)
    assert "bfloat16" in {layer.compute_dtype for layer in model.encoder.layers if layer.weights}
    assert all(variable.dtype in ("float32", "int32") for variable in model.weights)
    assert model.reconstruct(x).dtype == np.float32
    assert model.decode(np.zeros((2, *model.code_shape))).dtype == np.float32


def test_models_in_double_precision_train_and_reconstruct():
    x = images(20, (6, 5, 1))
    model = kerasae.models.DenseAutoencoder((6, 5, 1), (8,), 3, dtype="float64")
    single = kerasae.models.DenseAutoencoder((6, 5, 1), (8,), 3)
    single.set_weights(model.get_weights())
    np.testing.assert_allclose(model.reconstruct(x), single.reconstruct(x), atol=1e-5)
    losses = [each.fit(x, epochs=2, seed=0, verbose=0).history["loss"] for each in (model, single)]
    np.testing.assert_allclose(*losses, rtol=1e-4)


@pytest.mark.parametrize("name", ["sparse-image", "vae-vector"])
def test_decode_takes_codes_of_mixed_precision(bfloat16, name):
    model = MODELS[name]()
    x = images_for(model)
    z = model.encode(x)
    assert z.dtype.kind == "f"
    np.testing.assert_allclose(model.decode(z), model.reconstruct(x), atol=0.02)


@pytest.mark.parametrize("name", ["conv-odd", "vae-vector"])
def test_training_under_mixed_bfloat16_has_no_nan(bfloat16, name):
    model = MODELS[name]()
    x = images_for(model, n=16)
    history = model.fit(x, batch_size=8, epochs=2, validation_split=0.25, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert np.isfinite(model.reconstruct(x)).all()
    full = type(model).from_config(model.get_config() | {"dtype": "float32"})
    full.set_weights(model.get_weights())
    full.compile()
    figure = full.evaluate(x[12:], verbose=0, return_dict=True)["loss"]
    assert history["val_loss"][-1] == pytest.approx(figure, rel=0.02)


def test_kerasae_names_its_version():
    assert kerasae.__version__.count(".") == 2


@pytest.mark.parametrize("n", [1, 3, 8, 300])
@pytest.mark.parametrize("make", [dense, vae])
def test_changing_a_result_changes_no_later_result(make, n):
    model = make()
    x = images(n)
    for result in (model.encode(x), model.decode(model.encode(x)), model.reconstruct(x)):
        before = model.encode(x)
        assert len(result) == n and result.base is None and result.dtype == "float32"
        result += 1.0
        np.testing.assert_array_equal(model.encode(x), before)


@pytest.mark.parametrize("name", ["dense-vector", "conv-image", "sparse-image"])
def test_new_weights_are_used_at_once(name):
    model = MODELS[name]()
    x = images_for(model)
    first, trained = model.encode(x), MODELS[name]()
    trained.fit(x, epochs=2, verbose=0)
    expected = trained.encode(x)
    model.set_weights(trained.get_weights())
    np.testing.assert_allclose(model.encode(x), expected, atol=1e-6)
    assert np.abs(first - expected).max() > 1e-4
    model.fit(x, epochs=2, verbose=0)
    assert np.abs(model.encode(x) - expected).max() > 1e-4


def test_arrays_of_any_memory_layout_are_taken():
    model, x = dense(), images(6)
    expected = model.encode(x)
    for given in (x[::-1][::-1], np.asfortranarray(x), x.transpose(3, 2, 1, 0).copy().transpose(3, 2, 1, 0)):
        np.testing.assert_allclose(model.encode(given), expected, atol=1e-6)
    np.testing.assert_allclose(model.encode(x[::-1]), expected[::-1], atol=1e-6)
    model.fit(x[::-1], verbose=0)
    assert model.predict(x[::-1], verbose=0).shape == x.shape
