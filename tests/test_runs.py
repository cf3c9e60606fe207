"""Runs of many steps in one call: the same training as step by step, sooner."""

import keras
import numpy as np
import pytest
from conftest import BACKEND, adversarial, conditional, dense, images, vae

from kerasae.steps import runs

X = images(103)
COMPILED = BACKEND != "torch"
FAMILIES = {"plain": dense, "variational": vae, "adversarial": adversarial}


class PerBatch(keras.callbacks.Callback):
    """Looks at every batch."""

    def __init__(self):
        super().__init__()
        self.batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1


class StepsACall(keras.callbacks.Callback):
    """Notes how many steps are made in one call."""

    def on_epoch_begin(self, epoch, logs=None):
        self.seen = self.model.steps_per_execution


def fitted(make, callbacks=(), x=X, **options):
    """A model after a fit, and its history."""
    keras.utils.set_random_seed(0)
    model = make()
    model.compile(keras.optimizers.Adam(0.01), metrics=["mse"])
    defaults = {"batch_size": 10, "epochs": 3, "shuffle": False, "validation_data": x[:25], "verbose": 0}
    return model, model.fit(x, callbacks=list(callbacks), **defaults | options).history


@pytest.mark.parametrize("family", FAMILIES)
def test_runs_train_as_single_steps_do(family):
    many, single = StepsACall(), StepsACall()
    model, history = fitted(FAMILIES[family], [many])
    stepped, expected = fitted(FAMILIES[family], [single, PerBatch()])
    assert many.seen == (11 if COMPILED else 1)
    assert single.seen == model.steps_per_execution == stepped.steps_per_execution == 1
    assert history.keys() == expected.keys()
    for name, values in history.items():
        assert values == pytest.approx(expected[name], rel=1e-4), name
    for one, other in zip(model.get_weights(), stepped.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    assert int(model.optimizer.iterations) == 33


def test_batches_of_dicts_go_in_runs_too():
    model, x = conditional(), {"x": X, "label": np.arange(len(X)) % 3}
    model.fit(x, batch_size=10, verbose=0)
    assert int(model.optimizer.iterations) == 11
    assert int(model.sampling.step) == 11


def test_a_callback_at_batches_sees_every_one():
    counter = PerBatch()
    fitted(dense, [counter])
    assert counter.batches == 33


def test_everything_is_seen_once_after_a_fit_in_runs():
    model, _ = fitted(dense)
    assert model.predict(X, batch_size=10, verbose=0).shape == X.shape
    whole, parts = (model.evaluate(X, batch_size=size, verbose=0, return_dict=True) for size in (103, 10))
    assert parts == pytest.approx(whole, rel=1e-4)
    logs = model.train_on_batch(X[:10], return_dict=True)
    assert np.isfinite(logs["loss"])


def test_what_the_user_sets_is_kept():
    model, note = dense(), StepsACall()
    model.compile(steps_per_execution=1 if BACKEND == "torch" else 3)
    model.fit(X, batch_size=10, callbacks=[note], verbose=0)
    assert note.seen == model.steps_per_execution == (1 if BACKEND == "torch" else 3)
    model.compile(run_eagerly=True)
    model.fit(X[:20], batch_size=10, callbacks=[note], verbose=0)
    assert note.seen == 1


def test_a_second_fit_and_evaluation_compile_nothing_anew():
    model, _ = fitted(dense)
    model.evaluate(X, batch_size=10, verbose=0)
    before = model.test_function, dict(model._untracked.functions)
    model.fit(X, batch_size=10, verbose=0)
    model.evaluate(X, batch_size=10, verbose=0)
    assert model.test_function is before[0]
    for steps, functions in before[1].items():
        for name, function in functions.items():
            assert function is None or model._untracked.functions[steps][name] is function


def test_a_run_larger_than_its_buffer_is_split(monkeypatch):
    if BACKEND == "jax":  # the only one that fills buffers
        from kerasae.steps import jax as jax_steps

        monkeypatch.setattr(jax_steps, "_BUFFER", 4 * X[:10].nbytes)
    model, _ = fitted(dense)
    assert int(model.optimizer.iterations) == 33


@pytest.mark.parametrize(
    ("steps", "callbacks", "expected"),
    [
        (None, None, 1),
        (7, None, 7),
        (50, [], 50),
        (938, None, 50),
        (6667, [keras.callbacks.History()], 333),
        (938, [keras.callbacks.LambdaCallback(on_epoch_end=print)], 50),
        (938, [keras.callbacks.LambdaCallback(on_train_batch_end=print)], 1),
        (938, keras.callbacks.TerminateOnNaN(), 1),
        (938, [keras.callbacks.ModelCheckpoint("x.keras")], 50),
        (938, [keras.callbacks.ModelCheckpoint("x.keras", save_freq=10)], 1),
        (938, [keras.callbacks.CallbackList([PerBatch()])], 1),
    ],
)
def test_how_many_steps_make_a_call(steps, callbacks, expected):
    assert runs.steps_a_call(steps, callbacks) == expected


@pytest.mark.parametrize(
    ("x", "options", "expected"),
    [
        (X, (None, None, 0.0), 4),
        (X, (10, None, 0.0), 11),
        (X, (10, None, 0.5), 6),
        (X, (10, 3, 0.0), 3),
        ({"x": X, "label": X}, (10, None, 0.0), 11),
        ((each for each in X), (None, None, 0.0), None),
    ],
)
def test_how_many_steps_an_epoch_has(x, options, expected):
    assert runs.steps_of(x, *options) == expected
