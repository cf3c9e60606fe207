"""The page on compatibility shows the stored results, and all backends agree."""

import importlib.util
from pathlib import Path

import pytest

from kerasae import zoo

pytestmark = pytest.mark.anybackend

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def compatibility():
    spec = importlib.util.spec_from_file_location("compatibility", ROOT / "benchmarks" / "compatibility.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_generated_from_the_results(compatibility):
    assert (ROOT / "docs" / "compatibility.md").read_text() == compatibility.page()


def test_all_backends_agree(compatibility):
    for backend in compatibility.BACKENDS:
        entries = compatibility.kept(backend)["entries"]
        assert sorted(entries) == zoo.names(), backend
        for name, run in entries.items():
            for check, difference in compatibility.found(run, name).items():
                # For three steps: with two threads, PyTorch's own second loss of dense2_mnist differs by 7e-4.
                limit = {"save": 0, "evaluate": 1e-4, "fit": 1e-3}.get(check, zoo.TOLERANCE)
                assert difference <= limit, (backend, name, check)
