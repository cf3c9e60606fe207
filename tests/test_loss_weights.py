"""Weights of loss terms that can be set during training, and the callback that anneals one."""

import h5py
import keras
import numpy as np
import pytest
from conftest import SHAPE, adversarial, dense, images, py_dataset, quantized, sparse, vae, vaegan

import kerasae
from kerasae import backends
from kerasae.callbacks import AnnealKL, AnnealWeight

pytestmark = pytest.mark.shared

X = images(8)
# Each family's weights of loss terms, and the reported term that each one scales.
WEIGHTS = {
    "kl_weight": (vae, "loss"),
    "adversarial_weight": (adversarial, "loss"),
    "feature_precision": (vaegan, "loss"),
    "feature_weight": (vaegan, "generator_loss"),
    "mmd_weight": (lambda: vaegan(mmd_weight=1.0), "generator_loss"),
    "commitment_weight": (lambda: quantized(codebook_update="gradient", restart_below=0.0), "loss"),
    "l1": (sparse, "loss"),
    "l2": (sparse, "loss"),
    "weight_penalty": (lambda: dense(weight_penalty=0.1), "loss"),
}
# Penalties that a model does not compute until their weight is set.
LEFT_OUT = {
    "l1": lambda: kerasae.models.SparseAutoencoder(SHAPE, 0.0, 0.02, hidden_units=(8,), latent_dim=3),
    "l2": lambda: kerasae.models.SparseAutoencoder(SHAPE, 0.05, 0.0, hidden_units=(8,), latent_dim=3),
    "weight_penalty": dense,
}


def batches():
    return py_dataset([(X[:4],), (X[4:],)])


def fit(model, data=X, **kwargs):
    """Train with two steps per epoch; weights change only if the model was compiled with a learning rate."""
    if not model.compiled:
        model.compile(keras.optimizers.SGD(0.0))
    options = {"batch_size": 4} if data is X else {}
    return model.fit(data, **options, shuffle=False, verbose=0, **kwargs).history


def setting(name, value, epoch):
    """A callback that sets a weight before an epoch."""

    def on_epoch_begin(current, logs):
        if current == epoch:
            setattr(callback.model, name, value)

    callback = keras.callbacks.LambdaCallback(on_epoch_begin=on_epoch_begin)
    return callback


@pytest.fixture
def compilations(monkeypatch):
    """List with one item per compilation of training steps."""
    made, train_run = [], backends.train_run

    def counted(model, block, many):
        made.append(block.kind)
        return train_run(model, block, many)

    monkeypatch.setattr(backends, "train_run", counted)
    return made


@pytest.mark.parametrize("source", ["array", "stream"])
@pytest.mark.parametrize("name", WEIGHTS)
def test_a_weight_set_in_fit_changes_the_next_epoch_without_recompilation(name, source, compilations):
    make, reported = WEIGHTS[name]
    data = X if source == "array" else batches()
    # The estimate that `mmd_weight` scales is small, and may be negative.
    losses = np.array(fit(make(), data, epochs=3, callbacks=[setting(name, 1e9, epoch=1)])[reported])
    assert np.isfinite(losses).all() and (abs(losses[1:] - losses[0]) > 100).all()
    assert len(compilations) == 1


def test_a_changed_weight_is_not_traced_again(monkeypatch):
    calls, loss_terms = [], kerasae.models.VariationalAutoencoder.loss_terms

    def counted(self, *args, **kwargs):
        calls.append(1)
        return loss_terms(self, *args, **kwargs)

    monkeypatch.setattr(kerasae.models.VariationalAutoencoder, "loss_terms", counted)
    monkeypatch.setitem(backends.LONG_RUN, "train", 0)  # otherwise PyTorch traces only long runs
    model = vae()
    model.compile(keras.optimizers.Adam(0.0))  # PyTorch cannot trace Keras's SGD
    fit(model)
    before = len(calls)
    for weight in (0.0, 2, np.float64(3.5), 1000.0):
        model.kl_weight = weight
        fit(model)
    assert len(calls) == before


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_penalty_that_was_left_out_acts_from_the_next_epoch(name):
    losses = fit(LEFT_OUT[name](), epochs=2, callbacks=[setting(name, 1000.0, epoch=1)])["loss"]
    assert losses[1] > losses[0] + 1


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_changed_weight_is_kept_in_config_files_and_checkpoints(name, tmp_path):
    make, _ = WEIGHTS[name]
    model = make()
    checkpoints = [
        keras.callbacks.ModelCheckpoint(tmp_path / "it.keras"),
        keras.callbacks.ModelCheckpoint(tmp_path / "it.weights.h5", save_weights_only=True),
    ]
    fit(model, epochs=2, callbacks=[setting(name, 0.7, epoch=1), *checkpoints])
    fresh = make()
    fresh.load_weights(tmp_path / "it.weights.h5")
    for other in (model, fresh, keras.saving.load_model(tmp_path / "it.keras")):
        assert other.get_config()[name] == 0.7
        assert float(getattr(other, name)) == pytest.approx(0.7)


def test_files_have_a_weight_only_if_it_was_changed(tmp_path):
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


def test_annealing_sets_the_weight_per_epoch_and_logs_it():
    history = fit(vae(), epochs=4, callbacks=[AnnealKL(2, weight=4.0, cycle=3)])
    assert history["kl_weight"] == [0.0, 2.0, 4.0, 0.0]
    for weight, loss, reconstruction, kl in zip(*(history[name] for name in ANNEALED), strict=True):
        assert loss == pytest.approx(reconstruction + weight * kl, rel=1e-5)


ANNEALED = ("kl_weight", "loss", "reconstruction_loss", "kl_loss")


@pytest.mark.parametrize("source", ["array", "generator"])
def test_annealing_sets_the_weight_per_batch(source):
    """Also for a stream of unknown length, whose steps per epoch become known after the first epoch."""
    weights, model = [], vae()
    seen = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: weights.append(float(model.kl_weight))
    )
    data = X if source == "array" else _unknown_length()
    fit(model, data, epochs=3, callbacks=[AnnealKL(4, unit="batch"), seen])
    assert weights == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]


def _unknown_length():
    """A stream without a length that can be read once per epoch."""
    import torch

    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter([(X[:4],), (X[4:],)])

    return torch.utils.data.DataLoader(Stream(), batch_size=None)


def test_annealing_per_batch_cannot_resume_a_stream_of_unknown_length():
    with pytest.raises(ValueError, match="must know the number of batches per epoch.*initial_epoch=1"):
        fit(vae(), _unknown_length(), epochs=2, initial_epoch=1, callbacks=[AnnealKL(4, unit="batch")])


@pytest.mark.parametrize("unit", ["epoch", "batch"])
def test_annealing_resumes_where_it_was(unit, tmp_path):
    def anneal():
        return [AnnealKL(3, weight=50.0, unit=unit)]

    whole, first = vae(), vae()
    first.set_weights(whole.get_weights())
    for model in (whole, first):
        model.compile(keras.optimizers.Adam(0.01))
    fit(whole, epochs=4, callbacks=anneal())
    fit(first, epochs=2, callbacks=anneal())
    first.save(tmp_path / "it.keras")
    resumed = keras.saving.load_model(tmp_path / "it.keras")
    fit(resumed, epochs=4, initial_epoch=2, callbacks=anneal())
    assert float(resumed.kl_weight) == float(whole.kl_weight) == 50.0
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_any_loss_weight_can_be_annealed():
    anneal = AnnealWeight("feature_weight", 2, weight=0.25, start=1.25)
    model = vaegan()
    history = fit(model, epochs=3, callbacks=[anneal, AnnealKL(1, weight=2.0)])
    assert history["feature_weight"] == [1.25, 0.75, 0.25] and history["kl_weight"] == [0.0, 2.0, 2.0]
    assert float(model.feature_weight) == 0.25 and float(model.kl_weight) == 2.0


def test_the_weight_must_be_one_of_the_model():
    with pytest.raises(ValueError, match="AnnealWeight needs a model with a size_weight.*loss weights are kl_weight"):
        vae().fit(X, callbacks=[AnnealWeight("size_weight", 2)], verbose=0)


def test_annealing_needs_a_kl_weight():
    with pytest.raises(ValueError, match="AnnealKL needs a model with a kl_weight"):
        dense().fit(X, callbacks=[AnnealKL(2)], verbose=0)


def test_annealing_may_begin_later():
    once, cycles = (AnnealKL(2, 4.0, cycle=cycle, start=1.0, wait=2) for cycle in (None, 5))
    assert [once.weight_at(epoch) for epoch in range(7)] == [1.0, 1.0, 1.0, 2.5, 4.0, 4.0, 4.0]
    assert [cycles.weight_at(epoch) for epoch in range(7)] == [1.0, 1.0, 1.0, 2.5, 4.0, 1.0, 1.0]


@pytest.mark.parametrize("wait", [-1, 0.5])
def test_annealing_waits_for_a_whole_number_of_epochs(wait):
    with pytest.raises(ValueError, match="wait must"):
        AnnealKL(2, wait=wait)


@pytest.mark.parametrize("wait", [0, 1])
def test_a_cycle_is_no_shorter_than_its_warm_up(wait):
    with pytest.raises(ValueError, match="cycle must be at least wait . warm_up"):
        AnnealKL(3, cycle=2 + wait, wait=wait)


def test_an_unconditional_model_takes_no_label():
    with pytest.raises(ValueError, match="is not conditional and takes no label"):
        vae().encode(X, label=1)


def test_the_logits_are_those_of_a_replaced_decoder():
    model, other = _compiled(dense()), dense()
    model.loss_terms(X, training=False)
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
