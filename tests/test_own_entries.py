"""Entries of one's own: saved, trained, searched."""

import contextlib

import keras
import numpy as np
import pytest

import kerasae
from kerasae import data, models, zoo


@keras.saving.register_keras_serializable(package="tests")
class Shifted(models.DenseAutoencoder):
    """A class of a user's, with an argument of its own."""

    def __init__(self, input_shape, shift=0.0, **kwargs):
        super().__init__(input_shape, **kwargs)
        self.shift = float(shift)

    def get_config(self):
        return {**super().get_config(), "shift": self.shift}


def digits(n=60):
    x, y, *_ = data.digits()
    return data.Dataset(x[:n], y[:n], x[n : 2 * n], y[n : 2 * n])


def test_a_model_of_a_users_own_class_is_saved_measured_and_loaded(tmp_path):
    dataset = digits()
    model = Shifted((28, 28, 1), 0.5, hidden_units=(8,), latent_dim=3)
    card = zoo.save(
        model,
        tmp_path / "mine",
        data=dataset,
        description="Shifted digits",
        license="MIT",
        source="A book",
        author="Ada",
    )
    found = zoo.load(tmp_path / "mine")
    assert type(found) is Shifted and found.shift == 0.5
    np.testing.assert_array_equal(found.reconstruct(dataset.x_test), model.reconstruct(dataset.x_test))
    assert zoo.card(tmp_path / "mine").to_json().items() >= card.to_json().items()
    assert (card.name, card.license, card.source, card.provenance.author) == ("mine", "MIT", "A book", "Ada")
    assert card.figures.keys() == kerasae.metrics.figures(model, dataset).keys()
    assert card.baselines["pca"]["mse"] > 0 and "60 test inputs" in card.measured.description
    assert all(difference.is_tolerable for difference in zoo.verify(tmp_path / "mine").values())


def test_without_data_a_card_has_no_figures(tmp_path):
    card = zoo.save(models.LinearAutoencoder((5,), 2), tmp_path / "five")
    assert card.figures == {} and card.measured is None
    assert zoo.load(tmp_path / "five").code_shape == (2,)


def test_only_registered_autoencoders_are_saved(tmp_path):
    class Local(models.DenseAutoencoder):
        pass

    with pytest.raises(ValueError, match="registered with Keras. Received: Local, which is not. Put @keras.saving"):
        zoo.save(Local((2,)), tmp_path / "local")
    with pytest.raises(TypeError, match=r"model must be a kerasae.models.Autoencoder. Received: Sequential"):
        zoo.save(keras.Sequential(), tmp_path / "sequential")
    assert list(tmp_path.iterdir()) == []


def test_extra_files_are_of_a_closed_list_and_checked(tmp_path):
    model, arrays = models.LinearAutoencoder((2,)), {"threshold": np.float32(0.5), "mean": np.arange(3.0)}
    card = zoo.save(model, tmp_path / "plain")
    picture = zoo.previews.preview("it", model)
    zoo.writing.write(tmp_path / "it", model, card, picture, extra={zoo.DETECTOR: arrays})
    found = zoo.store.extra_arrays(tmp_path / "it")
    np.testing.assert_array_equal(found["mean"], arrays["mean"])
    with pytest.raises(ValueError, match=r"extra must name files of detector.npz. Received: 'run.py'"):
        zoo.writing.write(tmp_path / "other", model, card, picture, extra={"run.py": arrays})
    with pytest.raises(ValueError, match=r"extra must contain arrays of numbers. Received: 'code'"):
        zoo.writing.write(tmp_path / "other", model, card, picture, extra={zoo.DETECTOR: {"code": [print]}})
    with pytest.raises(ValueError, match=r"detector.npz is missing"):
        zoo.store.extra_arrays(tmp_path / "plain")
    (tmp_path / "it" / zoo.DETECTOR).write_bytes(b"another file")
    with pytest.raises(ValueError, match=r"detector.npz is not the file its card describes"):
        zoo.store.extra_arrays(tmp_path / "it")


@contextlib.contextmanager
def full_disk():
    """No file grows beyond 20,000 bytes."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_what_was_there(tmp_path):
    model = models.DenseAutoencoder((28, 28, 1), (64,), 8)
    zoo.save(model, tmp_path / "mine")
    with full_disk(), pytest.raises(OSError, match="Nothing was changed. Make room or choose another directory"):
        zoo.save(model, tmp_path / "mine", description="another")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert zoo.card(tmp_path / "mine").description == ""
    assert zoo.load(tmp_path / "mine").code_size == 8
