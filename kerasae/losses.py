"""Losses that are reduced to one value per image before weighting, and regularizers."""

import math

import keras
from keras import ops

from kerasae import _import_hook

# Keras losses that average over the last axis. A sum over all values must multiply them by its length.
_MEANS = (
    keras.losses.binary_crossentropy,
    keras.losses.binary_focal_crossentropy,
    keras.losses.hinge,
    keras.losses.huber,
    keras.losses.log_cosh,
    keras.losses.mean_absolute_error,
    keras.losses.mean_absolute_percentage_error,
    keras.losses.mean_squared_error,
    keras.losses.mean_squared_logarithmic_error,
    keras.losses.poisson,
    keras.losses.squared_hinge,
)
# Those of them that treat every value alike: one mean over all values gives the same result.
_ELEMENTWISE = tuple(
    function
    for function in _MEANS
    if function not in (keras.losses.binary_focal_crossentropy, keras.losses.hinge, keras.losses.squared_hinge)
)
# Keras losses that return one number for a whole batch.
_OF_A_BATCH = (keras.losses.dice, keras.losses.tversky)
# Keras losses whose targets are classes or sequences of classes, not images.
_OF_CLASSES = (
    keras.losses.categorical_generalized_cross_entropy,
    keras.losses.circle,
    keras.losses.ctc,
    keras.losses.sparse_categorical_crossentropy,
)
MEAN_REDUCTIONS = ("sum_over_batch_size", "mean")


@keras.saving.register_keras_serializable(package="kerasae")
class PerImage(keras.losses.Loss):
    """A Keras loss reduced to one value per image, then weighted and averaged over images.

    Keras's own losses reduce the last axis only, so `sample_weight` would weight the columns of an image
    or fail. Here it weights images: `loss = (1/n) Σᵢ wᵢ · reduce_pixels(loss(yᵢ, x̂ᵢ))`.

    `reduce_pixels` is the mean or the sum over positions (pixels; a vector is one position):

    - Losses that Keras averages over channels, such as the mean squared error: `"sum"` also sums over channels.
    - Losses that compare the channels of a position as one vector (categorical cross-entropy, KL divergence, cosine
      similarity, categorical hinge) and your own losses: their values are summed or averaged unchanged. Your own loss
      may return one value per element, per position or per image.
    - `Dice` and `Tversky` are computed per image; `pixel_reduction` has no effect.

    Args:
        loss: Any Keras loss: its name, its config, a function of `(y_true, y_pred)` or a `keras.losses.Loss`.
        pixel_reduction: `"mean"` for a value per pixel, such as MSE, or `"sum"` for a value per image: the sum
            of squared errors, or nats per image if the loss is a negative log-likelihood.
        name: Name of the loss.
        reduction: Reduction over images. Default: that of `loss`.

    Raises:
        ValueError: If `pixel_reduction` is unknown, or the loss takes classes as targets or returns one number per
            batch.

    >>> float(PerImage("mean_squared_error", pixel_reduction="sum")(np.zeros((2, 28, 28, 1)), np.ones((2, 28, 28, 1))))
    784.0
    """

    def __init__(self, loss="mean_squared_error", pixel_reduction="mean", name=None, reduction=None):
        if pixel_reduction not in ("mean", "sum"):
            raise ValueError(f"pixel_reduction must be 'mean' or 'sum'. Received: {pixel_reduction!r}")
        self.loss = keras.losses.get(loss)
        if getattr(self.loss, "fn", self.loss) in _OF_CLASSES:
            raise ValueError(
                "The loss of an autoencoder must compare a reconstruction with a target of the same shape. "
                f"Received: {loss!r}, whose targets are classes. Use another loss, such as 'mean_squared_error'."
            )
        inner = getattr(self.loss, "reduction", "sum_over_batch_size")
        super().__init__(name=name, reduction=reduction or inner)
        self.pixel_reduction = pixel_reduction

    @property
    def from_logits(self) -> bool:
        """Whether the loss takes logits, the decoder's output before its output activation."""
        return bool(getattr(self.loss, "from_logits", False))

    def of_outputs(self) -> "PerImage":
        """Return the same loss for the decoder's outputs instead of logits."""
        if not self.from_logits:
            return self
        loss = type(self.loss).from_config(self.loss.get_config() | {"from_logits": False})
        return PerImage(loss, self.pixel_reduction, self.name, self.reduction)

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Compute the loss of `y_true, y_pred (n, ...)` with weights `(n,)` or None, reduced over images."""
        if self.reduction not in MEAN_REDUCTIONS:
            return super().__call__(y_true, y_pred, sample_weight)
        # In data parallel training on TensorFlow, Keras divides its own mean by the number of devices, not penalties.
        y_true, y_pred = (ops.convert_to_tensor(y, dtype=self.dtype) for y in (y_true, y_pred))
        return weighted_mean(self.call(y_true, y_pred), sample_weight)

    def call(self, y_true, y_pred):
        """Compute one value per image: `y_true, y_pred (n, ...)` → `(n,)`."""
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        # The reshape makes a new tensor: on TensorFlow, Keras attaches logits to the output of a sigmoid, which its
        # categorical cross-entropy would use as the logits of a softmax.
        y_pred = ops.reshape(y_pred, (-1, *y_pred.shape[1:]))
        function, channels = getattr(self.loss, "fn", self.loss), y_pred.shape[-1]
        if function in _OF_A_BATCH:
            return ops.vectorized_map(lambda pair: self._values(pair[0][None], pair[1][None]), (y_true, y_pred))
        if function in _ELEMENTWISE:
            # One mean over all values compiles to faster code than two nested means.
            channels = math.prod(y_pred.shape[1:])
            y_true, y_pred = (ops.reshape(y, (-1, channels)) for y in (y_true, y_pred))
        values = self._values(y_true, y_pred)
        if len(values.shape) == 0:
            raise ValueError(
                "A loss must give one value per image, per pixel or per element. Received one number for a batch. "
                "Leave the mean over the batch out of the loss."
            )
        if function in _MEANS and self.pixel_reduction == "sum":
            values = values * float(channels)
        if len(values.shape) > 1:
            reduce = ops.sum if self.pixel_reduction == "sum" else ops.mean
            values = reduce(values, axis=tuple(range(1, len(values.shape))))
        return values

    def _values(self, y_true, y_pred):
        """Values of the wrapped loss, before the reduction over positions."""
        if _has_own_crossentropy(self.loss):
            return _crossentropy_of_logits(self.loss, y_true, y_pred)
        return (self.loss.call if isinstance(self.loss, keras.losses.Loss) else self.loss)(y_true, y_pred)

    def get_config(self):
        return {
            "loss": keras.losses.serialize(self.loss),
            "pixel_reduction": self.pixel_reduction,
            "name": self.name,
            "reduction": self.reduction,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        if "over_pixels" in config:  # the argument's name before kerasae 0.2
            config["pixel_reduction"] = config.pop("over_pixels")
        return cls(**config)


def _has_own_crossentropy(loss) -> bool:
    """Whether the cross-entropy of logits is computed here.

    On NumPy, Keras computes it from clipped probabilities (at most −ln 1e-7 per value); on JAX, by twice as many
    exponentials and logarithms as necessary, a tenth of the step of a dense model.
    """
    bce = type(loss) is keras.losses.BinaryCrossentropy and loss.from_logits and loss.axis == -1
    return bce and keras.backend.backend() in ("numpy", "jax")


def _crossentropy_of_logits(loss, y, logits):
    """Mean over channels of `softplus(logit) − y · logit`, the cross-entropy of p = sigmoid(logit) without clipping."""
    logits = ops.convert_to_tensor(logits)
    y = ops.cast(y, logits.dtype) * (1.0 - loss.label_smoothing) + 0.5 * loss.label_smoothing
    # softplus(a) = max(a, 0) + ln(1 + exp(−|a|)), written out, so that for large logits nothing is lost by rounding;
    # with cases instead of max and |a|, so that the gradient is right at 0.
    positive = logits >= 0
    values = ops.where(positive, logits, 0.0) - y * logits + ops.log1p(ops.exp(ops.where(positive, -logits, logits)))
    return ops.mean(values, axis=-1)


@keras.saving.register_keras_serializable(package="kerasae")
class MeanSquaredWeight(keras.regularizers.Regularizer):
    """Penalty `strength · mean(w²)` on a kernel. Unlike L2, a sum, it does not grow with the size of the layer.

    Args:
        strength: Number or scalar variable, not negative.
    """

    def __init__(self, strength):
        self.strength = strength if isinstance(strength, keras.Variable) else float(strength)

    def __call__(self, x):
        return self.strength * ops.mean(ops.square(x))

    def get_config(self):
        return {"strength": float(self.strength)}


@keras.saving.register_keras_serializable(package="kerasae")
class SparseCode(keras.regularizers.Regularizer):
    """Penalty `l1 · Σ |z| + l2 · Σ z²` on a code. Like `keras.regularizers.L1L2`, but the weights may be variables.

    As with any activity regularizer, Keras divides the result by the batch size.

    Args:
        l1, l2: Numbers or scalar variables, not negative; None leaves the term out.
    """

    def __init__(self, l1=None, l2=None):
        self.l1, self.l2 = l1, l2

    def __call__(self, x):
        penalty = 0.0
        if self.l1 is not None:
            penalty = penalty + self.l1 * ops.sum(ops.absolute(x))
        if self.l2 is not None:
            penalty = penalty + self.l2 * ops.sum(ops.square(x))
        return penalty

    def get_config(self):
        return {key: None if value is None else float(value) for key, value in (("l1", self.l1), ("l2", self.l2))}


def weighted_mean(values, sample_weight=None):
    """Weighted mean over images `(1/n) Σᵢ wᵢ vᵢ`, as in Keras's losses: `values (n,)` → scalar."""
    if sample_weight is not None:
        values = values * ops.reshape(ops.cast(sample_weight, values.dtype), (-1,))
    return ops.mean(values)


_import_hook.install()  # see `_import_hook.NEEDED_BY_MODELS`
