"""Errors of single inputs, and the outlier detector."""

import dataclasses

import keras
import numpy as np
import pytest
from conftest import BACKEND, SHAPE, conditional, dense, images, vae
from scipy.ndimage import gaussian_filter
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from kerasae import data, layers, models, plots, zoo
from kerasae.outliers import fitting, parts, storage
from kerasae.sklearn import OutlierDetector

pytestmark = pytest.mark.shared


@pytest.mark.parametrize("make", [dense, conditional])
def test_reconstruction_error_is_the_squared_difference(make):
    model, x = make(), images(7)
    given = {"label": 1} if model.classes else {}
    squared = (x - model.reconstruct(x, **given)) ** 2
    np.testing.assert_allclose(model.reconstruction_error(x, per="pixel", **given), squared, atol=1e-6)
    of_inputs = model.reconstruction_error(x, batch_size=3, **given)
    np.testing.assert_allclose(of_inputs, squared.mean(axis=(1, 2, 3)), rtol=1e-5)
    with pytest.raises(ValueError, match=r"per must be 'input' or 'pixel'. Received: 'image'"):
        model.reconstruction_error(x, per="image", **given)


@pytest.mark.anybackend
def test_anomaly_shows_the_error_where_it_is():
    x = np.full((3, 28, 28, 1), 0.5)
    x_hat = x.copy()
    x_hat[1, :4, :4] = 0.1
    figure = plots.anomaly(x, x_hat, scores=[1.0, 2.5, 3.0], n=2)
    mosaic = np.asarray(figure.axes[2].images[0].get_array())
    second = mosaic[:28, -28:]
    assert np.ptp(second[:4, :4], axis=-1).min() > 0.1  # in color
    assert np.ptp(second[4:], axis=-1).max() < 1e-9 and np.ptp(mosaic[:28, :28], axis=-1).max() < 1e-9  # in gray
    assert [label.get_text() for label in figure.axes[2].get_xticklabels()] == ["1", "2.5"]


@pytest.mark.anybackend
def test_anomaly_refuses():
    x = np.zeros((3, 8, 8, 1))
    with pytest.raises(ValueError, match=r"scores must be one number for each of 3 images. Received shape: \(2,\)"):
        plots.anomaly(x, x, scores=[1.0, 2.0])
    with pytest.raises(ValueError, match="highest must be positive. Received: 0"):
        plots.anomaly(x, x, highest=0)
    with pytest.raises(ValueError, match="All arrays must have one shape"):
        plots.anomaly(x, x[:2])


# The detector


def table(n=120, outliers=0, seed=0):
    """Three columns of which the third depends on the others, and a heavy-tailed one; outliers break the dependency."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)) * [1, 20, 1, 1] + [0, 100, 0, 0]
    x[:, 2] = x[:, 0] + 0.1 * rng.normal(size=n)
    x[:, 3] = np.exp(x[:, 3])
    x[n - outliers :, 2] *= -1
    return x.astype("float32")


@pytest.fixture
def short(monkeypatch):
    """Shorten trainings to a few steps."""
    monkeypatch.setattr(fitting, "TABLE", fitting.Schedule(30, 32, 3e-3))
    monkeypatch.setattr(fitting, "IMAGES", fitting.Schedule(30, 32, 3e-3))


# All fifty fits, each with a new compilation, take minutes; these few checks find most errors.
FEW = ("outliers_train", "subset_invariance", "fit2d_1sample", "idempotent")


@parametrize_with_checks([OutlierDetector(random_state=0)])
def test_checks_of_scikit_learn_pass(estimator, check, short):
    if any(part in check.func.__name__ for part in FEW):
        check(estimator)


@pytest.mark.slow
@parametrize_with_checks([OutlierDetector(random_state=0)])
def test_all_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)


@pytest.mark.anybackend
def test_usual_images_are_not_outliers_after_overfitting_to_few(monkeypatch):
    monkeypatch.setattr(fitting, "IMAGES", fitting.Schedule(250, 64, 3e-3))
    digits = data.digits()
    zeros, new = (x[y == 0].reshape(-1, 784) for x, y in zip(digits[::2], digits[1::2], strict=True))
    others = digits.x_test[digits.y_test != 0].reshape(-1, 784)
    detector = OutlierDetector(input_shape=(28, 28, 1), random_state=0).fit(zeros)
    assert np.mean(detector.predict(new) == 1) > 0.8
    assert np.mean(detector.predict(others) == -1) > 0.8


def in_units(training, values):
    center, high = np.quantile(training, (0.5, 0.9))
    return (values - center) / (high - center)


def test_the_score_of_a_model_is_the_documented_one():
    model, x = dense(value_range=None), images(60)
    detector = OutlierDetector(model).fit(x.reshape(60, -1))
    new = images(9, seed=1) * 2

    def raw(x, leave_out):
        errors, z = (model.reconstruct(x) - x).reshape(len(x), -1), model.encode(x)
        pairs = np.sort(np.linalg.norm(z[:, None] - model.encode(images(60)), axis=-1))[:, leave_out : leave_out + 5]
        center, whitening = (getattr(detector.score_.parts["code.distances"], key) for key in ("center", "whitening"))
        return np.sqrt((errors**2).mean(axis=1)), pairs.mean(axis=1), np.linalg.norm((z - center) @ whitening, axis=1)

    def combined(values):
        z = [np.sign(u) * np.log1p(np.abs(u)) for u in map(in_units, training, values)]
        return np.mean(z, axis=0)

    training = raw(x, leave_out=1)
    expected = -in_units(combined(training), combined(raw(new, leave_out=0)))
    np.testing.assert_allclose(detector.score_samples(new.reshape(9, -1)), expected, rtol=2e-3, atol=2e-3)


def test_the_score_of_a_table_is_the_documented_one(short):
    x, new = table(80), table(40, outliers=9, seed=1)
    detector = OutlierDetector(random_state=0).fit(x)
    model, score = detector.model_, detector.score_
    center, scale = (keras.ops.convert_to_numpy(w) for w in model.standardizations[0].weights)
    q25, median, q75 = np.percentile(x, (25, 50, 75), axis=0)
    np.testing.assert_allclose(center, median, rtol=1e-5)
    np.testing.assert_allclose(scale, np.maximum((q75 - q25) / 1.349, 0.1 * x.std(axis=0)), rtol=1e-4)
    f = (new - center) / scale
    f = np.where(np.abs(f) <= 3, f, np.sign(f) * 3 * (1 + np.log(np.maximum(np.abs(f), 3) / 3)))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model.features(new)), f, rtol=1e-3, atol=1e-4)
    f_hat = keras.ops.convert_to_numpy(model.members_decoder(model.encode(new)))
    points = score.parts["values.neighbors"].points
    nearest = np.sort(np.linalg.norm(f[:, None] - points, axis=-1))[:, :5].mean(axis=1)
    errors = (np.abs(f_hat - f[:, None]) / score.parts["values.errors"].scale).mean(axis=(1, 2))
    robust = score.parts["values.distances"]
    distances = np.linalg.norm((f - robust.center) @ robust.whitening, axis=1)
    tails = keras.ops.convert_to_numpy(score.parts["values.tails"](keras.ops.convert_to_tensor(f.astype("float32"))))
    raw = {"neighbors": nearest, "errors": errors, "distances": distances, "tails": tails}
    order = [raw[name.partition(".")[2]] for name in score.parts]
    u = (np.stack(order, axis=1) - score.centers) / score.spreads
    z = np.sign(u) * np.log1p(np.abs(u))
    expected = (score.center - z.mean(axis=1) / 2 - z.max(axis=1) / 2) / score.spread
    np.testing.assert_allclose(detector.score_samples(new), expected, rtol=5e-3, atol=5e-3)


def test_tails_are_those_of_the_training_inputs():
    values = np.random.default_rng(0).normal(size=(1000, 1)).astype("float32")
    part = parts.Tails.fit(values)
    x = np.array([[0.0], [2.0], [-2.0], [99.0]], "float32")
    found = keras.ops.convert_to_numpy(part(keras.ops.convert_to_tensor(x)))
    above = -np.log([(values >= 2).mean(), (values <= -2).mean()])
    np.testing.assert_allclose(found[1:3], above - np.log(1000 / 256), atol=0.25)
    assert found[0] < 0.1 and found[3] == pytest.approx(np.log(256 / 0.5), abs=0.01)


def test_outliers_among_the_training_inputs_are_found():
    x = table(300, outliers=20)
    detector = OutlierDetector(contamination=0.1, random_state=0).fit(x)
    scores, labels = detector.score_samples(x), np.repeat([1, 0], [280, 20])
    assert roc_auc_score(labels, scores) > 0.8
    assert np.median(detector.score_samples(table(300, seed=1))) == pytest.approx(0, abs=0.2)
    assert (detector.predict(x) == -1).sum() == 30
    np.testing.assert_array_equal(detector.predict(x), np.where(scores < detector.offset_, -1, 1))


def test_one_class_of_images(short):
    digits = data.digits()
    x = digits.x_train.reshape(len(digits.x_train), -1)
    detector = OutlierDetector(input_shape=(28, 28, 1), random_state=0).fit(x[digits.y_train == 0])
    assert detector.model_.views == ("pixels", "edges")
    scores = detector.score_samples(digits.x_test.reshape(len(digits.x_test), -1))
    assert roc_auc_score(digits.y_test == 0, scores) > 0.99
    shown = detector.model_.reconstruct(digits.x_test[:20])
    assert np.mean((shown - digits.x_test[:20]) ** 2) < 0.1


@pytest.mark.parametrize("kind", ["table", "images", "model"])
def test_saved_detectors_and_graphs_score_the_same(kind, short, tmp_path):
    x, arguments = table(), {}
    if kind != "table":
        x = images(50).reshape(50, -1)
        arguments = {"input_shape": SHAPE} if kind == "images" else {"model": vae()}
    detector = OutlierDetector(contamination=0.2, random_state=0, **arguments).fit(x)
    card = detector.save(tmp_path / "mine", description="A detector.")
    assert card.detector == {"contamination": 0.2, "offset": detector.offset_}
    loaded = OutlierDetector.load(tmp_path / "mine")
    new = np.concatenate([x[:30], x[:30] ** 2])
    np.testing.assert_allclose(loaded.score_samples(new), detector.score_samples(new), atol=1e-6)
    np.testing.assert_array_equal(loaded.predict(new), detector.predict(new))
    assert loaded.get_params()["contamination"] == 0.2
    graph = loaded.graph()
    outputs = graph.predict(new.reshape(-1, *detector.model_.data_shape), verbose=0)
    assert list(outputs) and set(outputs) == {"reconstruction", "code", "score", "label"}
    np.testing.assert_allclose(outputs["score"], detector.score_samples(new), atol=1e-5)
    np.testing.assert_array_equal(outputs["label"], detector.predict(new))


@pytest.mark.eachbackend
@pytest.mark.skipif(BACKEND == "jax", reason="JAX does not export ONNX")
def test_the_graph_is_exported(short, tmp_path):
    import onnxruntime

    detector = OutlierDetector(contamination=0.2, random_state=0).fit(table())
    graph = detector.graph()
    signature = [keras.InputSpec(shape=(None, 4), dtype="float32", name="x")]
    graph.export(tmp_path / "detector.onnx", format="onnx", verbose=False, input_signature=signature)
    session = onnxruntime.InferenceSession(tmp_path / "detector.onnx")
    new = table(200, outliers=50, seed=1)
    outputs = session.run(None, {session.get_inputs()[0].name: new})
    score = next(output for output in outputs if output.shape == (200,) and output.dtype == np.float32)
    label = next(output for output in outputs if output.dtype.kind == "i")
    np.testing.assert_allclose(score, detector.score_samples(new), atol=1e-5)
    np.testing.assert_array_equal(label, detector.predict(new))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"contamination": 0.7}, ValueError, "contamination must be 'auto', or above 0 and at most 0.5. Received: 0.7"),
        ({"batch_size": 0}, ValueError, "batch_size must be a positive integer. Received: 0"),
        ({"input_shape": (2, 1, 1)}, ValueError, r"X must have 2 features.*\(2, 1, 1\) of input_shape. Received: 4"),
        ({"input_shape": (2, 2)}, ValueError, r"input_shape must be \(height, width, channels\). Received: \(2, 2\)"),
        ({"model": 3}, TypeError, "model must be a kerasae.models.Autoencoder, .* Received: int"),
        ({"model": "dense_minst"}, ValueError, "No zoo entry named 'dense_minst'"),
    ],
)
def test_arguments_are_checked(arguments, error, message):
    with pytest.raises(error, match=message):
        OutlierDetector(**arguments).fit(table())


def test_conditional_models_are_refused():
    with pytest.raises(ValueError, match="model must not be conditional.*ConditionalVariationalAutoencoder"):
        OutlierDetector(conditional()).fit(images(10).reshape(10, -1))


def test_damaged_detectors_are_refused(tmp_path):
    detector = OutlierDetector(dense()).fit(images(40).reshape(40, -1))
    arrays = storage.to_arrays(detector.score_)
    for change, message in [
        ({"code.residuals.scale": np.array(np.nan)}, "code.residuals.scale must be finite"),
        ({"code.other.scale": np.zeros(3)}, "code.other must be a part of a score"),
        ({"centers": np.zeros(9)}, "one center and spread for each of 3 parts"),
    ]:
        with pytest.raises(ValueError, match=message):
            storage.from_arrays(arrays | change)
    detector.save(tmp_path / "mine")
    wrong = dataclasses.replace(detector.score_, parts={"code.distances": parts.Distances.fit(np.eye(7))})
    wrong = dataclasses.replace(wrong, centers=np.zeros(1), spreads=np.ones(1))
    storage.save(tmp_path / "wrong", detector.model_, wrong, {"contamination": "auto", "offset": -1.5}, {})
    with pytest.raises(ValueError, match="detector.npz must have the arrays of a detector of its model"):
        OutlierDetector.load(tmp_path / "wrong")
    zoo.save(dense(), tmp_path / "model")
    with pytest.raises(ValueError, match="directory must be the entry of an outlier detector"):
        OutlierDetector.load(tmp_path / "model")


# Views


def test_pixels_are_smoothed_halved_and_rooted():
    x = np.random.default_rng(0).random((3, 28, 28, 1), dtype="float32")
    smooth = gaussian_filter(x[..., 0].astype("float64"), (0, 1, 1), mode="constant")[:, ::2, ::2]
    expected = np.sqrt(smooth).reshape(3, -1)
    expected /= np.sqrt(np.linalg.norm(expected, axis=1, keepdims=True))
    view = layers.View("pixels", normalize=True)
    np.testing.assert_allclose(view(x), expected, atol=1e-3)
    shown = keras.ops.convert_to_numpy(view.inverse(view(x), (28, 28, 1)))
    np.testing.assert_allclose(shown[:, ::2, ::2, 0], smooth, atol=1e-4)
    plain = layers.View("pixels")
    np.testing.assert_allclose(plain(x), np.sqrt(smooth).reshape(3, -1), atol=1e-5)
    np.testing.assert_allclose(plain.inverse(plain(x), (28, 28, 1))[:, ::2, ::2, 0], smooth, atol=1e-4)


def test_edges_ignore_contrast_and_know_directions():
    x = np.zeros((2, 28, 28, 1), "float32")
    x[0, :, 14:] = 1.0
    x[1, :, 14:] = 0.2
    bright, faint = keras.ops.convert_to_numpy(layers.View("edges", normalize=True)(x)).reshape(2, 7, 7, 8)
    np.testing.assert_allclose(bright[1:-1, :-1], faint[1:-1, :-1], atol=0.01)
    assert set(np.argmax(bright[1:-1, 3], axis=-1)) == {0}  # from dark to bright, to the right


def test_views_need_images():
    with pytest.raises(ValueError, match=r"The view 'pixels' needs images .*Received shape: \(5, 4\)"):
        layers.View("pixels")(np.zeros((5, 4)))
    with pytest.raises(ValueError, match="kind must be one of 'values', 'pixels', 'edges'. Received: 'sound'"):
        layers.View("sound")
    with pytest.raises(ValueError, match="views must begin with 'values' or 'pixels'"):
        models.EnsembleAutoencoder((28, 28, 1), views=("edges",))
