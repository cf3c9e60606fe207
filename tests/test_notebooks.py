"""Every notebook runs, and prints and draws what it shows in the repository.

Each is run on one backend, another from notebook to notebook; those left are slow tests. Nothing is stored. Backends
differ in rounding, which short trainings amplify: numbers and pictures are compared with a tolerance.
"""

import io
import os
import re
from base64 import b64decode
from decimal import Decimal
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from kerasae import exercises

pytestmark = pytest.mark.shared

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
NUMBER = re.compile(r"[-−+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
RELATIVE = 0.05  # of a number
LAST_DIGITS = 2  # by which a printed number may differ at least
COARSE = 64  # pixels of the width at which pictures are compared
MEAN, WORST = 0.012, 0.12  # difference of two pictures, on average and of the 1 % of the pixels that differ most


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_shows_what_it_stores(path):
    stored = nbformat.read(path, as_version=4)
    run = nbformat.read(path, as_version=4)
    client = NotebookClient(run, timeout=300, kernel_name="python3", resources={"metadata": {"path": path.parent}})
    client.execute(env={name: value for name, value in os.environ.items() if name != "JAX_DISABLE_MOST_OPTIMIZATIONS"})
    different = []
    for before, after in zip(stored.cells, run.cells, strict=True):
        different += [f"{before.id}: {reason}" for reason in differences(before, after)]
    assert not different, "\n".join([*different, "Run `python tools/notebooks.py` and look at what has changed."])


# What a cell shows


def differences(before, after):
    """In what two executions of a cell differ, each in one line; the frameworks' warnings are left aside."""
    texts, pictures = zip(*(shown(cell) for cell in (before, after)), strict=True)
    if len(pictures[0]) != len(pictures[1]):
        yield f"{len(pictures[0])} pictures are stored, {len(pictures[1])} were drawn"
    if reason := text_difference(*texts):
        yield reason
    for one, other in zip(*pictures, strict=False):
        if reason := picture_difference(one, other):
            yield reason


def shown(cell):
    """The text that a cell prints, and its pictures."""
    outputs = [output for output in cell.get("outputs", ()) if output.get("name") != "stderr"]
    texts = [output.text for output in outputs if output.output_type == "stream"]
    pictures = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    values = [output.data.get("text/plain", "") for output in outputs if "data" in output]
    texts += [value for value in values if not value.startswith("<")]
    return "".join(texts), [Image.open(io.BytesIO(b64decode(picture))).convert("RGB") for picture in pictures]


def text_difference(before, after):
    """What differs between two texts, or None: words have to be equal, numbers nearly so."""
    if re.sub(r"\s+", " ", NUMBER.sub("#", before)) != re.sub(r"\s+", " ", NUMBER.sub("#", after)):
        return f"expected the text {before!r}, received {after!r}"
    for one, other in zip(NUMBER.findall(before), NUMBER.findall(after), strict=True):
        a, b = (Decimal(number.replace(",", "").replace("−", "-")) for number in (one, other))
        unit = Decimal(1).scaleb(a.as_tuple().exponent)
        if abs(a - b) > max(LAST_DIGITS * unit, Decimal(RELATIVE) * abs(a)):
            return f"expected about {one}, received {other}, in {before!r}"
    return None


def picture_difference(before, after):
    """What differs between two pictures, or None. They are compared at one coarse size."""
    if abs(np.log(before.width / before.height * after.height / after.width)) > 0.02:
        return f"expected a picture with the proportions {before.size}, received {after.size}"
    after = after.resize(before.size, Image.Resampling.BOX)  # large pictures are stored at half of their resolution
    size = COARSE, max(1, round(COARSE * before.height / before.width))
    coarse = [np.asarray(image.resize(size, Image.Resampling.BOX), "float64") / 255 for image in (before, after)]
    difference = np.abs(coarse[0] - coarse[1]).max(axis=-1)
    mean, worst = difference.mean(), np.quantile(difference, 0.99)
    if mean > MEAN or worst > WORST:
        return f"a picture differs from the stored one by {mean:.3f} on average and {worst:.2f} at most places"
    return None


# The comparison itself


def stored_pictures():
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            for number, picture in enumerate(shown(cell)[1]):
                yield pytest.param(picture, id=f"{path.stem}-{cell.id}-{number}")


@pytest.mark.anybackend
@pytest.mark.parametrize("picture", stored_pictures())
def test_a_changed_picture_is_noticed(picture):
    assert picture_difference(picture, picture) is None
    half = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX)
    assert picture_difference(half, picture) is None
    for turn in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM):
        assert picture_difference(picture, picture.transpose(turn))
    assert picture_difference(picture, Image.new("RGB", picture.size, "white"))
    assert "proportions" in picture_difference(picture, picture.crop((0, 0, picture.width, picture.height * 9 // 10)))


@pytest.mark.anybackend
@pytest.mark.parametrize("name", ["reconstructing", "generating", "denoising"])
def test_one_wrong_image_of_a_row_is_noticed(name):
    path = next(path for path in NOTEBOOKS if path.stem == name)
    picture = next(p for cell in nbformat.read(path, as_version=4).cells for p in shown(cell)[1])
    width, height = picture.size
    wrong = picture.copy()
    wrong.paste(picture.crop((width // 2, height // 3, width * 3 // 5, height)), (width * 4 // 5, height // 3))
    assert picture_difference(picture, wrong)


@pytest.mark.anybackend
@pytest.mark.parametrize(
    ("after", "reason"),
    [
        ("MSE 0.0104 of 10,000 images\n", None),
        ("MSE 0.0105 of 10,000 images\n", None),
        ("MSE 0.0112 of 10,000 images\n", "expected about 0.0104, received 0.0112"),
        ("MSE 0.0104 of 60,000 images\n", "expected about 10,000, received 60,000"),
        ("BCE 0.0104 of 10,000 images\n", "expected the text"),
    ],
)
def test_a_changed_number_is_noticed(after, reason):
    found = text_difference("MSE 0.0104 of 10,000 images\n", after)
    assert found is None if reason is None else reason in found


@pytest.mark.anybackend
def test_notebooks_are_small_and_hold_no_path_of_a_machine():
    for path in NOTEBOOKS:
        assert path.stat().st_size < 650_000
        assert "/home/" not in path.read_text() and "/tmp/" not in path.read_text()


@pytest.mark.anybackend
@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in NOTEBOOKS])
def test_every_notebook_opens_with_its_finding_and_ends_with_exercises(path):
    cells = nbformat.read(path, as_version=4).cells
    title, finding = cells[0].source.split("\n\n")[:2]
    assert title.startswith("# ") and title.endswith("?")
    assert finding.startswith("**") and finding.endswith("**")
    headings = [line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    headings = [line for line in headings if line.startswith("## ")]
    assert headings[-2] == "## Conclusion" and headings[-1] in ("## Exercise", "## Exercises")
    tasks = [name for cell in cells for name in re.findall(r'exercises\.task\("(\w+)"\)', cell.source)]
    assert sorted(tasks) == exercises.names(path.stem)


@pytest.mark.anybackend
@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in NOTEBOOKS])
def test_figures_in_prose_are_printed_by_a_cell(path):
    cells = nbformat.read(path, as_version=4).cells
    known = " ".join(cell.source + shown(cell)[0] for cell in cells if cell.cell_type == "code")
    for cell in cells:
        if cell.cell_type == "markdown":
            prose = re.sub(r"\$[^$]*\$|`[^`]*`", " ", cell.source)
            missing = set(re.findall(r"\d+\.\d+", prose)) - set(re.findall(r"\d+\.\d+", known))
            assert not missing, cell.source
