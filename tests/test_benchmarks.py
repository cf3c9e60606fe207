"""The pages on speed, outliers and agreement, generated from the stored measurements."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import BACKEND

from kerasae import data, models, zoo
from kerasae.zoo import recipes

pytestmark = pytest.mark.anybackend

ROOT = Path(__file__).parents[1]

SPREAD = {"median": 0.5, "least": 0.4, "most": 0.6}
PEER = {"epoch_seconds": SPREAD, "images_a_second": 2000.0, "first_step": 5.0, "compiling": 1.0, "memory": 700.0}
NATIVE = PEER | {"epoch_seconds": {"median": 0.25, "least": 0.2, "most": 0.3}, "seconds_to_loss": 1.5}
RECORD = {
    "training": {
        "dense8_mnist": {"images": 1000, "reach": 26.0, "native": NATIVE, "kerasae": PEER | {"seconds_to_loss": None}}
    },
    "inference": {"dense8_mnist": {"encode 1": {"kerasae": SPREAD, "native": SPREAD}}},
    "startup": {"python": SPREAD},
    "machine": {"training": {"cores": 2}},
}


@pytest.fixture
def benchmark(monkeypatch):
    """A function that imports a module of `benchmarks/`."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module


def test_the_page_shows_ratios_and_losses_that_were_not_reached(benchmark, tmp_path):
    page = benchmark("page")
    text = page.page({"jax": RECORD})
    assert "| `dense8_mnist` | JAX | kerasae | 2,000 (1,667 to 2,500) | 2.00 | 5.0 | 1.0 | 700 | 26: – |" in text
    assert "| `dense8_mnist` | `encode` | 1 | 500 (1.00) |" in text
    page.chart({"jax": RECORD}, tmp_path / "speed.png")
    assert (tmp_path / "speed.png").stat().st_size > 5000


def test_the_page_on_speed_is_current_and_opens_with_the_range_of_ratios(benchmark):
    page, record = benchmark("page"), benchmark("record")
    records = {backend: record.kept(backend) for backend in record.BACKENDS}
    assert (ROOT / "docs" / "speed.md").read_text(encoding="utf-8") == page.page(records)
    assert page.finding({"jax": RECORD}) == (
        "An epoch of kerasae's `fit` takes 2.00 times the time of a hand-written loop (median 2.00)."
    )


def test_the_page_on_outliers_is_current_and_says_where_another_method_is_better(benchmark):
    page = benchmark("outlier_page")
    records = {path.stem: json.loads(path.read_text()) for path in (ROOT / "benchmarks" / "outliers").glob("*.json")}
    text = page.page(records)
    assert (ROOT / "docs" / "outliers.md").read_text(encoding="utf-8") == text
    for name in page.SETS:  # the mean of a finding is the one of the table
        mean = page._class_mean(records[name], "kerasae")
        assert f"One class of {page.SETS[name]}: {mean:.4f}, better than" in text and f"**{mean:.4f}**" in text
    assert page._against("Any", 0.5, {"pca": 0.7, "forest": 0.6}) == "- Any: 0.5000, worse than PCA, residual (0.7000)."


def test_the_page_on_sampling_is_current_and_the_components_were_chosen_on_held_out_images(benchmark):
    module = benchmark("sampling")
    record = module.stored()
    assert (ROOT / "docs" / "sampling.md").read_text(encoding="utf-8") == module.page(record)
    for found in record.values():
        mixtures = found["held_out"]["mixture"]
        assert mixtures[str(found["components"])] == min(mixtures.values())
    assert module.finding({"a": record["vae_mnist"]}, {"a": None}).startswith("- `a` has no prior.")


def test_the_pages_on_bits_and_on_the_choice_of_schedules_are_current(benchmark):
    bits, selection = benchmark("bits"), benchmark("selection")
    stored = json.loads(bits.RESULTS.read_text())
    assert (ROOT / "docs" / "bits.md").read_text(encoding="utf-8") == bits.page(stored)
    assert stored["bits"] == 392 and stored["mse"]["vq_mnist"] == pytest.approx(
        json.loads((ROOT / "zoo" / "vq_mnist" / "metadata.json").read_text())["figures"]["mse"], rel=1e-4
    )
    assert (ROOT / "docs" / "selection.md").read_text(encoding="utf-8") == selection.table()
    for path in selection.DIRECTORY.glob("*.json"):
        is_complete = selection.seeds_of(selection.kept(path.stem))
        if is_complete and not zoo.card(path.stem).hold_out:  # else it is one of the compared trainings
            assert recipes.find(path.stem).selection == selection.sentence(path.stem), f"see --sentence {path.stem}"


def test_the_page_on_written_recipes_is_current_and_a_first_epoch_keeps_what_all_epochs_gave(
    benchmark, tmp_path, monkeypatch
):
    written = benchmark("written")
    text = written.table()
    assert (ROOT / "docs" / "written.md").read_text(encoding="utf-8") == text
    assert "trained on the test images too | 146.95 to 150.40 |" in text
    assert 146.95 <= written.kept("tensorflow")["vae2_mnist"]["all_images_loss"] <= 150.40
    monkeypatch.setattr(written, "DIRECTORY", tmp_path)
    written.keep("dense8_mnist", "jax", {"mse": 0.5, "first_epoch_loss": 2.0})
    written.keep("dense8_mnist", "jax", {"first_epoch_loss": 1.0})
    written.keep("conv_mnist", "torch", {"first_epoch_loss": 3.0})
    assert written.kept("jax")["dense8_mnist"] == {"mse": 0.5, "first_epoch_loss": 1.0}
    unfinished = written.table().splitlines()[-1]
    assert "`conv_mnist` (50)" in unfinished and "dense8_mnist" not in unfinished


def test_a_published_recipe_is_followed_on_the_test_images_too(benchmark, monkeypatch):
    seen = {}
    fit = models.Autoencoder.fit
    monkeypatch.setattr(
        models.Autoencoder, "fit", lambda model, x, **options: seen.update(n=len(x)) or fit(model, x, **options)
    )
    result = benchmark("written").measure_all_images("linear_sine", verbose=0)
    arrays = data.sine()
    assert seen["n"] == len(arrays.x_train) + len(arrays.x_test)
    assert 0 < result["all_images_loss"] < 1


def test_a_rounded_code_has_its_bits_where_they_matter(benchmark):
    bits = benchmark("bits")
    z = np.random.default_rng(0).normal(size=(500, 3)) * [10, 1, 0.001]
    assert bits.allocated(z, 8).tolist() == [6, 2, 0]
    off = np.abs(bits.rounded(z, z, 8) - z)
    assert (off[:, :2].max(axis=0) <= np.ptp(z, axis=0)[:2] / [64, 4] / 2 + 1e-5).all()


def test_the_page_on_features_is_current_and_shows_the_spread_over_draws(benchmark):
    module, measured = benchmark("feature_page"), benchmark("features")
    probes, few = measured.kept("probes"), measured.kept("few")
    text = module.page(probes, few)
    assert (ROOT / "docs" / "features.md").read_text(encoding="utf-8") == text
    assert set(measured.names()) >= probes.keys() and len(few["vae_mnist"]["test"]) == len(measured.METHODS)
    few = {"a": {"held_out": {"m": 0.05, "n": 0.06}, "test": {"m": [0.04, 0.06], "n": [0.01, 0.01]}}}
    name, method, mean, spread = module.best(few)  # chosen by the held-out error, not the test error
    assert (name, method, round(mean, 4), round(spread, 4)) == ("a", "m", 0.05, 0.0141)
    assert "not below the 4.24%" in module.page(probes, few)


def test_few_labels_are_equally_many_of_each_class_and_none_is_measured(benchmark):
    measured, seen = benchmark("features"), {}
    y = np.arange(3000) % 10
    z = np.arange(3000.0)[:, None]

    def method(setting, z, y, unlabeled, z_measured):
        seen.update(z=z[:, 0], y=y, unlabeled=unlabeled[:, 0])
        return np.zeros(len(z_measured))

    assert measured._error(method, None, (z, y, z[:50], y[:50]), draw=0) == pytest.approx(0.9)
    np.testing.assert_array_equal(np.bincount(seen["y"]), 10 * [measured.PER_CLASS])
    np.testing.assert_array_equal(seen["y"], seen["z"] % 10)
    assert len(np.union1d(seen["z"], seen["unlabeled"])) == 3000 == len(seen["z"]) + len(seen["unlabeled"])


def test_agreement_opens_with_the_number_of_recipes_that_stay_together(benchmark):
    finding = benchmark("agreement")._finding([10, 13, 0], 2e-7)
    assert "within 2e-07.\n10 of 23 recipes stay within 1e-4 for 200 steps.\n13 diverge" in finding
    assert "not shown" not in finding
    assert "For 2 more, rounding was not shown" in benchmark("agreement")._finding([10, 11, 2], 2e-7)


def test_the_device_is_compared_with_the_cpu(benchmark, capsys, monkeypatch):
    device = benchmark("device")
    monkeypatch.setattr(device, "outputs", lambda: {"dense8_mnist": 0.25})
    monkeypatch.setattr(device, "keep", pytest.fail)  # of a CPU nothing is stored
    monkeypatch.setattr("sys.argv", ["device.py", "dense8_mnist", "--images", "256"])
    device.main()
    lines = [line.removeprefix(f"{BACKEND} ") for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "outputs: at most 0.25 tolerances (dense8_mnist)"
    assert lines[2] == "dense8_mnist: losses within 0.0e+00 of the CPU's; repeated training is bit-equal: True"
    assert lines[3].startswith("dense8_mnist: float32 1.00, mixed_float16 ")
