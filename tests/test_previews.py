"""The picture of an entry shows what is characteristic of the model, for any data."""

import json

import numpy as np
import pytest
from conftest import adversarial, conditional, conv, denoising, dense, images, quantized, vae, vaegan
from matplotlib.figure import Figure

from kerasae import data, metrics, models, plots, zoo
from kerasae.metrics import baselines
from kerasae.plots.style import png
from kerasae.zoo import preview_figures, previews, recipes

pytestmark = pytest.mark.anybackend


def labeled(model, n=30, classes=3):
    x = images(n, model.data_shape)
    return data.Dataset(x, np.arange(n) % classes, x[::-1], np.arange(n) % classes)


def flat2():
    return models.DenseAutoencoder((6, 5, 1), (8,), 2)


def of_points():
    return models.DenseAutoencoder((2,), (4,), 1, value_range=None, output_activation="linear")


CHARACTERISTIC = {
    "reconstructions": dense,
    "denoising": denoising,
    "code_map": flat2,
    "samples_per_class": conditional,
    "samples_and_reconstructions": vae,
    "samples_and_prior": adversarial,
    "samples": vaegan,
    "codebook": quantized,
    "points": of_points,
    "curves": lambda: models.DenseAutoencoder((4,), (4,), 2),
}


@pytest.mark.parametrize("name", CHARACTERISTIC)
def test_model_and_data_decide_what_is_drawn(name, monkeypatch):
    model, drawn = CHARACTERISTIC[name](), []
    real = getattr(preview_figures, name)
    monkeypatch.setattr(preview_figures, name, lambda *given: drawn.append(name) or real(*given))
    figure = previews.preview("mine", model, labeled(model))
    assert drawn == [name]
    assert isinstance(figure, Figure)
    assert png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("shown", previews.SHOWN)
def test_recipes_can_name_what_is_drawn(shown):
    model = conv() if shown == "filters" else dense()
    assert isinstance(previews.preview("mine", model, labeled(model), shown), Figure)
    assert shown in {recipe.shown for recipe in recipes.RECIPES.values()} | {"reconstructions"}


def test_every_recipe_names_a_picture_that_is_there():
    assert {recipe.shown for recipe in recipes.RECIPES.values()} - {None} <= previews.SHOWN.keys()
    with pytest.raises(ValueError, match="shown must be one of 'beside_pca', .* Received: 'faces'"):
        previews.preview("mine", dense(), None, "faces")


@pytest.mark.parametrize(
    ("shape", "code_size"),
    [((6, 5), 2), ((6, 5, 3), 3), ((6, 5, 2), 3), ((4, 6, 5, 1), 2), ((4, 6, 5, 1), 3), ((9, 2), 2), ((7,), 3)],
    ids=["gray", "color", "two channels", "map of volumes", "volume", "series", "table"],
)
def test_data_of_ones_own(shape, code_size):
    model = models.DenseAutoencoder(shape, (4,), code_size)
    x = images(12, shape)
    assert isinstance(previews.preview("mine", model, (x, x)), Figure)


def test_without_data_inputs_are_made_by_a_formula():
    assert isinstance(previews.preview("mine", dense()), Figure)


def rows_of(monkeypatch, draw, model, dataset):
    """The rows of images that a function draws, by name, and the options of the call."""
    calls = []
    real = plots.rows
    monkeypatch.setattr(plots, "rows", lambda rows, **options: calls.append((rows, options)) or real(rows, **options))
    draw("mine", model, dataset)
    return calls[0]


def test_errors_beside_those_of_pca(monkeypatch):
    model = dense()
    dataset = labeled(model)
    rows, _ = rows_of(monkeypatch, preview_figures.errors, model, dataset)
    x = dataset.x_test[:3]  # one per class
    np.testing.assert_array_equal(rows["input"], x)
    flat = dataset.x_train.reshape(30, -1)
    projected = baselines.project(baselines.fit_pca(flat, 3), x.reshape(3, -1)).reshape(x.shape)
    np.testing.assert_allclose(rows["PCA-3"], projected, atol=1e-6)
    np.testing.assert_allclose(rows["5 × error, PCA-3"], (5 * np.abs(projected - x)).clip(0, 1), atol=1e-5)


def test_cleaned_images_and_their_errors(monkeypatch):
    model = denoising()
    dataset = labeled(model)
    rows, options = rows_of(monkeypatch, preview_figures.denoising, model, dataset)
    noisy = metrics.noisy(model, dataset.x_test)
    np.testing.assert_array_equal(rows["noisy"], noisy[:3])
    np.testing.assert_allclose(rows["cleaned"], model.reconstruct(noisy[:3]), atol=1e-6)
    before, after = (np.square(made - dataset.x_test).mean() for made in (noisy, model.reconstruct(noisy)))
    assert options["title"] == f"mine: MSE {before:.4f} noisy, {after:.4f} cleaned (30 test images)"


def test_samples_of_a_column_have_one_code(monkeypatch):
    model = conditional()
    rows, _ = rows_of(monkeypatch, preview_figures.samples_per_class, model, labeled(model))
    assert list(rows) == ["0", "1", "2"]
    codes = np.random.default_rng(0).normal(size=(10, 4)).astype("float32")
    np.testing.assert_allclose(rows["2"], model.decode(codes, label=2), atol=1e-6)


def test_coordinates_that_tell_the_classes_apart_and_do_not_repeat():
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    z = rng.normal(size=(300, 6))
    z[:, 4] += 5 * (y == 1)
    z[:, 2] += 4 * (y == 2)
    z[:, 5] = -z[:, 4]  # tells nothing new
    assert set(preview_figures._telling(z, y, 2)) in ({2, 4}, {2, 5})
    assert len(preview_figures._telling(np.zeros((9, 2)), None, 2)) == 2


def test_another_picture_leaves_the_rest_of_an_entry(tmp_path):
    model = of_points()
    zoo.save(model, tmp_path / "mine")
    before = {path.name: path.read_bytes() for path in (tmp_path / "mine").iterdir()}
    zoo.writing.replace_preview(tmp_path / "mine", Figure((1, 1), facecolor="red"))
    after = {path.name: path.read_bytes() for path in (tmp_path / "mine").iterdir()}
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"metadata.json", "preview.png"}
    old, new = (json.loads(content["metadata.json"]) for content in (before, after))
    assert old.pop("files") | {"preview.png": None} == new.pop("files") | {"preview.png": None}
    assert old == new
    zoo.load(tmp_path / "mine")  # checksums included


def test_shipped_pictures_stay_unless_asked():
    directory = zoo.store.directory_of("linear_sine")
    with pytest.raises(ValueError, match="directory must not be that of the pretrained entries"):
        zoo.writing.replace_preview(directory, Figure())
