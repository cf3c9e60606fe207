"""Commands that score inputs, draw models and measure them."""

import json

import numpy as np
import pytest
from PIL import Image

from kerasae import cli, data, metrics, models, preprocessing, zoo
from kerasae.sklearn import OutlierDetector

pytestmark = pytest.mark.anybackend


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    """An entry with a detector fitted to zeros, written by `kerasae train`; folders of `normal` and `odd` digits."""
    root = tmp_path_factory.mktemp("detector")
    digits = data.digits()
    for kind, of, (x, y) in (("train", (0,), digits[:2]), ("test", (0, 1), digits[2:])):
        for i in np.flatnonzero(np.isin(y, of)):
            path = root / kind / ("odd" if y[i] else "normal") / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.rint(255 * x[i, ..., 0]).astype("uint8")).save(path)
    fast = ["--set", "model=dense8_mnist", "--set", "contamination=0.1"]
    made = ["--data", str(root / "train"), "--model", "OutlierDetector", "--out", str(root / "zeros"), *fast]
    assert cli.main(["train", *made]) == 0
    return root / "zeros"


def test_score_of_a_detector_gives_scores_and_labels(entry, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert zoo.card(entry).preprocessing == preprocessing.ImagePreprocessing((28, 28), "grayscale")
    assert cli.main(["score", str(entry), str(entry.parent / "test"), "--json"]) == 0
    out, err = capsys.readouterr()
    table = json.loads(out)
    detector, source = OutlierDetector.load(entry), data.load(entry.parent / "test")
    flat = source.x.reshape(len(source), -1)
    np.testing.assert_allclose([row["score"] for row in table], detector.score_samples(flat), atol=1e-5)
    assert [row["label"] for row in table] == ["normal" if one > 0 else "outlier" for one in detector.predict(flat)]
    assert table[0]["file"].startswith("normal/") and table[-1]["file"].startswith("odd/")
    assert "score: 0 is the median of the training inputs" in err
    assert f"inputs below {detector.offset_:.4g} are outliers" in err
    assert cli.main(["score", str(entry), str(entry.parent / "test"), "--top", "3", "--map", "maps"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and all(line.split()[0].startswith("odd/") for line in lines[1:])
    assert len(list((tmp_path / "maps" / "odd").iterdir())) == 3


def test_evaluate_of_a_detector_measures_outliers(entry, capsys):
    arguments = ["evaluate", str(entry), "--data", str(entry.parent / "test"), "--json"]
    assert cli.main(arguments) == 0
    figures = json.loads(capsys.readouterr().out)[0]["figures"]
    assert figures["roc_auc"] > 0.95 and 0.3 < figures["outlier_share"] < 0.9 and "mse" in figures
    assert cli.main([*arguments, "--normal", "odd"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["figures"]["roc_auc"] == pytest.approx(1 - figures["roc_auc"])
    assert cli.main([*arguments, "--normal", "norml"]) == 2
    assert "No class named 'norml'. Did you mean 'normal'" in capsys.readouterr().err


def test_evaluate_estimates_the_likelihood_of_variational_models(capsys):
    digits = data.digits()
    arguments = ["--data", "digits", "--n", "15", "--likelihood", "7", "--json"]
    assert cli.main(["evaluate", "cvae_mnist", *arguments]) == 0
    figures = json.loads(capsys.readouterr().out)[0]["figures"]
    expected = metrics.marginal_likelihood(zoo.load("cvae_mnist"), digits.x_test[:15], 7, label=digits.y_test[:15])
    assert figures["negative_log_likelihood"] == pytest.approx(expected.negative_log_likelihood, rel=1e-5)
    assert figures["importance_samples"] == 7 and figures["active_units"] == expected.active_units
    assert cli.main(["evaluate", "dense8_mnist", *arguments]) == 2
    assert "--likelihood needs a variational autoencoder. Received a DenseAutoencoder" in capsys.readouterr().err
    assert cli.main(["evaluate", "vae_mnist", "--likelihood", "7"]) == 2
    assert "--likelihood needs the inputs to measure on" in capsys.readouterr().err


def test_score_of_another_model_is_its_reconstruction_error(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["score", "dense8_mnist", "digits", "--n", "20", "--top", "2"]) == 0
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    errors = zoo.load("dense8_mnist").reconstruction_error(data.digits().x_test[:20])
    assert [line[0] for line in shown] == ["input", *map(str, np.argsort(-errors)[:2])]
    assert float(shown[1][1]) == pytest.approx(errors.max(), rel=1e-3)
    assert cli.main(["score", "dense8_mnist", "digits", "--n", "20", "--out", "scores.csv"]) == 0
    np.testing.assert_allclose(np.loadtxt("scores.csv", delimiter=",", skiprows=1)[:, 1], errors, rtol=1e-5)
    assert cli.main(["score", "dense8_mnist", "digits", "--out", "scores.csv"]) == 2
    assert "scores.csv exists" in capsys.readouterr().err


def test_score_of_a_series_has_a_row_for_each_step(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    series = np.sin(np.arange(50))[:, None] + 3
    (tmp_path / "series.csv").write_text("level\n" + "\n".join(f"{value:.6f}" for value in series[:, 0]))
    scale = preprocessing.SeriesPreprocessing.fitted(series, length=8, stride=4)
    model = models.DenseAutoencoder((8, 1), (4,), 2, value_range=None, output_activation="linear")
    zoo.save(model, "entry", preprocessing=scale)
    assert cli.main(["score", "entry", "series.csv", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert [row["step"] for row in table] == list(range(50))
    error = model.reconstruction_error(scale(series), per="pixel")[:, :, 0]
    assert table[0]["error"] == pytest.approx(error[0, 0], rel=1e-3)
    assert table[5]["error"] == pytest.approx((error[0, 5] + error[1, 1]) / 2, rel=1e-3)
    assert [row["error"] for row in table[-2:]] == [None, None]


@pytest.mark.parametrize(
    ("name", "kind", "default"),
    [
        ("dense2_mnist", "codes", True),
        ("conv_mnist", "reconstructions", True),
        ("vae_mnist", "samples", True),
        ("linear_sine", "preview", True),
        ("dense_mnist", "filters", False),
        ("conv_mnist", "errors", False),
        ("vae2_mnist", "grid", False),
    ],
)
def test_plot_chooses_a_characteristic_picture(name, kind, default, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    inputs = [] if name.endswith("sine") else ["digits"]
    assert cli.main(["plot", name, *inputs, *([] if default else ["--kind", kind])]) == 0
    assert capsys.readouterr().out == f"{name}-{kind}.png: {kind} of {name}\n"
    with Image.open(f"{name}-{kind}.png") as picture:
        assert len(picture.convert("L").getcolors()) > 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plot", "conv_mnist", "--kind", "samples"], "conv_mnist must be a model that generates"),
        (["plot", "conv_mnist", "--kind", "grid"], "conv_mnist must have code size 2"),
        (["score", "linear_sine", "sine", "--map", "maps"], "--map needs a model of pictures"),
        (["score", "conv_mnist", "digits", "--out", "scores.txt"], "--out must end in .csv"),
        (["evaluate", "--data", "digits"], "Expected names of entries"),
        (["train", "--data", "digits", "--model", "OutlierDetector", "--epochs", "3"], "not take the options --epochs"),
    ],
)
def test_errors_are_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("kerasae: ") and message in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_verify_and_evaluate_as_json(capsys):
    assert cli.main(["verify", "linear_sine", "deep_sin", "--json"]) == 1
    found, failed = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "ok" and found["code"]["difference"] <= found["code"]["tolerance"]
    assert failed["verdict"] == "FAILED" and "Did you mean 'deep_sine'" in failed["error"]
    assert cli.main(["evaluate", "linear_sine", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["mse"]["measured"] == pytest.approx(found["mse"]["card"], rel=1e-4)
