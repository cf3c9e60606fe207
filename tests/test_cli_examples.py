"""The examples in the help texts and the commands of the guides, run as they stand."""

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
# What makes an example too long for a test.
SHORTER = {"train": ["--epochs", "1"], "export": ["--format", "tf"]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with what the examples name: `photos`, `a.png`, `b.png`, `codes.npy` and the entry `mine`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for i, digit in enumerate(DIGITS):
        Image.fromarray(digit).resize((40, 40)).save(f"photos/{i}.png")
    for i, name in enumerate("ab"):
        Image.fromarray(DIGITS[i]).save(f"{name}.png")
    np.save("codes.npy", np.zeros((4, 7, 7, 1), "float32"))
    return tmp_path


def test_every_command_is_there():
    names = "list info demo encode decode reconstruct denoise generate interpolate score plot train evaluate verify"
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
