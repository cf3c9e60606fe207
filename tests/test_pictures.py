"""The pictures in the repository are there, and small."""

from pathlib import Path

import pytest
from PIL import Image

from kerasae import zoo

pytestmark = pytest.mark.anybackend

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
def pictures(tool):
    return tool("pictures")


def names(kind, pictures):
    return pictures.KINDS[kind][1]()


def test_previews_are_at_most_150_kb(pictures):
    sizes = {name: (zoo.store.root() / name / "preview.png").stat().st_size for name in names("previews", pictures)}
    assert sizes and {name: size for name, size in sizes.items() if size > 150_000} == {}


def test_sheets_are_at_most_200_kb_and_are_readable_at_900_pixels(pictures):
    for name in names("sheets", pictures):
        with Image.open(DOCS / name) as sheet:
            assert sheet.width <= 2 * 950
        assert (DOCS / name).stat().st_size <= 200_000


def test_animations_are_at_most_700_kb(pictures):
    for name in names("animations", pictures):
        with Image.open(DOCS / "animations" / name) as animation:
            assert animation.n_frames > 10
        assert (DOCS / "animations" / name).stat().st_size <= 700_000


def test_names_choose_what_is_drawn(pictures, monkeypatch, capsys):
    drawn = []
    for kind, (_, all_names) in pictures.KINDS.items():
        monkeypatch.setitem(pictures.KINDS, kind, (lambda name: drawn.append(name) or Path(__file__), all_names))
    pictures.main(["sheets", "samples.png"])
    assert drawn == ["samples.png"]
    assert capsys.readouterr().out.startswith("samples.png: ")
    pictures.main([])
    assert drawn[1:] == [name for kind in pictures.KINDS for name in names(kind, pictures)]
