"""The shell commands."""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import kerasae as package
from kerasae import cli, text, zoo
from kerasae.cli import training

pytestmark = pytest.mark.shared


def kerasae(*arguments, cwd, **kwargs):
    """Run the command in a new process, as a user does."""
    command = [sys.executable, "-m", "kerasae", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, **kwargs)


def test_list_names_every_entry(capsys):
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == zoo.names()


def test_info_shows_the_card(capsys):
    assert cli.main(["info", "vae_mnist"]) == 0
    assert capsys.readouterr().out == text.card(zoo.card("vae_mnist")) + "\n"


@pytest.mark.anybackend
def test_list_and_info_as_json(capsys):
    assert cli.main(["list", "--json"]) == 0
    assert [entry["name"] for entry in json.loads(capsys.readouterr().out)] == zoo.names()
    assert cli.main(["info", "vae_mnist", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == zoo.card("vae_mnist").to_json()


@pytest.mark.anybackend
def test_version():
    run = kerasae("--version", cwd=None)
    assert (run.returncode, run.stdout) == (0, f"kerasae {package.__version__}\n")


@pytest.mark.anybackend
def test_closed_pipe_ends_without_a_traceback():
    with subprocess.Popen(
        [sys.executable, "-m", "kerasae", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.anybackend
@pytest.mark.parametrize("command", ["list", "info", "demo", "train", "evaluate", "verify", "export"])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    assert f"Example: kerasae {command}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.anybackend
def test_help_of_train_has_the_options_for_own_data_under_titles_that_say_so(capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", "--help"])
    titles, title = {}, ""
    for line in capsys.readouterr().out.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            title = line
        elif line.startswith("  --"):
            titles[line.split()[0].lstrip("-").replace("-", "_")] = title
    assert titles["backend"] == "options:"
    for name in training._OWN:
        assert "your own data" in titles[name] and "recipe" not in titles[name], name
    for name in ("epochs", "hold_out", "seed", "out"):
        assert titles[name] == "training, for a recipe and for your own data:"


def test_unknown_entry_is_an_error_without_a_traceback(capsys):
    assert cli.main(["info", "vae_minst"]) == 2
    assert "Did you mean 'vae_mnist'" in capsys.readouterr().err


def test_verify_prints_the_difference_of_each_output(capsys):
    assert cli.main(["verify", "linear_sine", "deep_sine"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["linear_sine", "ok"], ["deep_sine", "ok"]]
    found = zoo.verify("deep_sine")["code"]
    assert f"code {found.largest:.1e} of {found.tolerance:.1e}" in lines[1]


def test_verify_continues_after_failures_and_differences(tmp_path, capsys):
    broken, other = (shutil.copytree(zoo.store.root() / "deep_sine", tmp_path / name) for name in ("broken", "other"))
    (broken / zoo.WEIGHTS).write_bytes(b"")
    golden = zoo.golden(other)
    golden["code"][0][0] += 8e-5  # of at most 7.1e-5, for codes up to 3.5
    np.savez(other / zoo.GOLDEN, **golden)
    card = json.loads((other / zoo.METADATA).read_text())
    card["files"][zoo.GOLDEN] = hashlib.sha256((other / zoo.GOLDEN).read_bytes()).hexdigest()
    (other / zoo.METADATA).write_text(json.dumps(card))
    assert cli.main(["verify", str(broken), str(other), "deep_sine"]) == 1
    first, second, third = capsys.readouterr().out.splitlines()
    assert "FAILED" in first and "is not the file its card describes" in first
    assert "DIFFERS  code 8.0e-05 of 7.1e-05" in second
    assert third.split()[1] == "ok"


def _with_figures(tmp_path, **figures):
    """A copy of an entry with other figures on its card; None removes a figure."""
    other = shutil.copytree(zoo.store.root() / "deep_sine", tmp_path / "deep_sine")
    card = json.loads((other / zoo.METADATA).read_text())
    stated = card["figures"] | figures
    card["figures"] = {key: value for key, value in stated.items() if value is not None}
    (other / zoo.METADATA).write_text(json.dumps(card))
    return str(other)


def test_evaluate_compares_figures_with_the_cards(capsys):
    assert cli.main(["evaluate", "deep_sine", "linear_sine"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if not line.startswith(" ")] == [["deep_sine", "ok"], ["linear_sine", "ok"]]
    stated = zoo.card("deep_sine")["figures"]
    key, measured, _, beside, kind, difference, _, tolerance = lines[1].split()
    assert (key, kind, tolerance) == ("mse", "relative", "1e-04")
    assert float(beside) == stated["mse"]
    assert float(measured) == pytest.approx(stated["mse"], rel=1e-4)
    assert float(difference) <= 1e-4
    angle = next(line for line in lines if "angle_to_pca" in line)
    assert "absolute" in angle and angle.endswith("of 1e-02")


def test_evaluate_continues_after_failures_and_differences(tmp_path, capsys):
    mse = zoo.card("deep_sine")["figures"]["mse"]
    other = _with_figures(tmp_path, mse=mse * 1.0003)
    assert cli.main(["evaluate", "deep_sin", other, "linear_sine"]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("   ")]
    name, says = lines[0].split(maxsplit=1)
    assert name == "deep_sin"
    assert says.startswith("FAILED: No zoo entry named 'deep_sin'. Did you mean 'deep_sine'")
    differing = [line.split()[0] for line in lines if line.endswith("  DIFFERS")]
    assert differing == [other, "mse"]
    assert lines[-5].split() == ["linear_sine", "ok"]


@pytest.mark.anybackend
def test_evaluate_shows_missing_and_additional_figures_of_a_card(tmp_path, capsys):
    earlier = _with_figures(tmp_path, fresh_mse=None)
    assert cli.main(["evaluate", earlier]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "fresh_mse" in line)
    assert line.endswith("card         none")
    shutil.rmtree(earlier)
    assert cli.main(["evaluate", _with_figures(tmp_path, charm=1.0)]) == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if "charm" in line)
    assert line.endswith("DIFFERS")


@pytest.mark.anybackend
def test_evaluate_reports_a_damaged_card(tmp_path, capsys):
    assert cli.main(["evaluate", _with_figures(tmp_path, mse="small")]) == 1
    assert "FAILED: The card of" in capsys.readouterr().out


@pytest.mark.anybackend
def test_evaluate_quick_compares_with_the_first_images(capsys):
    assert cli.main(["evaluate", "--quick", "dense2_mnist"]) == 0
    stated = zoo.card("dense2_mnist")["figures_of_first"]["1000"]["mse"]
    assert f"card {stated:12.6g}" in capsys.readouterr().out


@pytest.mark.anybackend
def test_evaluate_finds_the_data_in_a_directory(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("KERASAE_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "empty"))
    (tmp_path / "mnist.npz").write_bytes(b"no data")
    assert cli.main(["evaluate", "--quick", "dense2_mnist", "--data", str(tmp_path)]) == 1
    assert f"FAILED: {tmp_path / 'mnist.npz'} can't be read as mnist" in capsys.readouterr().out


@pytest.mark.anybackend
def test_evaluate_measures_on_own_images(tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), "uint8")
    np.savez(tmp_path / "own.npz", x_test=images, y_test=np.arange(20) % 10)
    np.save(tmp_path / "own.npy", images[..., None] / np.float32(255))
    outputs = []
    for file in ("own.npz", "own.npy"):
        assert cli.main(["evaluate", "vae_mnist", "--data", str(tmp_path / file)]) == 0
        outputs.append(capsys.readouterr().out.splitlines())
    assert outputs[0][0] == f"vae_mnist: 20 inputs of {tmp_path / 'own.npz'}"
    assert outputs[0][1:] == outputs[1][1:]
    shown = dict(line.split() for line in outputs[0][1:])
    x = images[..., None] / np.float32(255)
    expected = np.mean(np.square(zoo.load("vae_mnist").reconstruct(x) - x, dtype="float64"))
    assert float(shown["mse"]) == pytest.approx(expected, rel=1e-4)
    assert shown.keys() >= {"mse", "bce", "negative_elbo", "reconstruction_loss", "kl_loss", "mmd_to_prior"}
    assert cli.main(["evaluate", "cvae_mnist", "--data", str(tmp_path / "own.npz")]) == 0


@pytest.mark.anybackend
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "own.npy"], "Expected names of entries"),
        (["dense_mnist", "--data", "nowhere.npy"], "No file or folder at nowhere.npy. Check the path."),
        (["dense_mnist", "--data", "text.npy"], "expected a .npy file of an array, or an .npz file with x"),
        (["dense_mnist", "--data", "other.npz"], "other.npz must have shape (n, ...) with at least one input"),
        (["dense_mnist", "--data", "uneven.npz"], r"one label per input. Received shapes: (3, 28, 28) and (2,)"),
        (["dense_mnist", "--data", "points.npy"], "x must have shape (n, 28, 28, 1). Received shape: (4, 2)"),
        (["cvae_mnist", "--data", "own.npy"], "expected --label K, from 0 to 9, or class folders"),
        (["--update", "again"], "expected one NAME and no other option"),
        (["linear_sine", "--quick", "--update", "again"], "expected one NAME and no other option"),
    ],
)
def test_evaluate_errors_state_what_was_expected(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save("own.npy", np.zeros((3, 28, 28), "uint8"))
    np.save("points.npy", np.zeros((4, 2)))
    np.savez("other.npz", images=np.zeros(3))
    np.savez("uneven.npz", x_test=np.zeros((3, 28, 28), "uint8"), y_test=np.zeros(2))
    (tmp_path / "text.npy").write_text("not an array")
    assert cli.main(["evaluate", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_evaluate_writes_a_new_card(tmp_path):
    assert cli.main(["evaluate", "deep_sine", "--update", str(tmp_path / "again")]) == 0
    before, after = zoo.card("deep_sine"), zoo.card(tmp_path / "again")
    assert after.files.keys() == before.files.keys()
    assert after.keys() == before.keys()
    assert after["versions"] == before["versions"]
    assert after["figures"] == pytest.approx(before["figures"], rel=1e-4)
    assert all(difference.is_tolerable for difference in zoo.verify(tmp_path / "again").values())


def test_train_writes_a_complete_entry(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "linear_sine", "--epochs", "2", "--out", "mine/linear_sine"]) == 0
    out, err = capsys.readouterr()
    assert "Epoch 2/2" in err and "val_loss" in err
    assert out.startswith("mine/linear_sine: mse ") and out.count("\n") == 1
    entry = tmp_path / "mine" / "linear_sine"
    assert sorted(path.name for path in entry.iterdir()) == sorted(
        [zoo.CONFIG, zoo.WEIGHTS, zoo.METADATA, zoo.GOLDEN, zoo.PREVIEW]
    )
    assert [path.name for path in entry.parent.iterdir()] == ["linear_sine"]  # no checkpoints left
    card = zoo.card(entry)
    assert card.schedule == "other" and card.recipe["epochs"] == 2
    assert card.provenance.command == "kerasae train linear_sine --epochs 2 --out mine/linear_sine"
    assert all(difference.is_tolerable for difference in zoo.verify(entry).values())


@pytest.mark.anybackend
def test_train_changes_the_batches_and_the_learning_rate_of_a_recipe(tmp_path):
    changes = ["--epochs", "1", "--batch-size", "500", "--learning-rate", "0.1"]
    assert cli.main(["train", "linear_sine", *changes, "--out", str(tmp_path / "mine")]) == 0
    card = zoo.card(tmp_path / "mine")
    assert (card.recipe["batch_size"], card.recipe["learning_rate"]) == (500, 0.1)
    assert card.schedule == "other" and card.written_recipe["batch_size"] != 500


@pytest.mark.anybackend
@pytest.mark.parametrize(("name", "is_said"), [("deep30_mnist", True), ("dense8_mnist", False)])
def test_train_says_if_another_command_trained_the_weights(name, is_said, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("kerasae.zoo.train.train", lambda *args, **options: (zoo.load("linear_sine"), None))
    monkeypatch.setattr("kerasae.cli.training._save", lambda *args: zoo.card(name))
    assert cli.main(["train", name, "--schedule", "shipped", "--out", str(tmp_path / name)]) == 0
    said = f"trained by another command, `python tools/long_training.py --train {name}`"
    assert (said in capsys.readouterr().err) == is_said


@pytest.mark.anybackend
def test_train_resumes_after_being_killed(tmp_path, monkeypatch):
    """After SIGKILL, a second run resumes and ends like an uninterrupted run."""
    arguments = ["train", "deep_sine", "--epochs", "12"]
    with open(tmp_path / "log", "w") as log:
        command = [sys.executable, "-u", "-m", "kerasae", *arguments, "--out", "killed"]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while "Epoch 4/12" not in (tmp_path / "log").read_text() and time.monotonic() < deadline:
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "killed").exists()
    resumed = kerasae(*arguments, "--out", "killed", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert "Epoch 1/12" not in resumed.stderr and "Epoch 12/12" in resumed.stderr
    monkeypatch.chdir(tmp_path)
    assert cli.main([*arguments, "--out", "whole"]) == 0
    killed, whole = (zoo.load(tmp_path / name).get_weights() for name in ("killed", "whole"))
    for a, b in zip(killed, whole, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.anybackend
def test_train_writes_to_a_new_directory_of_the_user_by_default(tmp_path, monkeypatch):
    """Never in the directory of the pretrained entries, even in a clone."""
    shipped = zoo.store.root()
    for place in (tmp_path, shipped.parent):
        monkeypatch.chdir(place)
        out = training._target(argparse.Namespace(name="linear_sine", out=None)).resolve()
        assert out == place / "entries" / "linear_sine" and not out.exists()
    monkeypatch.chdir(shipped)
    with pytest.raises(ValueError, match="must not be that of the pretrained entries"):
        training._target(argparse.Namespace(name="linear_sine", out=None))


def test_train_replaces_only_what_out_names(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    thesis = tmp_path / "entries" / "linear_sine" / "thesis.tex"
    thesis.parent.mkdir(parents=True)
    thesis.write_text("precious")
    assert cli.main(["train", "linear_sine", "--epochs", "1"]) == 2
    assert "exists. Choose a directory with --out" in capsys.readouterr().err
    assert cli.main(["train", "linear_sine", "--epochs", "1", "--out", str(thesis.parent)]) == 2
    assert "is not a zoo entry" in capsys.readouterr().err
    assert thesis.read_text() == "precious"


def test_train_refuses_checkpoints_of_another_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "entries" / "linear_sine.partial").mkdir(parents=True)
    (tmp_path / "entries" / "linear_sine.partial" / "settings.json").write_text('{"epochs": 3}')
    assert cli.main(["train", "linear_sine"]) == 2
    assert "must have checkpoints of a run with the same settings" in capsys.readouterr().err


@pytest.mark.anybackend
def test_demo_writes_a_picture(tmp_path):
    """As on a machine without MNIST: neither KERASAE_DATA nor Keras's cache has it."""
    environment = {key: value for key, value in os.environ.items() if key != "KERASAE_DATA"}
    run = kerasae("demo", cwd=tmp_path, env=environment | {"KERAS_HOME": str(tmp_path)})
    assert run.returncode == 0, run.stderr
    assert "scikit-learn digits" in run.stdout and "mean squared error" in run.stdout
    assert (tmp_path / "demo.png").stat().st_size > 10_000


@pytest.mark.anybackend
def test_backend_option_chooses_the_backend(tmp_path):
    other = "torch" if os.environ["KERAS_BACKEND"] != "torch" else "jax"
    run = kerasae("train", "linear_sine", "--epochs", "1", "--backend", other, "--out", "one", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert zoo.card(tmp_path / "one")["versions"]["backend"] == other
