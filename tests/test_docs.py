"""README and docs: links lead somewhere, pages open with their finding, and their Python code runs."""

import importlib
import re
import shutil
from pathlib import Path

import pytest
from conftest import BACKEND

import kerasae
from kerasae import data, metrics, zoo

pytestmark = pytest.mark.shared

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(DOCS.glob("*.md"))
# Pages whose Python code other tests run: with files that commands make, and on simulated devices.
ELSEWHERE = {
    "own_images.md": "test_cli_examples.py",
    "anomalies.md": "test_cli_examples.py",
    "devices.md": "test_devices.py",
}
# Code for other backends; code that asks the hub, see tests/test_hub.py, or exports, see tests/test_export.py.
SKIPPED = ("import jax", "import tensorflow", "hf://", "export.export(")
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def named(paths):
    return {"argvalues": paths, "ids": [path.name for path in paths]}


def without_code(text):
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def anchors(path):
    """The anchors that GitHub and MyST give to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.anybackend
@pytest.mark.parametrize("path", **named(PAGES))
def test_links_lead_somewhere(path):
    for address in re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text(encoding="utf-8"))):
        file, _, anchor = address.partition("#")
        if re.match(r"[a-z]+:", address):
            assert re.fullmatch(r"https://[\w.-]+\.[a-z]+(/\S*)?", address), address
            continue
        target = path.parent / file if file else path
        assert target.exists(), address
        assert not anchor or anchor in anchors(target), address


@pytest.mark.anybackend
def test_every_picture_is_shown_on_a_page():
    pages = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    pictures = [path for path in DOCS.rglob("*.*") if path.suffix in (".png", ".gif")]
    pictures = [path for path in pictures if not {"_build", "gallery", "notebooks"} & {*path.relative_to(DOCS).parts}]
    assert len(pictures) > 30
    for path in pictures:
        assert path.relative_to(DOCS).as_posix() in pages, path


# What opens a page that is included from elsewhere is checked there.
OPENING = [path for path in PAGES if not path.read_text(encoding="utf-8").startswith("```{include}")]


@pytest.mark.anybackend
@pytest.mark.parametrize("path", **named(OPENING))
def test_pages_open_with_a_sentence(path):
    text = re.sub(r"\A---\n.*?---\n", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    title, first, *_ = text.strip().split("\n\n")
    assert title.startswith("# "), title
    assert re.match(r"[\w*`].*[.:]$", first, re.DOTALL), first


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A working directory with an entry as `kerasae train` writes it, and few digits under the names of large sets."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "zoo" / "dense_mnist", "entries/dense_mnist")
    x_train, y_train, x_test, y_test = data.digits()
    few = data.Dataset(x_train[:200], y_train[:200], x_test[:50], y_test[:50])
    for name in ("mnist", "fashion_mnist"):
        monkeypatch.setattr(data, name, lambda dtype="float32": few)


@pytest.mark.anybackend
@pytest.mark.parametrize("path", **named([path for path in PAGES if path.name not in ELSEWHERE]))
def test_python_code_runs(path, small):
    names = {"kerasae": kerasae}
    for code in CODE.findall(path.read_text(encoding="utf-8")):
        if not any(part in code for part in SKIPPED):
            exec(compile(code, path.name, "exec"), names)


@pytest.mark.eachbackend
@pytest.mark.skipif(BACKEND == "torch", reason="run above with all other code of the page")
def test_gradients_of_the_start_page(small):
    codes = CODE.findall((DOCS / "start.md").read_text(encoding="utf-8"))
    names: dict = {}
    for start in ("import kerasae\n", f"import {BACKEND}"):
        (code,) = [code for code in codes if code.startswith(start)]
        exec(code, names)
    assert names["gradient"].shape == names["x"].shape


@pytest.mark.anybackend
def test_readme_counts_the_model_classes():
    models = [getattr(kerasae.models, name) for name in kerasae.models.__all__]
    base = kerasae.models.Autoencoder
    count = sum(issubclass(model, base) and model is not base for model in models)
    assert f"| model classes | {count};" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def gallery(tool, monkeypatch):
    """The module that writes the pages of the gallery; `tool` makes the commands that it imports importable."""
    tool("families")
    monkeypatch.syspath_prepend(DOCS / "_ext")
    return importlib.import_module("gallery")


@pytest.mark.anybackend
def test_gallery_has_a_page_for_each_entry(gallery):
    groups = gallery.families.families()
    names = [name for group in groups.values() for name in group]
    assert sorted(names) == zoo.names()
    index = gallery.index(groups)
    for name in names:
        assert f":link: {name}\n" in index
        page = gallery.page(zoo.card(name), has_architecture=True)
        title, first, *_ = page.split("\n\n")
        assert title == f"# {name}" and first.startswith(zoo.card(name).description)
        for key in zoo.card(name).figures:
            assert f"| {metrics.METRICS[key].label} |" in page


@pytest.mark.anybackend
def test_a_page_of_the_gallery_has_the_whole_recipe(gallery):
    usual, averaged = (gallery.page(zoo.card(name), has_architecture=True) for name in ("dense_mnist", "vaegan_mnist"))
    assert "| learning rate | 0.0003 | 0.001 |" in usual and "ema momentum" not in usual
    assert "| ema momentum | 0.9995 | 0.9998 |" in averaged and "None" not in averaged


# One of each kind of code: points, a conditional model, a generator, a denoiser, any other.
KINDS = ("linear_sine", "cvae_mnist", "vae_mnist", "denoise_flip_mnist", "dense2_mnist")


@pytest.mark.anybackend
def test_code_of_the_gallery_runs(gallery, small):
    def kind(name):
        assert hasattr(data, zoo.card(name).data)
        return re.sub(r"data\.\w+", "data.NAME", gallery.usage(zoo.card(name)).replace(name, "NAME"))

    assert {kind(name) for name in zoo.names()} == {kind(name) for name in KINDS}
    for name in KINDS:
        exec(gallery.usage(zoo.card(name)), {})


@pytest.fixture
def api(monkeypatch):
    monkeypatch.syspath_prepend(DOCS / "_ext")
    return importlib.import_module("api")


@pytest.mark.anybackend
def test_api_has_every_public_module(api):
    listed = {module.__name__ for found in api.modules().values() for module in found}
    assert {getattr(kerasae, name).__name__ for name in kerasae._MODULES} <= listed


def write_site(directory, pages):
    for name, text in pages.items():
        (directory / name).write_text(text)


@pytest.mark.anybackend
def test_thumbnails_are_current(tool, tmp_path, capsys):
    thumbnails = tool("thumbnails")
    assert thumbnails.main(["--check", str(DOCS / "thumbnails")]) == 0, "run `make table`"
    assert thumbnails.main(["--check", str(tmp_path)]) == 1
    assert "dense_mnist.png" in capsys.readouterr().out
    one, other = (thumbnails.of_entry(name) for name in ("dense_mnist", "conv_mnist"))
    (tmp_path / "one.png").write_bytes(thumbnails.png(one))
    assert thumbnails.is_current(tmp_path / "one.png", one) and not thumbnails.is_current(tmp_path / "one.png", other)


@pytest.mark.anybackend
def test_a_site_is_checked(tool, tmp_path, capsys):
    check = tool("check_site")
    good = {"a.html": '<a href="b.html#there">b</a> <a href="https://keras.io">Keras</a>', "b.html": '<p id="there">'}
    write_site(tmp_path, good)
    assert check.main([str(tmp_path)]) == 0
    bad = '<a href="gone.html"></a> <a href="a.html#nowhere"></a> <script src="https://cdn.io/x.js"></script> <a href="http://x">'
    write_site(
        tmp_path, {"c.html": bad, "d.css": '@import "https://fonts.io/f.css"; p {background: url(//x.io/p.png)}'}
    )
    assert check.main([str(tmp_path)]) == 1
    found = capsys.readouterr().out
    for fault in (
        "c.html links to gone.html: no such file.",
        "c.html links to a.html#nowhere: no such anchor.",
        "c.html links to http://x: malformed address.",
        "c.html loads https://cdn.io/x.js. Expected a file of the site.",
        "d.css loads https://fonts.io/f.css.",
        "d.css loads //x.io/p.png.",
    ):
        assert fault in found


@pytest.mark.anybackend
def test_an_empty_site_is_a_fault(tool, tmp_path):
    assert list(tool("check_site").problems(tmp_path)) == [
        f"{tmp_path} has no pages. Run `make docs` to build the site."
    ]
