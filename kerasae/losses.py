"""Losses as autoencoders need them: one value an image, before Keras weights and averages images; and penalties."""

import math

import keras
from keras import ops

from kerasae import _import_hook

# Keras's losses that are a mean over the last axis of something that each value gives by itself.
_OF_SINGLE_VALUES = (
    keras.losses.binary_crossentropy,
    keras.losses.huber,
    keras.losses.log_cosh,
    keras.losses.mean_absolute_error,
    keras.losses.mean_squared_error,
    keras.losses.mean_squared_logarithmic_error,
    keras.losses.poisson,
)


@keras.saving.register_keras_serializable(package="kerasae")
class PerImage(keras.losses.Loss):
    """A Keras loss reduced to one value an image.

    Keras's own losses reduce the last axis only, so that `sample_weight` would weight the columns
    of an image (or fail). Reduced over all pixels first, it weights images:
    `loss = (1/n) Σᵢ wᵢ · reduce_pixels(loss(yᵢ, x̂ᵢ))`.

    Args:
        loss: Any Keras loss: its name, its config, a function of `(y_true, y_pred)` or a `keras.losses.Loss`.
        over_pixels: `"mean"` (a value per pixel, such as MSE) or `"sum"` (a value per image: the sum
            of squared errors, or nats when the loss is a log-likelihood).

    Raises:
        ValueError: `over_pixels` is neither.

    >>> float(PerImage("mean_squared_error", over_pixels="sum")(np.zeros((2, 28, 28, 1)), np.ones((2, 28, 28, 1))))
    784.0
    """

    def __init__(self, loss="mean_squared_error", over_pixels="mean", name=None, reduction=None):
        if over_pixels not in ("mean", "sum"):
            raise ValueError(f"over_pixels must be 'mean' or 'sum'. Received: {over_pixels!r}")
        self.loss = keras.losses.get(loss)
        inner = getattr(self.loss, "reduction", "sum_over_batch_size")
        super().__init__(name=name, reduction=reduction or inner)
        self.over_pixels = over_pixels

    @property
    def from_logits(self) -> bool:
        """Whether the loss takes what comes before the output's sigmoid."""
        return bool(getattr(self.loss, "from_logits", False))

    def __call__(self, y_true, y_pred, sample_weight=None):
        """`y_true, y_pred (n, ...)` and weights `(n,)`, or None → the loss, reduced as the reduction says."""
        if self.reduction not in ("sum_over_batch_size", "mean"):
            return super().__call__(y_true, y_pred, sample_weight)
        # On TensorFlow, Keras's own mean is divided by the number of devices; the penalties are not.
        y_true, y_pred = (ops.convert_to_tensor(y, dtype=self.dtype) for y in (y_true, y_pred))
        return weighted_mean(self.call(y_true, y_pred), sample_weight)

    def call(self, y_true, y_pred):
        """`y_true, y_pred (n, ...)` → one value an image `(n,)`."""
        if getattr(self.loss, "fn", self.loss) in _OF_SINGLE_VALUES:
            # One mean over all pixels, which compilers make faster code of than of a mean over channels and another.
            y_true, y_pred = (ops.reshape(y, (-1, math.prod(y.shape[1:]))) for y in (y_true, y_pred))
        if _is_cut_off(self.loss):
            values = _crossentropy_of_logits(self.loss, y_true, y_pred)
        else:
            values = (self.loss.call if isinstance(self.loss, keras.losses.Loss) else self.loss)(y_true, y_pred)
        if len(values.shape) > 1:
            values = ops.mean(values, axis=tuple(range(1, len(values.shape))))
        if self.over_pixels == "sum":
            values = values * float(math.prod(y_true.shape[1:]))
        return values

    def get_config(self):
        return {
            "loss": keras.losses.serialize(self.loss),
            "over_pixels": self.over_pixels,
            "name": self.name,
            "reduction": self.reduction,
        }


def _is_cut_off(loss) -> bool:
    """Whether Keras takes the sigmoid of logits first, and never finds more than −ln 1e-7: it does on NumPy."""
    bce = isinstance(loss, keras.losses.BinaryCrossentropy) and loss.from_logits
    return bce and keras.backend.backend() == "numpy"


def _crossentropy_of_logits(loss, y, logits):
    """`softplus(logit) − y · logit`, which is `−y ln p − (1 − y) ln(1 − p)` of the sigmoid p, for every value."""
    logits = ops.convert_to_tensor(logits)
    y = ops.cast(y, logits.dtype) * (1.0 - loss.label_smoothing) + 0.5 * loss.label_smoothing
    return ops.softplus(logits) - y * logits


@keras.saving.register_keras_serializable(package="kerasae")
class MeanSquaredWeight(keras.regularizers.Regularizer):
    """Penalty `strength · mean(w²)` on a kernel: unlike L2's sum, the same for small and large layers.

    Args:
        strength: Not negative.
    """

    def __init__(self, strength: float):
        self.strength = float(strength)

    def __call__(self, x):
        return self.strength * ops.mean(ops.square(x))

    def get_config(self):
        return {"strength": self.strength}


def weighted_mean(values, sample_weight=None):
    """Mean over images `(1/n) Σᵢ wᵢ vᵢ`, as Keras's losses average them. `values (n,)` → scalar."""
    if sample_weight is not None:
        values = values * ops.reshape(ops.cast(sample_weight, values.dtype), (-1,))
    return ops.mean(values)


_import_hook.install()  # see `_import_hook.NEEDED_BY_MODELS`
