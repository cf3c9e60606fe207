"""Vector quantization: codes as vectors, integers and bits; the codebook in training."""

import keras
import numpy as np
import pytest
from conftest import gradient, images, quantized, tensor
from keras import ops

from kerasae.layers import VectorQuantizer
from kerasae.training.checkpoints import Backup

pytestmark = pytest.mark.shared

UPDATES = ("moving_average", "gradient")


def array(x):
    return ops.convert_to_numpy(x)


def layer_of(codebook, **options):
    """A layer with this codebook."""
    codebook = np.asarray(codebook, "float32")
    layer = VectorQuantizer(len(codebook), **options)
    layer.build((None, codebook.shape[1]))
    layer.codebook.assign(codebook)
    layer.shares.assign(np.full(len(codebook), 1 / len(codebook)))
    return layer


# The layer

CODEBOOK = [[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]]
Z = np.array([[0.1, 0.2], [0.9, -0.1], [0.4, 0.1], [0.1, 0.3]], "float32")  # nearest: 0, 1, 0, 0


def test_each_vector_becomes_the_nearest_one_of_the_codebook():
    z = np.random.default_rng(0).normal(size=(4, 3, 2, 5)).astype("float32")
    codebook = np.random.default_rng(1).normal(size=(7, 5)).astype("float32")
    nearest = np.square(z[..., None, :] - codebook).sum(axis=-1).argmin(axis=-1)
    layer = layer_of(codebook)
    np.testing.assert_array_equal(array(layer.indices(tensor(z))), nearest)
    np.testing.assert_array_equal(array(layer(z)), codebook[nearest])


def test_gradients_pass_straight_through():
    weights = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], "float32")
    np.testing.assert_array_equal(gradient(lambda z: layer_of(CODEBOOK)(z) * tensor(weights), Z), weights)


def test_the_codebook_follows_by_moving_averages():
    layer = layer_of(CODEBOOK, decay=0.75, restart_below=0.0)
    layer(Z, training=True)
    shares = 0.75 / 3 + 0.25 * np.array([0.75, 0.25, 0.0])
    np.testing.assert_allclose(array(layer.shares), shares, rtol=1e-6)
    sums = 0.75 / 3 * np.array(CODEBOOK) + 0.25 * np.array([Z[[0, 2, 3]].sum(axis=0), Z[1], [0, 0]]) / 4
    np.testing.assert_allclose(array(layer.codebook), sums / shares[:, None], rtol=1e-6)


@pytest.mark.parametrize("update", UPDATES)
def test_dead_vectors_are_replaced_by_inputs(update):
    layer = layer_of(CODEBOOK, update=update, decay=0.0, restart_below=0.5)
    if update == "gradient":
        layer.offset.assign(np.full((3, 2), 0.001))
    layer(Z, training=True)
    first = array(layer.vectors())
    assert np.abs(Z - first[2]).max(axis=1).min() < 1e-6  # an input
    assert np.abs(first[:2] - np.array(CODEBOOK[:2])).max() < 0.5  # the others stay about where they were
    assert array(layer.shares)[2] == pytest.approx(2 * 0.5 / 3)
    assert int(layer.step) == 1


def test_the_codebook_starts_as_a_subset_of_the_first_batch():
    layer = VectorQuantizer(4)
    layer(Z, training=True)
    distances = np.abs(array(layer.codebook)[:, None] - Z).max(axis=-1)
    assert distances.min(axis=1).max() == 0


def test_the_codebook_stays_in_evaluation_and_in_a_frozen_layer():
    layer = layer_of(CODEBOOK)
    layer(Z, training=False)
    layer.trainable = False
    layer(Z, training=True)
    np.testing.assert_array_equal(array(layer.codebook), np.array(CODEBOOK, "float32"))


# The model


def test_indices_name_the_codes_and_decode_to_the_reconstruction():
    model, x = quantized(), images()
    model.fit(x, batch_size=8, verbose=0)
    indices = model.encode_indices(x)
    assert indices.dtype == "int32" and indices.shape == (20, 2, 2)
    np.testing.assert_array_equal(model.codebook[indices], model.encode(x))
    np.testing.assert_allclose(model.decode_indices(indices), model.reconstruct(x), atol=1e-6)
    np.testing.assert_array_equal(array(model.encode_indices(tensor(x))), indices)


def test_the_size_of_a_code_is_its_number_of_indices():
    model = quantized()
    size = model.encode_indices(images(1)).size
    assert model.code_size == model.active_size == size < model.encode(images(1)).size


def test_bits_are_the_binary_digits_of_the_indices():
    model = quantized()  # 5 vectors: 3 bits each
    bits = model.codes_to_bits([[[0, 1], [2, 4]]])
    assert model.bits_per_image == 12
    np.testing.assert_array_equal(bits, [[0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0]])
    np.testing.assert_array_equal(model.bits_to_codes(bits), [[[0, 1], [2, 4]]])


@pytest.mark.parametrize(
    "indices", [np.full((1, 2, 2), 5), np.full((1, 2, 2), -1), np.zeros((1, 4), int), [[[0.0] * 2] * 2]]
)
def test_invalid_indices_are_refused(indices):
    for method in (quantized().decode_indices, quantized().codes_to_bits):
        with pytest.raises(ValueError, match=r"indices must be integers from 0 to 4, of shape \(n, 2, 2\). Received: "):
            method(indices)


@pytest.mark.parametrize("bits", [np.zeros((1, 11)), np.full((1, 12), 2)])
def test_invalid_bits_are_refused(bits):
    with pytest.raises(ValueError, match=r"bits must be 0 or 1, of shape \(n, 12\). Received: "):
        quantized().bits_to_codes(bits)


def test_the_loss_is_the_reconstruction_and_the_weighted_commitment():
    x = images()
    for update in UPDATES:
        model = quantized(codebook_update=update, commitment_weight=0.5)
        model.compile()
        logs = model.evaluate(x, batch_size=20, verbose=0, return_dict=True)
        vectors = array(model._vectors(tensor(x), training=False))
        commitment = np.mean(np.square(vectors - model.encode(x)))
        assert logs["commitment_loss"] == pytest.approx(commitment, rel=1e-4)
        weight = 0.5 + (update == "gradient")
        assert logs["loss"] == pytest.approx(logs["reconstruction_loss"] + weight * commitment, rel=1e-5)
        shares = np.bincount(model.encode_indices(x).ravel(), minlength=5) / 80
        entropy = -np.sum(shares[shares > 0] * np.log(shares[shares > 0]))
        assert logs["perplexity"] == pytest.approx(np.exp(entropy), rel=1e-5)
        assert logs["codebook_use"] == pytest.approx(np.mean(shares > 0))


def test_the_encoder_learns_from_the_reconstruction_through_the_codes():
    model = quantized(commitment_weight=0.0, restart_below=0.0)
    before = model.encoder.get_weights()[0]
    model.fit(images(), verbose=0)
    assert np.abs(model.encoder.get_weights()[0] - before).max() > 0


def test_a_frozen_encoder_keeps_its_codebook():
    for update in UPDATES:
        model = quantized(codebook_update=update)
        model.encoder.trainable = False
        before = model.encoder.get_weights()
        model.fit(images(), verbose=0)
        for one, other in zip(before, model.encoder.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("update", UPDATES)
def test_resumed_training_ends_as_if_it_had_not_been_interrupted(update, tmp_path):
    def trained(model, epochs, **options):
        model.fit(images(40), batch_size=8, epochs=epochs, seed=1, verbose=0, **options)
        return model

    start = quantized(codebook_update=update).get_weights()

    def fresh():
        model = quantized(codebook_update=update)
        model.set_weights(start)
        model.compile("adam")
        return model

    whole = trained(fresh(), 4)
    trained(fresh(), 2, callbacks=[Backup(tmp_path)])
    resumed = trained(fresh(), 4, callbacks=[Backup(tmp_path)])
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert resumed.history.epoch == [2, 3]


def test_steps_are_traced_or_compiled_without_a_warning(recwarn):
    model = quantized()
    model.fit(images(), verbose=0)
    model.encode_indices(images())
    assert [str(warning.message) for warning in recwarn if "one by one" in str(warning.message)] == []


@pytest.mark.eachbackend
def test_single_and_compiled_steps_agree():
    def trained(**options):
        keras.utils.set_random_seed(0)
        model = quantized()
        model.compile(keras.optimizers.Adam(0.01), **options)
        model.fit(images(), batch_size=10, epochs=3, seed=1, verbose=0)
        return model.get_weights()

    for one, other in zip(trained(), trained(run_eagerly=True), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
