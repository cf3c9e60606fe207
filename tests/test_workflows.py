"""Keras's own workflows: sources of data, weights, callbacks, files, copies."""

import copy
import csv
import json

import keras
import numpy as np
import pytest
from conftest import (
    BACKEND,
    BACKENDS,
    MODELS,
    SHAPE,
    STREAMS,
    dense,
    images,
    images_for,
    python,
    sparse,
    stream,
    vae,
)

import kerasae
from kerasae.losses import PerImage

pytestmark = pytest.mark.shared

X = images()
WEIGHTS = np.linspace(0.0, 2.0, 20, dtype="float32")


def sgd(model, rate=1.0, **kwargs):
    """Compile the model so that the change of its weights is the gradient."""
    model.compile(optimizer=keras.optimizers.SGD(rate), **kwargs)
    return model


def twin_of(model):
    twin = type(model).from_config(model.get_config())
    twin.set_weights(model.get_weights())
    return twin


def assert_same_weights(a, b, atol=1e-5):
    for one, other in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=atol)


# Sources of data


@pytest.fixture(scope="module")
def from_arrays():
    """An untrained model, a copy trained on arrays, and the copy's history."""
    model = vae()
    twin = sgd(twin_of(model), 0.1)
    options = {"validation_data": X[:12], "validation_batch_size": 8}
    return model, twin, twin.fit(X, batch_size=8, shuffle=False, verbose=0, **options).history


@pytest.mark.eachbackend
@pytest.mark.parametrize("kind", STREAMS)
def test_streams_give_the_same_results_as_arrays(kind, from_arrays):
    untrained, twin, sliced = from_arrays
    model = sgd(twin_of(untrained), 0.1)
    validation = stream(kind, X[:12])
    streamed = model.fit(stream(kind, X), validation_data=validation, shuffle=False, verbose=0).history
    for name, (value,) in sliced.items():
        assert streamed[name] == [pytest.approx(value, rel=1e-5)], name
    assert_same_weights(model, twin)
    figures = twin.evaluate(X, batch_size=8, verbose=0)
    assert model.evaluate(stream(kind, X), verbose=0) == pytest.approx(figures, rel=1e-5)
    np.testing.assert_allclose(model.predict(stream(kind, X), verbose=0), twin.reconstruct(X), atol=1e-5)


@pytest.fixture(scope="module")
def weighted():
    """An untrained model, a copy trained on weighted arrays, and the copy's loss."""
    model = dense()
    twin = sgd(twin_of(model))
    history = twin.fit(X, sample_weight=WEIGHTS, batch_size=8, shuffle=False, verbose=0).history
    return model, twin, history["loss"]


@pytest.mark.parametrize("targets", [True, False], ids=["with targets", "without"])
@pytest.mark.parametrize("kind", STREAMS)
def test_weights_in_a_stream_weight_images(kind, targets, weighted):
    """Also without targets, where Keras alone ignores the weights."""
    untrained, twin, loss = weighted
    model = sgd(twin_of(untrained))
    streamed = model.fit(stream(kind, X, X if targets else None, WEIGHTS), shuffle=False, verbose=0).history
    assert streamed["loss"] == pytest.approx(loss, rel=1e-5)
    assert_same_weights(model, twin)


def test_an_endless_generator_needs_steps_per_epoch():
    history = dense().fit(((X[:4],) for _ in iter(int, 1)), steps_per_epoch=3, epochs=2, verbose=0).history
    assert len(history["loss"]) == 2


def test_the_order_and_the_hooks_of_a_py_dataset_are_respected():
    calls = []

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            calls.append(index)
            return (X[:4],)

        def on_epoch_end(self):
            calls.append("end")

    dense().fit(Batches(), epochs=2, shuffle=False, verbose=0)
    order = [call for call in calls if call != "end"]
    assert order[-6:] == [0, 1, 2, 0, 1, 2]
    assert "end" in calls


def test_a_loader_may_have_spawned_workers():
    """As on macOS and Windows, where everything that workers use is pickled: nothing of kerasae may be among it."""
    import torch

    data = torch.utils.data.TensorDataset(torch.as_tensor(X))
    loader = torch.utils.data.DataLoader(data, 8, num_workers=1, multiprocessing_context="spawn")
    model = dense()
    model.compile()
    assert model.evaluate(loader, verbose=0) == pytest.approx(model.evaluate(X, verbose=0), rel=1e-5)


# Validation


def test_validation_split_takes_the_last_images():
    model = sgd(dense(), 0.0)
    history = model.fit(X, validation_split=0.25, verbose=0).history
    assert history["loss"] == pytest.approx([model.evaluate(X[:15], verbose=0)[0]], rel=1e-5)
    assert history["val_loss"] == pytest.approx([model.evaluate(X[15:], verbose=0)[0]], rel=1e-5)


@pytest.mark.parametrize("form", ["array", "weighted", "tf.data", "DataLoader"])
def test_validation_data_of_every_form_gives_the_results_of_evaluate(form):
    model = sgd(vae(), 0.0)
    data = {"array": X[:8], "weighted": (X[:8], X[:8], WEIGHTS[:8])}
    given = data[form] if form in data else stream(form, X[:8])
    history = model.fit(X[8:16], validation_data=given, verbose=0).history
    weights = WEIGHTS[:8] if form == "weighted" else None
    figures = model.evaluate(X[:8], sample_weight=weights, verbose=0, return_dict=True)
    assert set(history) == {*figures, *(f"val_{name}" for name in figures)}
    for name, value in figures.items():
        assert history[f"val_{name}"] == pytest.approx([value], rel=1e-5)


# Weights of images


def test_weight_two_equals_the_image_twice():
    """The loss and the gradient, up to the factor n / Σ w."""
    counts = np.array([2, 1, 3, 0, 1, 1, 2, 2])
    weighted = sgd(dense())
    repeated = sgd(twin_of(weighted))
    start = weighted.get_weights()
    many = np.repeat(X[:8], counts, axis=0)
    loss = weighted.train_on_batch(X[:8], X[:8], sample_weight=counts.astype("float32"))[0]
    factor = counts.sum() / 8
    assert loss == pytest.approx(factor * repeated.train_on_batch(many, many)[0], rel=1e-5)
    for old, one, other in zip(start, weighted.get_weights(), repeated.get_weights(), strict=True):
        np.testing.assert_allclose(one - old, factor * (other - old), rtol=1e-3, atol=1e-6)


def test_both_terms_of_a_variational_loss_are_weighted():
    model = vae()
    figures = [np.array(model.evaluate(X, sample_weight=np.full(20, w), verbose=0)) for w in (1.0, 2.0, 0.0)]
    np.testing.assert_allclose(figures[1], 2 * figures[0], rtol=1e-5)
    np.testing.assert_allclose(figures[2], 0.0, atol=1e-6)


def test_sample_weights_weight_images_and_not_columns():
    model = dense()
    model.compile(loss="mse")
    loss = model.evaluate(X, sample_weight=WEIGHTS, verbose=0)[0]
    each = ((model.reconstruct(X) - X) ** 2).reshape(20, -1).mean(axis=1)
    assert loss == pytest.approx((WEIGHTS * each).mean(), rel=1e-5)


def test_sample_weights_without_targets_count():
    model = sgd(dense())
    twin = sgd(twin_of(model))
    model.fit(X, sample_weight=WEIGHTS, batch_size=20, verbose=0)
    twin.fit(X, X, sample_weight=WEIGHTS, batch_size=20, verbose=0)
    assert_same_weights(model, twin)
    figures = [model.evaluate(X, sample_weight=w, verbose=0)[0] for w in (None, np.full(20, 3.0))]
    assert figures[1] == pytest.approx(3 * figures[0], rel=1e-5)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(7), r"sample_weight must be one number for each input, shape \(20,\). Received: \(7,\)"),
        (np.ones((20, 6, 5)), r"sample_weight must be one number for each input.*\(20, 6, 5\)"),
        (np.full(20, np.nan), "sample_weight must be finite and not negative"),
        (-np.ones(20), "sample_weight must be finite and not negative"),
    ],
    ids=["too few", "of pixels", "NaN", "negative"],
)
@pytest.mark.parametrize("entrance", ["fit", "evaluate"])
def test_bad_sample_weights_are_refused(entrance, weights, message):
    with pytest.raises(ValueError, match=message):
        getattr(dense(), entrance)(X, sample_weight=weights, verbose=0)


# The user's own loss and metrics


def test_a_loss_and_metrics_of_the_user_are_honored():
    model = dense()
    model.compile(loss="mae", metrics=["mse"], weighted_metrics=["mae"])
    figures = model.evaluate(X, batch_size=8, sample_weight=WEIGHTS, verbose=0, return_dict=True)
    error = model.reconstruct(X) - X
    each = np.abs(error).reshape(20, -1).mean(axis=1)
    assert figures["loss"] == pytest.approx((WEIGHTS * each).mean(), rel=1e-5)
    assert figures["mse"] == pytest.approx((error**2).mean(), rel=1e-5)
    assert figures["mae"] == pytest.approx((WEIGHTS * each).sum() / WEIGHTS.sum(), rel=1e-5)


def test_losses_may_sum_over_pixels_and_over_images():
    model = dense()
    error = ((model.reconstruct(X) - X) ** 2).reshape(20, -1)
    for loss, expected in [
        (PerImage("mse", pixel_reduction="sum"), error.sum(axis=1).mean()),
        (keras.losses.MeanSquaredError(reduction="sum"), error.mean(axis=1).sum()),
        (lambda y, x: (y - x) ** 2, error.mean()),
    ]:
        model.compile(loss=loss)
        assert model.evaluate(X, verbose=0)[0] == pytest.approx(expected, rel=1e-5)


def test_a_variational_model_sums_any_loss_over_pixels():
    model = vae(output_activation="linear")
    model.compile(loss="mse")
    sampled = model.evaluate(X, verbose=0, return_dict=True)["reconstruction_loss"]
    model.compile(loss=PerImage("mse"))
    assert sampled == pytest.approx(
        30 * model.evaluate(X, verbose=0, return_dict=True)["reconstruction_loss"], rel=1e-5
    )


def test_loss_weights_are_refused():
    with pytest.raises(ValueError, match=r"`loss_weights` must be None.*Received: loss_weights=\[2\]"):
        dense().compile(loss_weights=[2])


def test_fit_and_evaluate_compile_with_the_defaults():
    assert dense().fit(X, verbose=0).model.loss.from_logits
    assert np.isfinite(dense(output_activation="linear").evaluate(X, verbose=0)[0])


# Callbacks


def test_early_stopping_stops_and_restores():
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True)
    model = sgd(dense(), 0.0)
    before = model.get_weights()
    history = model.fit(X, epochs=9, validation_split=0.25, callbacks=[stop], verbose=0)
    assert history.epoch == [0, 1, 2]
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_best_checkpoint_and_the_log_agree_with_the_history(tmp_path):
    callbacks = [
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_loss", save_best_only=True),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
    ]
    model = vae()
    model.compile(optimizer=keras.optimizers.Adam(0.01))
    history = model.fit(X, epochs=4, validation_data=X[:10], callbacks=callbacks, verbose=0).history
    best = keras.saving.load_model(tmp_path / "best.keras")
    assert best.evaluate(X[:10], verbose=0)[0] == pytest.approx(min(history["val_loss"]), rel=1e-5)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert len(rows) == 4
    for name, values in history.items():
        assert [float(row[name]) for row in rows] == pytest.approx(values, rel=1e-6)


class Interrupted(Exception):
    pass


def interrupting(at):
    def interrupt(step, logs):
        if step == at:
            raise Interrupted

    return interrupt


@pytest.mark.eachbackend
def test_resumed_training_ends_like_an_uninterrupted_run(tmp_path):
    def train(**kwargs):
        model = vae()
        model.set_weights(start)
        model.compile(optimizer=keras.optimizers.Adam(0.01))
        model.fit(X, batch_size=10, epochs=4, shuffle=False, verbose=0, **kwargs)
        return model

    start = vae().get_weights()
    whole = train()
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(Interrupted):
        train(callbacks=[backup, keras.callbacks.LambdaCallback(on_epoch_begin=interrupting(2))])
    epochs = []
    watch = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch))
    resumed = train(callbacks=[keras.callbacks.BackupAndRestore(tmp_path), watch])
    assert epochs == [2, 3]
    assert_same_weights(whole, resumed)
    assert int(resumed.sampling.step) == int(whole.sampling.step) == 8


@pytest.mark.parametrize("where", ["train_batch_begin", "train_batch_end", "test_batch_begin", "epoch_end"])
def test_a_model_works_after_interrupted_training(where):
    model = dense()
    stop = keras.callbacks.Callback()
    setattr(stop, f"on_{where}", interrupting(1))
    with pytest.raises(Interrupted):
        model.fit(X, batch_size=10, epochs=2, validation_data=X, validation_batch_size=10, callbacks=[stop], verbose=0)
    assert np.isfinite(model.reconstruct(X)).all()
    assert np.isfinite(model.fit(X, batch_size=10, verbose=0).history["loss"]).all()


def test_a_model_works_after_its_first_step_failed():
    class Failing(kerasae.models.DenseAutoencoder):
        def train_step(self, *args):
            raise Interrupted

    model = Failing(SHAPE, (8,), 3)
    before = model.get_weights()
    with pytest.raises(Interrupted):
        model.fit(X, verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert np.isfinite(model.evaluate(X, verbose=0)).all()


# Files

ELSEWHERE = """
import json, sys, warnings, numpy as np, keras, kerasae
warnings.simplefilter("error", RuntimeWarning)
directory = sys.argv[1]
data = np.load(f"{directory}/data.npz")
for name in sys.argv[2:]:
    model = keras.saving.load_model(f"{directory}/{name}.keras")
    x = data[name]
    np.testing.assert_allclose(model.reconstruct(x), data[f"{name} out"], atol=1e-5)
    np.testing.assert_allclose(model.encode(x), data[f"{name} code"], rtol=1e-4, atol=1e-5)
    figures = model.evaluate(x, batch_size=10, verbose=0, return_dict=True)
    for key, value in json.loads(str(data[f"{name} figures"])).items():
        np.testing.assert_allclose(figures[key], value, rtol=1e-4, err_msg=key)
    if keras.backend.backend() == "numpy":
        try:
            model.fit(x, verbose=0)
        except Exception as error:
            assert "gradients" in str(error) and "KERAS_BACKEND" in str(error), repr(error)
        else:
            raise AssertionError("fit must be refused")
    elif name == sys.argv[-1]:
        assert int(model.optimizer.iterations) == 4
        model.fit(x, batch_size=10, epochs=2, shuffle=False, verbose=0)
        np.savez(f"{directory}/{keras.backend.backend()}.npz", *model.get_weights())
"""
SAVED = ("conv-odd", "vae-vector")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Trained models in files, with their outputs, and their weights after further training on this backend."""
    keras.utils.set_random_seed(0)
    directory, data = tmp_path_factory.mktemp("saved"), {}
    for name in SAVED:
        model = MODELS[name]()
        x = images_for(model, n=20)
        model.compile(optimizer=keras.optimizers.Adam(0.01))
        model.fit(x, batch_size=10, epochs=2, shuffle=False, verbose=0)
        model.save(directory / f"{name}.keras")
        figures = model.evaluate(x, batch_size=10, verbose=0, return_dict=True)
        data |= {name: x, f"{name} out": model.reconstruct(x), f"{name} code": model.encode(x)}
        data[f"{name} figures"] = json.dumps(figures)
    np.savez(directory / "data.npz", **data)
    model.fit(x, batch_size=10, epochs=2, shuffle=False, verbose=0)
    return directory, model.get_weights()


@pytest.mark.eachbackend
def test_a_saved_model_continues_training_on_another_backend(saved):
    """On the next of the three backends, so that all of them write and read."""
    directory, ahead = saved
    backend = BACKENDS[(BACKENDS.index(BACKEND) + 1) % len(BACKENDS)]
    python(ELSEWHERE, directory, *SAVED, backend=backend)
    with np.load(directory / f"{backend}.npz") as arrays:
        for key, here in zip(arrays, ahead, strict=True):
            np.testing.assert_allclose(arrays[key], here, rtol=1e-3, atol=1e-4)


@pytest.mark.anybackend
def test_a_saved_model_works_on_a_backend_without_training(saved):
    python(ELSEWHERE, saved[0], *SAVED, backend="numpy")


@pytest.mark.parametrize("make", [sparse, vae], ids=["sparse", "vae"])
def test_a_loaded_model_continues_training(make, tmp_path):
    model = make()
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mae", metrics=["mse"])
    model.fit(X, batch_size=10, shuffle=False, verbose=0)
    model.save(tmp_path / "it.keras")
    loaded = keras.saving.load_model(tmp_path / "it.keras")
    assert type(loaded) is type(model)
    histories = [each.fit(X, batch_size=10, shuffle=False, verbose=0).history for each in (model, loaded)]
    assert set(histories[0]) == {"loss", "mse", *model.reported}
    for name, values in histories[0].items():
        assert values == pytest.approx(histories[1][name], rel=1e-5)
    assert_same_weights(model, loaded)


def test_weights_alone_can_be_saved_and_loaded(tmp_path):
    model, other = vae(), vae()
    model.fit(X, verbose=0)
    model.save_weights(tmp_path / "it.weights.h5")
    other.load_weights(tmp_path / "it.weights.h5")
    assert_same_weights(model, other, atol=0)


# Copies


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, keras.models.clone_model])
def test_a_copy_is_equal_and_independent(duplicate):
    model = vae()
    model.compile()
    twin = duplicate(model)
    assert type(twin) is type(model)
    assert twin.get_config() == model.get_config()
    if duplicate is not keras.models.clone_model:  # which promises new weights
        np.testing.assert_allclose(twin.reconstruct(X), model.reconstruct(X), atol=1e-6)
    before = model.get_weights()
    twin.fit(X, verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_one_image_is_enough_to_train():
    assert dense().fit(X[:1], verbose=0).history["loss"][0] > 0
    assert dense().predict(X[:1], verbose=0).shape == (1, *SHAPE)
