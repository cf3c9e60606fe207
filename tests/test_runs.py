"""Runs of many steps in one call: the same training as step by step, sooner."""

import keras
import numpy as np
import pytest
from conftest import adversarial, conditional, denoising, dense, images, sparse, vae

from kerasae.backends import runs

X = images(103)
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
    assert many.seen == 11
    assert single.seen == model.steps_per_execution == stepped.steps_per_execution == 1
    assert history.keys() == expected.keys()
    for name, values in history.items():
        assert values == pytest.approx(expected[name], rel=1e-4), name
    for one, other in zip(model.get_weights(), stepped.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    assert int(model.optimizer.iterations) == 33


@pytest.mark.parametrize("make", [dense, sparse, denoising, adversarial])
def test_validation_of_many_steps_is_what_evaluation_gives(make):
    model, history = fitted(make, validation_batch_size=1)  # 75 steps, which PyTorch records
    found = model.evaluate(X[:25], batch_size=1, return_dict=True, verbose=0)  # 25, which it doesn't
    for name, value in found.items():
        assert history[f"val_{name}"][-1] == pytest.approx(value, rel=1e-4), name


@pytest.mark.parametrize("make", [sparse, denoising, adversarial])
def test_fit_makes_the_steps_of_train_on_batch(make):
    model, stepped = make(), make()
    stepped.set_weights(model.get_weights())
    for each in (model, stepped):
        each.compile(keras.optimizers.Adam(0.01))
    model.fit(X, batch_size=10, shuffle=False, verbose=0)
    for start in range(0, len(X), 10):
        stepped.train_on_batch(X[start : start + 10], X[start : start + 10])
    for one, other in zip(model.get_weights(), stepped.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_what_is_in_a_batch_may_change_from_fit_to_fit():
    model = dense()
    model.compile(keras.optimizers.Adam(0.01))
    weights = np.linspace(0, 2, len(X), dtype="float32")
    whole = [model.fit(*data, batch_size=10, verbose=0).history["loss"][0] for data in ((X,), (X, 1 - X))]
    weighted = model.fit(X, 1 - X, batch_size=10, sample_weight=weights, verbose=0).history["loss"][0]
    assert np.isfinite([*whole, weighted]).all()
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
    model.compile(steps_per_execution=3)
    model.fit(X, batch_size=10, callbacks=[note], verbose=0)
    assert note.seen == model.steps_per_execution == 3
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


def order(epoch, seed, steps=2):
    """The rows of one epoch as the steps take them, so many at a time."""
    rows = runs.Rows(np.arange(10.0)[:, None], 4, np.asarray, shuffle=True, seed=seed)
    rows.on_epoch_begin(epoch)
    parts = [part for _ in range(rows.steps) for part in rows.take(steps)]
    batches = [rows.data(table, batch) for table, batches, count in parts for batch in batches[:count]]
    assert [len(batch) for batch in batches] == [4, 4, 2]
    return np.concatenate(batches)[:, 0].tolist()


def test_the_order_is_a_function_of_seed_and_epoch():
    assert order(1, seed=0) == order(1, seed=0, steps=1) == order(1, seed=0, steps=5)
    assert sorted(order(1, seed=0)) == list(range(10))
    assert len({tuple(order(*each)) for each in ((1, 0), (2, 0), (1, 1))}) == 3
    assert order(2, seed=3) == np.random.default_rng([3, 2]).permutation(10).tolist()


def test_a_seed_is_for_arrays():
    with pytest.raises(ValueError, match="seed orders the batches of arrays"):
        dense().fit((each for each in X), seed=0)


def test_arrays_too_large_for_the_device_go_there_in_parts(monkeypatch):
    _, expected = fitted(dense, shuffle=True, seed=3)
    monkeypatch.setattr(runs, "_RESIDENT", 1000)
    monkeypatch.setattr(runs, "_BUFFER", 4 * X[:10].nbytes)
    parts, history = fitted(dense, shuffle=True, seed=3)
    assert int(parts.optimizer.iterations) == 33
    for name, values in history.items():
        assert values == pytest.approx(expected[name], rel=1e-4), name


@pytest.mark.parametrize(
    ("steps", "callbacks", "expected"),
    [
        (7, None, 7),
        (50, [], 50),
        (938, None, 46),
        (6667, [keras.callbacks.History()], 333),
        (938, [keras.callbacks.LambdaCallback(on_epoch_end=print)], 46),
        (938, [keras.callbacks.LambdaCallback(on_train_batch_end=print)], 1),
        (938, keras.callbacks.TerminateOnNaN(), 1),
        (938, [keras.callbacks.ModelCheckpoint("x.keras")], 46),
        (938, [keras.callbacks.ModelCheckpoint("x.keras", save_freq=10)], 1),
        (938, [keras.callbacks.CallbackList([PerBatch()])], 1),
    ],
)
def test_how_many_steps_make_a_call(steps, callbacks, expected):
    assert runs.steps_a_call(steps, callbacks) == expected


def test_numbers_are_as_small_as_they_were_after_a_fit():
    """PyTorch's steps take the smallest ones for 0; the user's own computations go on as before."""
    tiny = keras.ops.convert_to_tensor(np.float32(1e-39))
    before = float(tiny * 1.0)
    assert before > 0 or keras.backend.backend() != "torch"  # else an earlier fit has left it so
    fitted(dense)
    assert float(tiny * 1.0) == before
