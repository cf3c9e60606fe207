"""The directory of a run that may have been broken off."""

import pytest

from kerasae import checkpoints, recipes


def test_the_same_run_goes_on(tmp_path):
    plan = recipes.plan("deep_sine")
    first = checkpoints.directory(tmp_path / "entry", plan, 0, 0)
    (first / "state").touch()
    assert checkpoints.directory(tmp_path / "entry", plan, 0, 0) == first
    assert (first / "state").exists()


@pytest.mark.parametrize("changed", [{"seed": 1}, {"hold_out": 5}, {"plan": recipes.plan("deep_sine", epochs=3)}])
def test_another_run_is_refused(tmp_path, changed):
    settings = {"plan": recipes.plan("deep_sine"), "seed": 0, "hold_out": 0}
    checkpoints.directory(tmp_path / "entry", **settings)
    with pytest.raises(ValueError, match="holds the checkpoints of a run with other settings"):
        checkpoints.directory(tmp_path / "entry", **settings | changed)
