"""Tracing changes nothing: optimizers give the weights of plain Keras, and user code is not frozen in a trace."""

import warnings

import keras
import numpy as np
import pytest
from conftest import BACKEND

from kerasae import models

X = np.random.default_rng(0).random((64, 12), dtype="float32")
EPOCHS = 4

CHANGES = {
    "plain": {},
    "clipnorm": {"clipnorm": 0.01},
    "global clipnorm": {"global_clipnorm": 0.01},
    "clipvalue": {"clipvalue": 0.001},
    "ema": {"use_ema": True, "ema_momentum": 0.9},
    "ema overwriting": {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
    "accumulation": {"gradient_accumulation_steps": 3},
    "decay": {"weight_decay": 0.01},
}
# All optimizers that do not wrap others.
HOLDERS = {"LossScaleOptimizer", "MultiOptimizer", "Optimizer"}
PLAIN = sorted(
    name
    for name, cls in vars(keras.optimizers).items()
    if isinstance(cls, type) and issubclass(cls, keras.optimizers.Optimizer) and name not in HOLDERS
)
if BACKEND == "tensorflow":
    PLAIN.remove("ScheduleFreeAdamW")  # plain Keras itself gives other weights there than on its other backends
CASES = [(name, "plain") for name in PLAIN] + [(name, change) for name in ("Adam", "SGD") for change in CHANGES]
CASES += [("Nadam", "clipnorm"), ("RMSprop", "ema")]
if BACKEND != "torch":  # there, Keras's optimizers run in a compiled step as they do in Keras's own
    CASES = [("Adam", "plain"), ("SGD", "ema overwriting"), ("Muon", "plain")]


def _schedule():
    return keras.optimizers.schedules.CosineDecay(0.02, 32)


def _ours():
    model = models.DenseAutoencoder((12,), (8,), 3, activation="tanh", output_activation="linear", value_range=None)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.3, weight.shape) if weight.ndim else weight for weight in model.get_weights()])
    return model


def _keras(ours):
    parts = [*ours.encoder.layers, *ours.decoder.layers]
    layers = [
        keras.layers.Dense.from_config(part.get_config()) for part in parts if isinstance(part, keras.layers.Dense)
    ]
    network = keras.Sequential([keras.Input((12,)), *layers])
    network.set_weights([weight for weight in ours.get_weights() if weight.ndim])
    return network


def _trained(model, optimizer, **options):
    model.compile(optimizer, loss="mean_squared_error", **options)
    model.fit(X, X, epochs=EPOCHS, batch_size=8, shuffle=False, verbose=0)
    return [weight for weight in model.get_weights() if weight.ndim]


@pytest.mark.parametrize(("name", "change"), CASES)
def test_weights_are_those_of_plain_keras(name, change):
    def optimizer():
        return getattr(keras.optimizers, name)(learning_rate=0.02, **CHANGES[change])

    ours = _ours()
    network = _keras(ours)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of untraced optimizers; see below
        found = _trained(ours, optimizer())
    for one, other in zip(found, _trained(network, optimizer(), jit_compile=False), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_a_schedule_is_followed():
    ours = _ours()
    network = _keras(ours)
    found = _trained(ours, keras.optimizers.Adam(_schedule()))
    for one, other in zip(found, _trained(network, keras.optimizers.Adam(_schedule())), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


def own_loss(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


class Counting(keras.losses.Loss):
    """Counts steps in Python: each step's loss is larger by one than that of the previous step."""

    steps = 0

    def call(self, y_true, y_pred):
        self.steps += 1
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1) + float(self.steps)


class Doubling(keras.layers.Layer):
    def call(self, x):
        return 2.0 * x


class OwnSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.01


if BACKEND == "torch":
    WARNED = {
        "SGD reads values into Python": lambda model: model.compile("sgd"),
        "own_loss": lambda model: model.compile(loss=own_loss),
        "Nadam reads values into Python": lambda model: model.compile("nadam"),
        "gradient_accumulation_steps": lambda model: model.compile(
            keras.optimizers.Adam(gradient_accumulation_steps=2)
        ),
        "OwnSchedule": lambda model: model.compile(keras.optimizers.Adam(OwnSchedule())),
        "metric": lambda model: model.compile(metrics=[own_loss]),
    }

    @pytest.mark.parametrize("reason", WARNED)
    def test_one_warning_gives_the_reason_why_steps_are_not_traced(reason):
        model = _ours()
        WARNED[reason](model)
        with pytest.warns(UserWarning, match=f"one by one on PyTorch.*{reason}") as found:
            model.fit(X, epochs=2, verbose=0)
            model.fit(X, verbose=0)
        assert sum("one by one" in str(warning.message) for warning in found) == 1

    def test_state_in_user_code_is_not_frozen():
        model = _ours()
        model.compile(loss=(loss := Counting()))
        with pytest.warns(UserWarning, match="Counting"):
            history = model.fit(X, batch_size=8, epochs=2, verbose=0).history["loss"]
        assert loss.steps >= 16 and history[1] - history[0] > 6

    def test_known_parts_are_traced_without_a_warning():
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            model = _ours()
            model.compile("adam", metrics=["mae"])
            model.fit(X, epochs=1, verbose=0)
            assert model.encode(X).shape == (64, 3)
