"""The shell commands."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from kerasae import cli, text, zoo


def kerasae(*arguments, cwd, **kwargs):
    """The command in a process of its own, as a user runs it."""
    command = [sys.executable, "-m", "kerasae.cli", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, **kwargs)


def test_list_names_every_entry(capsys):
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == zoo.names()


def test_info_shows_the_card(capsys):
    assert cli.main(["info", "vae_mnist"]) == 0
    assert capsys.readouterr().out == text.card(zoo.card("vae_mnist")) + "\n"


def test_unknown_entry_is_an_error_without_a_traceback(capsys):
    assert cli.main(["info", "vae_minst"]) == 2
    assert "Did you mean 'vae_mnist'" in capsys.readouterr().err


def test_verify_says_how_far_each_output_is(capsys):
    assert cli.main(["verify", "linear_sine", "deep_sine"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["linear_sine", "ok"], ["deep_sine", "ok"]]
    found = zoo.verify("deep_sine")["code"]
    assert f"code {found.largest:.1e} of {found.tolerance:.1e}" in lines[1]


def test_verify_goes_on_after_what_fails_or_differs(tmp_path, capsys):
    broken, other = (shutil.copytree(zoo._root() / "deep_sine", tmp_path / name) for name in ("broken", "other"))
    (broken / zoo.WEIGHTS).write_bytes(b"")
    card = json.loads((other / zoo.METADATA).read_text())
    card["golden"]["code"][0][0] += 4e-5  # of at most 3.5e-5, for codes up to 3.5
    (other / zoo.METADATA).write_text(json.dumps(card))
    assert cli.main(["verify", str(broken), str(other), "deep_sine"]) == 1
    first, second, third = capsys.readouterr().out.splitlines()
    assert "FAILED" in first and "is not the file its card describes" in first
    assert "DIFFERS  code 4.0e-05 of 3.5e-05" in second
    assert third.split()[1] == "ok"


def test_evaluate_shows_measured_beside_card(capsys):
    assert cli.main(["evaluate", "deep_sine"]) == 0
    out = capsys.readouterr().out
    measured, _, stated = next(line for line in out.splitlines() if line.startswith("mse")).split()[1:]
    assert float(measured) == pytest.approx(float(stated), rel=1e-4)


def test_evaluate_passes_over_what_an_earlier_card_lacks(tmp_path, capsys):
    earlier = shutil.copytree(zoo._root() / "deep_sine", tmp_path / "deep_sine")
    card = json.loads((earlier / zoo.METADATA).read_text())
    del card["figures"]["fresh_mse"]
    (earlier / zoo.METADATA).write_text(json.dumps(card))
    assert cli.main(["evaluate", str(earlier)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("fresh_mse"))
    assert line.endswith("none")


def test_evaluate_makes_a_card_anew(tmp_path):
    assert cli.main(["evaluate", "deep_sine", "--update", str(tmp_path / "again")]) == 0
    before, after = zoo.card("deep_sine"), zoo.card(tmp_path / "again")
    assert after.pop("files").keys() == before.pop("files").keys()
    assert after.keys() == before.keys()
    assert after["versions"] == before["versions"]
    assert after["figures"] == pytest.approx(before["figures"], rel=1e-4)
    assert all(difference.is_tolerable for difference in zoo.verify(tmp_path / "again").values())


def test_table_is_written_and_checked(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"{text.BEGIN}\n{text.END}\n")
    assert cli.main(["table", "--check", str(page)]) == 1
    assert cli.main(["table", str(page)]) == 0
    assert cli.main(["table", "--check", str(page)]) == 0


def test_train_writes_a_whole_entry(tmp_path):
    run = kerasae("train", "linear_sine", "--epochs", "2", "--out", "mine/linear_sine", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "Epoch 2/2" in run.stdout and "val_loss" in run.stdout
    entry = tmp_path / "mine" / "linear_sine"
    assert sorted(path.name for path in entry.iterdir()) == sorted([zoo.CONFIG, zoo.WEIGHTS, zoo.METADATA, zoo.PREVIEW])
    assert [path.name for path in entry.parent.iterdir()] == ["linear_sine"]  # no checkpoints left
    card = zoo.card(entry)
    assert card["schedule"] == "other" and card["recipe"]["epochs"] == 2
    assert all(difference.is_tolerable for difference in zoo.verify(entry).values())


def test_train_goes_on_after_being_killed(tmp_path):
    """SIGKILL after some epochs; the second run starts where the first one was and ends as an unbroken one."""
    arguments = ["train", "deep_sine", "--epochs", "12"]
    with open(tmp_path / "log", "w") as log:
        command = [sys.executable, "-u", "-m", "kerasae.cli", *arguments, "--out", "killed"]
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
    assert "Epoch 1/12" not in resumed.stdout and "Epoch 12/12" in resumed.stdout
    assert kerasae(*arguments, "--out", "whole", cwd=tmp_path).returncode == 0
    killed, whole = (zoo.load(tmp_path / name).get_weights() for name in ("killed", "whole"))
    for a, b in zip(killed, whole, strict=True):
        np.testing.assert_array_equal(a, b)


def test_train_refuses_checkpoints_of_another_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zoo" / "linear_sine.partial").mkdir(parents=True)
    (tmp_path / "zoo" / "linear_sine.partial" / "settings.json").write_text('{"epochs": 3}')
    assert cli.main(["train", "linear_sine"]) == 2
    assert "checkpoints of a run with other settings" in capsys.readouterr().err


def test_demo_writes_a_picture(tmp_path):
    """As on a machine without MNIST: neither KERASAE_DATA nor Keras's cache has it."""
    environment = {key: value for key, value in os.environ.items() if key != "KERASAE_DATA"}
    run = kerasae("demo", cwd=tmp_path, env=environment | {"KERAS_HOME": str(tmp_path)})
    assert run.returncode == 0, run.stderr
    assert "scikit-learn digits" in run.stdout and "mean squared error" in run.stdout
    assert (tmp_path / "demo.png").stat().st_size > 10_000


def test_backend_option_chooses_the_backend(tmp_path):
    other = "torch" if os.environ["KERAS_BACKEND"] != "torch" else "jax"
    run = kerasae("train", "linear_sine", "--epochs", "1", "--backend", other, "--out", "one", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert zoo.card(tmp_path / "one")["versions"]["backend"] == other
