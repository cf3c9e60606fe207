"""Residual networks: their start, their training, and their default sizes."""

import keras
import numpy as np
import pytest
from conftest import images, stream
from keras import ops
from sklearn.decomposition import PCA

from kerasae import layers, models
from kerasae.models.residual import filters_for
from kerasae.zoo import plans
from kerasae.zoo.initial_weights import initialize

pytestmark = pytest.mark.shared


@pytest.mark.parametrize(
    ("shape", "filters"),
    [
        ((32, 32, 3), (32, 64, 128)),
        ((28, 33, 1), (32, 64, 128, 256)),
        ((4, 4, 1), (32,)),
        ((200, 2), (32, 64, 128, 256, 256, 256)),
    ],
)
def test_the_depth_follows_from_the_size(shape, filters):
    assert filters_for(shape) == filters


@pytest.mark.parametrize("shape", [(9, 6), (5, 4, 6), (3, 4, 5, 6)])
def test_a_residual_block_computes_its_formula(shape):
    x, block = images(2, shape), layers.ResidualBlock(3, "relu", groups=4)
    np.testing.assert_array_equal(ops.convert_to_numpy(block(x)), x)  # the second convolution starts at zero
    rng = np.random.default_rng(0)
    block.set_weights([rng.normal(0, 0.3, weight.shape) for weight in block.get_weights()])

    def branch(norm, conv, x):
        groups = x.reshape(2, -1, 2, 3)  # the largest divisor of 6 channels that also divides 4 groups: 2
        mean, variance = groups.mean((1, 3), keepdims=True), groups.var((1, 3), keepdims=True)
        normed = ((groups - mean) / np.sqrt(variance + 1e-5)).reshape(x.shape)
        gamma, beta = norm.get_weights()
        return ops.convert_to_numpy(conv(np.maximum(normed * gamma + beta, 0).astype("float32")))

    y = branch(block.second_norm, block.second_conv, branch(block.first_norm, block.first_conv, x))
    np.testing.assert_allclose(ops.convert_to_numpy(block(x)), x + y, atol=1e-4)


def test_initial_weights_reach_the_layers_inside_of_blocks():
    model, twin = (models.ResidualAutoencoder((8, 8, 2), filters=(4,), latent_channels=2) for _ in range(2))
    for each in (model, twin):
        initialize(each, seed=3)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# Starting from principal components


def _smooth(n, seed=0):
    """Images with few degrees of freedom, for which PCA needs more components."""
    rng = np.random.default_rng(seed)
    places, widths = rng.uniform(2, 6, (n, 2, 1)), rng.uniform(0.8, 2.0, (n, 1, 1))
    bumps = np.exp(-(((np.arange(8) - places) / widths) ** 2))
    return (bumps[:, 0, :, None] * bumps[:, 1, None, :])[..., None].repeat(3, -1).astype("float32")


def _small(**options):
    return models.PCAResidualAutoencoder((8, 8, 3), latent_dim=6, filters=(8, 8), **options)


def _pca_error(x, x_test, number=6):
    pca = PCA(number).fit(x.reshape(len(x), -1))
    flat = x_test.reshape(len(x_test), -1)
    return float(np.square(pca.inverse_transform(pca.transform(flat)) - flat).mean())


def _linear_maps(model):
    layers = (layer for part in (model.encoder, model.decoder) for layer in part.layers if layer.name == "linear")
    return np.concatenate([np.ravel(weight) for layer in layers for weight in layer.get_weights()])


def test_training_starts_from_the_error_of_pca_and_reduces_it(tmp_path):
    x, x_test = _smooth(512), _smooth(128, seed=1)
    model = _small()
    model.adapt(x)
    pca = _pca_error(x, x_test)
    assert np.square(model.reconstruct(x_test) - x_test).mean() == pytest.approx(pca, rel=1e-3)
    model.compile(keras.optimizers.Adam(3e-3), loss="mse")
    before = _linear_maps(model)
    model.fit(x, batch_size=32, epochs=6, verbose=0)
    assert np.square(model.reconstruct(x_test) - x_test).mean() < 0.7 * pca
    np.testing.assert_array_equal(_linear_maps(model), before)
    model.save(tmp_path / "it.keras")
    loaded = keras.saving.load_model(tmp_path / "it.keras")
    assert int(loaded.adapted) == 1  # otherwise further training would begin with other components
    np.testing.assert_array_equal(_linear_maps(loaded), before)


def test_the_first_training_adapts_to_arrays_and_to_batches():
    x = _smooth(64)
    errors = []
    for source in (x, stream("PyDataset", x, batch_size=32)):
        model = _small()
        model.compile(keras.optimizers.Adam(0.0), loss="mse")
        model.fit(source, verbose=0)
        errors.append(np.square(model.reconstruct(x) - x).mean())
    assert errors == [pytest.approx(_pca_error(x, x), rel=1e-3)] * 2
    with pytest.raises(ValueError, match=r"an array or a keras\.utils\.PyDataset.*Received: generator. Call adapt"):
        _small().fit(stream("generator", x), verbose=0)


def test_principal_components_of_batches_that_are_missing_or_have_another_shape():
    class Batches(keras.utils.PyDataset):
        def __init__(self, *batches):
            super().__init__()
            self.batches = batches

        def __len__(self):
            return len(self.batches)

        def __getitem__(self, i):
            return self.batches[i]

    with pytest.raises(ValueError, match="at least one batch.*Received: Batches with num_batches=0. Check its data"):
        _small().adapt(Batches())
    with pytest.raises(ValueError, match=r"\(n, 8, 8, 3\).*\(4, 6, 6, 3\)"):
        _small().adapt(Batches(images(4, (8, 8, 3)), images(4, (6, 6, 3))))


def test_principal_components_of_batches_without_an_end():
    class Endless(keras.utils.PyDataset):
        num_batches = None

        def __getitem__(self, i):
            return images(5_000, (8, 8, 3), seed=i)

    model = _small()
    model.adapt(Endless())
    assert int(model.adapted) == 1


def test_a_code_larger_than_the_number_of_principal_components():
    x = images(4, (8, 8, 3))
    model = _small()
    model.adapt(x)
    np.testing.assert_allclose(model.reconstruct(x), x, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((32, 32, 3), "PCAResidualAutoencoder"), ((128, 128, 3), "ResidualAutoencoder"), ((32, 32, 1), "ConvAutoencoder")],
)
def test_color_images_are_planned_with_a_residual_network(shape, expected):
    plan = plans.choose(plans.Facts(shape, 9_000, (0.0, 1.0)))
    assert plan.model == expected
    if expected != "ConvAutoencoder":
        assert plan.arguments["filters"] == filters_for(shape)
        assert plan.epochs < 25
