"""Figures of merit, against formulas and other implementations of them."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from kerasae import data, evaluation, models


def test_mean_squared_error():
    assert evaluation.mean_squared_error(np.zeros((2, 3)), np.array([[1, 0, 0], [2, 0, 0]])) == pytest.approx(5 / 6)


def test_binary_crossentropy_of_grey_pixels_and_of_saturated_ones():
    x, x_hat = np.array([0.0, 0.5, 1.0]), np.array([0.1, 0.5, 0.8])
    expected = -(np.log(0.9) + np.log(0.5) + np.log(0.8)) / 3
    assert evaluation.binary_crossentropy(x, x_hat) == pytest.approx(expected)
    assert np.isfinite(evaluation.binary_crossentropy(np.array([0.0, 1.0]), np.array([1.0, 0.0])))


def test_distance_to_the_sine():
    t = np.linspace(-2, 2, 50)
    on_curve = np.stack([t, np.sin(t)], axis=1)
    assert evaluation.rms_distance_to_sine(on_curve) < 1e-4
    normal = np.stack([-np.cos(t), np.ones_like(t)], axis=1) / np.sqrt(1 + np.cos(t)[:, None] ** 2)
    assert evaluation.rms_distance_to_sine(on_curve + 0.05 * normal) == pytest.approx(0.05, rel=1e-3)


def test_angle_to_pca_of_a_known_line():
    x = np.stack([np.linspace(-1, 1, 101), np.zeros(101)], axis=1)  # PCA's line is the first axis
    model = models.LinearAutoencoder((2,))
    turn = np.radians(10)
    model.set_weights([np.ones((2, 1)), np.zeros(1), np.array([[np.cos(turn), np.sin(turn)]]), np.array([0.3, -0.2])])
    assert evaluation.angle_to_pca(model, x) == pytest.approx(10, abs=1e-3)


def test_baselines_of_points():
    dataset = data.sine()
    result = evaluation.baselines(dataset, 1)
    x = dataset.x_train.astype("float64")
    residual = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)[1] ** 2 / x.size
    assert result["pca"]["mse"] == pytest.approx(residual, rel=1e-4)
    assert result["mean"]["mse"] == pytest.approx(x.var(axis=0).mean(), rel=1e-4)


def test_baselines_of_images():
    dataset = data.digits()
    result = evaluation.baselines(dataset, 8)
    train, test = (x.reshape(len(x), -1).astype("float64") for x in (dataset.x_train, dataset.x_test))
    pca = PCA(8, svd_solver="full").fit(train)
    expected = np.mean((test - pca.inverse_transform(pca.transform(test))) ** 2)
    assert result["pca"]["mse"] == pytest.approx(expected, rel=1e-3)
    assert result["mean"]["mse"] == pytest.approx(np.mean((test - train.mean(axis=0)) ** 2), rel=1e-4)
    assert result["mean"]["negative_elbo"] == pytest.approx(784 * result["mean"]["bce"])


def test_baselines_of_mnist_are_the_published_ones():
    result = evaluation.baselines(data.mnist(), 16)
    assert result["pca"]["mse"] == pytest.approx(0.02686, abs=1e-5)
    assert result["mean"]["mse"] == pytest.approx(0.0675, abs=1e-4)
    assert result["mean"]["bce"] == pytest.approx(0.2625, abs=1e-4)


def test_variational_figures_are_nats_an_image():
    dataset = data.digits()
    model = models.VariationalAutoencoder((28, 28, 1), (16,), 2)
    result = evaluation.figures(model, dataset)
    assert result["negative_elbo"] == pytest.approx(result["reconstruction_loss"] + result["kl_loss"], rel=1e-5)
    assert result["reconstruction_loss"] == pytest.approx(784 * result["bce"], rel=0.05)  # sample against mean


def test_golden_inputs_are_their_formula():
    x = evaluation.golden_inputs((2, 3), (-1.0, 3.0))
    assert x.shape == (2, 2, 3) and x.dtype == "float32"
    assert x[1, 1, 2] == pytest.approx(-1 + 4 * 0.5 * (1 + np.sin(0.37 * 5 + 1)), rel=1e-6)
    assert np.abs(evaluation.golden_inputs((2,), None)).max() <= 2
