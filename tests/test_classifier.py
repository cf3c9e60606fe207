"""Feature classifiers: the arrays in the package, and the command that trains them."""

import json
import shutil

import keras
import numpy as np
import pytest

from kerasae import data, metrics, zoo
from kerasae.metrics import classifier
from kerasae.zoo import store

pytestmark = pytest.mark.anybackend


@pytest.mark.parametrize(("name", "least"), [("mnist", 0.99), ("fashion_mnist", 0.9)])
def test_shipped_classifiers_reach_the_accuracy_on_their_cards(name, least, tool):
    dataset, card = getattr(data, name)(), classifier.card(name)
    assert classifier.load(name).accuracy(dataset.x_test, dataset.y_test) == pytest.approx(card["accuracy"], abs=2e-4)
    assert card["accuracy"] >= least
    assert (card["hold_out"], card["settings"]) == (0, tool("classifier").SETTINGS)
    variance = classifier.load(name).features(dataset.x_train[:20000]).var(axis=0).sum()
    assert variance == pytest.approx(tool("classifier").VARIANCE, rel=0.02)
    assert (classifier.DIRECTORY / f"{name}.npz").stat().st_size < 500_000


@pytest.fixture
def copy(tmp_path):
    """A copy of a classifier's files, to be damaged."""
    return shutil.copytree(classifier.DIRECTORY, tmp_path / "classifiers")


@pytest.fixture
def trainer(monkeypatch, tool):
    """The command that trains, on a thousand of scikit-learn's digits as MNIST and for three epochs."""
    monkeypatch.setattr(data, "mnist", data.digits)
    module = tool("classifier")
    monkeypatch.setattr(module, "SETTINGS", module.SETTINGS | {"epochs": 3, "filters": [4, 8]})
    return module


def test_forward_pass_is_that_of_keras(trainer):
    x = data.digits().x_train[:600]
    model = trainer._network((28, 28, 1), 10, trainer.SETTINGS)
    weights = model.get_weights()
    network = classifier.FeatureClassifier(tuple(weights[::2]), tuple(weights[1::2]))
    logits = model.predict(x, verbose=0)
    np.testing.assert_allclose(network.features(x) @ weights[-2] + weights[-1], logits, atol=1e-5)
    np.testing.assert_array_equal(network.predict(x), logits.argmax(axis=1))


def test_features_are_scaled_and_the_logits_stay(trainer):
    x = data.digits().x_train
    weights = trainer._network((28, 28, 1), 10, trainer.SETTINGS).get_weights()
    network = classifier.FeatureClassifier(tuple(weights[::2]), tuple(weights[1::2]))
    scaled = trainer.scaled(network, x)
    assert scaled.features(x).var(axis=0).sum() == pytest.approx(trainer.VARIANCE, rel=1e-4)
    np.testing.assert_allclose(scaled.features(x) @ scaled.kernels[-1], network.features(x) @ weights[-2], atol=1e-4)


def test_training_is_measured_on_the_held_out_images(trainer):
    network, card = trainer.train("mnist", hold_out=200)
    x, y = data.digits().x_train, data.digits().y_train
    assert network.features(x).shape == (len(x), 64) and network.features(x).min() == 0
    assert card["accuracy"] == network.accuracy(x[-200:], y[-200:]) > 0.5
    assert (card["hold_out"], card["settings"], card["backend"]) == (200, trainer.SETTINGS, keras.backend.backend())


def test_images_are_shifted_by_whole_pixels(trainer):
    x = np.zeros((500, 28, 28, 1), "float32")
    x[:, 10, 12] = 1
    places = np.argwhere(trainer.shifted(x, 2, np.random.default_rng(0)))
    assert places.shape == (500, 4)
    np.testing.assert_array_equal(np.unique(places[:, 1]), range(8, 13))
    np.testing.assert_array_equal(np.unique(places[:, 2]), range(10, 15))


def test_command_writes_what_load_reads(trainer, tmp_path, capsys):
    assert trainer.main(["mnist", "--out", str(tmp_path), "--epochs", "2"]) == 0
    written = classifier.card("mnist", tmp_path)
    assert f"accuracy {written['accuracy']:.4f} after 2 epochs" in capsys.readouterr().out
    digits = data.digits()
    assert classifier.load("mnist", tmp_path).accuracy(digits.x_test, digits.y_test) == written["accuracy"]


def test_cards_get_the_sample_metrics_of_a_new_classifier(tool, tmp_path, monkeypatch):
    network = classifier.load("mnist")
    monkeypatch.setattr(classifier, "find", lambda dataset: network)
    monkeypatch.setattr(data, "mnist", data.digits)
    shutil.copytree(store.root() / "cvae_mnist", tmp_path / "cvae_mnist")
    monkeypatch.setattr(store, "root", lambda: tmp_path)
    path = tmp_path / "cvae_mnist" / "metadata.json"
    before = json.loads(path.read_text())
    lines = tool("sample_metrics").update("cvae_mnist")
    after = json.loads(path.read_text())
    figures, digits = after["figures"], data.digits()
    samples = zoo.load("cvae_mnist").generate(len(digits.x_test), seed=0, label=digits.y_test)
    expected = metrics.frechet_distance(network.features(samples), network.features(digits.x_test))
    assert figures["sample_distance"] == pytest.approx(expected, rel=1e-4)
    assert after["baselines"]["real"]["class_accuracy"] == pytest.approx(network.accuracy(digits.x_test, digits.y_test))
    changed = {key for key in figures if figures[key] != before["figures"][key]}
    assert changed == {"sample_distance", "class_accuracy"}
    assert after | {key: before[key] for key in ("figures", "figures_of_first", "baselines")} == before
    assert f"cvae_mnist  figures  sample_distance: {before['figures']['sample_distance']} → " in lines[0]


def test_classifier_is_found_by_the_data():
    mnist = data.mnist()
    assert classifier.find(mnist) is classifier.load("mnist")
    assert classifier.find(mnist._replace(x_train=mnist.x_train[:10])) is classifier.load("mnist")
    assert classifier.find(data.fashion_mnist()) is classifier.load("fashion_mnist")
    assert classifier.find(data.digits()) is None


def test_unknown_classifier(tool):
    with pytest.raises(ValueError, match=r"No classifier named 'mnits'. Did you mean 'mnist'\?"):
        classifier.load("mnits")
    with pytest.raises(ValueError, match="No classifier named 'mnits'"):
        tool("classifier").train("mnits")


@pytest.mark.parametrize("hold_out", [-1, 1437])
def test_hold_out_must_leave_training_images(trainer, hold_out):
    with pytest.raises(ValueError, match=f"hold_out must be from 0 to 1436. Received: {hold_out}"):
        trainer.train("mnist", hold_out)


def test_weights_of_another_card_are_refused(copy):
    shutil.copy(copy / "fashion_mnist.npz", copy / "mnist.npz")
    with pytest.raises(ValueError, match=r"mnist.npz is missing or damaged.*SHA-256.*python tools/classifier.py mnist"):
        classifier.load("mnist", copy)


def test_missing_files_are_named(copy):
    (copy / "mnist.npz").unlink()
    with pytest.raises(ValueError, match=r"mnist.npz is missing or damaged: FileNotFoundError"):
        classifier.load("mnist", copy)
    (copy / "mnist.json").unlink()
    with pytest.raises(ValueError, match=r"mnist.json is missing or damaged: FileNotFoundError"):
        classifier.load("mnist", copy)


def test_pickles_are_not_loaded(copy):
    """Even with the right checksum, arrays are data and no code in them is run."""
    np.savez(copy / "mnist.npz", kernel_0=np.array([print], dtype=object), bias_0=np.zeros(1))
    card = classifier.card("mnist", copy)
    card["sha256"] = classifier.hashlib.sha256((copy / "mnist.npz").read_bytes()).hexdigest()
    (copy / "mnist.json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match=r"mnist.npz is missing or damaged.*expected an array of numbers"):
        classifier.load("mnist", copy)
