"""Checkpoints of an interrupted run, and their directory."""

import keras
import numpy as np
import pytest

from kerasae import models
from kerasae.training import checkpoints
from kerasae.zoo import recipes

pytestmark = pytest.mark.shared

X = np.linspace(0, 1, 64, dtype="float32").reshape(8, 8)


class Killed(Exception):
    pass


def trained(epochs, *callbacks):
    keras.utils.set_random_seed(0)
    model = models.DenseAutoencoder((8,), (4,), 2)
    model.compile("adam", "mse")
    return model, model.fit(X, batch_size=4, epochs=epochs, seed=1, verbose=0, callbacks=list(callbacks))


def assert_same_weights(a, b):
    for one, other in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_states_are_complete_and_the_newest_is_used(tmp_path):
    backup = checkpoints.Backup(tmp_path / "state")
    whole, _ = trained(12)
    trained(9, backup)
    assert [path.name for path in backup.directory.iterdir()] == ["epoch-9.weights.h5"]
    trained(11, backup)
    # As if training was killed while writing, or before removing the older checkpoint.
    (backup.directory / "unfinished.weights.h5").write_bytes(b"half of a file")
    trained(9, checkpoints.Backup(tmp_path / "other"))
    (tmp_path / "other" / "epoch-9.weights.h5").rename(backup.directory / "epoch-9.weights.h5")
    resumed, history = trained(12, backup)
    assert history.epoch == [11]
    assert_same_weights(resumed, whole)
    assert [path.name for path in backup.directory.iterdir()] == ["epoch-12.weights.h5"]


def test_a_failed_backup_keeps_the_previous_one(tmp_path, monkeypatch):
    def save(model, path):
        path.write_bytes(b"half of a file")
        raise Killed

    backup = checkpoints.Backup(tmp_path)
    whole, _ = trained(4)
    trained(3, backup)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(models.DenseAutoencoder, "save_weights", save)
        trained(4, backup)
    resumed, history = trained(4, backup)
    assert history.epoch == [3]
    assert_same_weights(resumed, whole)


def test_one_process_of_several_writes(tmp_path, monkeypatch):
    backup = checkpoints.Backup(tmp_path)
    backup.set_model(trained(1)[0])
    monkeypatch.setattr(checkpoints.backends, "processes", lambda model: 2)
    monkeypatch.setattr(checkpoints.backends, "process_index", lambda: 1)
    backup.on_epoch_end(0)
    assert not list(tmp_path.iterdir())


def test_keras_own_backup_falls_back_to_its_second_file(tmp_path):
    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path, double_checkpoint=True, delete_checkpoint=False)

    whole, _ = trained(4)
    trained(3, backup())
    (tmp_path / "latest.weights.h5").write_bytes(b"half of a file")
    resumed, history = trained(4, backup())
    assert history.epoch == [2, 3]
    assert_same_weights(resumed, whole)


def test_the_same_run_resumes(tmp_path):
    plan = recipes.plan("deep_sine")
    first = checkpoints.directory(tmp_path / "entry", plan, 0, 0)
    (first / "state").touch()
    assert checkpoints.directory(tmp_path / "entry", plan, 0, 0) == first
    assert (first / "state").exists()


@pytest.mark.parametrize("changed", [{"seed": 1}, {"hold_out": 5}, {"plan": recipes.plan("deep_sine", epochs=3)}])
def test_another_run_is_refused(tmp_path, changed):
    settings = {"plan": recipes.plan("deep_sine"), "seed": 0, "hold_out": 0}
    checkpoints.directory(tmp_path / "entry", **settings)
    with pytest.raises(ValueError, match="must have checkpoints of a run with the same settings"):
        checkpoints.directory(tmp_path / "entry", **settings | changed)
