"""`OutlierDetector`, which finds outliers in tables and images."""

import math

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from kerasae import backends, models, zoo
from kerasae._checks import positive_size, positive_sizes
from kerasae.outliers import fitting, storage
from kerasae.training import inference

AUTO = -1.5  # `offset_` for contamination="auto", in units of the score
_FEW = 32  # smallest number of rows per compiled call


class OutlierDetector(OutlierMixin, BaseEstimator):
    """Find outliers in tables and images with an ensemble of denoising autoencoders.

    `predict` returns −1 for outliers and 1 for other inputs. No argument has to be tuned, and columns of a table need
    not be scaled.

    The score combines, for each view of the input, the reconstruction error of the autoencoders and
    the mean distance to the 5 nearest training inputs; for tables also the Mahalanobis distance and the tail
    probabilities of the columns (see `kerasae.outliers`). **Unit of the score:** 0 is the median of the training
    inputs, and a tenth of them score below −1. Lower is more unusual.

    - Tables: columns are scaled robustly, by median and interquartile range. The most suspicious fifth of the training
      inputs is not trained on, so outliers among them are not learned.
    - Images (`input_shape`): two views, smoothed pixels and edges (`kerasae.layers.View`). Of fewer than 2,000 images,
      a fifth is not trained on; it defines the unit of the score.
    - Any trained model (`model`): errors of its reconstructions and distances of its codes. `fit` does not train it.

    Args:
        model: A trained `kerasae.models.Autoencoder`, or the name or directory of a zoo entry; None to train an
            ensemble. `sklearn.base.clone` shares a model instead of copying it.
        input_shape: Shape of one image, `(height, width, channels)`; `X` has flattened images as rows. None for tables,
            and if `model` is given.
        normalize: Whether to reduce the influence of contrast in images: True for handwriting and scans, False if
            brightness distinguishes inputs, as for clothes.
        contamination: Fraction of outliers among the training inputs, above 0 and at most 0.5, which determines
            `offset_`; or `"auto"` for an offset of −1.5. About 2 % of usual inputs score below −1.5.
        batch_size: Number of inputs scored per batch, which bounds the memory.
        random_state: Seed of initial weights, noise, batch order and random subsets. An integer gives the same result
            in each run, and on other backends up to rounding.

    Attributes:
        model_: The autoencoder.
        score_: The `kerasae.outliers.Score`.
        offset_: Threshold: inputs with a lower score are outliers.
        n_features_in_: Number of features of an input.

    References:
        Outlier detection with autoencoder ensembles (Chen, Sathe, Aggarwal & Turaga, 2017); Efficient algorithms for
        mining outliers from large data sets (Ramaswamy, Rastogi & Shim, 2000)

    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> detector = OutlierDetector(random_state=0).fit(X)
    >>> detector.predict([[0.0, 0.0, 0.0], [9.0, -9.0, 9.0]])
    array([ 1, -1])
    """

    def __init__(
        self,
        model: models.Autoencoder | str | None = None,
        input_shape: tuple[int, ...] | None = None,
        normalize: bool = False,
        contamination: float | str = "auto",
        batch_size: int = 1024,
        random_state=None,
    ):
        self.model = model
        self.input_shape = input_shape
        self.normalize = normalize
        self.contamination = contamination
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X, y=None):
        """Fit the detector to training inputs `X (n, features)`; `y` is ignored.

        Raises:
            ValueError: If an argument is out of range, or `X` is empty, has NaN or does not fit the input shape.
            TypeError: If `X` is sparse, or `model` has a wrong type.
        """
        self._check_arguments()
        x = validate_data(self, X, dtype="float32", ensure_min_samples=2)
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))
        model = self._given_model()
        shape = self._shape(x.shape[1], model)
        x = x.reshape(-1, *shape)
        unseen = np.zeros(len(x), bool)
        if model is None:
            unseen = fitting.kept_back(x, rng)
            model = fitting.trained(x[~unseen], rng, self.normalize)
        self.model_ = model
        self.score_ = fitting.score(model, x, rng, unseen)
        self.offset_ = AUTO
        if not isinstance(self.contamination, str):
            self.offset_ = float(np.percentile(self._scores(x), 100 * self.contamination))
        return self

    def score_samples(self, X):
        """Compute the scores `(n,)` of `X (n, features)`: about 0 for a usual input, lower for unusual ones.

        Raises:
            sklearn.exceptions.NotFittedError: If `fit` was not called.
            ValueError: If `X` is empty, has a wrong number of features, NaN or values outside the model's range.
            TypeError: If `X` is sparse.
        """
        check_is_fitted(self)
        x = validate_data(self, X, dtype="float32", reset=False)
        return self._scores(x.reshape(-1, *self.model_.data_shape))

    def decision_function(self, X):
        """Compute `score_samples(X) − offset_`, negative for outliers. Errors as for `score_samples`."""
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Predict −1 for outliers and 1 for other inputs, `(n,)`. Errors as for `score_samples`."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def graph(self):
        """Build a Keras model of the detector, which can be exported; it includes scaling and threshold.

        It maps inputs of `model_` to a dict of `reconstruction` `(n, *shape)`, `code` `(n, *code_shape)`, `score`
        `(n,)` as in `score_samples`, and `label` `(n,)`, 1 or −1 (int32).

        Raises:
            sklearn.exceptions.NotFittedError: If `fit` was not called.
        """
        check_is_fitted(self)
        return storage.graph(self.model_, self.score_, self.offset_)

    def save(self, directory, *, name: str | None = None, description: str = "", license: str | None = None, **facts):
        """Save the detector as an entry of the zoo: the entry of its model, with `detector.npz`.

        Args:
            directory: Directory of the entry: new, or an entry written by kerasae, which is then replaced.
            name, description, license, **facts: As for `kerasae.zoo.save`.

        Returns:
            The card.

        Raises:
            sklearn.exceptions.NotFittedError: If `fit` was not called.
            FileExistsError, ValueError, OSError: As for `kerasae.zoo.save`.
        """
        check_is_fitted(self)
        settings = {"contamination": self.contamination, "offset": self.offset_}
        facts = {"name": name, "description": description, "license": license, **facts}
        return storage.save(directory, self.model_, self.score_, settings, facts)

    @classmethod
    def load(cls, directory) -> "OutlierDetector":
        """Load a fitted detector that `save` has written.

        Raises:
            ValueError: If there is no such entry, it has no detector, or its files are damaged.
        """
        model, score, settings = storage.load(directory)
        detector = cls(model, contamination=settings["contamination"])
        detector.model_, detector.score_, detector.offset_ = model, score, settings["offset"]
        detector.n_features_in_ = math.prod(model.data_shape)
        return detector

    def _scores(self, x: np.ndarray) -> np.ndarray:
        model, score = self.model_, self.score_
        x = model.checked(x, None)[0]

        def compiled():
            fast = score.with_variables()
            # Keeping a reference to the score ensures that no other object gets its id.
            return score, backends.compile_function(lambda x: fast(model.observed(x)[2]), model)

        _, function = model.compiled_functions.get(model, ("outliers", id(score)), compiled)
        # Matrix products round differently for few rows; padding makes a score independent of the other rows.
        padded = np.pad(x, [(0, max(0, _FEW - len(x))), *[(0, 0)] * (x.ndim - 1)], mode="edge")
        return inference.apply(function, max(self.batch_size, _FEW), padded)[: len(x)].astype("float64")

    def _check_arguments(self) -> None:
        positive_size("batch_size", self.batch_size)
        share = self.contamination
        if share != "auto" and (not isinstance(share, float | np.floating) or not 0 < share <= 0.5):
            raise ValueError(f"contamination must be 'auto', or above 0 and at most 0.5. Received: {share!r}")

    def _given_model(self) -> models.Autoencoder | None:
        model = self.model
        if model is None or isinstance(model, models.Autoencoder):
            found = model
        elif isinstance(model, str) or hasattr(model, "__fspath__"):
            found = zoo.load(model)
        else:
            raise TypeError(
                "model must be a kerasae.models.Autoencoder, the name of a zoo entry, or None. "
                f"Received: {type(model).__name__}."
            )
        if found is not None and found.classes is not None:
            raise ValueError(
                f"model must not be conditional, since rows of X have no labels. Received: {type(found).__name__}. "
                "Use another model, or None."
            )
        return found

    def _shape(self, features: int, model) -> tuple[int, ...]:
        """Shape of one input. ValueError unless it has as many values as a row of `X`."""
        if model is not None:
            shape, owner = model.data_shape, "the model"
        elif self.input_shape is not None:
            shape, owner = positive_sizes("input_shape", self.input_shape), "input_shape"
            if len(shape) != 3:
                raise ValueError(f"input_shape must be (height, width, channels). Received: {shape}.")
        else:
            return (features,)
        if math.prod(shape) != features:
            raise ValueError(
                f"X must have {math.prod(shape)} features, the values of one input {shape} of {owner}. "
                f"Received: {features} features."
            )
        return shape

    def __sklearn_clone__(self):
        others = {key: clone(value, safe=False) for key, value in self.get_params(deep=False).items() if key != "model"}
        return type(self)(self.model, **others)
