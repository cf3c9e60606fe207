"""The prior of a VQ-VAE: causal, trained without changing the autoencoder, and sampled from as it says."""

import keras
import numpy as np
import pytest
from conftest import images

import kerasae
from kerasae.models.vqvae import _drawn

pytestmark = pytest.mark.shared

SHAPE = (8, 12, 1)


def small(**kwargs):
    return kerasae.models.VQVAE(
        SHAPE, (4, 3), latent_channels=2, codebook_size=6, prior_channels=8, prior_layers=4, **kwargs
    )


def probabilities(model, indices):
    logits = model._prior_logits(model._before(keras.ops.convert_to_tensor(indices)))
    return keras.ops.convert_to_numpy(keras.ops.softmax(logits))


def test_a_probability_depends_on_the_indices_before_it_alone():
    model, rng = small(), np.random.default_rng(0)
    indices = rng.integers(6, size=(1, model.code_size)).astype("int32")
    before = probabilities(model, indices)
    for position in range(model.code_size):
        changed = indices.copy()
        changed[0, position] = (indices[0, position] + 1) % 6
        moved = np.abs(probabilities(model, changed) - before).max(axis=(0, 2)) > 1e-7
        assert not moved[: position + 1].any() and moved[position + 1 : position + 2].all()


def test_prior_loss_is_the_cross_entropy_of_the_codes():
    model, x = small(), images(10, SHAPE)
    model.compile()
    indices = model.encode_indices(x).reshape(10, -1)
    found = model.evaluate(x, return_dict=True, verbose=0)
    chosen = np.take_along_axis(probabilities(model, indices), indices[..., None], axis=2)
    assert found["prior_loss"] == pytest.approx(float(-np.log(chosen).mean()), rel=1e-5)
    rest = found["reconstruction_loss"] + 0.25 * found["commitment_loss"]
    assert found["loss"] == pytest.approx(rest + found["prior_loss"], rel=1e-5)


def test_the_prior_does_not_change_the_autoencoder():
    """Trained with the same seed, a model without a prior has the same encoder and decoder."""
    with_prior = small()
    alone = kerasae.models.VectorQuantizedAutoencoder(SHAPE, (4, 3), latent_channels=2, codebook_size=6)
    for part in ("encoder", "decoder"):
        getattr(alone, part).set_weights(getattr(with_prior, part).get_weights())
    for model in (with_prior, alone):
        model.compile(keras.optimizers.Adam(0.01))
        model.fit(images(20, SHAPE), epochs=2, batch_size=10, seed=0, verbose=0)
    for part in ("encoder", "decoder"):
        for a, b in zip(getattr(with_prior, part).get_weights(), getattr(alone, part).get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


def test_the_prior_learns_the_codes_and_samples_follow_it():
    """Two images, half each: samples are these two, and hardly anything else."""
    model = small()
    model.compile(keras.optimizers.Adam(0.01))
    two = images(2, SHAPE)
    model.fit(two, verbose=0)  # takes a codebook
    model.encoder.trainable = model.decoder.trainable = False
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(two, epochs=300, batch_size=2, seed=0, verbose=0)
    indices = model.encode_indices(two)
    drawn = model.generate_indices(200, seed=1)
    shares = [(drawn == one).all(axis=(1, 2)).mean() for one in indices]
    assert len(np.unique(indices, axis=0)) == 1 or min(shares) > 0.25
    assert sum(shares) > 0.7
    samples = model.generate(3, seed=1)
    np.testing.assert_array_equal(samples, model.generate(3, seed=1))
    np.testing.assert_allclose(samples, model.decode_indices(drawn[:3]), atol=1e-6)


@pytest.mark.anybackend
def test_draws_have_the_probabilities_of_the_logits():
    uniform = np.random.default_rng(0).random((50_000, 1))
    logits = np.log(np.tile([0.2, 0.5, 0.3], (50_000, 1)))
    np.testing.assert_allclose(np.bincount(_drawn(logits, uniform)) / 50_000, [0.2, 0.5, 0.3], atol=0.01)


def test_gradients_of_repeated_indices_are_summed_before_the_optimizer_sees_them():
    """Adam's first step has the size of the learning rate, whatever the gradient: it would not if it squared parts."""
    model = small()
    model.compile(keras.optimizers.Adam(0.01, epsilon=1e-12))
    embedding = next(layer for layer in model.code_prior.layers if isinstance(layer, keras.layers.Embedding))
    before = embedding.get_weights()[0]
    model.fit(images(20, SHAPE), batch_size=20, verbose=0)
    moved = np.abs(embedding.get_weights()[0] - before)
    assert (moved > 0.009).any()
    np.testing.assert_allclose(moved[moved > 1e-6], 0.01, rtol=0.02)
