"""Metrics, compared with formulas and other implementations."""

import importlib

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier

import kerasae
from kerasae import data, layers, metrics, models
from kerasae.metrics import classifier, pixels, table

pytestmark = pytest.mark.shared


def test_mean_squared_error():
    assert metrics.mean_squared_error(np.zeros((2, 3)), np.array([[1, 0, 0], [2, 0, 0]])) == pytest.approx(5 / 6)


def test_binary_crossentropy_of_gray_and_of_saturated_pixels():
    x, x_hat = np.array([0.0, 0.5, 1.0]), np.array([0.1, 0.5, 0.8])
    expected = -(np.log(0.9) + np.log(0.5) + np.log(0.8)) / 3
    assert metrics.binary_crossentropy(x, x_hat) == pytest.approx(expected)
    assert np.isfinite(metrics.binary_crossentropy(np.array([0.0, 1.0]), np.array([1.0, 0.0])))


def test_structural_similarity_is_its_definition():
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 15, 13, 2)), rng.random((2, 15, 13, 2))
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))[None, :, :, None]
    window /= window.sum()
    values = []
    mirrored = [np.pad(images, ((0, 0), (5, 5), (5, 5), (0, 0)), mode="symmetric") for images in (x, y)]
    for i in range(15):
        for j in range(13):
            a, b = (images[:, i : i + 11, j : j + 11] for images in mirrored)
            m, n = ((window * patch).sum(axis=(1, 2), keepdims=True) for patch in (a, b))
            va, vb, cov = ((window * p).sum(axis=(1, 2)) for p in ((a - m) ** 2, (b - n) ** 2, (a - m) * (b - n)))
            m, n = m[:, 0, 0], n[:, 0, 0]
            values.append((2 * m * n + 0.04) * (2 * cov + 0.36) / ((m**2 + n**2 + 0.04) * (va + vb + 0.36)))
    c = 20.0  # so that C1 = 0.04 and C2 = 0.36
    assert metrics.structural_similarity(x, y, (-c / 2, c / 2)) == pytest.approx(np.mean(values), rel=1e-9)


def test_structural_similarity_is_measured_on_images_with_a_range():
    x = np.random.default_rng(0).random((4, 6, 5, 1), dtype="float32")
    model = models.DenseAutoencoder((6, 5, 1), (8,), 3)
    expected = metrics.structural_similarity(x, model.reconstruct(x))
    assert metrics.figures_of(model, x)["ssim"] == pytest.approx(expected)
    free = models.DenseAutoencoder((6, 5, 1), (8,), 3, value_range=None, output_activation="linear")
    assert "ssim" not in metrics.figures_of(free, x)


def test_codebook_use_counts_the_vectors_that_are_used():
    model = models.VectorQuantizedAutoencoder((6, 5, 1), (3, 2), latent_channels=3, codebook_size=5)
    x = np.random.default_rng(0).random((4, 6, 5, 1), dtype="float32")
    codes = model.encode(x).reshape(-1, 3)
    assert metrics.figures_of(model, x)["codebook_use"] == len(np.unique(codes, axis=0)) / 5


def test_dead_units_are_those_that_no_input_uses():
    model = models.TopKAutoencoder((6, 5, 1), 20, 2)
    x = np.random.default_rng(0).random((4, 6, 5, 1), dtype="float32")
    used = np.any(model.encode(x) != 0, axis=0)
    assert metrics.figures_of(model, x)["dead_units"] == 1 - used.mean() > 0


def test_distance_to_the_sine():
    t = np.linspace(-2, 2, 50)
    on_curve = np.stack([t, np.sin(t)], axis=1)
    assert metrics.rms_distance_to_sine(on_curve) < 1e-4
    normal = np.stack([-np.cos(t), np.ones_like(t)], axis=1) / np.sqrt(1 + np.cos(t)[:, None] ** 2)
    assert metrics.rms_distance_to_sine(on_curve + 0.05 * normal) == pytest.approx(0.05, rel=1e-3)


def test_angle_to_pca_of_a_known_line():
    x = np.stack([np.linspace(-1, 1, 101), np.zeros(101)], axis=1)  # PCA's line is the first axis
    model = models.LinearAutoencoder((2,))
    turn = np.radians(10)
    model.set_weights([np.ones((2, 1)), np.zeros(1), np.array([[np.cos(turn), np.sin(turn)]]), np.array([0.3, -0.2])])
    assert metrics.angle_to_pca(model, x) == pytest.approx(10, abs=1e-3)


def test_baselines_of_points():
    dataset = data.sine()
    result = metrics.baseline_figures(dataset, 1)
    x = dataset.x_train.astype("float64")
    residual = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)[1] ** 2 / x.size
    assert result["pca"]["mse"] == pytest.approx(residual, rel=1e-4)
    assert result["mean"]["mse"] == pytest.approx(x.var(axis=0).mean(), rel=1e-4)


def test_baselines_of_images():
    dataset = data.digits()
    result = metrics.baseline_figures(dataset, 8)
    train, test = (x.reshape(len(x), -1).astype("float64") for x in (dataset.x_train, dataset.x_test))
    pca = PCA(8, svd_solver="full").fit(train)
    expected = np.mean((test - pca.inverse_transform(pca.transform(test))) ** 2)
    assert result["pca"]["mse"] == pytest.approx(expected, rel=1e-3)
    assert result["mean"]["mse"] == pytest.approx(np.mean((test - train.mean(axis=0)) ** 2), rel=1e-4)
    assert result["mean"]["negative_elbo"] == pytest.approx(784 * result["mean"]["bce"])


@pytest.mark.anybackend
def test_baselines_of_mnist_are_the_published_ones():
    result = metrics.baseline_figures(data.mnist(), 8)
    assert result["pca"]["mse"] == pytest.approx(0.03744, abs=1e-5)
    assert result["mean"]["mse"] == pytest.approx(0.0675, abs=1e-4)
    assert result["mean"]["bce"] == pytest.approx(0.2625, abs=1e-4)
    assert result["pca"]["forest_accuracy"] == pytest.approx(0.805, abs=0.015)
    assert result["pixels"]["forest_accuracy"] == pytest.approx(0.895, abs=0.015)
    assert result["real"]["class_accuracy"] == pytest.approx(classifier.card("mnist")["accuracy"], abs=2e-4)
    assert 0 < 10 * result["real"]["sample_distance"] < result["pca"]["sample_distance"]


@pytest.mark.anybackend
def test_pca_error_is_that_of_the_baseline():
    dataset = data.sine()
    expected = metrics.baseline_figures(dataset, 1)["pca"]["mse"]
    assert metrics.pca_error(dataset.x_train, dataset.x_train, 1) == pytest.approx(expected)


@pytest.mark.anybackend
def test_pca_keeps_all_components_if_the_code_is_larger_than_the_input():
    assert metrics.baseline_figures(data.digits(), 1000)["pca"]["mse"] < 1e-6


@pytest.mark.anybackend
def test_baselines_of_denoisers():
    dataset = data.digits()
    result = metrics.baseline_figures(dataset, 8, layers.FlipPixels(0.1))
    assert result["noisy"]["denoised_mse"] > result["median"]["denoised_mse"] > 0
    assert result["pca"]["denoised_mse"] > result["pca"]["mse"]


def test_variational_figures_are_nats_per_image():
    dataset = data.digits()
    model = models.VariationalAutoencoder((28, 28, 1), (16,), 2)
    result = metrics.figures(model, dataset)
    assert result["negative_elbo"] == pytest.approx(result["reconstruction_loss"] + result["kl_loss"], rel=1e-5)
    assert result["reconstruction_loss"] == pytest.approx(784 * result["bce"], rel=0.05)  # sample against mean


def test_likelihood_of_binary_images_is_measured_on_whole_test_sets(monkeypatch):
    monkeypatch.setattr(metrics.likelihood, "IMPORTANCE_SAMPLES", 3)
    gray = data.digits()
    binary = gray._replace(x_test=np.round(gray.x_test[:20]), y_test=gray.y_test[:20])
    model = models.VariationalAutoencoder((28, 28, 1), (16,), 2)
    expected = metrics.negative_log_likelihood(model, binary.x_test, samples=3).mean()
    assert metrics.figures(model, binary)["negative_log_likelihood"] == pytest.approx(expected)
    for dataset, first in ((binary, 20), (gray, None)):
        assert "negative_log_likelihood" not in metrics.figures(model, dataset, first)


def test_forest_accuracy_uses_the_codes_of_1000_images():
    dataset = data.digits()
    model = models.DenseAutoencoder((28, 28, 1), (16,), 4)
    codes = model.encode(dataset.x_train[:1000])
    forest = RandomForestClassifier(100, random_state=0).fit(codes, dataset.y_train[:1000])
    expected = forest.score(model.encode(dataset.x_test), dataset.y_test)
    assert metrics.figures(model, dataset)["forest_accuracy"] == pytest.approx(expected, abs=0.01)


def test_generating_models_have_sample_metrics(monkeypatch):
    dataset, network = data.digits(), classifier.load("mnist")
    monkeypatch.setattr(classifier, "find", lambda dataset: network)
    model = models.VariationalAutoencoder((28, 28, 1), (16,), 2)
    result = metrics.figures(model, dataset)
    samples, real = (network.features(x) for x in (model.generate(360, seed=0), dataset.x_test))
    assert result["sample_distance"] == pytest.approx(metrics.frechet_distance(samples, real))
    assert result["mmd_to_prior"] == metrics.mmd_to_prior(model.sample(dataset.x_test, seed=0))
    assert "class_accuracy" not in result


def test_codes_of_an_adversarial_model_are_compared_with_the_prior():
    dataset = data.digits()
    model = models.AdversarialAutoencoder((28, 28, 1), (16,), 4)
    result = metrics.figures(model, dataset)
    assert result["mmd_to_prior"] == metrics.mmd_to_prior(model.encode(dataset.x_test))
    assert "negative_elbo" not in result and "sample_distance" not in result  # these digits have no classifier


def test_samples_of_conditional_models_are_classified_as_the_requested_class(monkeypatch):
    dataset, network = data.digits(), classifier.load("mnist")
    monkeypatch.setattr(classifier, "find", lambda dataset: network)
    model = models.ConditionalVariationalAutoencoder((28, 28, 1), hidden_units=(16,), latent_dim=2)
    result = metrics.figures(model, dataset)
    samples = model.generate(360, seed=0, label=dataset.y_test)
    assert result["class_accuracy"] == network.accuracy(samples, dataset.y_test)
    assert result["mse"] == pytest.approx(
        metrics.mean_squared_error(dataset.x_test, model.reconstruct(dataset.x_test, label=dataset.y_test))
    )
    assert result["negative_elbo"] == pytest.approx(result["reconstruction_loss"] + result["kl_loss"], rel=1e-5)
    assert "forest_accuracy" not in result
    assert set(metrics.golden_outputs(model)) == {"code", "reconstruction", "log_variance"}


def features(n, d, seed):
    """Correlated nonnegative features, like those of a ReLU."""
    rng = np.random.default_rng(seed)
    return np.maximum(rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d), 0)


@pytest.mark.anybackend
def test_frechet_distance_is_its_formula():
    a, b = features(300, 6, 0), features(200, 6, 1)
    (m1, s1), (m2, s2) = ((x.mean(axis=0), np.cov(x, rowvar=False)) for x in (a, b))
    expected = np.sum((m1 - m2) ** 2) + np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real)
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert metrics.frechet_distance(b, a) == pytest.approx(expected, rel=1e-6)
    assert metrics.frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    idle = (np.pad(x, ((0, 0), (0, 2))) for x in (a, b))  # features that are always 0: singular covariances
    assert metrics.frechet_distance(*idle) == pytest.approx(expected, rel=1e-6)


@pytest.mark.anybackend
def test_frechet_distance_of_one_feature():
    a = np.random.default_rng(0).normal(1.0, 2.0, (100_000, 1))
    b = np.random.default_rng(1).normal(3.0, 5.0, (100_000, 1))
    assert metrics.frechet_distance(a, b) == pytest.approx((3 - 1) ** 2 + (5 - 2) ** 2, rel=0.02)


@pytest.mark.anybackend
@pytest.mark.parametrize("shapes", [((5, 3), (5, 4)), ((1, 3), (5, 3)), ((5,), (5,))])
def test_frechet_distance_refuses_features_that_do_not_fit(shapes):
    with pytest.raises(ValueError, match=r"Expected two arrays of features \(n, d\).*Received shapes"):
        metrics.frechet_distance(*map(np.ones, shapes))


@pytest.mark.anybackend
def test_mmd_is_its_definition():
    z = np.random.default_rng(5).normal(0.5, 1.5, (40, 3))
    prior = np.random.default_rng(0).standard_normal((40, 3))

    def k(a, b):
        return 6 / (6 + np.sum((a - b) ** 2))

    pairs = [(i, j) for i in range(40) for j in range(40)]
    among = [np.mean([k(a[i], a[j]) for i, j in pairs if i != j]) for a in (z, prior)]
    expected = sum(among) - 2 * np.mean([k(z[i], prior[j]) for i, j in pairs])
    assert metrics.mmd_to_prior(z) == pytest.approx(expected, rel=1e-6)


@pytest.mark.anybackend
def test_mmd_is_unbiased_and_sees_a_shift_a_scale_and_a_shape():
    rng = np.random.default_rng(1)
    null = [metrics.mmd_to_prior(rng.normal(size=(200, 8)), seed) for seed in range(40)]
    assert abs(np.mean(null)) < 3 * np.std(null) / np.sqrt(40)
    z = rng.normal(size=(3000, 8))
    ring = np.sqrt(8) * z / np.linalg.norm(z, axis=1, keepdims=True)
    for other in (z + 0.3, 0.7 * z, ring):
        assert metrics.mmd_to_prior(other) > 5 * np.std(null) * 200 / 2000


@pytest.mark.anybackend
def test_mmd_needs_flat_codes():
    with pytest.raises(ValueError, match=r"z must be two codes or more.*Received shape: \(4, 7, 7, 1\)"):
        metrics.mmd_to_prior(np.zeros((4, 7, 7, 1)))


def test_golden_inputs_are_their_formula():
    x = metrics.golden_inputs((2, 3), (-1.0, 3.0))
    assert x.shape == (2, 2, 3) and x.dtype == "float32"
    assert x[1, 1, 2] == pytest.approx(-1 + 4 * 0.5 * (1 + np.sin(0.37 * 5 + 1)), rel=1e-6)
    assert np.abs(metrics.golden_inputs((2,), None)).max() <= 2


@pytest.mark.anybackend
def test_every_row_of_the_table_has_a_function_and_a_label():
    for key, row in metrics.METRICS.items():
        module, _, function = row.compute.partition(".")
        assert callable(getattr(importlib.import_module(f"kerasae.metrics.{module}"), function))
        assert (key, row.key, bool(row.label)) == (row.key, key, True)


@pytest.mark.anybackend
def test_names_of_version_0_1():
    assert kerasae.evaluation is metrics
    for name in metrics.__all__:
        assert getattr(metrics, name) is not None


@pytest.mark.anybackend
def test_comparison_is_relative_absolute_or_within_rounding():
    found = metrics.compare(
        {"mse": 1.00005, "angle_to_pca": 0.009, "fresh_mse": 2e-10}, {"mse": 1.0, "angle_to_pca": 0.0}
    )
    assert found["mse"].is_tolerable and not found["mse"].is_absolute
    assert found["angle_to_pca"].is_tolerable and found["angle_to_pca"].is_absolute
    assert found["fresh_mse"].stated is None and found["fresh_mse"].is_tolerable
    assert not metrics.compare({}, {"mse": 1.0})["mse"].is_tolerable
    assert metrics.compare({"mse": 2.1e-9}, {"mse": 2e-9})["mse"].is_tolerable


def test_a_new_metric_is_one_row_and_one_function(monkeypatch):
    row = table.Metric("worst", "worst error", "", "pixels.worst", lambda m: m.is_image)
    monkeypatch.setitem(metrics.METRICS, "worst", row)
    monkeypatch.setattr(pixels, "worst", lambda m: float(np.max(np.abs(m.x - m.reconstructions))), raising=False)
    model = models.DenseAutoencoder((6, 5, 1), (8,), 3)
    x = np.zeros((4, 6, 5, 1), "float32")
    assert metrics.figures_of(model, x)["worst"] == pytest.approx(float(model.reconstruct(x).max()))


def test_binary_crossentropy_is_measured_on_probabilities_only():
    model = models.DenseAutoencoder((6, 5, 1), (8,), 3, value_range=(-1.0, 1.0), output_activation="linear")
    assert "bce" not in metrics.figures_of(model, np.full((4, 6, 5, 1), -1.0, "float32"))
