"""Cards as typed, versioned objects, and cards of any model and data."""

import dataclasses
import json

import numpy as np
import pytest
from conftest import python

from kerasae import data, metrics, models, zoo
from kerasae.zoo.cards import Card, Provenance
from kerasae.zoo.describe import describe
from kerasae.zoo.previews import preview

pytestmark = pytest.mark.shared

OWN = {
    "name": "mine",
    "class": "DenseAutoencoder",
    "parameters": 7,
    "input": {"shape": [3], "range": [0, 1]},
    "code": {"shape": [1], "size": 1},
}


@pytest.mark.anybackend
@pytest.mark.parametrize("name", zoo.names())
def test_card_and_json_are_the_same(name):
    content = json.loads((zoo.store.root() / name / zoo.METADATA).read_text(encoding="utf-8"))
    card = zoo.card(name)
    assert json.loads(json.dumps(card.to_json())) == content
    assert card["source"] == card.source == content["source"]
    assert card == Card.from_json(card)


@pytest.mark.anybackend
@pytest.mark.parametrize("name", zoo.names())
def test_a_pretrained_entry_says_its_license_and_where_it_comes_from(name):
    card = zoo.card(name)
    assert card.license and card.source
    assert card.provenance.author and card.provenance.data and card.provenance.command


@pytest.mark.anybackend
def test_card_without_a_format_is_read():
    card = Card.from_json(OWN | {"golden": {"code": [[0.5]]}})
    assert (card.format, card.input.range, card.source, "source" in card) == (1, (0, 1), None, False)


@pytest.mark.anybackend
def test_license_and_provenance_are_kept():
    who = Provenance("Ada", "scans of 1843", "kerasae train mine")
    card = dataclasses.replace(Card.from_json(OWN), license="Apache-2.0", provenance=who)
    assert card["provenance"] == {"author": "Ada", "data": "scans of 1843", "command": "kerasae train mine"}
    assert Card.from_json(card.to_json()).provenance == who


@pytest.mark.anybackend
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "Expected format 1. Received 2. Upgrade kerasae"),
        ({"parameters": "7"}, "Field parameters must be an integer, 0 or more. Received: '7'"),
        ({"input": None}, "Field input must be an object. Received: None"),
        ({"input": {"shape": [3], "range": [0]}}, "Field input.range must be two numbers or null"),
        ({"code": {"size": 1}}, "Expected a field code.shape. Received none"),
        ({"figures": {"mse": "small"}}, "Field figures.mse must be a number. Received: 'small'"),
        ({"references": [{"key": "mse", "value": 1, "source": 3}]}, r"Field references\[0\].source must be a string"),
        ({"recipe": {"epochs": []}}, "Field recipe.epochs must be a string, a number or null"),
    ],
)
def test_damaged_field_is_named(change, message):
    with pytest.raises(ValueError, match=f"The card of mine can't be read. {message}"):
        Card.from_json(OWN | change, "mine")


@pytest.mark.anybackend
def test_missing_field_is_named():
    with pytest.raises(ValueError, match="The card of an entry can't be read. Expected a field class. Received none."):
        Card.from_json({key: value for key, value in OWN.items() if key != "class"})


@pytest.mark.anybackend
def test_cards_need_neither_keras_nor_numpy():
    code = "import sys, kerasae.text; kerasae.text.card(kerasae.zoo.card('vae_mnist'))"
    python(code + "; assert not {'keras', 'numpy'} & set(sys.modules)")


def test_card_of_any_model_and_arrays(tmp_path):
    x = np.random.default_rng(0).random((60, 6, 5, 1), dtype="float32")
    model = models.DenseAutoencoder((6, 5, 1), (8,), 3)
    card = describe(model, (x[:40], x[40:]), name="mine", license="MIT")
    assert card.figures.keys() == metrics.figures_of(model, x[40:]).keys()
    assert card.figures["mse"] == pytest.approx(metrics.mean_squared_error(x[40:], model.reconstruct(x[40:])), rel=1e-4)
    mean = metrics.mean_squared_error(x[40:], x[:40].mean(axis=0))
    assert card.baselines["mean"]["mse"] == pytest.approx(mean, rel=1e-4)
    zoo.writing.write(tmp_path / "mine", model, card, preview("mine", model, (x[:40], x[40:])))
    assert zoo.card(tmp_path / "mine") == dataclasses.replace(card, files=zoo.card(tmp_path / "mine").files)


def test_card_of_vectors_with_labels():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)).astype("float32"), rng.integers(3, size=60)
    model = models.DenseAutoencoder((4,), (8,), 2, value_range=None, output_activation="linear")
    card = describe(model, data.Dataset(x[:40], y[:40], x[40:], y[40:]), name="mine", description="Points")
    assert (card.headline, card.description) == ("mse", "Points")
    assert "bce" not in card.figures and "forest_accuracy" not in card.figures  # they are of images


def test_describe_refuses_other_data():
    with pytest.raises(ValueError, match=r"dataset must be a kerasae.data.Dataset or two arrays.*Received: ndarray"):
        describe(models.LinearAutoencoder((2,)), np.zeros((3, 2)), name="mine")
