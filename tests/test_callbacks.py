"""`DrawProgress` draws the current reconstructions during training and does not change training."""

import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from conftest import BACKEND, conditional, denoising, dense, images, vae
from matplotlib.figure import Figure
from matplotlib.image import imread
from PIL import Image

import kerasae
from kerasae import callbacks
from kerasae.callbacks import DrawProgress

pytestmark = pytest.mark.shared


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def fit(model, draw, n=24, epochs=2, batch_size=8, **kwargs):
    model.compile(steps_per_execution=kwargs.pop("steps_per_execution", 1))
    return model.fit(images(n), epochs=epochs, batch_size=batch_size, callbacks=[draw], verbose=0, **kwargs)


@pytest.mark.anybackend
def test_one_figure_per_epoch_and_one_before_training(tmp_path):
    fit(dense(), DrawProgress(images(4), directory=tmp_path / "new" / "folder"))
    stills = ["epoch-0000.png", "epoch-0001.png", "epoch-0002.png"]
    assert names(tmp_path / "new" / "folder") == [*stills, "progress.gif"]
    for name in stills:
        assert imread(tmp_path / "new" / "folder" / name).shape[:2] > (50, 200)


@pytest.mark.anybackend
def test_the_pictures_end_as_an_animation(tmp_path):
    for _ in range(2):  # the second replaces the first one
        fit(dense(), DrawProgress(images(4), directory=tmp_path, every=2), epochs=4)
        with Image.open(tmp_path / "progress.gif") as animation, Image.open(tmp_path / "epoch-0004.png") as last:
            assert animation.n_frames == 3  # epochs 0, 2 and 4
            animation.seek(2)
            reduced = np.asarray(last.resize(animation.size).convert("L"), float)
            assert np.abs(np.asarray(animation.convert("L"), float) - reduced).mean() < 4  # of 255


def test_every_third_epoch_and_the_last():
    draw = DrawProgress(images(4), every=3)
    fit(dense(), draw, epochs=7)
    assert list(draw.snapshots) == ["epoch 0", "epoch 3", "epoch 6", "epoch 7"]


@pytest.mark.anybackend
def test_batches_are_watched_only_with_unit_batch():
    default = keras.callbacks.Callback.on_train_batch_end
    assert DrawProgress(images(4)).on_train_batch_end.__func__ is default
    assert DrawProgress(images(4), unit="batch").on_train_batch_end.__func__ is not default


# On PyTorch Keras executes one at a time.
@pytest.mark.eachbackend
@pytest.mark.parametrize(("steps", "drawn"), [(1, [0, 2, 4, 6]), (2, [0, 2, 5, 6])][: 1 + (BACKEND != "torch")])
def test_batches_are_counted_across_epochs(steps, drawn):
    draw = DrawProgress(images(4), every=2, unit="batch")
    fit(dense(), draw, steps_per_execution=steps)  # 3 batches per epoch
    assert list(draw.snapshots) == [f"batch {batch}" for batch in drawn]


@pytest.mark.parametrize("unit", ["epoch", "batch"])
def test_snapshots_are_the_reconstructions_at_their_time(unit):
    model, x = dense(), images(4)
    before = model.reconstruct(x)
    draw = DrawProgress(x, unit=unit)
    fit(model, draw)
    first, *_, last = draw.snapshots.values()
    np.testing.assert_allclose(first, before, atol=1e-6)
    np.testing.assert_allclose(last, model.reconstruct(x), atol=1e-6)
    assert all((a != b).any() for a, b in zip(draw.snapshots.values(), list(draw.snapshots.values())[1:], strict=False))


@pytest.mark.parametrize("make", [dense, denoising, vae])
def test_drawing_does_not_change_training(make):
    finals = []
    for draw in (None, DrawProgress(images(4), unit="batch")):
        keras.utils.set_random_seed(0)
        model = make()
        model.fit(images(24), epochs=2, batch_size=8, verbose=0, callbacks=[draw] if draw else [])
        finals.append(model.get_weights())
    for plain, watched in zip(*finals, strict=True):
        np.testing.assert_allclose(plain, watched, atol=1e-6)


@pytest.fixture
def drawn(monkeypatch):
    """The arguments of all calls of plotting functions, which draw nothing: figures do not depend on the backend."""
    calls = []
    for name in ("rows", "manifold", "samples", "history"):

        def spy(*args, name=name, **kwargs):
            calls.append((name, args, kwargs))
            return Figure(figsize=(1, 1))

        monkeypatch.setattr(kerasae.plots, name, spy)
    return calls


def test_the_loss_curves_end_at_the_current_epoch(drawn, tmp_path):
    model = dense()
    history = fit(
        model, DrawProgress(images(4), directory=tmp_path), epochs=3, validation_data=images(8), validation_freq=2
    )
    curves = [args[0] for name, args, _ in drawn if name == "history"]
    assert [curve.epoch for curve in curves] == [[0], [0, 1], [0, 1, 2]]
    assert curves[-1].history["loss"] == history.history["loss"]
    np.testing.assert_array_equal(curves[-1].history["val_loss"], [np.nan, *history.history["val_loss"], np.nan])


@pytest.mark.parametrize(("unit", "label"), [("epoch", None), ("batch", "mean since the epoch began")])
def test_losses_within_an_epoch_are_labeled_as_running_means(drawn, tmp_path, unit, label):
    model = dense()
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mean_squared_error")
    x = images(24)
    model.fit(x, batch_size=8, verbose=0, callbacks=[DrawProgress(x, unit=unit, directory=tmp_path)], shuffle=False)
    args, kwargs = [(args, kwargs) for name, args, kwargs in drawn if name == "history"][-1]
    assert (kwargs["unit"], kwargs["units"]) == (unit, label)
    # With constant weights: the mean over the batches so far, not the loss of the last one.
    so_far = [np.square(x[:n] - model.reconstruct(x[:n])).mean() for n in ((24,) if unit == "epoch" else (8, 16, 24))]
    np.testing.assert_allclose(args[0].history["loss"], so_far, rtol=1e-4)


def test_a_denoising_model_shows_clean_noisy_and_cleaned_images(drawn, tmp_path):
    model, x = denoising(), images(4)
    draw = DrawProgress(x, directory=tmp_path)
    fit(model, draw, epochs=1)
    rows = next(args[0] for name, args, _ in reversed(drawn) if name == "rows")
    assert list(rows) == ["clean", "noisy", "cleaned"]
    np.testing.assert_array_equal(rows["noisy"], kerasae.metrics.noisy(model, x))
    np.testing.assert_allclose(draw.snapshots["epoch 1"], model.reconstruct(rows["noisy"]), atol=1e-6)


def test_a_generative_model_adds_samples_of_fixed_codes(drawn, tmp_path):
    model = vae()
    fit(model, DrawProgress(images(4), directory=tmp_path), epochs=1)
    samples = [args[0] for name, args, _ in drawn if name == "samples"]
    assert [len(x) for x in samples] == [4, 4]
    np.testing.assert_allclose(samples[-1], model.generate(4, seed=0), atol=1e-6)


def test_a_conditional_model_uses_the_given_labels(drawn, tmp_path):
    model, x, label = conditional(), images(20), np.arange(20) % 3
    given = {"x": x[:4], "label": label[:4]}
    draw = DrawProgress(given, directory=tmp_path)
    model.fit({"x": x, "label": label}, callbacks=[draw], verbose=0)
    samples = [args[0] for name, args, _ in drawn if name == "samples"][-1]
    np.testing.assert_allclose(draw.snapshots["epoch 1"], model.reconstruct(**given), atol=1e-6)
    np.testing.assert_allclose(samples, model.generate(4, seed=0, label=label[:4]), atol=1e-6)


@pytest.mark.anybackend
@pytest.mark.parametrize("make", [denoising, vae])
def test_figures_of_noisy_images_and_of_samples_are_drawn(make, tmp_path):
    fit(make(), DrawProgress(images(4), directory=tmp_path), epochs=1)
    assert names(tmp_path) == ["epoch-0000.png", "epoch-0001.png", "progress.gif"]


@pytest.mark.anybackend
def test_points_are_drawn_as_a_manifold(drawn, tmp_path):
    model = kerasae.models.LinearAutoencoder((2,))
    model.fit(kerasae.data.sine(n=40).x_train, callbacks=[DrawProgress(np.eye(2), directory=tmp_path)], verbose=0)
    assert [name for name, *_ in drawn] == ["manifold", "manifold", "history"]
    assert names(tmp_path) == ["epoch-0000.png", "epoch-0001.png", "progress.gif"]


def test_a_second_fit_counts_from_initial_epoch():
    draw, model = DrawProgress(images(4)), dense()
    fit(model, draw, epochs=1)
    fit(model, draw, epochs=3, initial_epoch=2)
    assert list(draw.snapshots) == ["epoch 2", "epoch 3"]


@pytest.mark.anybackend
def test_a_notebook_replaces_the_figure_before(monkeypatch):
    shown = []

    def display(picture, display_id):
        shown.append(("new", picture))
        return SimpleNamespace(update=lambda picture: shown.append(("update", picture)))

    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    fit(dense(), DrawProgress(images(4)))
    assert [how for how, _ in shown] == ["new", "update", "update"]
    assert all(picture._repr_png_()[0].startswith(b"\x89PNG") for _, picture in shown)
    fit(dense(), DrawProgress(images(4), show=False))
    assert len(shown) == 3


@pytest.mark.anybackend
@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_nothing_is_shown_outside_of_notebooks(monkeypatch, shell):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert not callbacks._in_notebook()
    monkeypatch.delitem(sys.modules, "IPython")
    assert not callbacks._in_notebook()


@pytest.mark.anybackend
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every": 0}, "every must be a positive integer. Received: 0"),
        ({"unit": "step"}, "unit must be 'epoch' or 'batch'. Received: 'step'"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        DrawProgress(images(4), **arguments)


def test_examples_of_a_wrong_shape_are_refused_before_training():
    model = dense()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"x must have shape \(n, 6, 5, 1\)"):
        fit(model, DrawProgress(images(4, (5, 5, 1))))
    for weights, kept in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, kept)
