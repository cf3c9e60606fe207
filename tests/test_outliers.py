"""Errors of single inputs, and the detector of outliers that is built on them."""

import numpy as np
import pytest
from conftest import conditional, dense, images

from kerasae import plots


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
