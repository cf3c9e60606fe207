"""The demonstration, with and without MNIST."""

import math

import pytest

from kerasae import data, demo, zoo
from kerasae.zoo.cards import FIRST

pytestmark = pytest.mark.shared


@pytest.mark.anybackend
def test_on_mnist(monkeypatch):
    mnist = data.mnist()
    few = mnist._replace(x_test=mnist.x_test[:FIRST], y_test=mnist.y_test[:FIRST])
    monkeypatch.setattr(data, "mnist", lambda: few)
    result = demo.run()
    assert result.source == "MNIST test set" and result.images == FIRST
    ours, pca, mean = result.errors.values()
    assert ours == pytest.approx(zoo.card(demo.ENTRY)["figures_of_first"][str(FIRST)]["mse"], rel=1e-4)
    assert ours < pca < mean


def test_on_digits_pca_is_quoted_from_the_card(monkeypatch):
    monkeypatch.setattr(data, "is_at_hand", lambda name: False)
    result = demo.run()
    assert "scikit-learn" in result.source and result.images == len(data.digits().x_test)
    ours, pca, mean = result.errors.values()
    assert "from the card" in list(result.errors)[1]
    assert pca == zoo.card(demo.ENTRY)["baselines"]["pca"]["mse"]
    assert math.isfinite(ours) and ours < mean
