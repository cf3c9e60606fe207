"""Autoencoders as scikit-learn transformers, for its pipelines, searches and estimators.

`EncoderTransformer` puts a trained model into a pipeline; `AutoencoderTransformer` trains one in
`fit`. Both take and give flat arrays: `X (n, features) → transform → (n, code numbers)`.
"""

import math

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from kerasae import models, zoo
from kerasae._checks import positive_size
from kerasae.zoo import recipes


class _CodeTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """What both share: everything but `fit`, which sets `model_`."""

    model_: models.Autoencoder
    batch_size: int

    def transform(self, X):
        """Codes of `X (n, features)`: `(n, code numbers)` float32.

        Raises:
            sklearn.exceptions.NotFittedError: `fit` comes first.
            ValueError: Wrong number of features, NaN, values outside the model's range, or none.
            TypeError: `X` is sparse.
        """
        check_is_fitted(self)
        return _flat(self.model_.encode(self._inputs(X), self.batch_size))

    def inverse_transform(self, X):
        """What the codes `X (n, code numbers)` decode to: `(n, features)` float32. Errors as for `transform`."""
        check_is_fitted(self)
        codes = check_array(X, dtype="float32")
        if codes.shape[1] != self._n_features_out:
            raise ValueError(
                f"X must be codes of {self._n_features_out} numbers, as transform gives them. "
                f"Received shape: {codes.shape}."
            )
        return _flat(self.model_.decode(codes.reshape(-1, *self.model_.code_shape), self.batch_size))

    def score(self, X, y=None) -> float:
        """The negative mean squared error of the reconstructions of `X (n, features)`: larger is better.

        It makes a search such as `GridSearchCV` prefer what reconstructs best. Errors as for `transform`.
        """
        check_is_fitted(self)
        x = self._inputs(X)
        return -float(np.mean(np.square(x - self.model_.reconstruct(x, self.batch_size), dtype="float64")))

    def _inputs(self, X) -> np.ndarray:
        """`X` checked and in the model's shape."""
        x = validate_data(self, X, dtype="float32", reset=False)
        return x.reshape(-1, *self.model_.data_shape)

    @property
    def _n_features_out(self) -> int:
        return math.prod(self.model_.code_shape)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class EncoderTransformer(_CodeTransformer):
    """A trained model's codes as features.

    `X (n, features) → reshaped to the model's input → encode → flattened (n, code numbers)`

    `fit` trains nothing. With names as `model`, a search can choose among the entries of the zoo.

    Args:
        model: A trained `kerasae.models.Autoencoder`, or the name of a zoo entry. A model is shared, not
            copied, by `sklearn.base.clone`.
        batch_size: How many inputs at a time; bounds the memory it needs.

    Attributes:
        model_: The model.
        n_features_in_: How many numbers an input has.

    >>> x = kerasae.data.digits().x_test.reshape(360, 784)
    >>> encoder = EncoderTransformer("dense_mnist").fit(x)
    >>> codes = encoder.transform(x)
    >>> codes.shape, encoder.inverse_transform(codes).shape
    ((360, 16), (360, 784))
    """

    def __init__(self, model: models.Autoencoder | str = "dense_mnist", batch_size: int = 256):
        self.model = model
        self.batch_size = batch_size

    def fit(self, X, y=None):
        """Look at the width of `X (n, features)`, and load the model if a name was given.

        Raises:
            ValueError: No such entry, or `X` has another number of features than the model.
            TypeError: `model` is neither a model nor a name; `X` is sparse.
        """
        model = zoo.load(self.model) if isinstance(self.model, str) else self.model
        if not isinstance(model, models.Autoencoder):
            raise TypeError(
                "model must be a kerasae.models.Autoencoder or the name of a zoo entry. "
                f"Received: {type(model).__name__}."
            )
        positive_size("batch_size", self.batch_size)
        x = validate_data(self, X, dtype="float32")
        if x.shape[1] != math.prod(model.data_shape):
            raise ValueError(
                f"X must have {math.prod(model.data_shape)} features, the numbers of one input {model.data_shape} "
                f"of the model. Received shape: {x.shape}."
            )
        self.model_ = model
        return self

    def __sklearn_clone__(self):
        return type(self)(self.model, self.batch_size)


class AutoencoderTransformer(_CodeTransformer):
    """A dense autoencoder that `fit` builds and trains, as scikit-learn's PCA is fitted.

    `X (n, features) → hidden layers → codes (n, latent_dim) → reversed hidden layers → X̂`

    Minimises the mean of `(X − X̂)²` with Adam. Features of unlike scales count unlike: put a
    `StandardScaler` before it.

    Args:
        latent_dim: Size of the code.
        hidden_units: Sizes of the encoder's hidden layers; the decoder has them in reverse. With none
            and `activation="linear"` it is PCA, found slowly.
        activation, output_activation: Of the hidden layers and of the output, by Keras's names.
        epochs, batch_size: As for `fit` of Keras.
        learning_rate: Adam's.
        random_state: Of the initial weights and the order of the batches: an integer gives the same
            result each time, and other backends the same but for rounding.
        verbose: As for `fit` of Keras; 0 prints nothing.

    Attributes:
        model_: The trained `kerasae.models.DenseAutoencoder`.
        loss_curve_: The mean squared error of every epoch, as it was while training.
        n_features_in_: How many numbers an input has.

    References:
        Reducing the dimensionality of data with neural networks (Hinton & Salakhutdinov, 2006)

    >>> X = np.random.default_rng(0).normal(size=(60, 5))
    >>> autoencoder = AutoencoderTransformer(latent_dim=2, hidden_units=(8,), epochs=3, random_state=0)
    >>> autoencoder.fit_transform(X).shape
    (60, 2)
    """

    def __init__(
        self,
        latent_dim: int = 2,
        hidden_units: tuple[int, ...] = (64,),
        activation: str = "relu",
        output_activation: str = "linear",
        epochs: int = 100,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        random_state=None,
        verbose: int = 0,
    ):
        self.latent_dim = latent_dim
        self.hidden_units = hidden_units
        self.activation = activation
        self.output_activation = output_activation
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None):
        """Train on `X (n, features)`; `y` is not used.

        Raises:
            ValueError: A size, number of epochs or rate that is not positive; `X` is empty or holds NaN.
            TypeError: `X` is sparse.
        """
        x = validate_data(self, X, dtype="float32")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        model = self._untrained(x.shape[1])
        recipes.initialize(model, seed)
        history = model.fit(
            x,
            batch_size=positive_size("batch_size", self.batch_size),
            epochs=positive_size("epochs", self.epochs),
            seed=seed,
            verbose=self.verbose,
        )
        self.model_, self.loss_curve_ = model, history.history["loss"]
        return self

    def _untrained(self, features: int) -> models.DenseAutoencoder:
        import keras

        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be positive. Received: {self.learning_rate!r}")
        model = models.DenseAutoencoder(
            (features,),
            self.hidden_units,
            self.latent_dim,
            activation=self.activation,
            output_activation=self.output_activation,
            value_range=None,
        )
        model.compile(optimizer=keras.optimizers.Adam(self.learning_rate), loss="mean_squared_error")
        return model


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)
