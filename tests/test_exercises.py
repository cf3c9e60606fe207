"""Every exercise accepts a solution and rejects wrong answers with a hint; all within seconds, without MNIST."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.svm import SVC

import kerasae
from kerasae import exercises
from kerasae.exercises import reconstructing

pytestmark = pytest.mark.shared


@pytest.fixture(autouse=True)
def without_mnist(monkeypatch):
    monkeypatch.setattr(reconstructing, "is_at_hand", lambda name: False)


def flat(x):
    return x.reshape(len(x), -1)


def trained(model, x, y=None, rate=1e-3, epochs=1, batch_size=64):
    kerasae.recipes.initialize(model, seed=0)
    model.compile(keras.optimizers.Adam(rate), "mean_squared_error")
    model.fit(x, y, batch_size=batch_size, epochs=epochs, seed=0, verbose=0)
    return model


def rejected(name, answer, hint):
    result = exercises.check(name, answer)
    assert not result and not result.passed
    assert hint in result.message
    assert str(result).startswith("Not yet. ")


def accepted(name, answer):
    result = exercises.check(name, answer)
    assert result, result
    assert str(result).startswith("Correct. ")


# Solutions


def test_linear_autoencoder_finds_the_plane_of_pca():
    x = exercises.data("linear_is_pca").x
    linear = kerasae.models.LinearAutoencoder((3,), 2)
    rejected("linear_is_pca", trained(linear, x, rate=0.01, epochs=1), "Train for more epochs")
    accepted("linear_is_pca", trained(linear, x, rate=0.01, epochs=30))


@pytest.mark.anybackend
def test_small_autoencoder_beats_pca():
    model = kerasae.models.DenseAutoencoder((28, 28, 1), (128, 64), 8)
    rejected("beat_pca", model, "Is the model trained?")
    accepted("beat_pca", trained(model, exercises.data("beat_pca").x_train, rate=2e-3, epochs=30))


def test_model_denoises_better_than_the_median_filter():
    given = exercises.data("denoise")
    model = kerasae.models.DenseAutoencoder((28, 28, 1), (128,), 64)
    rejected("denoise", model.reconstruct, "Is the model trained")
    accepted("denoise", trained(model, given.noisy_train, given.x_train, epochs=15).reconstruct)


@pytest.mark.anybackend
def test_codes_classify_with_few_labels():
    given, encode = exercises.data("few_labels"), kerasae.zoo.load("dense_mnist").encode
    predicted = SVC(C=10).fit(encode(given.x_labeled), given.y_labeled).predict(encode(given.x_test))
    accepted("few_labels", predicted)
    rejected("few_labels", np.roll(predicted, 1), "near chance")
    rejected("few_labels", np.where(np.arange(len(predicted)) % 2, predicted, 0), "Try another encoder")


@pytest.mark.anybackend
def test_code_size_by_held_out_error():
    fit, held_out = map(flat, exercises.data("code_size"))
    limit = np.mean((held_out - fit.mean(axis=0)) ** 2) / 4

    def smallest(x):
        for k in range(1, 300):
            pca = PCA(k).fit(fit)
            if np.mean((x - pca.inverse_transform(pca.transform(x))) ** 2) <= limit:
                return k

    answer, tempting = smallest(held_out), smallest(fit)
    assert tempting < answer
    accepted("code_size", answer)
    rejected("code_size", tempting, "Measure on the held-out ones")
    rejected("code_size", answer - 1, "Use more components")
    rejected("code_size", answer + 1, "Fewer components are enough")


def kl(mean, log_variance):
    return 0.5 * np.sum(np.exp(log_variance) + mean**2 - 1 - log_variance, axis=1)


@pytest.mark.anybackend
def test_kl_divergence():
    accepted("kl_term", kl)
    accepted("kl_term", lambda *given: keras.ops.convert_to_tensor(kl(*given)))


@pytest.mark.parametrize(
    ("mistaken", "hint"),
    [
        (lambda m, s: 2 * kl(m, s), "starts with ½"),
        (lambda m, s: -kl(m, s), "never negative"),
        (lambda m, s: kl(m, s) / 8, "instead of averaging"),
        (lambda m, s: kl(m, 2 * s), "not of the standard deviation"),
        (lambda m, s: 0.5 * np.sum(m**2 - 1, axis=1), "take the exponential"),
        (lambda m, s: 0.5 * np.sum((1 + m**2) / np.exp(s) - 1 + s, axis=1), "other direction"),
        (lambda m, s: kl(m, s).sum(), "one value per image, shape (50,). Received shape: ()"),
        (lambda m, s: 0.5 * (np.exp(s) + m**2 - 1 - s), "Sum over the dimensions."),
        (lambda m, s: np.full(len(m), np.nan), "not finite"),
        (lambda m, s: m.sum(axis=1), "one dimension first"),
        (3, "without calling it"),
    ],
)
@pytest.mark.anybackend
def test_mistakes_in_the_kl_divergence_are_named(mistaken, hint):
    rejected("kl_term", mistaken, hint)


@pytest.mark.anybackend
def test_fitted_normal_distribution_generates():
    z, rng = exercises.data("sample_codes").z, np.random.default_rng(3)
    accepted("sample_codes", rng.multivariate_normal(z.mean(axis=0), np.cov(z.T), 1000))
    rejected("sample_codes", rng.standard_normal((1000, 16)), "Keep the correlations")
    rejected("sample_codes", z[:1000], "These are codes of images")
    rejected("sample_codes", z[:10], "Received shape: (10, 16)")


# Other answers


@pytest.mark.anybackend
@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("linear_is_pca", None, "Pass a LinearAutoencoder of 3 numbers"),
        ("linear_is_pca", lambda: kerasae.models.DenseAutoencoder((3,), latent_dim=2), "not linear"),
        ("beat_pca", "model", "Pass an autoencoder of images"),
        ("beat_pca", lambda: kerasae.models.DenseAutoencoder((28, 28, 1), latent_dim=9), "Received: 9"),
        ("beat_pca", lambda: kerasae.models.DenseAutoencoder((28, 28, 1), (400,), 8), "Use smaller layers"),
        ("code_size", 2.5, "Received: 2.5"),
        ("code_size", 0, "Received: 0"),
        ("denoise", np.zeros(3), "Pass a function"),
        ("denoise", lambda: flat, "Received shape: (360, 784)"),
        ("few_labels", np.zeros((360, 10)), "the most likely class"),
    ],
)
def test_unfit_answers(name, answer, hint):
    rejected(name, answer() if callable(answer) else answer, hint)


# The collection


@pytest.mark.anybackend
def test_every_exercise_has_a_task_that_names_its_answer():
    assert {exercises.find(name).notebook for name in exercises.names()} == {
        "manifold", "reconstructing", "denoising", "code_space", "generating",
    }  # fmt: skip
    for name in exercises.names():
        assert "\nAnswer: " in exercises.task(name)
        assert f'exercises.check("{name}", ' in exercises.task(name)


@pytest.mark.anybackend
def test_exercises_of_a_notebook():
    assert exercises.names("generating") == ["kl_term", "sample_codes"]


@pytest.mark.anybackend
def test_unknown_exercise():
    with pytest.raises(ValueError, match="No exercise named 'kl_tern'. Did you mean 'kl_term'?"):
        exercises.check("kl_tern", None)


@pytest.mark.anybackend
def test_mnist_is_used_if_it_is_at_hand(monkeypatch):
    monkeypatch.setattr(reconstructing, "is_at_hand", lambda name: True)
    monkeypatch.setattr(reconstructing, "mnist", lambda: "MNIST")
    assert reconstructing.images() == "MNIST"


@pytest.mark.anybackend
def test_page_for_teachers_shows_what_the_checks_say():
    page = (Path(__file__).parent.parent / "docs" / "exercises.md").read_text(encoding="utf-8")
    names, checked = {}, 0
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)
        for call, said in re.findall(r"^(exercises\.check\(.*\)) +# (.*?)…?$", block, re.MULTILINE):
            assert str(eval(call, names)).startswith(said.strip())
            checked += 1
    assert checked == 2
    assert all(f"`{name}`" in page for name in exercises.names())
