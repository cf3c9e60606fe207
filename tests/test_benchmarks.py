"""The page on speed, generated from the stored measurements."""

import importlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.anybackend

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


def test_the_page_shows_ratios_and_losses_that_were_not_reached(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    page = importlib.import_module("page")
    text = page.page({"jax": RECORD})
    assert "| `dense8_mnist` | JAX | kerasae | 2,000 (1,667 to 2,500) | 2.00 | 5.0 | 1.0 | 700 | 26: – |" in text
    assert "| `dense8_mnist` | `encode` | 1 | 500 (1.00) |" in text
    page.chart({"jax": RECORD}, tmp_path / "speed.png")
    assert (tmp_path / "speed.png").stat().st_size > 5000
