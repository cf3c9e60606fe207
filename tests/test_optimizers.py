"""Adam and SOAP of the long trainings, and trainings that resume with them."""

import dataclasses
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

pytestmark = pytest.mark.anybackend


@pytest.fixture
def optimizers(tool):
    return tool("optimizers")


def problem():
    """Least squares with correlated inputs, whose scales differ by a factor of 100: a loss of a kernel and a bias."""
    rng = np.random.default_rng(0)
    mixing = np.linalg.qr(rng.normal(size=(20, 20)))[0] * np.logspace(0, -2, 20)
    x = jnp.asarray(rng.normal(size=(500, 20)) @ mixing.T, "float32")
    y = x @ jnp.asarray(rng.normal(size=(20, 10)), "float32") + 1
    return lambda weights: jnp.mean(jnp.square(x @ weights[0] + weights[1] - y))


def start():
    return [jnp.zeros((20, 10)), jnp.zeros(10)]


def trained(optimizers, name, steps, **kwargs):
    """The state after some steps with a cosine from 0.1."""
    step = getattr(optimizers, name)
    gradient = jax.jit(jax.grad(problem()))
    state = optimizers.initial_state(name, start())
    for i in range(steps):
        state = step(state, gradient(state["weights"]), optimizers.cosine(0.1, i, steps), epsilon=1e-7, **kwargs)
    return state


def test_adam_is_that_of_keras(optimizers):
    reference = keras.optimizers.Adam(0.1)
    variables = [keras.Variable(np.zeros(shape)) for shape in ((20, 10), (10,))]
    gradient = jax.grad(problem())
    state = optimizers.initial_state("adam", start())
    for _ in range(3):
        gradients = gradient(state["weights"])
        state = optimizers.adam(state, gradients, 0.1, epsilon=1e-7)
        reference.apply([keras.ops.convert_to_tensor(np.asarray(g)) for g in gradients], variables)
    for weight, variable in zip(state["weights"], variables, strict=True):
        np.testing.assert_allclose(weight, keras.ops.convert_to_numpy(variable), rtol=1e-4, atol=1e-5)


def test_soap_learns_directions_of_small_scale_faster_than_adam(optimizers, monkeypatch):
    monkeypatch.setattr(optimizers, "WARM_UP", 20)
    loss = problem()
    adam, soap = (float(loss(trained(optimizers, name, 200)["weights"])) for name in ("adam", "soap"))
    assert soap < 0.5 * adam


def test_bases_of_soap_are_orthonormal_and_follow_the_gradients(optimizers):
    state = trained(optimizers, "soap", 50)
    kernel, bias = zip(state["covariances"], state["bases"], strict=True)
    assert bias == ({}, {})
    for side, size in {"in": 20, "out": 10}.items():
        covariance, basis = kernel[0][side], kernel[1][side]
        np.testing.assert_allclose(basis.T @ basis, np.eye(size), atol=1e-5)
        energies = np.diag(basis.T @ covariance @ basis)
        largest = np.linalg.eigvalsh(covariance)[-1]
        np.testing.assert_allclose(energies[0], largest, rtol=0.05)


def test_large_sides_are_not_rotated(optimizers):
    (bases,) = optimizers.initial_state("soap", [jnp.zeros((optimizers.LARGEST_SIDE + 1, 4))])["bases"]
    assert set(bases) == {"out"}
    x = np.random.default_rng(0).normal(size=(optimizers.LARGEST_SIDE + 1, 4)).astype("float32")
    basis = {"out": np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0].astype("float32")}
    np.testing.assert_allclose(optimizers.rotated_back(optimizers.rotated(x, basis), basis), x, atol=1e-5)


@pytest.mark.parametrize("name", ["adam", "soap"])
def test_kernels_decay_and_biases_do_not(optimizers, name):
    zeros = [jnp.zeros((3, 2)), jnp.zeros(2)]
    state = optimizers.initial_state(name, [jnp.ones((3, 2)), jnp.ones(2)])
    kernel, bias = getattr(optimizers, name)(state, zeros, 0.1, epsilon=1e-7, weight_decay=0.5)["weights"]
    assert np.all(bias == 1) and np.all(kernel < 1)


@pytest.mark.parametrize("optimizer", ["adam", "soap"])
def test_interrupted_trainings_resume_bit_for_bit(tool, tmp_path, optimizer):
    training = tool("long_training")
    job = dataclasses.replace(
        training.JOBS["vae50_bmnist"], hidden_units=(6,), latent_dim=2, epochs=3, hold_out=50, optimizer=optimizer
    )
    rng = np.random.default_rng(0)
    images = {"train": (rng.integers(0, 256, (450, 784), "uint8"), np.zeros(450, "int32"))}
    answers = iter([False, True])
    never, after_one = SimpleNamespace(due=lambda _: False), SimpleNamespace(due=lambda _: next(answers))
    assert training.train(job, tmp_path / "whole", images, never)
    assert not training.train(job, tmp_path / "parts", images, after_one)
    assert training.train(job, tmp_path / "parts", images, never)
    whole, parts = (training.load_weights(job, tmp_path / name) for name in ("whole", "parts"))
    assert all(np.array_equal(a, b) for a, b in zip(whole, parts, strict=True))
