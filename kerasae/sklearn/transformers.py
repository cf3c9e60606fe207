"""Autoencoders as scikit-learn transformers: `EncoderTransformer` (pretrained) and `AutoencoderTransformer` (trained).

Both use flat arrays: `transform` maps `X (n, features)` to codes `(n, code_size)`.
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
    """Base class of both transformers. `fit` of a subclass sets `model_`."""

    model_: models.Autoencoder
    batch_size: int

    def transform(self, X):
        """Encode `X (n, features)` as codes `(n, code_size)`, float32.

        Raises:
            sklearn.exceptions.NotFittedError: If `fit` was not called.
            ValueError: If `X` is empty, has a wrong number of features, NaN or values outside the model's range.
            TypeError: If `X` is sparse.
        """
        check_is_fitted(self)
        return _flatten(self.model_.encode(self._inputs(X), self.batch_size))

    def inverse_transform(self, X):
        """Decode codes `X (n, code_size)` to `(n, features)`, float32. Errors as for `transform`."""
        check_is_fitted(self)
        codes = check_array(X, dtype="float32")
        if codes.shape[1] != self._n_features_out:
            raise ValueError(
                f"X must be codes of {self._n_features_out} numbers, as returned by transform. "
                f"Received shape: {codes.shape}."
            )
        return _flatten(self.model_.decode(codes.reshape(-1, *self.model_.code_shape), self.batch_size))

    def score(self, X, y=None) -> float:
        """Return the negative mean squared error per value of the reconstructions of `X (n, features)`.

        Higher is better, as `GridSearchCV` expects. Errors as for `transform`.
        """
        check_is_fitted(self)
        x = self._inputs(X)
        return -float(np.mean(np.square(x - self.model_.reconstruct(x, self.batch_size), dtype="float64")))

    def _inputs(self, X) -> np.ndarray:
        """Validate `X` and reshape it to the input shape of the model."""
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
    """Use the codes of a trained model as features.

    `X (n, features) → reshape to the model's input → encode → flatten to (n, code_size)`

    `fit` does not train. `model` can be a hyperparameter: a search can compare entries of the zoo by name.

    Args:
        model: A trained `kerasae.models.Autoencoder`, or the name of a zoo entry. `sklearn.base.clone` shares a
            model instead of copying it.
        batch_size: Number of inputs encoded per batch, which bounds the memory.

    Attributes:
        model_: The model.
        n_features_in_: Number of features of an input.

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
        """Load the model if `model` is a name, and validate the number of features of `X (n, features)`.

        Raises:
            ValueError: If there is no such entry, or `X` and the model have different numbers of features.
            TypeError: If `model` is neither a model nor a name, or `X` is sparse.
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
                f"X must have {math.prod(model.data_shape)} features, the values of one input {model.data_shape} "
                f"of the model. Received shape: {x.shape}."
            )
        self.model_ = model
        return self

    def __sklearn_clone__(self):
        return type(self)(self.model, self.batch_size)


class AutoencoderTransformer(_CodeTransformer):
    """A dense autoencoder that `fit` builds and trains.

    `X (n, features) → hidden layers → codes (n, latent_dim) → reversed hidden layers → X̂`

    Training minimizes the mean of `(X − X̂)²` with Adam. If features have different scales, put a `StandardScaler`
    before it in the pipeline.

    Args:
        latent_dim: Latent dimension, the size of the code.
        hidden_units: Sizes of the encoder's hidden layers; reversed in the decoder. Without hidden layers (and with a
            linear output) the codes converge to the subspace of PCA.
        activation: Name of the hidden layers' activation function in Keras.
        output_activation: Name of the output's activation function in Keras.
        epochs: Number of epochs.
        batch_size: Number of inputs per training step.
        learning_rate: Learning rate of Adam.
        random_state: Seed of the initial weights and the batch order. An integer gives the same result in each run,
            and on other backends up to rounding.
        verbose: Verbosity of Keras's `fit`; 0 prints nothing.

    Attributes:
        model_: The trained `kerasae.models.DenseAutoencoder`.
        loss_curve_: Training loss (mean squared error) of each epoch.
        n_features_in_: Number of features of an input.

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
        """Train on `X (n, features)`; `y` is ignored.

        Raises:
            ValueError: If a size, the number of epochs or the learning rate is not positive, or `X` is empty or has
                NaN.
            TypeError: If `X` is sparse.
        """
        x = validate_data(self, X, dtype="float32")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        model = self._build(x.shape[1])
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

    def _build(self, features: int) -> models.DenseAutoencoder:
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


def _flatten(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)
