"""Every notebook runs from the shipped weights, and shows what it showed when it was written."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.anybackend
NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_gives_the_kinds_of_output_it_stores(path):
    stored = nbformat.read(path, as_version=4)
    run = nbformat.read(path, as_version=4)
    client = NotebookClient(run, timeout=60, kernel_name="python3", resources={"metadata": {"path": path.parent}})
    client.execute(env=dict(os.environ))
    for before, after in zip(stored.cells, run.cells, strict=True):
        assert kinds(before) == kinds(after), before.source


def kinds(cell):
    """What a cell shows, text or pictures; the frameworks' warnings left aside."""
    shown = [output for output in cell.get("outputs", ()) if output.get("name") != "stderr"]
    return {kind for output in shown for kind in output.get("data", {"text/plain": None})}
