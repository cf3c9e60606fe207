"""Methods that a user overrides, frozen parts and changed settings take effect in training on each backend."""

import keras
import numpy as np
import pytest
from conftest import BACKEND, SHAPE, adversarial, dense, images, vae

from kerasae import models

X = images(40)


def fitted(model, **options):
    defaults = {"batch_size": 10, "epochs": 1, "verbose": 0, "shuffle": False}
    return model.fit(X, **defaults | options).history


# Overrides


def own(base, **methods):
    """A subclass of a kerasae class with the given methods."""
    return type("Own", (base,), {**methods, "__module__": "users_module"})((*SHAPE,), (8,), 3)


@pytest.mark.parametrize(
    "base", [models.DenseAutoencoder, models.VariationalAutoencoder, models.AdversarialAutoencoder]
)
def test_an_own_compute_loss_is_minimized_and_reported(base):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.convert_to_tensor(42.0)

    model = own(base, compute_loss=compute_loss)
    before = model.get_weights()
    assert fitted(model)["loss"] == [42.0]
    assert model.evaluate(X, verbose=0, return_dict=True)["loss"] == 42.0
    for one, other in zip(before, model.get_weights(), strict=True):
        if one.ndim:  # scalars count draws
            np.testing.assert_array_equal(one, other)


def test_an_own_compute_loss_may_build_on_kerasaes():
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        loss = models.VariationalAutoencoder.compute_loss(self, x, y, y_pred, sample_weight)
        return loss + 1000.0

    model = own(models.VariationalAutoencoder, compute_loss=compute_loss)
    history = fitted(model, validation_data=(X,))
    for prefix in ("", "val_"):
        terms = history[f"{prefix}reconstruction_loss"][0] + history[f"{prefix}kl_loss"][0]
        assert history[f"{prefix}loss"][0] == pytest.approx(terms + 1000, rel=1e-5)


def test_an_own_call_is_trained_and_scored():
    def call(self, x, training=None):
        return 0.0 * models.DenseAutoencoder.call(self, x, training=training) + 0.25

    model = own(models.DenseAutoencoder, call=call)
    model.compile(loss="mean_squared_error")
    expected = float(np.mean((X - 0.25) ** 2))
    history = fitted(model, validation_data=(X,))
    assert history["loss"][0] == pytest.approx(expected, rel=1e-4)
    assert history["val_loss"][0] == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(model.predict(X, verbose=0), 0.25)


def _darker(base, **arguments):
    """A model whose own `call` halves the reconstruction."""

    def call(self, x, training=None):
        return 0.5 * base.call(self, x, training=training)

    return type("Own", (base,), {"call": call, "__module__": "users_module"})(SHAPE, latent_dim=3, **arguments)


@pytest.mark.parametrize(
    "model",
    [
        lambda: _darker(models.VariationalAutoencoder),
        lambda: _darker(models.ConditionalVariationalAutoencoder, classes=3),
    ],
    ids=["unconditional", "conditional"],
)
def test_an_own_call_of_a_variational_model_keeps_the_kl_divergence(model):
    model, label = model(), np.arange(40) % 3
    x = model.labeled(X, label)
    asked = {} if model.classes is None else {"label": label}
    model.compile(keras.optimizers.Adam(0.01), loss="mean_squared_error")
    logs = model.evaluate(x, batch_size=40, verbose=0, return_dict=True)
    x_hat = model.predict(x, verbose=0)
    np.testing.assert_allclose(x_hat, 0.5 * model.reconstruct(X, **asked), atol=1e-6)
    squares = np.square(x_hat - X).sum(axis=(1, 2, 3)).mean()
    mean, log_variance = model.posterior(X, **asked)
    kl = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1).mean()
    assert logs["reconstruction_loss"] == pytest.approx(squares, rel=1e-4)
    assert logs["kl_loss"] == pytest.approx(kl, rel=1e-4)
    assert logs["loss"] == pytest.approx(squares + kl, rel=1e-4)
    history = model.fit(x, batch_size=10, epochs=10, verbose=0).history
    assert set(history) == {"loss", "reconstruction_loss", "kl_loss"} and history["loss"][-1] < history["loss"][0]


def test_own_loss_terms_of_a_variational_model_may_score_other_reconstructions():
    """`y_pred` is passed to the terms of the base class."""

    def loss_terms(self, x, y=None, sample_weight=None, training=True, y_pred=None):
        y_pred = keras.ops.full_like(x, 0.25)
        return models.VariationalAutoencoder.loss_terms(self, x, y, sample_weight, training, y_pred)

    model = own(models.VariationalAutoencoder, loss_terms=loss_terms)
    model.compile(loss="mean_squared_error")
    expected = np.square(X - 0.25).sum(axis=(1, 2, 3)).mean()
    assert fitted(model)["reconstruction_loss"][0] == pytest.approx(expected, rel=1e-4)


def test_an_own_loss_terms_is_trained_and_reported():
    def loss_terms(self, x, y=None, sample_weight=None, training=True, y_pred=None):
        terms, x_hat = models.DenseAutoencoder.loss_terms(self, x, y, sample_weight, training)
        return terms | {"loss": 3.0 * terms["loss"]}, x_hat

    history = fitted(own(models.DenseAutoencoder, loss_terms=loss_terms))
    assert history["loss"][0] == pytest.approx(3 * history["reconstruction_loss"][0], rel=1e-5)


def _own_step(step):
    """A user's step that reports other logs, with the signature of this backend."""

    def changed(self, *arguments):
        result = getattr(models.DenseAutoencoder, step)(self, *arguments)
        if BACKEND == "jax":
            logs, state = result
            return {**logs, "own": logs["loss"] * 0 + 7.0}, state
        return {**result, "own": result["loss"] * 0 + 7.0}

    return {step: changed}


@pytest.mark.parametrize("step", ["train_step", "test_step"])
def test_logs_of_an_own_step_are_reported(step):
    model = own(models.DenseAutoencoder, **_own_step(step))
    history = fitted(model, validation_data=(X,), epochs=2)
    assert history["own" if step == "train_step" else "val_own"] == [7.0, 7.0]


def test_results_of_an_own_compute_metrics_are_reported():
    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {**models.DenseAutoencoder.compute_metrics(self, x, y, y_pred, sample_weight), "three": 3.0}

    assert fitted(own(models.DenseAutoencoder, compute_metrics=compute_metrics), epochs=2)["three"] == [3.0, 3.0]


def test_predict_runs_an_own_predict_step():
    def predict_step(self, *arguments):
        outputs = keras.Model.predict_step(self, *arguments)
        return (outputs[0] * 0.0, outputs[1]) if BACKEND == "jax" else outputs * 0.0

    np.testing.assert_array_equal(own(models.DenseAutoencoder, predict_step=predict_step).predict(X, verbose=0), 0)


# Fine-tuning


def compiled(make=dense, optimizer="adam"):
    model = make()
    model.compile(optimizer)
    fitted(model)
    return model


def arrays(part):
    return [np.array(weight) for weight in part.get_weights()]


def moved(before, part):
    return [not np.array_equal(one, other) for one, other in zip(before, arrays(part), strict=True)]


OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01),
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    "clipped": lambda: keras.optimizers.AdamW(0.01, global_clipnorm=1.0),
    "averaged": lambda: keras.optimizers.RMSprop(0.01, use_ema=True),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_frozen_part_is_unchanged_and_trains_again_later(optimizer):
    model = compiled(optimizer=OPTIMIZERS[optimizer]())
    model.encoder.trainable = False
    encoder, decoder = arrays(model.encoder), arrays(model.decoder)
    fitted(model)
    assert not any(moved(encoder, model.encoder)) and all(moved(decoder, model.decoder))
    model.encoder.trainable = True
    fitted(model)
    assert all(moved(encoder, model.encoder))


def test_moments_belong_to_their_own_variables():
    """Training with a frozen encoder equals plain Keras with the same optimizer, step by step."""
    ours, keras_ = compiled(), compiled()
    keras_.set_weights(ours.get_weights())
    for slot, value in zip(keras_.optimizer.variables, ours.optimizer.variables, strict=True):
        slot.assign(value)
    for model in (ours, keras_):
        model.encoder.trainable = False
    fitted(ours)
    decoder = arrays(ours.decoder)
    trainable = keras_.encoder.trainable_variables
    assert not trainable
    for start in range(0, 40, 10):
        keras_.fit(X[start : start + 10], batch_size=10, verbose=0, shuffle=False)
    for one, other in zip(decoder, arrays(keras_.decoder), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_layers_are_frozen_one_by_one():
    model = compiled()
    layers = [layer for layer in [*model.encoder.layers, *model.decoder.layers] if layer.weights]
    for i, layer in enumerate(layers):
        layer.trainable = False
        before = [arrays(layer) for layer in layers]
        fitted(model) if i + 1 < len(layers) else None
        for k, (weights, other) in enumerate(zip(before, layers, strict=True)):
            assert any(moved(weights, other)) == (k > i), k


def test_a_wholly_frozen_model_warns_and_is_evaluated():
    model = compiled()
    model.trainable = False
    before = arrays(model)
    with pytest.warns(UserWarning, match="not have any trainable weights"):
        history = fitted(model)
    assert np.isfinite(history["loss"][0]) and not any(moved(before, model))


def test_freezing_takes_effect_during_fit():
    class Freeze(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.encoder.trainable = False
                self.before = arrays(self.model.encoder)

    freeze = Freeze()
    fitted(model := compiled(), epochs=3, callbacks=[freeze])
    assert not any(moved(freeze.before, model.encoder))


def test_variables_unknown_to_the_optimizer_are_refused():
    model = dense()
    model.encoder.trainable = False
    model.compile()
    fitted(model)
    model.encoder.trainable = True
    with pytest.raises(ValueError, match=r"Call compile\(\) again"):
        fitted(model)
    model.compile()
    before = arrays(model.encoder)
    fitted(model)
    assert all(moved(before, model.encoder))


# Compiled functions follow changes of the model


def test_encode_and_fit_follow_a_replaced_layer():
    model = compiled()
    before = model.encode(X)
    other = dense()
    model.encoder = other.encoder
    np.testing.assert_allclose(model.encode(X), other.encode(X), atol=1e-6)
    np.testing.assert_allclose(model.predict(X, verbose=0), model.reconstruct(X), atol=1e-6)
    assert not np.allclose(model.encode(X), before)
    model.decoder = other.decoder
    np.testing.assert_allclose(model.reconstruct(X), other.reconstruct(X), atol=1e-6)
    model.compile()
    weights = arrays(other.decoder)
    fitted(model)
    assert any(moved(weights, other.decoder))


def test_encode_follows_quantization_and_lora():
    model = compiled()
    before = model.encode(X), model.predict(X, verbose=0)
    model.encoder.layers[-1].enable_lora(2)
    lora = next(v for v in model.encoder.layers[-1].trainable_variables if "lora_kernel_b" in v.path)
    lora.assign(np.ones(lora.shape))
    expected = keras.ops.convert_to_numpy(model.encoder(X))
    assert np.abs(before[0] - expected).max() > 1e-3
    np.testing.assert_allclose(model.encode(X), expected, atol=1e-6)
    quantized = compiled()
    quantized.encode(X), quantized.predict(X, verbose=0)
    quantized.encoder.quantize("int8")
    expected = keras.ops.convert_to_numpy(quantized.encoder(X))
    np.testing.assert_allclose(quantized.encode(X), expected, atol=1e-6)
    np.testing.assert_allclose(quantized.predict(X, verbose=0), quantized.reconstruct(X), atol=1e-5)


def test_encode_reads_variables_of_any_part():
    def _code(self, x):
        return self.shift + models.DenseAutoencoder._code(self, x)

    model = own(models.DenseAutoencoder, _code=_code)
    model.shift = keras.Variable(1.0, trainable=False, name="shift")
    one = model.encode(X)
    model.shift.assign(3.0)
    np.testing.assert_allclose(model.encode(X), one + 2, atol=1e-5)


def test_an_optimizers_setting_takes_effect_in_the_next_epoch():
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.optimizer.momentum = 0.0 if epoch else 0.9
            if epoch == 1:
                self.before = arrays(self.model.decoder)

    def trained(momentum):
        keras.utils.set_random_seed(0)
        model = dense()
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9))
        fitted(model)
        model.optimizer.momentum = momentum
        fitted(model)
        return model.decoder.get_weights()[0]

    assert np.abs(trained(0.9) - trained(0.5)).max() > 1e-5


@pytest.mark.parametrize("make", [dense, vae, adversarial])
def test_compile_takes_keras_positional_arguments(make):
    model = make()
    model.compile("adam", None, None, ["mae"], ["mse"], True, 1, False, True)
    assert model.run_eagerly
    logs = model.evaluate(X, verbose=0, return_dict=True)
    assert {"mae", "mse"} <= set(logs)
