"""What a training step minimizes, and what it reports."""

from collections.abc import Callable

import keras

from kerasae import keras_private
from kerasae.likelihoods import continuous_bernoulli_mean
from kerasae.losses import PerImage
from kerasae.training import sharing
from kerasae.training.overrides import overridden, overridden_objective


class LossTrackers:
    """The running means of a model's loss terms. Not part of its weights: metrics that a model holds would be.

    Args:
        names: Names of the terms.
    """

    def __init__(self, names):
        self.metrics = [keras.metrics.Mean(name=name) for name in names]

    def update(self, terms: dict, n) -> None:
        """Take one batch of `n` images into the means of the terms that are there."""
        for metric in self.metrics:
            if metric.name in terms:
                metric.update_state(terms[metric.name], sample_weight=n)


class Objective:
    """The losses of a model and their metrics; a part of `Trainer`.

    Attributes:
        pixel_reduction: `"mean"` or `"sum"`: how the loss of the pixels makes one value per image.
        reported: Names of the loss terms that are logged beside `loss`.
        mean_activation: Last function of the decoder, where it is not the output activation: see `likelihoods`.
    """

    pixel_reduction = "mean"
    reported: tuple[str, ...] = ("reconstruction_loss",)
    mean_activation: Callable | None = None
    _reports_terms = True

    def prepare_objective(self) -> None:
        """Make the metrics of the loss terms."""
        self._trackers = LossTrackers(self.reported)

    def forget_reported_terms(self) -> None:
        """With a loss of the user's own, report terms only once it has called this class's `compute_loss`."""
        self._reports_terms = overridden_objective(self) in (None, "loss_terms")

    def per_image(self, loss) -> PerImage:
        """The loss of `compile`, reduced to one value per image; `default_loss` if it is None."""
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
        """Whether the decoder's values before its output activation are logits."""
        return self.decoder.layers[-1].activation in (keras.activations.sigmoid, continuous_bernoulli_mean)

    def default_loss(self):
        """The loss that `compile` uses unless it is given one."""
        return keras.losses.BinaryCrossentropy(from_logits=True) if self.has_logits else "mean_squared_error"

    def objective(self, x, y, sample_weight, training: bool):
        """The loss terms of one batch and its reconstructions, by whatever the class overrides.

        A subclass with its own `compute_loss` or `call` is trained as Keras trains it: `y_pred` is what
        `call` returns and the loss what `compute_loss` returns. All others give `loss_terms`.

        Returns:
            A dict of scalars, `loss` among them, and the reconstructions `(n, *input_shape)`.
        """
        if overridden_objective(self) in (None, "loss_terms"):
            return self.loss_terms(x, y, sample_weight, training)
        images, *label = [part for part in self.split_label(x) if part is not None]
        y_pred = self(self.labelled(self.corrupted(images, training), *label), training=training)
        loss = keras_private.compute_loss(self, x, self.target(x, y), y_pred, sample_weight, training)
        return {"loss": keras.ops.convert_to_tensor(loss)}, y_pred

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The loss of a batch, for subclasses that build on it; reports its terms.

        `y_pred` is scored where a subclass has its own `call`. Otherwise the loss needs more than a
        reconstruction (logits, a sample of the posterior), and `loss_terms` computes it from `x`.
        """
        given = {"y_pred": y_pred} if overridden(self, "call") else {}
        terms, _ = self.loss_terms(x, y, sample_weight, training, **given)
        self._reports_terms = True
        self._trackers.update(terms, _batch_size(x))
        return terms["loss"]

    def loss_per_variable(self) -> list[str]:
        """For each of `trainable_variables`, the name of the loss that it is trained to make small."""
        return ["loss"] * len(self.trainable_variables)

    def minimized(self, terms: dict) -> list[str]:
        """As `loss_per_variable`, with `loss` where the terms are of a user's own `compute_loss` and lack a name."""
        return [name if name in terms else "loss" for name in self.loss_per_variable()]

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, self.target(x, y), y_pred, sample_weight)

    def track(self, terms, x, y, x_hat, sample_weight):
        """Update every metric with one step's terms (as `objective` gives them), and give the logs."""
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
