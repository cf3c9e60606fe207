"""Cards as text, and the README's table."""

from pathlib import Path

import pytest

from kerasae import text, zoo

pytestmark = pytest.mark.anybackend
README = Path(__file__).parent.parent / "README.md"


def test_readme_table_is_current():
    document = README.read_text()
    cards = [zoo.card(name) for name in zoo.names()]
    assert text.with_table(document, cards) == document, "run `make table`"
    for card in cards:
        assert f"`{card['name']}`" in document


def test_card_shows_every_figure_and_baseline():
    card = zoo.card("conv_mnist")
    shown = text.card(card)
    assert "48,770 parameters" in shown
    assert "(n, 7, 7, 1): 49 for 784 numbers" in shown
    for key, value in card["figures"].items():
        assert text.figure(key, value) in shown
    assert f"PCA-49:\n    MSE {card['baselines']['pca']['mse']:.5f}" in shown


def test_table_keeps_what_stands_around_it():
    card = zoo.card("linear_sine")
    document = f"before\n{text.BEGIN}\nold\n{text.END}\nafter\n"
    written = text.with_table(document, [card])
    assert written.startswith("before\n") and written.endswith("\nafter\n")
    assert "old" not in written and "| `linear_sine` |" in written
    assert text.with_table(written, [card]) == written


def test_document_without_markers():
    with pytest.raises(ValueError, match=r"No place for the table: expected a line <!-- entries -->"):
        text.with_table("nothing", [])


def test_table_compares_by_the_headline_and_with_pca():
    card = zoo.card("linear_sine") | {"headline": "mse", "code": {"size": 1000}, "input": {"shape": [28, 28, 1]}}
    card["baselines"] = {
        "mean": {"mse": 0.2},
        "pca": {"mse": 0.1, "forest_accuracy": 0.8},
        "pixels": {"forest_accuracy": 0.9},
        "real": {},
    }
    assert text.table([card]).endswith("| mean: MSE 0.20000; PCA-784: MSE 0.10000 |")
    card |= {"headline": "forest_accuracy", "figures": {"mse": 0.05, "forest_accuracy": 0.85}}
    assert text.table([card]).endswith("| PCA-784: forest accuracy 0.800; pixels: forest accuracy 0.900 |")


def test_card_shows_references_and_passes_over_baselines_without_figures():
    card = zoo.card("conv_mnist")
    card["references"] = [{"key": "bce", "value": 0.0693, "source": "A blog (2017)"}]
    card["baselines"]["real"] = {}
    shown = text.card(card)
    assert shown.endswith("  A blog (2017):\n    BCE 0.0693")
    assert "real:" not in shown
