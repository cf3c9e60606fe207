"""Feature classifiers: the arrays in the package, and the command that trains them."""

import json
import shutil

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from kerasae import data
from kerasae.metrics import classifier

pytestmark = [pytest.mark.anybackend, pytest.mark.filterwarnings("ignore:.*Maximum iterations")]


@pytest.mark.parametrize(("name", "least"), [("mnist", 0.98), ("fashion_mnist", 0.89)])
def test_shipped_classifiers_reach_the_accuracy_on_their_cards(name, least):
    dataset, card = getattr(data, name)(), classifier.card(name)
    assert classifier.load(name).accuracy(dataset.x_test, dataset.y_test) == pytest.approx(card["accuracy"], abs=2e-4)
    assert card["accuracy"] >= least
    assert (card["hold_out"], card["settings"]) == (0, classifier.SETTINGS)
    assert (classifier.DIRECTORY / f"{name}.npz").stat().st_size < 500_000


@pytest.fixture
def copy(tmp_path):
    """A copy of a classifier's files, to be damaged."""
    return shutil.copytree(classifier.DIRECTORY, tmp_path / "classifiers")


@pytest.fixture
def few(monkeypatch):
    """Use a thousand of scikit-learn's digits as MNIST, so training takes a second."""
    monkeypatch.setattr(data, "mnist", data.digits)
    monkeypatch.setattr(classifier, "SETTINGS", classifier.SETTINGS | {"max_iter": 5, "tol": 0.0})


def test_forward_pass_is_that_of_scikit_learn(few, monkeypatch):
    fitted = []
    fit = MLPClassifier.fit
    monkeypatch.setattr(MLPClassifier, "fit", lambda self, *args: fitted.append(fit(self, *args)) or fitted[-1])
    network, card = classifier.train("mnist", hold_out=200)
    x, y = data.digits().x_train, data.digits().y_train
    assert (network.predict(x) == fitted[0].predict(x.reshape(len(x), -1))).mean() > 0.999
    assert network.features(x).shape == (len(x), 64) and network.features(x).min() == 0
    assert card["accuracy"] == network.accuracy(x[-200:], y[-200:]) > 0.5
    assert (card["hold_out"], card["epochs"]) == (200, 5)


def test_command_writes_what_load_reads(few, tool, tmp_path, capsys):
    assert tool("classifier").main(["mnist", "--out", str(tmp_path)]) == 0
    written = classifier.card("mnist", tmp_path)
    assert f"accuracy {written['accuracy']:.4f} after 5 epochs" in capsys.readouterr().out
    digits = data.digits()
    assert classifier.load("mnist", tmp_path).accuracy(digits.x_test, digits.y_test) == written["accuracy"]


def test_classifier_is_found_by_the_data():
    mnist = data.mnist()
    assert classifier.find(mnist) is classifier.load("mnist")
    assert classifier.find(mnist._replace(x_train=mnist.x_train[:10])) is classifier.load("mnist")
    assert classifier.find(data.fashion_mnist()) is classifier.load("fashion_mnist")
    assert classifier.find(data.digits()) is None


def test_unknown_classifier():
    with pytest.raises(ValueError, match=r"No classifier named 'mnits'. Did you mean 'mnist'\?"):
        classifier.train("mnits")


@pytest.mark.parametrize("hold_out", [-1, 1437])
def test_hold_out_must_leave_training_images(few, hold_out):
    with pytest.raises(ValueError, match=f"hold_out must be from 0 to 1436. Received: {hold_out}"):
        classifier.train("mnist", hold_out)


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
