"""Weights of loss terms that can be set while training, and the callback that anneals one."""

import h5py
import keras
import numpy as np
import pytest
from conftest import SHAPE, adversarial, dense, images, quantized, sparse, vae, vaegan

from kerasae.callbacks import AnnealKL

X = images(8)
WEIGHTS = [
    (vae, "kl_weight"),
    (adversarial, "adversarial_weight"),
    (vaegan, "feature_precision"),
    (lambda: quantized(codebook_update="gradient", restart_below=0.0), "commitment_weight"),
    (sparse, "l1"),
    (sparse, "l2"),
    (lambda: dense(weight_penalty=0.1), "weight_penalty"),
]


def loss_of(model):
    if not model.compiled:
        model.compile()
    return float(model.loss_terms(X, training=False)[0]["loss"])


@pytest.mark.parametrize(("make", "name"), WEIGHTS)
def test_a_weight_set_between_steps_changes_the_next_step(make, name, tmp_path):
    model = make()
    model.compile(optimizer=keras.optimizers.SGD(0.0))
    before = model.train_on_batch(X, X, return_dict=True)["loss"]
    model.reset_metrics()
    setattr(model, name, 1000.0)
    assert model.train_on_batch(X, X, return_dict=True)["loss"] > before + 1
    assert float(getattr(model, name)) == model.get_config()[name] == 1000.0
    model.save(tmp_path / "it.keras")
    assert float(getattr(keras.saving.load_model(tmp_path / "it.keras"), name)) == 1000.0


def test_a_penalty_that_was_left_out_acts_once_its_weight_is_set():
    model = dense()
    before = loss_of(model)
    model.weight_penalty = 10.0
    assert loss_of(model) > before + 0.1


def test_files_hold_a_weight_only_if_it_was_changed(tmp_path):
    model, path = vae(), tmp_path / "it.weights.h5"
    model.save_weights(path)
    with h5py.File(path) as file:
        assert "kl_weight" not in file.get("vars", {})
    model.kl_weight = 7.0
    model.load_weights(path)
    assert float(model.kl_weight) == 1.0
    model.kl_weight = 7.0
    model.save_weights(path)
    other = vae()
    other.load_weights(path)
    assert float(other.kl_weight) == 7.0


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_weight_must_be_finite_and_not_negative(value):
    with pytest.raises(ValueError, match="kl_weight must not be negative or infinite"):
        vae().kl_weight = value


def test_annealing_sets_the_weight_by_epoch_and_logs_it():
    anneal = AnnealKL(2, weight=4.0, cycle=3)
    history = vae().fit(X, epochs=4, callbacks=[anneal], verbose=0).history
    assert history["kl_weight"] == [0.0, 2.0, 4.0, 0.0]
    np.testing.assert_allclose(history["loss"][0], history["reconstruction_loss"][0], rtol=1e-5)
    np.testing.assert_allclose(
        history["loss"][2], history["reconstruction_loss"][2] + 4 * history["kl_loss"][2], rtol=1e-5
    )


def test_annealing_needs_a_kl_weight():
    with pytest.raises(ValueError, match="AnnealKL needs a model with a kl_weight"):
        dense().fit(X, callbacks=[AnnealKL(2)], verbose=0)


def test_a_cycle_is_no_shorter_than_its_warm_up():
    with pytest.raises(ValueError, match="cycle must be at least warm_up"):
        AnnealKL(3, cycle=2)


def test_an_unconditional_model_takes_no_label():
    with pytest.raises(ValueError, match="is not conditional and takes no label"):
        vae().encode(X, label=1)


def test_the_logits_are_those_of_a_replaced_decoder():
    model, other = dense(), dense()
    loss_of(model := _compiled(model))
    model.decoder = other.decoder
    _, x_hat = model.loss_terms(X, training=False)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(x_hat), keras.ops.convert_to_numpy(other.decoder(model.encoder(X))), atol=1e-6
    )


def test_given_reconstructions_are_scored_as_outputs():
    model = _compiled(dense())
    x_hat = np.full((8, *SHAPE), 0.25, "float32")
    terms, _ = model.loss_terms(X, y_pred=x_hat)
    expected = -(X * np.log(0.25) + (1 - X) * np.log(0.75)).mean()
    assert float(terms["reconstruction_loss"]) == pytest.approx(expected, rel=1e-4)


def _compiled(model):
    model.compile()
    return model
