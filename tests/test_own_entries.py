"""The user's own entries: saved, trained, searched."""

import contextlib
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

import kerasae
from kerasae import cli, data, metrics, models, zoo
from kerasae.preprocessing import TablePreprocessing
from kerasae.zoo import inputs, plans

pytestmark = pytest.mark.shared


@keras.saving.register_keras_serializable(package="tests")
class Shifted(models.DenseAutoencoder):
    """A user's class with an additional argument."""

    def __init__(self, input_shape, shift=0.0, **kwargs):
        super().__init__(input_shape, **kwargs)
        self.shift = float(shift)

    def get_config(self):
        return {**super().get_config(), "shift": self.shift}


def digits(n=60):
    x, y, *_ = data.digits()
    return data.Dataset(x[:n], y[:n], x[n : 2 * n], y[n : 2 * n])


def test_a_model_of_a_user_class_is_saved_measured_and_loaded(tmp_path):
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


@pytest.mark.anybackend
def test_a_model_is_measured_through_its_preprocessing_on_what_is_read_from_files(tmp_path, capsys):
    x, scale = rows(), TablePreprocessing.fitted(rows())
    model = models.DenseAutoencoder((6,), (8,), 2, value_range=None, output_activation="linear")
    np.savetxt(tmp_path / "x.csv", x, delimiter=",", header="a,b,c,d,e,f", comments="", fmt="%.18g")
    as_arrays = zoo.save(model, tmp_path / "arrays", data=scale(x), preprocessing=scale)
    read = zoo.save(model, tmp_path / "read", data=str(tmp_path / "x.csv"), preprocessing=scale)
    assert read.figures == pytest.approx(as_arrays.figures, rel=1e-4)
    assert read.preprocessing == scale and read.measured.data == str(tmp_path / "x.csv")
    assert "all of them are measured, and the mean and PCA are fitted to them too" in read.measured.description
    assert cli.main(["evaluate", str(tmp_path / "read")]) == 0 and "ok" in capsys.readouterr().out


@pytest.mark.anybackend
def test_names_of_keras_hub_load_and_save(tmp_path):
    model = models.DenseAutoencoder.from_preset("deep_sine")
    model.save_to_preset(tmp_path / "mine", license="MIT")
    again = models.Autoencoder.from_preset(tmp_path / "mine")
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    untrained = models.Autoencoder.from_preset("deep_sine", load_weights=False)
    assert not np.allclose(untrained.get_weights()[0], model.get_weights()[0])
    with pytest.raises(ValueError, match="must be an entry of a ConvAutoencoder. deep_sine has a DenseAutoencoder"):
        models.ConvAutoencoder.from_preset("deep_sine")


@pytest.mark.anybackend
def test_without_data_a_card_has_no_figures(tmp_path):
    card = zoo.save(models.LinearAutoencoder((5,), 2), tmp_path / "five")
    assert card.figures == {} and card.measured is None
    assert zoo.load(tmp_path / "five").code_shape == (2,)


@pytest.mark.anybackend
def test_only_registered_autoencoders_are_saved(tmp_path):
    class Local(models.DenseAutoencoder):
        pass

    with pytest.raises(ValueError, match="registered with Keras. Received: Local, which is not. Put @keras.saving"):
        zoo.save(Local((2,)), tmp_path / "local")
    with pytest.raises(TypeError, match=r"model must be a kerasae.models.Autoencoder. Received: Sequential"):
        zoo.save(keras.Sequential(), tmp_path / "sequential")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.anybackend
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
    """Limit the size of files to 20,000 bytes."""
    import resource  # not on Windows

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.anybackend
def test_a_full_disk_leaves_what_was_there(tmp_path):
    model = models.DenseAutoencoder((28, 28, 1), (64,), 8)
    zoo.save(model, tmp_path / "mine")
    with full_disk(), pytest.raises(OSError, match="Nothing was changed. Make room or choose another directory"):
        zoo.save(model, tmp_path / "mine", description="another")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert zoo.card(tmp_path / "mine").description == ""
    assert zoo.load(tmp_path / "mine").code_size == 8


class Killed(Exception):
    pass


def killed_in(epoch):
    def kill(now, logs):
        if now == epoch:
            raise Killed

    return keras.callbacks.LambdaCallback(on_epoch_begin=kill)


def rows(n=200, d=6):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 2)) @ rng.normal(size=(2, d)) * 100 + 50 + rng.normal(size=(n, d))


def test_from_an_array_to_an_entry_that_other_functions_take(tmp_path, capsys):
    x = rows()
    model = kerasae.train(x, out=tmp_path / "rows", epochs=30, code_size=2, license="MIT", verbose=2)
    shown = capsys.readouterr().out
    assert "180 inputs to train on, 20 held out" in shown and "because rows of 6 numbers" in shown
    card = zoo.card(tmp_path / "rows")
    assert card.code.size == 2 and card.license == "MIT" and card.hold_out == 20
    assert "held out from training, though early stopping compared epochs on them" in card.measured.description
    assert card.figures["mse"] < 0.2 * card.baselines["mean"]["mse"]
    loaded = zoo.load(tmp_path / "rows")
    inputs = card.preprocessing(x)
    assert abs(inputs[:, 0].mean()) < 0.2 and inputs.std() == pytest.approx(1, abs=0.1)
    np.testing.assert_array_equal(loaded.reconstruct(inputs), model.reconstruct(inputs))
    assert all(difference.is_tolerable for difference in zoo.verify(tmp_path / "rows").values())
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]


@pytest.mark.anybackend
def test_a_killed_run_stops_at_the_same_epoch_with_the_same_weights(tmp_path):
    settings = {"epochs": 20, "learning_rate": 0.05, "patience": 2, "verbose": 0}
    whole = kerasae.train(rows(40), out=tmp_path / "whole", **settings)
    recipe = zoo.card(tmp_path / "whole").recipe
    assert recipe["epochs_trained"] == recipe["best_epoch"] + 2 < 20
    for epoch in (1, recipe["best_epoch"] + 1):
        with pytest.raises(Killed):
            kerasae.train(rows(40), out=tmp_path / "killed", callbacks=[killed_in(epoch)], **settings)
        assert not (tmp_path / "killed").exists()
    with pytest.raises(ValueError, match="must have checkpoints of a run with the same settings"):
        kerasae.train(rows(40) + 1, out=tmp_path / "killed", **settings)
    resumed = kerasae.train(rows(40), out=tmp_path / "killed", **settings)
    assert zoo.card(tmp_path / "killed").recipe == recipe
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.anybackend
def test_a_disk_that_fills_up_loses_nothing(tmp_path):
    settings = {"epochs": 2, "verbose": 0, "arguments": {"hidden_units": (64, 64)}}
    with full_disk(), pytest.raises(OSError, match="Nothing is lost: make room, and the same command resumes"):
        kerasae.train(rows(), out=tmp_path / "rows", **settings)
    assert not (tmp_path / "rows").exists()
    kerasae.train(rows(), out=tmp_path / "rows", **settings)
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]


@pytest.mark.anybackend
def test_figures_are_measured_again_on_the_original_data(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", rows())
    assert cli.main(["train", "--data", "x.npy", "--epochs", "2", "--out", "mine", "--set", "hidden_units=8,"]) == 0
    assert capsys.readouterr().out.startswith("mine: MSE ")
    assert (
        zoo.card("mine").provenance.command == "kerasae train --data x.npy --epochs 2 --out mine --set hidden_units=8,"
    )
    assert cli.main(["evaluate", "mine"]) == 0
    assert "mine  ok" in capsys.readouterr().out
    (tmp_path / "x.npy").rename("elsewhere.npy")
    assert cli.main(["evaluate", "mine"]) == 1
    assert "They are not at x.npy. Give other inputs: kerasae evaluate mine --data PATH" in capsys.readouterr().out


@pytest.mark.anybackend
@pytest.mark.parametrize(
    ("shape", "label", "model"),
    [((24, 2), False, "ConvAutoencoder"), ((5, 4, 1), True, "DenseAutoencoder")],
)
def test_every_kind_of_array_is_trained_on(shape, label, model, tmp_path):
    x = np.random.default_rng(0).random((40, *shape)).astype("float32")
    kerasae.train(
        (x, np.arange(40) % 2) if label else x, out=tmp_path / "it", epochs=1, verbose=0, hold_out=8, batch_size=20
    )
    card = zoo.card(tmp_path / "it")
    assert (card.class_name, card.measured.number) == (model, 8)
    assert zoo.load(tmp_path / "it").data_shape == shape


@pytest.mark.anybackend
def test_pictures_that_do_not_fit_in_memory_are_trained_on_and_measured_in_part(tmp_path, monkeypatch):
    scans = data.digits().x_test[:40]
    (tmp_path / "photos").mkdir()
    for i, image in enumerate(scans):
        Image.fromarray((image[..., 0] * 255).astype("uint8")).save(tmp_path / "photos" / f"{i}.png")
    monkeypatch.setattr(inputs, "MOST", 20 * 28 * 28)
    reading = {"memory": 1, "size": 28}
    kerasae.train(tmp_path / "photos", out=tmp_path / "it", epochs=1, verbose=0, hold_out=30, options=reading)
    card = zoo.card(tmp_path / "it")
    assert (card.hold_out, card.measured.number) == (30, 20)
    assert "measured were 20 of them, chosen at random" in card.measured.description
    found = inputs.of_card(card)
    assert metrics.figures(zoo.load(tmp_path / "it"), found)["mse"] == pytest.approx(card.figures["mse"], rel=1e-4)
    assert card.preprocessing.size == (28, 28)


@pytest.mark.anybackend
def test_rules_are_stated_and_each_is_overridden():
    photographs, table = plans.Facts((32, 32, 3), 10_000, (0.0, 1.0)), plans.Facts((30,), 500, None)
    plan = plans.choose(photographs)
    assert plan.loss == "mean_squared_error" and "because the inputs have several channels" in str(plan)
    assert plans.choose(plans.Facts((28, 28, 1), 60_000, (0.0, 1.0))).loss == "binary_crossentropy"
    assert plans.choose(table).model == "DenseAutoencoder" and plans.choose(table).arguments["value_range"] is None
    wanted = {"epochs": 3, "batch_size": 7, "learning_rate": 0.01, "patience": 5, "loss": "mean_absolute_error"}
    other = plans.choose(photographs, "DenseAutoencoder", {"hidden_units": (4,)}, code_size=9, **wanted)
    assert {key: getattr(other, key) for key in wanted} == wanted
    assert other.arguments == {"hidden_units": (4,), "latent_dim": 9}
    with pytest.raises(ValueError, match="No argument of DenseAutoencoder named 'filter'. Known: .*activation"):
        plans.choose(table, "DenseAutoencoder", {"filter": 3})
    with pytest.raises(ValueError, match="No model class named 'ConvAutoencodr'. Did you mean 'ConvAutoencoder'"):
        plans.choose(photographs, "ConvAutoencodr")
    with pytest.raises(ValueError, match=r"learning_rate must be between 0 and 1. Received: 3"):
        plans.choose(table, learning_rate=3)


@pytest.mark.anybackend
def test_bad_input_is_refused_before_training(tmp_path):
    (tmp_path / "file").write_text("precious")
    for out in ("file", "."):
        with pytest.raises(FileExistsError, match=r"out must be new.*Choose another"):
            kerasae.train(rows(), out=tmp_path / out)
        with pytest.raises(FileExistsError, match="is not a zoo entry"):
            kerasae.train(rows(), out=tmp_path / out, overwrite=True)
    with pytest.raises(ValueError, match="must not be that of the pretrained entries"):
        kerasae.train(rows(), out=zoo.store.root() / "mine")
    with pytest.raises(ValueError, match="data must have at least 10 inputs to hold some out. Received: 4"):
        kerasae.train(rows(4), out=tmp_path / "few")
    with pytest.raises(ValueError, match="out must be the directory of the entry, since the data have no name"):
        kerasae.train(rows())
    with pytest.raises(FileNotFoundError, match="No file or folder at nowhere"):
        kerasae.train("nowhere")
    with pytest.raises(ValueError, match=r"model must take inputs of shape \(6,\).*Received a model of \(2,\)"):
        kerasae.train(rows(), models.LinearAutoencoder((2,)), out=tmp_path / "other")
    with pytest.raises(ValueError, match="data must have labels for a Conditional"):
        kerasae.train(rows(), "ConditionalVariationalAutoencoder", out=tmp_path / "other", verbose=0)
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.anybackend
def test_entries_are_found_by_their_cards(tmp_path):
    assert zoo.search(data="mnist", family="variational", code_size=(2, 8)) == ["vae2_mnist"]
    assert zoo.search(family="ConvAutoencoder", code_size=49) == ["conv_mnist"]
    assert zoo.search() == zoo.names()
    shutil.copytree(zoo.store.root() / "linear_sine", tmp_path / "mine")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / zoo.METADATA).write_text("{")
    assert zoo.names(tmp_path) == ["damaged", "mine"] and zoo.search(directory=tmp_path) == ["mine"]
    assert zoo.search(data="mnist", directory=tmp_path) == []
    with pytest.raises(FileNotFoundError, match="directory must be a folder of entries. There is none at"):
        zoo.names(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="code_size must be a positive integer. Received: 0"):
        zoo.search(code_size=0)
