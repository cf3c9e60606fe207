"""The epoch loop: callback calls and logs are those of Keras's own `fit` for all sources and options."""

import keras
import numpy as np
import pytest
from conftest import BACKEND, adversarial, dense, images, stream, vae

from kerasae import backends
from kerasae.training import running_means

X = images(43)


class Calls(keras.callbacks.Callback):
    """Records every call of a hook with its epoch or batch, the names of its logs, and the values of epoch logs."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.calls, self.stop_after = [], stop_after

    def _note(self, hook, number=None, logs=None):
        self.calls.append((hook, number, sorted(logs or {})))
        if (hook, number) == self.stop_after:
            self.model.stop_training = True


def _hook(name):
    if name.endswith(("train_begin", "train_end", "test_begin", "test_end", "predict_begin", "predict_end")):
        return lambda self, logs=None: self._note(name, None, logs)
    return lambda self, number, logs=None: self._note(name, number, logs)


KINDS = ("train", "test", "predict")
HOOKS = [f"on_{kind}{middle}_{end}" for kind in KINDS for middle in ("", "_batch") for end in ("begin", "end")]
for name in [*HOOKS, "on_epoch_begin", "on_epoch_end"]:
    setattr(Calls, name, _hook(name))

CASES = {
    "plain": {},
    "split": {"validation_split": 0.25},
    "validation data": {"validation_data": (X[:11], X[:11])},
    "validation data of another size": {"validation_data": (X[:11], X[:11]), "validation_batch_size": 3},
    "validation every second epoch": {"validation_data": (X[:11], X[:11]), "validation_freq": 2, "epochs": 4},
    "validation in listed epochs": {"validation_data": (X[:11], X[:11]), "validation_freq": [1, 3], "epochs": 3},
    "few validation steps": {"validation_data": (X[:11], X[:11]), "validation_steps": 1},
    "initial epoch": {"initial_epoch": 2, "epochs": 4},
    "no epochs left": {"initial_epoch": 2, "epochs": 2},
    "steps per epoch": {"steps_per_epoch": 2, "epochs": 4},
    "weights": {"sample_weight": np.linspace(0, 2, 43)},
    "one batch": {"batch_size": 64},
    "no bar": {"verbose": 0},
    "stopped in an epoch": {"stop_after": ("on_train_batch_end", 1), "epochs": 3, "validation_split": 0.25},
    "stopped after an epoch": {"stop_after": ("on_epoch_end", 1), "epochs": 4},
}


class Restarted:
    """A compiled model that starts each fit from the same state, so that all cases share its compiled steps."""

    def __init__(self):
        keras.utils.set_random_seed(0)
        self.model = dense()
        self.model.compile("adam", metrics=["mae"])
        self.model.optimizer.build(self.model.trainable_variables)
        self.variables = [*self.model.variables, *self.model.optimizer.variables]
        self.state = [np.array(variable) for variable in self.variables]

    def run(self, fit, x, stop_after=None, **options):
        """Calls of hooks, logs and epochs of `fit(model, x, y, **options)`."""
        for variable, value in zip(self.variables, self.state, strict=True):
            variable.assign(value)
        calls = Calls(stop_after)
        defaults = {"epochs": 2, "batch_size": 10, "shuffle": False, "verbose": 0, "callbacks": [calls]}
        history = fit(self.model, x, x if isinstance(x, np.ndarray) else None, **defaults | options)
        return calls.calls, history.history, history.epoch


@pytest.fixture(scope="module")
def ours():
    return Restarted()


@pytest.fixture(scope="module")
def keras_():
    return Restarted()


@pytest.fixture
def kerass_own(monkeypatch):
    """Keras's own loop for the same model: `fit` and the `evaluate` that it calls."""
    trainer = next(cls for cls in keras.Model.__mro__ if "fit" in vars(cls))

    def fit(model, x, y, **options):
        with monkeypatch.context() as context:
            context.setattr(type(model), "evaluate", trainer.evaluate)
            return trainer.fit(model, x, y, **options)

    return fit


def _assert_alike(ours, keras_):
    assert ours[0] == keras_[0]
    assert ours[2] == keras_[2]
    assert ours[1].keys() == keras_[1].keys()
    for name, values in ours[1].items():
        np.testing.assert_allclose(values, keras_[1][name], rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_calls_and_logs_are_those_of_keras(case, ours, keras_, kerass_own):
    found = ours.run(lambda model, x, y, **given: model.fit(x, y, **given), X, **CASES[case])
    _assert_alike(found, keras_.run(kerass_own, X, **CASES[case]))


@pytest.mark.parametrize("kind", ["PyDataset", "tf.data", "DataLoader"])
def test_calls_and_logs_of_a_stream_are_those_of_keras(kind, ours, keras_, kerass_own):
    def run(one, fit):
        return one.run(fit, stream(kind, X, X, batch_size=10), batch_size=None, validation_data=stream(kind, X, X))

    found = run(ours, lambda model, x, y, **given: model.fit(x, **given))
    _assert_alike(found, run(keras_, kerass_own))


@pytest.mark.parametrize("source", ["array", "generator", "array in a long run"])
def test_many_steps_per_call_train_as_single_ones(source, monkeypatch):
    if source == "array in a long run":  # in which TensorFlow compiles an epoch with its smaller last batch
        monkeypatch.setitem(backends.LONG_RUN, "train", 0)

    def fitted(callbacks):
        keras.utils.set_random_seed(0)
        model = vae()
        model.compile(keras.optimizers.Adam(0.01))
        x = stream("generator", *[np.concatenate([X, X])] * 2, batch_size=10) if source == "generator" else X
        steps = {"steps_per_epoch": 4} if source == "generator" else {}
        return model.fit(x, epochs=2, verbose=0, batch_size=None if steps else 10, callbacks=callbacks, shuffle=False)

    many, single = fitted([]), fitted([Calls()])
    for name, values in many.history.items():
        np.testing.assert_allclose(values, single.history[name], rtol=1e-4, err_msg=name)


def test_the_progress_bar_ends_with_the_last_step(capsys):
    dense().fit(images(469 * 2), batch_size=2)
    assert "469/469" in capsys.readouterr().out.splitlines()[-1].replace("\x1b", "").split("\r")[-1]


@pytest.mark.parametrize("steps", [3, 100])
def test_steps_per_execution_is_what_callbacks_see(steps):
    model, calls = dense(), Calls()
    model.compile(steps_per_execution=steps)
    model.fit(X, batch_size=10, verbose=0, callbacks=[calls])
    ends = [number for hook, number, _ in calls.calls if hook == "on_train_batch_end"]
    assert ends == ([2, 3, 4] if steps == 3 else [4])
    assert model.predict(X, batch_size=10, verbose=0).shape == X.shape
    assert model.evaluate(X, batch_size=10, verbose=0, return_dict=True)["loss"] > 0


def test_limits_for_debugging_are_respected(monkeypatch):
    monkeypatch.setattr(keras.config, "max_epochs", lambda: 2)
    calls = Calls()
    dense().fit(X, batch_size=10, epochs=5, verbose=0, callbacks=[calls])
    assert [number for hook, number, _ in calls.calls if hook == "on_epoch_end"] == [0, 1]


def test_the_limit_of_steps_is_respected():
    keras.config.set_max_steps_per_epoch(2)
    try:
        calls = Calls()
        with pytest.warns(UserWarning, match="Limiting steps_per_epoch"):
            dense().fit(X, batch_size=10, verbose=0, callbacks=[calls])
    finally:
        keras.config.set_max_steps_per_epoch(None)
    assert [number for hook, number, _ in calls.calls if hook == "on_train_batch_end"] == [0, 1]


@pytest.mark.parametrize("make", [dense, vae, adversarial])
def test_an_interrupted_fit_leaves_the_model_consistent(make):
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                raise KeyboardInterrupt

    model = make()
    before = [np.array(weight) for weight in model.get_weights()]
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, batch_size=10, verbose=0, callbacks=[Interrupt()])
    assert any((one != other).any() for one, other in zip(before, model.get_weights(), strict=True))
    assert np.isfinite(model.reconstruct(X)).all()
    model.fit(X, verbose=0)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="JAX compiles for each size, and PyTorch does not compile")
def test_a_smaller_last_batch_is_not_traced_again(monkeypatch):
    model, sizes = dense(), []
    loss_terms = model.loss_terms
    monkeypatch.setattr(
        model, "loss_terms", lambda x, *rest, **kwargs: sizes.append(x.shape[0]) or loss_terms(x, *rest, **kwargs)
    )
    model.compile(keras.optimizers.SGD(0.1), weighted_metrics=[])
    sizes.clear()
    model.fit(X, batch_size=10, verbose=0)
    assert sizes == [1, None]  # metrics are built with one image
    assert int(model.optimizer.iterations) == 5


def test_errors_in_a_stream_are_raised():
    def broken():
        yield (X[:10],)
        raise LookupError("no more photographs")

    with pytest.raises(LookupError, match="no more photographs"):
        dense().fit(broken(), verbose=0)


def test_batches_of_changing_sizes_and_a_slow_stream_are_trained_on():
    sizes = [10, 10, 7, 7, 7, 3, 10]
    model = dense()
    model.fit(((X[:size],) for size in sizes), verbose=0)
    assert int(model.optimizer.iterations) == len(sizes)


def test_invalid_batch_sizes_are_refused():
    with pytest.raises(ValueError, match="batch_size must be a positive integer"):
        dense().fit(X, batch_size=0)


@pytest.mark.parametrize("options", [{"class_weight": {0: 1.0, 1: 2.0}}, {"shuffle": "batch"}])
def test_shuffling_and_class_weights_of_keras_are_used(options):
    x = images(40, (17,))
    model = __import__("kerasae").models.DenseAutoencoder((17,), (), 3)
    assert np.isfinite(model.fit(x, batch_size=8, verbose=0, **options).history["loss"]).all()


# On PyTorch True means torch.compile, which takes half a minute.
@pytest.mark.parametrize("jit_compile", [False] if BACKEND == "torch" else [True, False])
def test_jit_compile_is_honored(jit_compile):
    model = dense()
    model.compile(jit_compile=jit_compile)
    assert np.isfinite(model.fit(X, batch_size=20, verbose=0).history["loss"]).all()


def test_short_fits_add_up_to_a_long_run(monkeypatch):
    model, seen, original = dense(), [], backends.train_run

    def recorded(model, block, is_long):
        seen.append(is_long)
        return original(model, block, is_long)

    monkeypatch.setattr(backends, "train_run", recorded)
    monkeypatch.setitem(backends.LONG_RUN, "train", 10)
    for _ in range(4):  # of four steps each
        model.fit(images(32), batch_size=8, verbose=0)
    model.compile()
    model.fit(images(32), batch_size=8, verbose=0)
    assert seen == [False, True, False]


def test_batch_hooks_of_callbacks_are_called_and_metrics_are_means_over_the_epoch():
    calls = []

    class Watching(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            calls.append((batch, logs["loss"]))

    model, other = dense(), dense()
    other.set_weights(model.get_weights())
    x = images(32)
    options = {"batch_size": 8, "shuffle": False, "verbose": 0}
    watched = model.fit(x, callbacks=[Watching()], **options).history["loss"]
    unwatched = other.fit(x, **options).history["loss"]
    assert [batch for batch, _ in calls] == [0, 1, 2, 3]
    assert watched == pytest.approx(unwatched, rel=1e-6)
    assert watched[0] == pytest.approx(calls[-1][1], rel=1e-6)
    assert isinstance(unwatched[0], float)


def test_results_stay_the_same_when_metrics_change():
    def numbers(results):
        return {name: float(value) for name, value in results.items()}

    model = dense()
    model.compile("adam", metrics=["mae"])
    model.fit(X, verbose=0)
    before, started = numbers(running_means.results(model)), running_means.started_results(model)
    running_means.reset(model)
    assert numbers(running_means.results(model)) == dict.fromkeys(before, 0.0)
    assert numbers(started()) == before and before["loss"] > 0 and before["mae"] > 0


@pytest.mark.skipif(BACKEND == "jax", reason="Keras cannot trace a metric on JAX that returns a variable")
def test_logs_of_training_are_not_those_of_validation_if_a_metric_returns_a_variable():
    class Batches(keras.metrics.Metric):
        def __init__(self):
            super().__init__(name="batches")
            self.number = self.add_variable((), "zeros", name="number")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.number.assign_add(1.0)

        def result(self):
            return self.number

    model = dense()
    model.compile("adam", metrics=[Batches()])
    history = model.fit(X, batch_size=11, validation_data=(X, X), validation_batch_size=22, verbose=0).history
    assert (history["batches"], history["val_batches"]) == ([4.0], [2.0])
