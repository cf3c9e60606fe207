"""Likelihoods p(x | z) of variational autoencoders, and their negative logarithms as losses.

With these losses the ELBO is in nats for any kind of values, and the reconstruction loss and the KL divergence have the
weights that follow from the probabilistic model.
"""

import math
from typing import Any

import keras
from keras import ops

from kerasae import _import_hook

NAMES = ("bernoulli", "continuous_bernoulli", "gaussian")
_SMALL = 0.5  # below this absolute logit, a series replaces the exact formulas, which are 0 / 0 at logit 0


def checked(name: str | None, output_activation) -> str:
    """Validate the name of a likelihood, or choose the default for an output activation.

    Args:
        name: One of `NAMES`, or None for `"bernoulli"` if the output is a sigmoid, else `"gaussian"`.
        output_activation: Output activation function of the decoder.

    Raises:
        ValueError: If the name is unknown, or the likelihood needs a sigmoid output and the output is another one.
    """
    is_sigmoid = output_activation is keras.activations.sigmoid
    if name is None:
        return "bernoulli" if is_sigmoid else "gaussian"
    if name not in NAMES:
        raise ValueError(f"likelihood must be one of {', '.join(map(repr, NAMES))}. Received: {name!r}.")
    if name != "gaussian" and not is_sigmoid:
        raise ValueError(
            f"likelihood={name!r} needs output_activation='sigmoid', since its values are in [0, 1]. Received: "
            f"{output_activation.__name__!r}. Use likelihood='gaussian' for other values."
        )
    return name


def checked_variance(variance) -> Any:
    """Validate the variance of a Gaussian likelihood: a positive number or `"learned"`, else ValueError."""
    if variance == "learned":
        return variance
    if isinstance(variance, bool) or not isinstance(variance, int | float) or not 0 < variance < math.inf:
        raise ValueError(f"variance must be a positive number or 'learned'. Received: {variance!r}.")
    return float(variance)


def log_normalizer(logits):
    """Log of the normalizing constant of the continuous Bernoulli distribution, `ln (ℓ / tanh(ℓ / 2))`, per logit ℓ."""
    half = 0.5 * ops.cast(logits, "float32")
    is_small = ops.abs(half) < 0.5 * _SMALL
    large = ops.where(is_small, _SMALL, half)
    square = ops.square(ops.where(is_small, half, 0.0))
    series = square * (1 / 3 - square * (7 / 90 - square * (62 / 2835)))
    return math.log(2.0) + ops.where(is_small, series, ops.log(large / ops.tanh(large)))


@keras.saving.register_keras_serializable(package="kerasae")
def continuous_bernoulli_mean(logits):
    """Mean of the continuous Bernoulli distribution, `σ(ℓ) / tanh(ℓ / 2) − 1 / ℓ` in (0, 1), per logit ℓ."""
    is_small = ops.abs(logits) < _SMALL
    large = ops.where(is_small, _SMALL, logits)
    small = ops.where(is_small, logits, 0.0)
    square = ops.square(small)
    series = 0.5 + small * (1 / 12 - square * (1 / 720 - square * (1 / 30240)))
    return ops.where(is_small, series, ops.sigmoid(large) / ops.tanh(0.5 * large) - 1.0 / large)


@keras.saving.register_keras_serializable(package="kerasae")
class ContinuousBernoulliLoss(keras.losses.Loss):
    """Negative log-likelihood of values in [0, 1], in nats per value: `softplus(ℓ) − x ℓ − ln (ℓ / tanh(ℓ / 2))`.

    The Bernoulli distribution is defined for binary values. For gray values, the binary cross-entropy is not a negative
    log-likelihood: `exp(−BCE)` does not integrate to 1 over [0, 1], this density does. ℓ are the decoder's logits.

    References:
        The continuous Bernoulli: fixing a pervasive error in variational autoencoders (Loaiza-Ganem & Cunningham, 2019)
    """

    from_logits = True

    def call(self, y_true, y_pred):
        """Compute the loss of each value, given `y_true` in [0, 1] and logits `y_pred` of the same shape."""
        logits = ops.cast(y_pred, "float32")
        return ops.softplus(logits) - ops.cast(y_true, "float32") * logits - log_normalizer(logits)


@keras.saving.register_keras_serializable(package="kerasae")
class GaussianLoss(keras.losses.Loss):
    """Negative log-likelihood of real values, in nats per value: `½ ((x − x̂)² / σ² + ln σ² + ln 2π)`.

    Args:
        log_variance: `ln σ²`, a number or a scalar variable.
        **kwargs: As for `keras.losses.Loss`.
    """

    def __init__(self, log_variance=0.0, **kwargs):
        super().__init__(**kwargs)
        self.log_variance = log_variance

    def call(self, y_true, y_pred):
        """Compute the loss of each value, given `y_true` and means `y_pred` of the same shape."""
        log_variance = ops.cast(ops.convert_to_tensor(self.log_variance), "float32")
        squares = ops.square(ops.cast(y_true, "float32") - ops.cast(y_pred, "float32"))
        return 0.5 * (squares * ops.exp(-log_variance) + log_variance + math.log(2.0 * math.pi))

    def get_config(self):
        return {**super().get_config(), "log_variance": float(ops.convert_to_numpy(self.log_variance))}


_import_hook.install()  # see `_import_hook.NEEDED_BY_MODELS`
