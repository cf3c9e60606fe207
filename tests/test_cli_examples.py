"""The examples in help texts and the commands of the guides run."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerasae import cli, data, models, zoo
from kerasae.cli.commands import COMMANDS
from kerasae.zoo import hub

pytestmark = pytest.mark.anybackend

DIGITS = np.rint(255 * data.digits().x_test[:6, ..., 0]).astype("uint8")
# Options that make an example fast, or possible on this backend, in a test.
SHORTER = {"train": ["--epochs", "1"], "export": ["--format", "tf"]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with the files of the examples: `photos`, `a.png`, `b.png`, `codes.npy`, the entry `mine`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for i, digit in enumerate(DIGITS):
        Image.fromarray(digit).resize((40, 40)).save(f"photos/{i}.png")
    for i, name in enumerate("ab"):
        Image.fromarray(DIGITS[i]).save(f"{name}.png")
    np.save("codes.npy", np.zeros((4, 7, 7, 1), "float32"))
    return tmp_path


def test_every_command_is_there():
    names = (
        "list info demo encode decode reconstruct denoise generate interpolate score plot explore train evaluate verify"
    )
    assert {command.name for command in COMMANDS} == {*names.split(), "export", "push", "pull"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_examples_run(command, folder, monkeypatch, capsys):
    program, *arguments = shlex.split(command.example)
    assert (program, arguments[0]) == ("kerasae", command.name)
    if command.name in ("push", "pull"):
        zoo.save(models.DenseAutoencoder((4,), (3,), 2), "mine" if command.name == "push" else "elsewhere")
        monkeypatch.setattr(hub, "push", lambda directory, repo, private: f"https://hub/{repo} {directory}")
        monkeypatch.setattr(hub, "pull", lambda repo, directory, overwrite: Path("elsewhere"))
    if command.name == "export":  # ONNX is written by other backends, in tests/test_export.py
        exported = []
        monkeypatch.setattr("kerasae.export.export", lambda *given, **more: exported.append(given) or given[1])
    before = set(folder.rglob("*"))
    if command.name == "train":
        arguments += SHORTER["train"]
    assert cli.main(arguments) == 0, capsys.readouterr().err
    assert capsys.readouterr().out
    if "--out" in arguments and command.name not in ("export", "pull"):
        assert Path(arguments[arguments.index("--out") + 1]) in {
            path.relative_to(folder) for path in set(folder.rglob("*")) - before
        }


GUIDES = Path(__file__).parents[1] / "docs"
# Changes to the commands of a guide for a test: smaller pictures, one epoch.
IN_A_TEST = {
    "--model OutlierDetector": "--model OutlierDetector --set model=textures",
    "--epochs 30": "--epochs 1 --set filters=4,4",
    "--size 32": "--size 8",
}


def commands_of(guide):
    for block in re.findall(r"```sh\n(.*?)```", (GUIDES / guide).read_text(encoding="utf-8"), re.DOTALL):
        yield from (line for line in block.splitlines() if line.startswith("kerasae "))


def test_commands_of_the_guides_run(tmp_path, monkeypatch, capsys):
    """On pieces of scikit-learn's photographs as in the guides, but fewer and smaller ones."""
    monkeypatch.chdir(tmp_path)
    script = re.search(r"```python\n(.*?)```", (GUIDES / "own_images.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    exec(script.replace("range(300)", "range(12)"), {})
    monkeypatch.setattr("kerasae.export.export", lambda name, out, *given, **more: out)  # see tests/test_export.py
    for command in (*commands_of("own_images.md"), *commands_of("anomalies.md")):
        for whole, part in IN_A_TEST.items():
            command = command.replace(whole, part)
        assert cli.main(shlex.split(command)[1:]) == 0, f"{command}: {capsys.readouterr().err}"
    made = {"reconstructions.png", "rebuilt", "codes.csv", "way.png", "textures", "detector", "where", "scores.csv"}
    assert made <= {path.name for path in tmp_path.iterdir()}
    assert len(list((tmp_path / "rebuilt").rglob("*.png"))) == 24
