"""README and docs: links lead somewhere, pages open with their finding, and their Python code runs."""

import re
import shutil
from pathlib import Path

import pytest

import kerasae
from kerasae import data

pytestmark = pytest.mark.anybackend

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
SKIPPED = ("import torch", "import tensorflow", "hf://", "export.export(")
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def named(paths):
    return {"argvalues": paths, "ids": [path.name for path in paths]}


def without_code(text):
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def anchors(path):
    """The anchors that GitHub and MyST give to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


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


# What opens a page that is included from elsewhere is checked there.
OPENING = [path for path in PAGES if not path.read_text(encoding="utf-8").startswith("```{include}")]


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
        monkeypatch.setattr(data, name, lambda: few)


@pytest.mark.parametrize("path", **named([path for path in PAGES if path.name not in ELSEWHERE]))
def test_python_code_runs(path, small):
    names = {"kerasae": kerasae}
    for code in CODE.findall(path.read_text(encoding="utf-8")):
        if not any(part in code for part in SKIPPED):
            exec(compile(code, path.name, "exec"), names)


def test_readme_counts_the_model_classes():
    models = [getattr(kerasae.models, name) for name in kerasae.models.__all__]
    base = kerasae.models.Autoencoder
    count = sum(issubclass(model, base) and model is not base for model in models)
    assert f"| model classes | {count};" in (ROOT / "README.md").read_text(encoding="utf-8")
