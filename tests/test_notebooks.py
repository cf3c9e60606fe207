"""Every notebook runs from the shipped weights, and shows what it showed when it was written.

Each is run on one backend, another from notebook to notebook; those left are slow tests. Nothing is stored.
"""

import os
from pathlib import Path

import nbformat
import pytest
from conftest import BACKEND, BACKENDS
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def turns():
    """All notebooks, marked slow unless it is this backend's turn."""
    for k, path in enumerate(NOTEBOOKS):
        mine = BACKENDS[k % len(BACKENDS)] == BACKEND
        yield pytest.param(path, id=path.stem, marks=() if mine else pytest.mark.slow)


@pytest.mark.parametrize("path", turns())
def test_notebook_runs_and_gives_the_kinds_of_output_it_stores(path):
    stored = nbformat.read(path, as_version=4)
    run = nbformat.read(path, as_version=4)
    client = NotebookClient(run, timeout=300, kernel_name="python3", resources={"metadata": {"path": path.parent}})
    client.execute(env={name: value for name, value in os.environ.items() if name != "JAX_DISABLE_MOST_OPTIMIZATIONS"})
    for before, after in zip(stored.cells, run.cells, strict=True):
        assert kinds(before) == kinds(after), before.source


def kinds(cell):
    """What a cell shows, text or pictures; the frameworks' warnings left aside."""
    shown = [output for output in cell.get("outputs", ()) if output.get("name") != "stderr"]
    return {kind for output in shown for kind in output.get("data", {"text/plain": None})}


@pytest.mark.anybackend
def test_notebooks_are_small_and_hold_no_path_of_a_machine():
    for path in NOTEBOOKS:
        assert path.stat().st_size < 600_000
        assert "/home/" not in path.read_text() and "/tmp/" not in path.read_text()
