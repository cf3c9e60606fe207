"""Likelihoods in nats, the importance-weighted bound, and the log-likelihood by importance sampling."""

import keras
import numpy as np
import pytest
from conftest import SHAPE, conv, gradient, images, tensor
from keras import ops
from scipy import integrate, stats

from kerasae import likelihoods, metrics, models, random
from kerasae.models import importance

pytestmark = pytest.mark.shared

LOGITS = np.array([-30.0, -3.0, -0.6, -0.49, -0.1, -1e-4, 0.0, 0.3, 0.5, 2.0, 30.0], "float32")


@pytest.mark.parametrize("logit", LOGITS)
def test_the_continuous_bernoulli_integrates_to_1_and_has_the_decoded_mean(logit):
    x = np.linspace(0, 1, 20_001, dtype="float32")[:, None]
    loss = likelihoods.ContinuousBernoulliLoss(reduction="none")
    density = np.exp(-ops.convert_to_numpy(loss(x, np.full_like(x, logit))).ravel().astype("float64"))
    assert integrate.simpson(density, x=x.ravel()) == pytest.approx(1, abs=2e-5)
    mean = float(likelihoods.continuous_bernoulli_mean(tensor(np.array([logit])))[0])
    assert mean == pytest.approx(integrate.simpson(density * x.ravel(), x=x.ravel()), abs=2e-5)


@pytest.mark.parametrize("function", [likelihoods.log_normalizer, likelihoods.continuous_bernoulli_mean])
def test_functions_of_the_continuous_bernoulli_have_finite_gradients_near_zero(function):
    found = np.asarray(gradient(function, LOGITS))
    step = 1e-3
    by_hand = [(ops.convert_to_numpy(function(tensor(LOGITS + s)))).astype("float64") for s in (step, -step)]
    np.testing.assert_allclose(found, (by_hand[0] - by_hand[1]) / (2 * step), atol=2e-3)


def test_the_gaussian_loss_is_the_density_of_the_normal_distribution():
    x, mean = images(5), images(5, seed=1)
    loss = likelihoods.GaussianLoss(np.log(0.3), reduction="none")
    np.testing.assert_allclose(
        ops.convert_to_numpy(loss(x, mean)), -stats.norm.logpdf(x, mean, np.sqrt(0.3)), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("likelihood", ["continuous_bernoulli", "gaussian"])
def test_the_reconstruction_loss_is_the_negative_log_likelihood_in_nats(likelihood):
    output = "linear" if likelihood == "gaussian" else "sigmoid"
    model = models.VariationalAutoencoder(
        SHAPE, (8,), 3, output_activation=output, likelihood=likelihood, variance=0.25, seed=7
    )
    x = images()
    figures = model.evaluate(x, batch_size=len(x), verbose=0, return_dict=True)
    mean, log_variance = model.posterior(x)
    noise = ops.convert_to_numpy(random.normal(random.key(7, "sampling"), -1, (20, 3)))
    terms = model.importance_terms(*map(tensor, (x, mean, log_variance, noise[:, None])))
    assert figures["reconstruction_loss"] == pytest.approx(-float(ops.mean(terms[0])), rel=1e-5)
    if likelihood == "gaussian":
        x_hat = model.decode(mean + np.exp(0.5 * log_variance) * noise)
        expected = -stats.norm.logpdf(x, x_hat, 0.5).reshape(20, -1).sum(axis=1).mean()
        assert figures["reconstruction_loss"] == pytest.approx(expected, rel=1e-5)


def linear_gaussian(scale=1.0, variance=0.3):
    """A VAE with a known likelihood, probabilistic PCA, and its marginal distribution.

    Args:
        scale: Factor of the standard deviation of the approximate posterior; 1 for the exact posterior.
        variance: Variance of the likelihood.
    """
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.standard_normal((6, 2)))[0] * np.array([2.0, 0.7])  # orthogonal columns
    center = rng.standard_normal(6)
    model = models.VariationalAutoencoder((6,), (), 2, output_activation="linear", value_range=None, variance=variance)
    precision = 1 + (directions**2).sum(axis=0) / variance  # of the exact posterior
    into = directions / variance / precision
    zeros = np.zeros_like(into)
    log_variance = np.log(scale**2 / precision)
    model.encoder.set_weights([into, -center @ into, zeros, log_variance])
    model.decoder.set_weights([directions.T, center])
    return model, stats.multivariate_normal(center, directions @ directions.T + variance * np.eye(6))


def test_the_log_likelihood_of_probabilistic_pca_is_exact_with_the_exact_posterior():
    model, marginal = linear_gaussian()
    x = marginal.rvs(40, random_state=1).astype("float32")
    nll = metrics.negative_log_likelihood(model, x, samples=3)
    np.testing.assert_allclose(nll, -marginal.logpdf(x), atol=1e-4)
    assert metrics.negative_elbo(model, x, draws=200)["negative_elbo"] == pytest.approx(nll.mean(), abs=0.1)


def test_importance_sampling_approaches_the_log_likelihood_from_above():
    model, marginal = linear_gaussian(scale=1.5)
    x = marginal.rvs(600, random_state=1).astype("float32")
    truth = -marginal.logpdf(x)
    gaps = [metrics.negative_log_likelihood(model, x, k, seed=2) - truth for k in (1, 7, 60, 400)]
    means = [gap.mean() for gap in gaps]
    assert means == sorted(means, reverse=True)
    assert abs(means[-1]) < 4 * gaps[-1].std() / np.sqrt(len(x)) + 1e-3
    elbo = metrics.negative_elbo(model, x, draws=50)["negative_elbo"] - truth.mean()
    assert means[0] == pytest.approx(elbo, abs=5 * gaps[0].std() / np.sqrt(len(x)))


def test_memory_and_batches_do_not_change_the_log_likelihood(monkeypatch):
    model, marginal = linear_gaussian(scale=1.5)
    x = marginal.rvs(20, random_state=1).astype("float32")
    whole = metrics.negative_log_likelihood(model, x, 120)
    monkeypatch.setattr("kerasae.metrics.likelihood._VALUES", 1000)
    np.testing.assert_allclose(metrics.negative_log_likelihood(model, x, 120), whole, rtol=1e-5)


def test_marginal_likelihood_of_a_conditional_model():
    model = models.ConditionalVariationalAutoencoder(SHAPE, 3, hidden_units=(8,), latent_dim=4)
    model.encoder.get_layer("mean").kernel.assign(0.0 * model.encoder.get_layer("mean").kernel)
    x, label = images(), np.arange(20) % 3
    found = metrics.marginal_likelihood(model, x, samples=5, label=label)
    assert found.kl_per_dimension.sum() == pytest.approx(found.kl_loss, rel=1e-6)
    assert found.active_units == 0 and found.samples == 5
    one_by_one = [metrics.negative_log_likelihood(model, x[:1], 5, label=[c])[0] for c in range(3)]
    assert one_by_one[0] == pytest.approx(metrics.negative_log_likelihood(model, x, 5, label=label)[0], rel=1e-5)
    assert len(set(one_by_one)) == 3


def test_the_importance_weighted_loss_is_that_of_the_definition():
    model = models.VariationalAutoencoder(SHAPE, (8,), 3, importance_samples=4, seed=7)
    x = images()
    figures = model.evaluate(x, batch_size=len(x), verbose=0, return_dict=True)
    noise = ops.convert_to_numpy(random.normal(random.key(7, "sampling"), -1, (20, 4, 3)))
    terms = model.importance_terms(tensor(x), *map(tensor, model.posterior(x)), tensor(noise))
    weights = sum(ops.convert_to_numpy(term).astype("float64") for term in terms)
    assert figures["loss"] == pytest.approx(-np.mean(np.logaddexp.reduce(weights, axis=1) - np.log(4)), rel=1e-5)
    model.compile(keras.optimizers.Adam(0.01))
    losses = model.fit(x, batch_size=5, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("kind", importance.GRADIENTS)
def test_only_the_standard_gradient_varies_if_the_posterior_is_exact(kind):
    """With p(x | z) constant and q = N(shift, 1), all weights are 1 at shift 0, and so is the bound's gradient 0."""
    noise = np.random.default_rng(0).standard_normal((6, 5, 1)).astype("float32")

    def bound(shift):
        mean = ops.zeros((6, 1)) + shift
        z = tensor(noise) + mean[:, None]
        return importance.negative_bound(importance.log_ratio, z, mean, ops.zeros((6, 1)), kind)

    np.testing.assert_allclose(ops.convert_to_numpy(bound(tensor(np.zeros(1, "float32")))), 0, atol=1e-6)
    found = np.abs(np.asarray(gradient(bound, np.zeros(1, "float32")))).max()
    assert found < 1e-6 if kind == "doubly_reparameterized" else found > 1e-2


def test_arguments_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="likelihood must be one of 'bernoulli', .*Received: 'poisson'"):
        models.VariationalAutoencoder((3,), likelihood="poisson")
    with pytest.raises(ValueError, match="needs output_activation='sigmoid'.* Received: 'linear'"):
        models.VariationalAutoencoder((3,), output_activation="linear", likelihood="continuous_bernoulli")
    with pytest.raises(ValueError, match="variance must be a positive number or 'learned'. Received: 0"):
        models.VariationalAutoencoder((3,), variance=0)
    with pytest.raises(ValueError, match="gradient must be one of .* Received: 'none'"):
        models.VariationalAutoencoder((3,), gradient="none")
    with pytest.raises(ValueError, match="importance_samples must be 1"):
        models.VAEGAN((8, 8, 1), (2,), discriminator_filters=(2,), importance_samples=2)
    with pytest.raises(ValueError, match="samples must be a positive integer"):
        metrics.negative_log_likelihood(models.VariationalAutoencoder((3,)), images(2, (3,)), 0)
    with pytest.raises((AttributeError, TypeError)):
        metrics.negative_log_likelihood(conv(), images(2), 1)
