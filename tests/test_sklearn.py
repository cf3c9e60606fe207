"""Autoencoders in scikit-learn's pipelines and searches."""

import pickle

import numpy as np
import pytest
from conftest import dense, images, python
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from kerasae import data, zoo
from kerasae.sklearn import AutoencoderTransformer, EncoderTransformer

pytestmark = pytest.mark.shared


def small(**kwargs):
    return AutoencoderTransformer(**{"hidden_units": (4,), "epochs": 2, "random_state": 0} | kwargs)


def vectors(n=40, features=5):
    return np.random.default_rng(0).normal(size=(n, features))


@parametrize_with_checks([AutoencoderTransformer(hidden_units=(4,), epochs=1, batch_size=256)])
def test_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)


def test_fitting_twice_gives_the_same_and_other_seeds_another():
    x = vectors()
    first, second, other = (small(random_state=seed).fit_transform(x) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first, other)


def test_global_random_numbers_are_left_alone():
    np.random.seed(1)
    expected = np.random.RandomState(1).random_sample(3)
    small().fit(vectors())
    np.testing.assert_array_equal(np.random.random_sample(3), expected)


def test_a_linear_transformer_finds_the_subspace_of_pca():
    x = StandardScaler().fit_transform(vectors(200) @ np.random.default_rng(1).normal(size=(5, 5)))
    linear = AutoencoderTransformer(2, (), epochs=30, batch_size=10, learning_rate=0.01, random_state=0).fit(x)
    pca = PCA(2).fit(x)
    residual = np.mean((x - pca.inverse_transform(pca.transform(x))) ** 2)
    assert -linear.score(x) == pytest.approx(residual, rel=0.01)
    assert linear.loss_curve_[-1] < linear.loss_curve_[0] and len(linear.loss_curve_) == 30


def test_inverse_transform_decodes_and_score_is_its_error():
    x = vectors().astype("float32")
    fitted = small().fit(x)
    x_hat = fitted.inverse_transform(fitted.transform(x))
    assert x_hat.shape == x.shape and x_hat.dtype == "float32"
    np.testing.assert_allclose(x_hat, fitted.model_.reconstruct(x), rtol=1e-5)
    assert fitted.score(x) == pytest.approx(-np.mean((x - x_hat) ** 2), rel=1e-5)


def test_feature_names():
    fitted = small(latent_dim=3).fit(vectors())
    names = ["autoencodertransformer0", "autoencodertransformer1", "autoencodertransformer2"]
    assert list(fitted.get_feature_names_out()) == names
    assert fitted.n_features_in_ == 5


def test_search_chooses_the_larger_code():
    linear = AutoencoderTransformer(hidden_units=(), epochs=4, batch_size=6, learning_rate=0.03, random_state=0)
    search = GridSearchCV(linear, {"latent_dim": [1, 4]}, cv=2).fit(vectors(96))
    assert search.best_params_ == {"latent_dim": 4}


def test_fitted_transformers_are_pickled_completely_and_cloned_unfitted():
    x = vectors()
    fitted = small().fit(x)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.transform(x), fitted.transform(x))
    assert again.n_features_in_ == 5
    assert not hasattr(clone(fitted), "model_")


def test_pickles_are_read_in_another_process(tmp_path):
    path = tmp_path / "fitted.pickle"
    path.write_bytes(pickle.dumps(small().fit(vectors())))
    done = python("import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).transform([[0.0] * 5]).shape)", path)
    assert done.stdout.endswith("(1, 2)\n")


def test_sparse_input_is_refused():
    with pytest.raises(TypeError, match=r"Sparse data was passed.*dense data is required"):
        small().fit(csr_array(vectors()))
    with pytest.raises(TypeError, match=r"Sparse data was passed.*dense data is required"):
        small().fit(vectors()).transform(csr_array(vectors()))


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("latent_dim", 0, r"latent_dim must be a positive integer. Received: 0"),
        ("hidden_units", (4, -1), r"hidden_units must be made of positive integers. Received: \(4, -1\)"),
        ("epochs", 0, r"epochs must be a positive integer. Received: 0"),
        ("batch_size", 2.5, r"batch_size must be a positive integer. Received: 2.5"),
        ("learning_rate", 0.0, r"learning_rate must be positive. Received: 0.0"),
    ],
)
def test_arguments_are_checked_in_fit(argument, value, message):
    with pytest.raises(ValueError, match=message):
        small(**{argument: value}).fit(vectors())


def test_codes_of_another_size():
    with pytest.raises(ValueError, match=r"X must be codes of 2 numbers.*Received shape: \(1, 3\)"):
        small().fit(vectors()).inverse_transform(np.zeros((1, 3)))


# A trained model


def test_encoder_returns_flat_codes_and_decodes_them():
    x = data.digits().x_test[:20]
    encoder = EncoderTransformer("conv_mnist").fit(x.reshape(20, -1))
    z = encoder.transform(x.reshape(20, -1))
    np.testing.assert_array_equal(z, encoder.model_.encode(x).reshape(20, 49))
    np.testing.assert_allclose(encoder.inverse_transform(z), encoder.model_.reconstruct(x).reshape(20, -1), atol=1e-6)
    assert encoder.get_feature_names_out()[-1] == "encodertransformer48"


def test_encoder_in_a_pipeline_and_a_search_over_entries():
    digits = data.digits()
    x, y = digits.x_test.reshape(len(digits.x_test), -1), digits.y_test
    pipeline = make_pipeline(EncoderTransformer(), StandardScaler(), LogisticRegression())
    search = GridSearchCV(pipeline, {"encodertransformer__model": ["dense_mnist", "vae_mnist"]}, cv=2).fit(x, y)
    assert search.best_score_ > 0.7
    assert search.best_estimator_[0].transform(x).shape[1] in (16, 20)


def test_cloned_encoders_share_the_model():
    model = dense()
    encoder = clone(EncoderTransformer(model, batch_size=7))
    assert encoder.model is model and encoder.batch_size == 7
    x = images().reshape(20, -1)
    again = pickle.loads(pickle.dumps(encoder.fit(x)))
    np.testing.assert_array_equal(again.transform(x), encoder.transform(x))


def test_encoder_before_fit():
    with pytest.raises(NotFittedError, match="This EncoderTransformer instance is not fitted yet"):
        EncoderTransformer().transform(np.zeros((1, 784)))


def test_encoder_with_another_number_of_features():
    with pytest.raises(ValueError, match=r"X must have 784 features.*\(28, 28, 1\).*Received shape: \(3, 64\)"):
        EncoderTransformer("dense_mnist").fit(np.zeros((3, 64)))


def test_encoder_keeps_the_range_of_its_model():
    encoder = EncoderTransformer("dense_mnist").fit(np.zeros((3, 784)))
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\]"):
        encoder.transform(np.full((3, 784), 255.0))


def test_encoder_of_something_that_is_not_a_model():
    with pytest.raises(TypeError, match=r"model must be a kerasae.models.Autoencoder or the name.*Received: PCA"):
        EncoderTransformer(PCA(2)).fit(np.zeros((3, 784)))
    with pytest.raises(ValueError, match=f"No zoo entry named 'dense_minst'.*{zoo.names()[0]}"):
        EncoderTransformer("dense_minst").fit(np.zeros((3, 784)))
