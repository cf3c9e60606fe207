"""Measure a model on data. Codes, reconstructions and samples are computed once and shared by all metrics."""

import functools
from typing import Any

import numpy as np

from kerasae import data, models
from kerasae.metrics import classifier, likelihood, pixels
from kerasae.metrics.table import METRICS

LABELED = 1000  # number of training images whose labels `forest_accuracy` uses


def given_to(model, label: np.ndarray | None) -> dict[str, Any]:
    """Keyword arguments for the methods of a model: the labels of a conditional model, nothing for others."""
    return {"label": label} if model.classes is not None else {}


class Measurement:
    """A model and the inputs that it is measured on.

    Args:
        model: Trained `kerasae.models.Autoencoder`.
        x: Inputs `(n, *input_shape)`.
        label: Classes of the inputs `(n,)`, or None.
        dataset: The `data.Dataset` that the inputs are from, or None.
    """

    model: models.Autoencoder

    def __init__(self, model: models.Autoencoder, x, label=None, dataset: data.Dataset | None = None):
        self.model, self.x, self.label, self.dataset = model, x, label, dataset
        self.condition = given_to(model, label)

    def figures(self, quick: bool = False) -> dict[str, float]:
        """Compute all metrics that apply, by key; with `quick` none that takes minutes."""
        rows = (row for row in METRICS.values() if self.dataset is not None or not row.needs_data_set)
        return {row.key: row(self) for row in rows if not (quick and row.takes_minutes) and row.applies(self)}

    @property
    def is_image(self) -> bool:
        """Whether the inputs are images."""
        return len(self.model.data_shape) > 1

    @property
    def is_unit_image(self) -> bool:
        """Whether the inputs are images with pixels in [0, 1]."""
        return self.is_image and tuple(self.model.value_range or ()) == (0, 1)

    @property
    def is_binary(self) -> bool:
        """Whether all inputs are 0 or 1."""
        return bool(np.isin(self.x, (0, 1)).all())

    @property
    def is_denoiser(self) -> bool:
        """Whether the model was trained to remove noise from images."""
        return self.is_image and self.model.noise is not None

    @property
    def is_conditional(self) -> bool:
        """Whether the model takes the class of an input."""
        return bool(self.condition)

    @property
    def is_variational(self) -> bool:
        """Whether the model is variational, so it has a posterior."""
        return hasattr(self.model, "posterior")

    @property
    def is_linear(self) -> bool:
        """Whether the model is a linear autoencoder."""
        return isinstance(self.model, models.LinearAutoencoder)

    @property
    def can_generate(self) -> bool:
        """Whether the model generates images."""
        return self.is_image and hasattr(self.model, "generate")

    @property
    def has_vector_codes(self) -> bool:
        """Whether the codes are vectors, and there are at least two."""
        return self.codes.ndim == 2 and len(self.codes) > 1

    @property
    def has_class_labels(self) -> bool:
        """Whether all inputs and the training set have labels."""
        return self.label is not None and self.dataset is not None and self.dataset.y_train is not None

    @functools.cached_property
    def is_sine(self) -> bool:
        """Whether the data is `data.sine` or an excerpt of it."""
        return self.dataset is not None and data_is_sine(self.dataset)

    @functools.cached_property
    def classifier(self) -> classifier.FeatureClassifier | None:
        """The feature classifier of the data set; None if it has none."""
        return None if self.dataset is None else classifier.find(self.dataset)

    @functools.cached_property
    def codes(self) -> np.ndarray:
        """Codes `(n, *code_shape)` of the inputs."""
        return self.model.encode(self.x, **self.condition)

    @functools.cached_property
    def reconstructions(self) -> np.ndarray:
        """Reconstructions `(n, *input_shape)` of the inputs."""
        return self.model.decode(self.codes, **self.condition)

    @functools.cached_property
    def cleaned(self) -> np.ndarray:
        """Reconstructions of the corrupted inputs."""
        return self.model.reconstruct(pixels.noisy(self.model, self.x), **self.condition)

    @functools.cached_property
    def elbo(self) -> dict[str, float]:
        """The negative evidence lower bound and its terms."""
        return likelihood.negative_elbo(self.model, self.x, **self.condition)

    @functools.cached_property
    def samples(self) -> np.ndarray:
        """Generated images, as many as inputs, and for a conditional model of the same classes."""
        return self.model.generate(len(self.x), seed=0, **self.condition)


def data_is_sine(dataset: data.Dataset) -> bool:
    """Whether the test set is one of `data.sine` with any noise: points at evenly spaced t."""
    x, t = dataset.x_test, dataset.y_test
    return x.shape[1:] == (2,) and t is not None and np.array_equal(t, data.sine(n=len(t)).y_test)


def figures(model: models.Autoencoder, dataset: data.Dataset, first: int | None = None) -> dict[str, float]:
    """Measure a model on a data set.

    Args:
        model: Trained model.
        dataset: Data set, whose test set is measured; for `data.sine` the training points, which the manifold is fitted
            to. Labels may be None.
        first: Number of test inputs to measure and of samples to generate. Default: all test inputs.

    Returns:
        The figures of `METRICS` that apply, by key.

        - `mse` per value; for images `bce` in nats per pixel (if pixels are in [0, 1]) and `ssim`.
        - Images: `forest_accuracy` of the codes (not of a conditional model, whose codes lack the class) and
          `mmd_to_prior` of vector codes (samples of the posterior if there is one).
        - Variational models: `negative_elbo`, `reconstruction_loss` and `kl_loss` in nats per image, and for binary
          images the `negative_log_likelihood` by 5,000 importance samples, unless `first` is given; other image
          models: `mean_absolute_code`.
        - Denoisers: `denoised_mse` and `denoised_bce` of reconstructions of corrupted images, compared with clean ones.
        - Generative models, if the data set has a feature classifier: `sample_distance`, the `frechet_distance` between
          features of samples and of test images; for a conditional model `class_accuracy`, the fraction of samples that
          are classified as the requested class.
        - The sine: `fresh_mse` of the test points, `rms_distance` to the curve and, for a linear model, `angle_to_pca`
          in degrees.
    """
    dataset = dataset.arrays()
    if data_is_sine(dataset):
        return Measurement(model, dataset.x_train, None, dataset).figures()
    label = None if dataset.y_test is None else dataset.y_test[:first]
    return Measurement(model, dataset.x_test[:first], _required(model, label), dataset).figures(quick=first is not None)


def figures_of(model: models.Autoencoder, x: np.ndarray, label: np.ndarray | None = None) -> dict[str, float]:
    """Measure a model on any inputs, with the figures of `figures` that need no data set.

    Args:
        model: Trained model.
        x: Inputs `(n, *input_shape)` in the model's range.
        label: Classes of the inputs `(n,)`, for a conditional model.

    Raises:
        ValueError: If inputs have a wrong shape or leave the model's range, or a conditional model gets no labels.
    """
    return Measurement(model, x, _required(model, label)).figures()


def _required(model, label):
    if label is None and model.classes is not None:
        raise ValueError(
            f"A conditional model needs the classes of the images: expected labels (n,), from 0 to "
            f"{model.classes - 1}. Received none."
        )
    return label
