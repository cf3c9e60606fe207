"""The objective of a training step, and the metrics of its loss terms."""

from collections.abc import Callable

import keras

from kerasae import keras_private
from kerasae.likelihoods import continuous_bernoulli_mean
from kerasae.losses import PerImage
from kerasae.training import sharing
from kerasae.training.overrides import overridden, overridden_objective


class LossTrackers:
    """Running means of a model's loss terms.

    They are in an object of their own, since metrics that are attributes of a model become part of its weights.

    Args:
        names: Names of the terms.
    """

    def __init__(self, names):
        self.metrics = [keras.metrics.Mean(name=name) for name in names]

    def update(self, terms: dict, n) -> None:
        """Update the means with the given terms of a batch of `n` images."""
        for metric in self.metrics:
            if metric.name in terms:
                metric.update_state(terms[metric.name], sample_weight=n)


class Objective:
    """Losses of a model and their metrics; a base class of `Trainer`.

    Attributes:
        pixel_reduction: `"mean"` or `"sum"`: reduction of the loss over the pixels of one image.
        reported: Names of the loss terms that are logged in addition to `loss`.
        mean_activation: Last function of the decoder if it is not the output activation; see `likelihoods`.
    """

    pixel_reduction = "mean"
    reported: tuple[str, ...] = ("reconstruction_loss",)
    mean_activation: Callable | None = None
    _reports_terms = True

    def prepare_objective(self) -> None:
        """Create the metrics of the loss terms."""
        self._trackers = LossTrackers(self.reported)

    def forget_reported_terms(self) -> None:
        """For a user's own loss, report terms only after it has called this class's `compute_loss`."""
        self._reports_terms = overridden_objective(self) in (None, "loss_terms")

    def per_image(self, loss) -> PerImage:
        """Wrap the loss of `compile` (or `default_loss`) so that it is reduced to one value per image."""
        self._has_default_loss = loss is None
        if loss is None:
            loss = self.default_loss()
        if not isinstance(loss, PerImage):
            loss = PerImage(loss, self.pixel_reduction)
        if loss.from_logits and not self.has_logits:
            raise ValueError(
                "A loss with `from_logits=True` needs a model with output_activation='sigmoid'. "
                f"Received a model with output activation {self.decoder.layers[-1].activation.__name__!r}. "
                "Use a loss of values, such as 'mean_squared_error'."
            )
        return loss

    @property
    def has_logits(self) -> bool:
        """Whether the decoder's output before its output activation are logits."""
        return self.decoder.layers[-1].activation in (keras.activations.sigmoid, continuous_bernoulli_mean)

    def default_loss(self):
        """Default loss of `compile`."""
        return keras.losses.BinaryCrossentropy(from_logits=True) if self.has_logits else "mean_squared_error"

    def objective(self, x, y, sample_weight, training: bool):
        """Compute the loss terms of one batch and its reconstructions.

        If a user's subclass overrides `compute_loss` or `call`, it is trained as in Keras: `y_pred` is the result of
        `call` and the loss is the result of `compute_loss`. Otherwise `loss_terms` is used.

        Returns:
            A dict of scalars with `loss`, and the reconstructions `(n, *input_shape)`.
        """
        if overridden_objective(self) in (None, "loss_terms"):
            return self.loss_terms(x, y, sample_weight, training)
        images, *label = [part for part in self.split_label(x) if part is not None]
        y_pred = self(self.labeled(self.corrupted(images, training), *label), training=training)
        loss = keras_private.compute_loss(self, x, self.target(x, y), y_pred, sample_weight, training)
        return {"loss": keras.ops.convert_to_tensor(loss)}, y_pred

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Compute the loss of a batch and report its terms, for subclasses that extend it.

        `y_pred` is used only if a subclass overrides `call`. Otherwise `loss_terms` computes the loss from `x`, since
        it may need logits or a sample of the posterior.
        """
        given = {"y_pred": y_pred} if overridden(self, "call") else {}
        terms, _ = self.loss_terms(x, y, sample_weight, training, **given)
        self._reports_terms = True
        self._trackers.update(terms, _batch_size(x))
        return terms["loss"]

    def loss_per_variable(self) -> list[str]:
        """For each of `trainable_variables`, the name of the loss whose gradient updates it."""
        return ["loss"] * len(self.trainable_variables)

    def minimized(self, terms: dict) -> list[str]:
        """As `loss_per_variable`, with `loss` instead of names that the terms of a user's `compute_loss` lack."""
        return [name if name in terms else "loss" for name in self.loss_per_variable()]

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, self.target(x, y), y_pred, sample_weight)

    def track(self, terms, x, y, x_hat, sample_weight):
        """Update all metrics with the results of `objective`, and return the logs."""
        n = keras.ops.cast(_batch_size(x), "float32") * sharing.share()
        for metric in super().metrics:
            if metric.name == "loss":
                metric.update_state(terms["loss"], sample_weight=n)
        self._trackers.update(terms, n)
        return self.compute_metrics(x, y, x_hat, sample_weight)

    @property
    def metrics(self):
        return [*super().metrics, *(self._trackers.metrics if self._reports_terms else ())]


def _batch_size(x):
    return keras.ops.shape(keras.tree.flatten(x)[0])[0]
