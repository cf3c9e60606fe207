"""The page of results, generated from the cards."""

from pathlib import Path

import pytest

from kerasae import zoo

pytestmark = pytest.mark.anybackend
PAGE = Path(__file__).parent.parent / "docs" / "results.md"


@pytest.fixture
def results(tool):
    return tool("results")


def card(name, data="mnist", **kwargs):
    return {
        "name": name,
        "data": data,
        "input": {"shape": [28, 28, 1]},
        "code": {"size": 16},
        "parameters": 1234,
        "figures": {"mse": 0.01, "bce": 0.1, "forest_accuracy": 0.8} | kwargs.pop("figures", {}),
        "baselines": {"pca": {"mse": 0.02, "forest_accuracy": 0.7}, "pixels": {"forest_accuracy": 0.9}},
    } | kwargs


def cells(page, start):
    """The cells of the first row that starts so."""
    row = next(line for line in page.splitlines() if line.startswith(f"| {start} "))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_page_is_current(results):
    cards = [zoo.card(name) for name in zoo.names()]
    assert PAGE.read_text(encoding="utf-8") == results.page(cards), "run `python tools/results.py docs/results.md`"
    for entry in cards:
        assert f"`{entry['name']}`" in PAGE.read_text(encoding="utf-8")
    assert results.chart(cards) is None or (PAGE.parent / results.CHART).stat().st_size > 10_000


def test_command_writes_and_checks(results, tmp_path, capsys):
    page = tmp_path / "results.md"
    assert results.main(["--check", str(page)]) == 1
    assert "is not current: run `python tools/results.py" in capsys.readouterr().out
    assert results.main([str(page)]) == 0
    assert results.main(["--check", str(page)]) == 0


def test_reconstruction_has_ratio_and_baselines(results):
    page = results.page([card("a")])
    assert cells(page, "`a`") == ["`a`", "16", "49", "1,234", "0.01000", "0.02000", "0.1000"]
    assert "Denoising" not in page and "Generation" not in page and "Fashion-MNIST" not in page


def test_features_are_ranked_and_the_best_is_named(results):
    cards = [card("a"), card("b", figures={"forest_accuracy": 0.85}), card("c", "fashion_mnist")]
    page = results.page(cards)
    assert "On MNIST the codes of `b` make the best features: 0.850 of the test images" in page
    assert "On Fashion-MNIST the codes of `c`" in page
    section = page.partition("## Codes as features")[2]
    assert section.index("| `b`") < section.index("| `a`")
    assert cells(section, "`b`") == ["`b`", "16", "0.850", "0.700", "0.900"]


def test_denoisers_are_compared_with_untrained_filters(results):
    noisy = card("a", figures={"denoised_mse": 0.02})
    noisy["baselines"] |= {"noisy": {"denoised_mse": 0.09}, "median": {"denoised_mse": 0.05}}
    section = results.page([noisy]).partition("## Denoising")[2]
    assert cells(section, "`a`") == ["`a`", "0.02000", "0.05000", "0.09000"]


def test_generative_models_have_sample_metrics(results):
    figures = {"sample_distance": 12.34, "mmd_to_prior": 0.00123, "class_accuracy": 0.95}
    model = card("a", figures=figures)
    model["baselines"] |= {"real": {"sample_distance": 0.5, "class_accuracy": 0.98}}
    section = results.page([model]).partition("## Generation")[2]
    assert cells(section, "entry") == ["entry", "sample distance", "real", "recognized", "real: recognized"]
    assert cells(section, "`a`") == ["`a`", "12.34", "0.50", "0.950", "0.980"]


def test_codes_are_sorted_by_distance_to_the_prior(results):
    far, near = (card(name, figures={"mse": 0.01, "mmd_to_prior": mmd}) for name, mmd in (("a", 0.5), ("b", 0.001)))
    section = results.page([far, near]).partition("## Codes and the prior")[2]
    assert cells(section, "`b`")[-2:] == ["0.0010", "0.01000"]
    assert section.index("`b`") < section.index("`a`")


def test_references_stand_beside_the_figure(results):
    references = [{"key": "bce", "value": 0.0777, "source": "A paper (Author, 2000)"}]
    section = results.page([card("a", references=references)]).partition("## Beside others")[2]
    assert cells(section, "`a`") == ["`a`", "BCE", "0.1000", "0.0777", "A paper (Author, 2000)"]


def test_chart_has_a_point_for_each_entry(results):
    figure = results.chart([card("a"), card("b"), card("c", "fashion_mnist")])
    names = [[tick.get_text() for tick in axes.get_yticklabels()] for axes in figure.axes]
    assert names == [["a (16)", "b (16)"], ["c (16)"]]
    assert results.chart([]) is None


def test_page_opens_with_the_number_of_entries_that_beat_a_baseline(results):
    worse = card("b", figures={"mse": 0.03, "forest_accuracy": 0.95})
    opening = results.page([card("a"), worse]).partition("Made from")[0]
    assert "- 1 of 2 reconstruct with a smaller MSE than PCA of the same code size (not `b`)." in opening
    assert "- 1 of 2 have codes that classify better than the pixels (not `a`)." in opening
    assert "median" not in opening and "samples" not in opening
