"""What metrics are computed from: a model, data, and what the model makes of the data, each computed once."""

import functools
from typing import Any

import numpy as np

from kerasae import data, models
from kerasae.metrics import classifier, likelihood, pixels
from kerasae.metrics.table import METRICS

LABELED = 1000  # number of training images whose labels `forest_accuracy` uses


def given_to(model, label: np.ndarray | None) -> dict[str, Any]:
    """The keyword arguments that the methods of a conditional model need besides their inputs; none for others."""
    return {"label": label} if model.classes is not None else {}


class Measurement:
    """A model on some inputs.

    Args:
        model: Trained `kerasae.models.Autoencoder`.
        x: Inputs `(n, *input_shape)`.
        label: Their classes `(n,)`, or None.
        dataset: The `data.Dataset` that they are from, or None.
    """

    model: models.Autoencoder

    def __init__(self, model: models.Autoencoder, x, label=None, dataset: data.Dataset | None = None):
        self.model, self.x, self.label, self.dataset = model, x, label, dataset
        self.condition = given_to(model, label)

    def figures(self) -> dict[str, float]:
        """The value of every metric that applies."""
        rows = (row for row in METRICS.values() if self.dataset is not None or not row.needs_data_set)
        return {row.key: row(self) for row in rows if row.applies(self)}

    @property
    def is_image(self) -> bool:
        """Whether the inputs are images."""
        return len(self.model.data_shape) > 1

    @property
    def is_unit_image(self) -> bool:
        """Whether the inputs are images whose pixels are probabilities, in [0, 1]."""
        return self.is_image and tuple(self.model.value_range or ()) == (0, 1)

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
        """Whether the figures of the likelihood apply."""
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
        """Whether there are two or more codes, and each is a vector."""
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
        """As many generated images as there are inputs; of a conditional model, of the same classes."""
        return self.model.generate(len(self.x), seed=0, **self.condition)


def data_is_sine(dataset: data.Dataset) -> bool:
    """Whether the test set is that of `data.sine`, with whatever noise: points at evenly spaced t."""
    x, t = dataset.x_test, dataset.y_test
    return x.shape[1:] == (2,) and t is not None and np.array_equal(t, data.sine(n=len(t)).y_test)


def figures(model: models.Autoencoder, dataset: data.Dataset, first: int | None = None) -> dict[str, float]:
    """Measure a model on a data set.

    Args:
        model: Trained model.
        dataset: Data set. Its test set is measured, except for the points of `data.sine`: there the training points,
            which the manifold is fitted to, and `fresh_mse` of the test points. Labels may be None.
        first: Number of test inputs to measure, and of samples to generate; all unless given.

    Returns:
        The figures of `METRICS` that apply, by key. `mse` is per value. For images with pixels in [0, 1], `bce`
        is in nats per pixel; `forest_accuracy` is that of the codes (not for a conditional model, whose codes
        lack the class). A variational model adds `negative_elbo`, `reconstruction_loss` and `kl_loss` in nats per
        image, others `mean_absolute_code`. A denoiser adds `denoised_mse` and `denoised_bce`: corrupted test images
        cleaned, against the original ones. `mmd_to_prior` is that of vector codes, drawn from the posterior if
        there is one. For a model that generates, on data with a feature classifier (`metrics.classifier`),
        `sample_distance` is the `frechet_distance` between the features of samples and of test images; for a
        conditional one `class_accuracy` is the share of samples that are classified as the class asked for.
        For the sine `fresh_mse`, `rms_distance` to the curve and, for a linear model, `angle_to_pca` in degrees.
    """
    if data_is_sine(dataset):
        return Measurement(model, dataset.x_train, None, dataset).figures()
    label = None if dataset.y_test is None else dataset.y_test[:first]
    return Measurement(model, dataset.x_test[:first], _required(model, label), dataset).figures()


def figures_of(model: models.Autoencoder, x: np.ndarray, label: np.ndarray | None = None) -> dict[str, float]:
    """Measure a model on any inputs: the figures of `figures` that need no data set.

    Args:
        model: Trained model.
        x: Images in [0, 1] or vectors, `(n, *input_shape)`.
        label: Classes `(n,)` of the images, for a conditional model.

    Raises:
        ValueError: Inputs of a wrong shape or outside the model's range; labels are missing where they are needed.
    """
    return Measurement(model, x, _required(model, label)).figures()


def _required(model, label):
    if label is None and model.classes is not None:
        raise ValueError(
            f"A conditional model needs the classes of the images: expected labels (n,), from 0 to "
            f"{model.classes - 1}. Received none."
        )
    return label
