"""Distributions fitted to codes: their draws, labels, files, and what is refused."""

import numpy as np
import pytest

from kerasae import data, models, samplers

pytestmark = pytest.mark.shared

SIZE = 300
# Distributions of 10 classes with few images each need few parameters.
SMALL = {"gaussian": {}, "mixture": {"components": 3}, "nearest": {"neighbors": 2}}


@pytest.fixture(scope="module")
def x():
    return data.digits().x_train[:SIZE]


@pytest.fixture(scope="module")
def dense():
    return models.DenseAutoencoder((28, 28, 1), (16,), 4)


def fitted(kind, model, x, **given):
    return samplers.get(kind, **SMALL[kind]).fit(model, x, **given)


@pytest.mark.parametrize("kind", samplers.KINDS)
@pytest.mark.parametrize(
    "model",
    [
        lambda: models.ConvAutoencoder((28, 28, 1), filters=(4, 4), latent_channels=1),
        lambda: models.VariationalAutoencoder((28, 28, 1), (16,), 3),
        lambda: models.VectorQuantizedAutoencoder((28, 28, 1), (4, 4), latent_channels=2, codebook_size=8),
    ],
    ids=["conv", "variational", "quantized"],
)
def test_samples_of_every_family_are_decoded_codes(kind, model, x):
    model = model()
    sampler = fitted(kind, model, x)
    z = sampler.sample(5, seed=1)
    assert z.shape == (5, *model.code_shape) and z.dtype == "float32"
    np.testing.assert_array_equal(sampler.generate(5, seed=1), model.decode(z))


@pytest.mark.parametrize("kind", samplers.KINDS)
def test_draws_depend_on_the_seed_alone(kind, dense, x):
    sampler = fitted(kind, dense, x)
    np.testing.assert_array_equal(sampler.sample(5, seed=1), sampler.sample(5, seed=1))
    assert not np.array_equal(sampler.sample(5, seed=2), sampler.sample(5, seed=1))
    assert not np.array_equal(sampler.sample(5), sampler.sample(5))


def test_gaussian_has_the_mean_and_covariance_of_the_codes(dense, x):
    codes, z = dense.encode(x), fitted("gaussian", dense, x).sample(200_000, seed=0)
    np.testing.assert_allclose(z.mean(axis=0), codes.mean(axis=0), atol=0.02 * codes.std())
    np.testing.assert_allclose(np.cov(z.T), np.cov(codes.T), atol=0.02 * codes.var())


def test_mixture_has_the_mean_and_covariance_of_the_codes_and_its_components(dense, x):
    codes, sampler = dense.encode(x), fitted("mixture", dense, x)
    z = sampler.sample(200_000, seed=0)
    np.testing.assert_allclose(z.mean(axis=0), codes.mean(axis=0), atol=0.02 * codes.std())
    np.testing.assert_allclose(np.cov(z.T), np.cov(codes.T), atol=0.02 * codes.var())  # EM keeps both
    (arrays,) = sampler.distributions
    assert arrays["means"].shape == (3, 4) and arrays["weights"].sum() == pytest.approx(1)


def test_nearest_codes_are_on_lines_between_neighbors(dense, x):
    codes, z = dense.encode(x).astype("float64"), fitted("nearest", dense, x).sample(20, seed=0)
    for point in z:
        a, b = codes[:, None], codes[None]
        longer = (
            np.linalg.norm(point - a, axis=-1) + np.linalg.norm(point - b, axis=-1) - np.linalg.norm(a - b, axis=-1)
        )
        np.fill_diagonal(longer, np.inf)
        first, second = np.unravel_index(np.argmin(longer), longer.shape)
        rank = np.argsort(np.linalg.norm(codes - codes[first], axis=1)).tolist().index(second)
        back = np.argsort(np.linalg.norm(codes - codes[second], axis=1)).tolist().index(first)
        assert longer.min() < 1e-4 * codes.std() and min(rank, back) <= 2


def test_nearest_codes_keeps_a_subset(dense, x):
    (arrays,) = samplers.NearestCodes(neighbors=2, codes=50).fit(dense, x).distributions
    assert arrays["codes"].shape == (50, 4)
    assert all((dense.encode(x) == code).all(axis=1).any() for code in arrays["codes"])


def test_draws_of_the_posterior_are_fitted(x):
    model = models.VariationalAutoencoder((28, 28, 1), (16,), 3)
    (arrays,) = samplers.Gaussian(seed=4).fit(model, x).distributions
    np.testing.assert_allclose(arrays["means"][0], model.sample(x, seed=4).mean(axis=0), rtol=1e-5)
    assert np.abs(arrays["means"][0] - model.encode(x).mean(axis=0)).max() > 1e-3


def test_conditional_models_have_one_distribution_per_class(x):
    label = np.arange(SIZE) % 3
    model = models.ConditionalVariationalAutoencoder((28, 28, 1), 3, hidden_units=(16,), latent_dim=2)
    sampler = fitted("gaussian", model, x, label=label)
    assert len(sampler.distributions) == 3
    z = model.sample(x, seed=0, label=label)
    np.testing.assert_allclose(sampler.distributions[1]["means"][0], z[label == 1].mean(axis=0), rtol=1e-4)
    wanted = np.array([2, 0, 1, 1])
    expected = model.decode(sampler.sample(4, seed=0, label=wanted), label=wanted)
    np.testing.assert_array_equal(sampler.generate(4, seed=0, label=wanted), expected)
    assert sampler.generate(4, seed=0).shape == (4, 28, 28, 1)  # of random classes
    with pytest.raises(ValueError, match="x must have at least 2 inputs of class 1. Received: 0"):
        fitted("gaussian", model, x, label=0 * label)


def test_quantized_codes_are_vectors_of_the_codebook(x):
    model = models.VectorQuantizedAutoencoder((28, 28, 1), (4, 4), latent_channels=2, codebook_size=8)
    z = fitted("gaussian", model, x).sample(4, seed=0).reshape(-1, 1, 2)
    assert (z == model.codebook).all(axis=-1).any(axis=1).all()


@pytest.mark.parametrize("kind", samplers.KINDS)
def test_a_saved_sampler_draws_the_same(kind, dense, x, tmp_path):
    sampler = fitted(kind, dense, x)
    sampler.save(tmp_path / "prior.npz")
    again = samplers.load(tmp_path / "prior.npz", dense)
    assert type(again) is type(sampler) and [path.name for path in tmp_path.iterdir()] == ["prior.npz"]
    np.testing.assert_array_equal(again.generate(3, seed=0), sampler.generate(3, seed=0))


@pytest.mark.anybackend
@pytest.mark.parametrize("kind", samplers.KINDS)
def test_config_rebuilds_a_sampler(kind):
    sampler = samplers.get(kind, **SMALL[kind], seed=3)
    again = type(sampler).from_config(sampler.get_config())
    assert again.get_config() == sampler.get_config() == {**again.get_config(), **SMALL[kind], "seed": 3}


@pytest.mark.anybackend
def test_files_of_other_models_are_refused(dense, x, tmp_path):
    fitted("gaussian", dense, x).save(tmp_path / "prior.npz")
    other = models.DenseAutoencoder((28, 28, 1), (16,), 5)
    with pytest.raises(
        ValueError, match="codes of 5 values and 1 distributions, the file 1 distributions of codes of 4"
    ):
        samplers.load(tmp_path / "prior.npz", other)


@pytest.mark.anybackend
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gaussian.0.means": np.full((1, 4), np.nan)}, "finite numbers with 2 axes in gaussian.0.means"),
        ({"gaussian.0.weights": np.array([2.0])}, "with the sum 1"),
        ({"gaussian.0.weights": np.array([0.5, 0.5])}, "one weight, mean and root"),
        ({"gaussian.0.roots": np.zeros((1, 4, 3))}, "one weight, mean and root"),
        ({"gaussian.0.other": np.zeros(1)}, "expected arrays weights, means, roots"),
        ({"other.0.means": np.zeros((1, 4))}, "expected arrays of one of gaussian, mixture, nearest"),
        ({"gaussian.0.means": np.array([print], dtype=object)}, "expected an array of numbers"),
    ],
)
def test_damaged_files_are_refused(changes, message, dense, x, tmp_path):
    arrays = fitted("gaussian", dense, x).distributions[0]
    np.savez(tmp_path / "prior.npz", **{f"gaussian.0.{key}": array for key, array in arrays.items()} | changes)
    with pytest.raises(ValueError, match=message):
        samplers.load(tmp_path / "prior.npz", dense)


@pytest.mark.anybackend
@pytest.mark.parametrize("neighbors", [np.array([50]), np.array([0]), np.array([1.5]), np.array([1, 2])])
def test_numbers_of_neighbors_in_files_are_checked(neighbors, dense, tmp_path):
    np.savez(tmp_path / "prior.npz", **{"nearest.0.neighbors": neighbors, "nearest.0.codes": np.zeros((50, 4))})
    with pytest.raises(ValueError, match="expected a number of neighbors from 1"):
        samplers.load(tmp_path / "prior.npz", dense)


@pytest.mark.anybackend
def test_invalid_arguments_are_explained(dense, x, tmp_path):
    with pytest.raises(ValueError, match="No sampler named 'mixtur'. Did you mean 'mixture'?"):
        samplers.get("mixtur")
    with pytest.raises(ValueError, match="components must be a positive integer. Received: 0"):
        samplers.GaussianMixture(0)
    with pytest.raises(ValueError, match="Gaussian must be fitted first"):
        samplers.Gaussian().generate(3)
    with pytest.raises(ValueError, match="x must have at least 10 inputs. Received: 5"):
        samplers.GaussianMixture(10).fit(dense, x[:5])
    with pytest.raises(ValueError, match="an unfitted sampler"):
        samplers.Gaussian().save(tmp_path / "prior.npz")
    sampler = fitted("gaussian", dense, x)
    with pytest.raises(ValueError, match="path that ends in .npz. Received: a fitted sampler, .*prior.pkl"):
        sampler.save(tmp_path / "prior.pkl")
    with pytest.raises(ValueError, match="n must be a positive integer"):
        sampler.generate(0)
    with pytest.raises(ValueError, match="takes no label"):
        sampler.generate(3, label=1)
    with pytest.raises(FileNotFoundError):
        samplers.load(tmp_path / "missing.npz", dense)
