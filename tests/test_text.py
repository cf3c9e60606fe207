"""Cards as text for the terminal, and the table of entries in the README."""

import dataclasses
from pathlib import Path

import pytest

from kerasae import text, zoo
from kerasae.zoo.cards import Card, Code, Input, Reference

pytestmark = pytest.mark.anybackend
README = Path(__file__).parent.parent / "README.md"


@pytest.fixture
def table(tool):
    return tool("table")


def test_readme_table_is_current(table):
    document = README.read_text(encoding="utf-8")
    cards = [zoo.card(name) for name in zoo.names()]
    assert table.with_table(document, cards) == document, "run `make table`"
    for card in cards:
        assert f"`{card.name}`" in document


def test_table_is_written_and_checked(table, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"{table.BEGIN}\n{table.END}\n")
    assert table.main(["--check", str(page)]) == 1
    assert "is not current: run `python tools/table.py" in capsys.readouterr().out
    assert table.main([str(page)]) == 0
    assert table.main(["--check", str(page)]) == 0


def test_card_shows_every_figure_and_baseline():
    card = zoo.card("conv_mnist")
    shown = text.card(card)
    assert "48,770 parameters" in shown
    assert "(n, 7, 7, 1): 49 numbers for 784 input values" in shown
    for key, value in card.figures.items():
        assert text.figure(key, value) in shown
    assert "\n  BCE 0.0692 nats per pixel\n" in shown
    assert f"PCA-49:\n    MSE {card.baselines['pca']['mse']:.5f}" in shown


def test_card_of_any_model_is_shown_with_the_facts_it_has():
    own = Card(name="mine", class_name="DenseAutoencoder", parameters=7, input=Input((3,)), code=Code((1,), 1))
    assert text.card(own) == (
        "mine: \n\n  class       kerasae.models.DenseAutoencoder, 7 parameters\n  input       (n, 3) float32\n"
        "  code        (n, 1): 1 number for 3 input values\n"
    )
    assert "\n  charm 0.5" in text.card(dataclasses.replace(own, figures={"charm": 0.5}))
    adam = {"epochs": 3, "batch_size": 8, "learning_rate": 0.1, "decay": "constant"}
    for recipe, words in (
        (adam, "0.1\n"),
        (adam | {"ema_momentum": 0.9}, "0.1, moving average of the weights with mom"),
    ):
        assert f"batch size 8, Adam with learning rate {words}" in text.card(dataclasses.replace(own, recipe=recipe))


def test_table_keeps_the_text_around_it(table):
    card = zoo.card("linear_sine")
    document = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
    written = table.with_table(document, [card])
    assert written.startswith("before\n") and written.endswith("\nafter\n")
    assert "old" not in written and "<br>`linear_sine` | Linear autoencoder" in written
    assert "1 entries:\n\n**Points on a curve**" in written and "**Dense**" not in written
    assert table.with_table(written, [card]) == written


def test_document_without_markers(table):
    with pytest.raises(ValueError, match=r"No place for the table: expected a line <!-- entries -->"):
        table.with_table("nothing", [])


def test_table_compares_by_the_headline_or_else_by_the_second_figure(table):
    baselines = {
        "mean": {"mse": 0.2},
        "pca": {"mse": 0.1, "forest_accuracy": 0.8},
        "pixels": {"forest_accuracy": 0.9},
        "real": {},
    }
    card = dataclasses.replace(
        zoo.card("linear_sine"),
        headline="mse",
        code=Code((1000,), 1000),
        input=Input((28, 28, 1)),
        baselines=baselines,
    )
    assert table.table([card]).endswith("| mean: MSE&nbsp;0.20000<br>PCA-784: MSE&nbsp;0.10000 |")
    card = dataclasses.replace(card, headline="forest_accuracy", figures={"mse": 0.05, "forest_accuracy": 0.85})
    forests = "PCA-784: forest accuracy&nbsp;0.800<br>pixels: forest accuracy&nbsp;0.900"
    assert table.table([card]).endswith(f"| mean: MSE&nbsp;0.20000<br>{forests} |")


def test_table_shows_what_a_denoising_model_is_for(table):
    row = table.table([zoo.card("denoise_gauss_mnist")])
    assert "denoising BCE" in row and "| PCA-784: denoising MSE" in row and "median: denoising MSE" in row
    assert "<br>MSE" not in row


def test_card_shows_references_and_omits_baselines_without_figures():
    card = zoo.card("conv_mnist")
    reference = Reference("bce", 0.0693, "A blog (2017)")
    shown = text.card(dataclasses.replace(card, references=(reference,), baselines={**card.baselines, "real": {}}))
    assert shown.endswith("  A blog (2017):\n    BCE 0.0693")
    assert "real:" not in shown
