"""Recipes: the same initial weights and batch order on every backend, and resumed runs."""

import dataclasses

import keras
import numpy as np
import pytest

from kerasae import data, models, zoo
from kerasae.zoo import initial_weights, recipes, train

pytestmark = pytest.mark.shared


def test_conv_mnist_has_the_parameters_of_its_source():
    assert recipes.find("conv_mnist").model().count_params() == 48_770


@pytest.mark.parametrize("recipe", recipes.RECIPES.values(), ids=recipes.RECIPES)
def test_recipe_is_complete(recipe):
    assert recipe.description and recipe.source
    assert hasattr(data, recipe.data)
    assert recipe.schedule("shipped") in (recipe.shipped, recipe.written)


@pytest.mark.anybackend
@pytest.mark.parametrize("recipe", recipes.RECIPES.values(), ids=recipes.RECIPES)
def test_recipe_says_how_a_schedule_of_our_own_was_chosen(recipe):
    assert recipe.selection or recipe.schedule("shipped") == recipe.written


def test_unknown_recipe_lists_close_matches():
    with pytest.raises(ValueError, match="No recipe named 'dense_minst'. Did you mean 'dense_mnist'"):
        recipes.find("dense_minst")


def test_plan_takes_a_schedule_and_changes_of_it():
    assert recipes.plan("vae_mnist").epochs == 10
    assert recipes.plan("vae_mnist", "shipped") == recipes.find("vae_mnist").shipped
    assert recipes.plan("vae_mnist", epochs=3).epochs == 3
    changed = recipes.plan("vae_mnist", "shipped", batch_size=64, learning_rate=0.002)
    shipped = recipes.find("vae_mnist").shipped
    assert changed == dataclasses.replace(shipped, batch_size=64, learning_rate=0.002)
    with pytest.raises(ValueError, match="batch_size must be a positive integer. Received: -1"):
        recipes.plan("vae_mnist", batch_size=-1)
    with pytest.raises(ValueError, match="learning_rate must be between 0 and 1. Received: 10"):
        recipes.plan("vae_mnist", learning_rate=10)
    with pytest.raises(ValueError, match="epochs must be a positive integer. Received: 0"):
        recipes.plan("vae_mnist", epochs=0)
    with pytest.raises(ValueError, match="schedule must be 'written' or 'shipped'"):
        recipes.plan("vae_mnist", "fastest")


def test_hold_out_must_leave_training_examples():
    with pytest.raises(ValueError, match=r"hold_out must be from 0 to 999. Received: 1000"):
        train.train("linear_sine", hold_out=1000, verbose=0)


def test_initial_weights_come_from_numpy():
    model = models.DenseAutoencoder((28, 28, 1), (64,), 16)
    recipes.initialize(model, seed=5)
    limit = np.sqrt(6 / (784 + 64))  # Glorot & Bengio (2010), uniform
    expected = np.random.default_rng(5).uniform(-1, 1, (784, 64)) * limit
    np.testing.assert_allclose(model.get_weights()[0], expected, rtol=1e-6)


def test_initial_weights_of_any_name_come_from_numpy():
    class Scale(keras.layers.Layer):
        def build(self, input_shape):
            self.scale_initializer = keras.initializers.GlorotUniform()
            self.scale = self.add_weight(shape=(3, 2), initializer=self.scale_initializer, name="scale")

        def call(self, x):
            return keras.ops.matmul(x, self.scale)

    model = models.Autoencoder((3,))
    decoder = [keras.Input((2,)), keras.layers.Dense(3), keras.layers.Activation("linear")]
    model.set_parts(keras.Sequential([keras.Input((3,)), Scale()]), keras.Sequential(decoder))
    recipes.initialize(model, seed=5)
    expected = np.random.default_rng(5).uniform(-1, 1, (3, 2)) * np.sqrt(6 / 5)
    np.testing.assert_allclose(model.encoder.get_weights()[0], expected, rtol=1e-6)


@pytest.mark.parametrize("initializer", ["he_normal", "lecun_uniform", "glorot_normal"])
def test_initial_weights_follow_the_declared_distribution(initializer):
    declared = keras.initializers.get(initializer)
    ours = initial_weights._draw(declared, (3, 3, 64, 128), np.random.default_rng(0))
    theirs = keras.ops.convert_to_numpy(declared((3, 3, 64, 128)))
    assert ours.std() == pytest.approx(theirs.std(), rel=0.01)
    assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=0.02)


def test_same_seed_same_weights():
    runs = [train.train("deep_sine", recipes.plan("deep_sine", epochs=2), verbose=0)[0] for _ in range(2)]
    for a, b in zip(*(run.get_weights() for run in runs), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["deep_sine", "vae_mnist"])
def test_resumed_training_ends_like_an_uninterrupted_run_of_a_recipe(name, tmp_path, monkeypatch):
    class Interrupted(Exception):
        pass

    def interrupt(epoch, logs):
        if epoch == 2:
            raise Interrupted

    few = data.mnist() if name == "vae_mnist" else data.sine()
    few = data.Dataset(*(part[:300] for part in few))
    monkeypatch.setattr(data, recipes.find(name).data, lambda: few)
    plan = recipes.plan(name, "shipped", epochs=4)
    whole, _ = train.train(name, plan, verbose=0)
    breaker = keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    with pytest.raises(Interrupted):
        train.train(name, plan, checkpoints=tmp_path, callbacks=[breaker], verbose=0)
    resumed, history = train.train(name, plan, checkpoints=tmp_path, verbose=0)
    assert history.epoch == [2, 3]
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_reduced_precision_ends_in_float32(monkeypatch):
    few = data.Dataset(*(part[:64] for part in data.digits()))
    monkeypatch.setattr(data, "mnist", lambda: few)
    plan = recipes.Schedule(epochs=1, batch_size=32, precision="mixed_bfloat16")
    model, history = train.train("vae_mnist", plan, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert model.dtype_policy.name == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_the_first_epochs_may_have_another_loss(monkeypatch, tmp_path):
    """Two fits: the second starts from the weights of the first, with a new optimizer; both resume."""
    few = data.Dataset(*(part[:64] for part in data.digits()))
    monkeypatch.setattr(data, "mnist", lambda: few)
    plan = recipes.Schedule(epochs=3, batch_size=32, first_epochs=2, first_loss="bce")
    model, history = train.train("shallow256_mnist", plan, checkpoints=tmp_path, verbose=0)
    assert history.epoch == [2]
    by_hand = train.compiled_model(recipes.find("shallow256_mnist"), plan, 64, 0)
    assert isinstance(by_hand.loss.loss, keras.losses.BinaryCrossentropy)
    by_hand.fit(few.x_train, batch_size=32, epochs=2, seed=0, verbose=0)
    by_hand.compile("adam", "mean_squared_error")
    by_hand.fit(few.x_train, batch_size=32, initial_epoch=2, epochs=3, seed=0, verbose=0)
    again, history = train.train("shallow256_mnist", plan, checkpoints=tmp_path, verbose=0)
    assert history.epoch == []
    for other in (by_hand, again):
        for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_kl_weight_may_change_in_the_first_half(monkeypatch):
    few = data.Dataset(*(part[:64] for part in data.digits()))
    monkeypatch.setattr(data, "mnist", lambda: few)
    plan = recipes.Schedule(epochs=4, batch_size=32, initial_kl_weight=5.0, kl_weight=1.0)
    model, history = train.train("vae_mnist", plan, verbose=0)
    assert history.history["kl_weight"] == [5.0, 3.0, 1.0, 1.0]
    assert model.kl_weight == 1.0


def test_the_weights_of_a_vaegan_may_change_in_a_warm_up(monkeypatch):
    few = data.Dataset(*(part[:64] for part in data.digits()))
    monkeypatch.setattr(data, "mnist", lambda: few)
    weights = {"initial_feature_weight": 0.5, "feature_weight": 0.25, "mmd_weight": 3.0, "kl_weight": 2.0}
    plan = recipes.Schedule(epochs=3, batch_size=32, **weights)
    _, history = train.train("vaegan_mnist", plan, verbose=0)
    assert history.history["feature_weight"] == [0.5, 0.25, 0.25]
    assert history.history["kl_weight"] == [0.0, 2.0, 2.0]
    assert history.history["mmd_weight"] == [0.0, 3.0, 3.0]
    longer = recipes.Schedule(epochs=5, batch_size=32, mmd_weight=3.0)
    _, history = train.train("vaegan_mnist", longer, verbose=0)
    assert history.history["mmd_weight"] == [0.0, 0.0, 3.0, 3.0, 3.0]
    chosen = recipes.Schedule(epochs=4, batch_size=32, warm_up_epochs=3, mmd_weight=3.0, kl_weight=6.0)
    _, history = train.train("vaegan_mnist", chosen, verbose=0)
    assert history.history["mmd_weight"] == [0.0, 0.0, 0.0, 3.0]
    assert history.history["kl_weight"] == [0.0, 2.0, 4.0, 6.0]


def test_the_weights_may_be_replaced_by_their_moving_averages(monkeypatch, tmp_path):
    few = data.Dataset(*(part[:64] for part in data.digits()))
    monkeypatch.setattr(data, "mnist", lambda: few)

    def trained(epochs, checkpoints=None, **options):
        plan = recipes.Schedule(epochs=epochs, batch_size=64, **options)  # one step per epoch
        return train.train("dense8_mnist", plan, checkpoints=checkpoints, verbose=0)[0].get_weights()

    steps = [trained(epochs) for epochs in (1, 2, 3)]
    averages, again = (trained(3, tmp_path, ema_momentum=0.75) for _ in range(2))
    for one, two, three, average, resumed in zip(*steps, averages, again, strict=True):
        np.testing.assert_allclose(average, 0.75 * (0.75 * one + 0.25 * two) + 0.25 * three, atol=1e-6)
        np.testing.assert_array_equal(average, resumed)


def test_training_may_start_from_the_weights_of_an_entry(monkeypatch):
    few = data.Dataset(*(part[:64] for part in data.digits()))
    monkeypatch.setattr(data, "bmnist_dynamic", lambda: few)
    plan = recipes.Schedule(epochs=1, batch_size=32, learning_rate=1e-9, start="iwae5_bmnist")
    model, _ = train.train("iwae50_bmnist", plan, verbose=0)
    for ours, theirs in zip(model.trainable_variables, zoo.load("iwae5_bmnist").trainable_variables, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_training_may_start_at_the_prior():
    recipe = recipes.find("vae2_mnist")
    plan = recipes.Schedule(epochs=1, batch_size=32, starts_at_prior=True)
    model, usual = (train.compiled_model(recipe, schedule, 64, seed=0) for schedule in (plan, recipe.written))
    x = data.digits().x_test[:5]
    assert not np.any(model.posterior(x)) and np.all(usual.posterior(x))
    heads = 2 * 2  # arrays of the mean and the log-variance
    for ours, theirs in zip(model.encoder.weights[:-heads], usual.encoder.weights[:-heads], strict=True):
        np.testing.assert_array_equal(ours, theirs)
