"""kerasae's steps have the same results as Keras's own steps with `compute_loss`."""

import keras
import numpy as np
import pytest
from conftest import conv, denoising, dense, images, sparse, vae

FAMILIES = {"plain": dense, "convolutional": conv, "sparse": sparse, "denoising": denoising, "variational": vae}
RANDOM = ("denoising", "variational")
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(1.0),  # new weights = old ones − gradient
    "adam": lambda: keras.optimizers.Adam(0.01),
    "adam, decaying": lambda: keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, 9)),
    "adam, clipped": lambda: keras.optimizers.Adam(0.01, clipnorm=1e-3),
}
BATCHES = [slice(0, 8), slice(8, 16), slice(16, 20)]
X, WEIGHTS = images(), np.linspace(0.0, 2.0, 20, dtype="float32")


def keras_stepped(cls):
    """The class with Keras's own steps, which call `compute_loss`, instead of kerasae's."""
    steps = {name: getattr(keras.Model, name) for name in ("train_step", "test_step")}
    return type(cls.__name__, (cls,), steps)


def pair(family, optimizer="sgd", **kwargs):
    """A model, and one with the same weights and Keras's own steps."""
    model = FAMILIES[family](**kwargs)
    reference = keras_stepped(type(model))(**model.get_config())
    reference.set_weights(model.get_weights())
    # Metrics see the reconstructions that the loss sees, sampled or of noisy inputs; in Keras's steps those of `call`.
    metrics = None if family in RANDOM else ["mse"]
    for each in (model, reference):
        each.compile(optimizer=OPTIMIZERS[optimizer](), metrics=metrics, weighted_metrics=metrics)
    return model, reference


def in_step(model, reference):
    """Keras's step on JAX loses changes that `compute_loss` makes, such as counters of random draws."""
    for ours, theirs in zip(model.non_trainable_variables, reference.non_trainable_variables, strict=True):
        theirs.assign(keras.ops.convert_to_numpy(ours))


def assert_same(ours, theirs, rtol=1e-4, atol=1e-6):
    for one, other in zip(ours, theirs, strict=True):
        one, other = map(keras.ops.convert_to_numpy, (one, other))
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_weighted_step_takes_the_gradients_and_gives_the_logs_of_keras_own(family):
    model, reference = pair(family, "sgd")
    for batch in BATCHES[:2]:
        before = model.get_weights()
        in_step(model, reference)
        options = {"sample_weight": WEIGHTS[batch], "return_dict": True}
        logs = [each.train_on_batch(X[batch], X[batch], **options) for each in (model, reference)]
        assert logs[0] == pytest.approx(logs[1], rel=1e-4)
        assert_same(model.trainable_variables, reference.trainable_variables, atol=1e-5)
        assert max(np.abs(a - b).max() for a, b in zip(before, model.get_weights(), strict=True)) > 1e-3


@pytest.mark.parametrize("family", FAMILIES)
def test_a_whole_fit_gives_the_weights_and_logs_of_keras_own(family):
    model, reference = pair(family, "adam")
    # One step of random families: see `in_step`. Once, the last batch is smaller.
    x = X[:8] if family in RANDOM else X if family == "plain" else X[:16]
    options = {"batch_size": 8, "shuffle": False, "validation_data": (X[:5], X[:5], WEIGHTS[:5]), "verbose": 0}
    histories = [each.fit(x, **options).history for each in (model, reference)]
    assert set(histories[0]) == set(histories[1]) >= {"loss", "val_loss", *model.reported}
    for name, (value,) in histories[0].items():
        assert [value] == pytest.approx(histories[1][name], rel=1e-4), name
    assert_same(model.trainable_variables, reference.trainable_variables, atol=1e-5)
    assert_same(model.optimizer.variables, reference.optimizer.variables, rtol=1e-3)
    assert int(model.optimizer.iterations) == -(-len(x) // 8)


@pytest.mark.parametrize("optimizer", ["adam, decaying", "adam, clipped"])
def test_options_of_adam_are_those_of_keras(optimizer):
    model, reference = pair("plain", optimizer)
    for each in (model, reference):
        each.fit(X, batch_size=10, epochs=3, shuffle=False, verbose=0)
    assert_same(model.trainable_variables, reference.trainable_variables, atol=1e-5)


def test_constraints_of_weights_are_kept():
    model, _ = pair("plain", "adam")
    kernel = model.encoder.layers[-1].kernel
    kernel.constraint = keras.constraints.NonNeg()
    assert kernel.numpy().min() < 0
    model.fit(X, batch_size=10, verbose=0)
    assert kernel.numpy().min() >= 0


@pytest.mark.parametrize("family", ["sparse", "variational"])
def test_logs_are_means_over_the_images_of_an_epoch(family):
    model = FAMILIES[family]()
    model.compile(optimizer=keras.optimizers.SGD(0.0))
    logs = model.fit(X, batch_size=8, shuffle=False, verbose=0).history
    for counter in model.non_trainable_variables:
        if counter.dtype == "int32":  # otherwise it is a weight of a loss term
            counter.assign(0)
    parts = []
    for batch in BATCHES:
        terms, _ = model.loss_terms(keras.ops.convert_to_tensor(X[batch]), training=True)
        parts.append({name: float(value) for name, value in terms.items()})
    for name, (value,) in logs.items():
        assert value == pytest.approx(np.average([part[name] for part in parts], weights=[8, 8, 4]), rel=1e-5)


@pytest.mark.parametrize("family", ["plain", "sparse"])
def test_logs_of_an_evaluation_do_not_depend_on_the_batch_size(family):
    model = FAMILIES[family]()
    assert model.evaluate(X, batch_size=8, verbose=0) == pytest.approx(
        model.evaluate(X, batch_size=20, verbose=0), rel=1e-5
    )


def test_scaled_losses_step_as_keras_own():
    model, reference = pair("variational", "adam", dtype="mixed_float16")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    logs = [each.train_on_batch(X[:8], return_dict=True) for each in (model, reference)]
    assert logs[0] == pytest.approx(logs[1], rel=1e-2)
    assert_same(model.trainable_variables, reference.trainable_variables, atol=2e-3)
    assert logs[0]["loss"] == pytest.approx(model.evaluate(X[:8], verbose=0)[0], rel=0.1)  # not the scaled one


def test_gradients_that_overflow_are_left_out():
    model = dense(dtype="mixed_float16")
    model.compile(optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0), initial_scale=2.0**60))
    before = model.get_weights()
    model.train_on_batch(X[:8])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_all_terms_reported_are_of_the_same_forward_pass():
    model = vae(kl_weight=0.5)
    model.compile()
    logs = model.train_on_batch(X[:8], return_dict=True)
    assert logs["loss"] == pytest.approx(logs["reconstruction_loss"] + 0.5 * logs["kl_loss"], rel=1e-5)


def test_eager_and_compiled_steps_agree():
    model = vae()
    twin = type(model)(**model.get_config())
    twin.set_weights(model.get_weights())
    model.compile(optimizer=keras.optimizers.SGD(1.0))
    twin.compile(optimizer=keras.optimizers.SGD(1.0), run_eagerly=True)
    for each in (model, twin):
        each.fit(X, batch_size=10, shuffle=False, verbose=0)
    assert_same(model.weights, twin.weights, atol=1e-5)


def test_variables_can_be_changed_after_a_fit_or_a_single_step():
    for begin in (lambda model: model.fit(X, verbose=0), lambda model: model.train_on_batch(X)):
        model, other = pair("plain", "adam")
        begin(model)
        model.set_weights(other.get_weights())
        for variable in (*model.optimizer.variables, *model.metrics_variables):
            variable.assign(np.zeros(variable.shape, variable.dtype))
        model.fit(X, verbose=0)
        assert int(model.optimizer.iterations) == 1
