"""Distributions p(x | z) of an input given its code, and losses that are their exact negative logarithms.

With these losses the ELBO and the likelihood of a variational autoencoder are in nats, also for values that are not
binary, and the reconstruction is weighed against the KL divergence as the model's assumptions demand.
"""

import math
from typing import Any

import keras
from keras import ops

from kerasae import _import_hook

NAMES = ("bernoulli", "continuous_bernoulli", "gaussian")
_SMALL = 0.5  # logits below this are computed by a series: the exact formulas divide 0 by 0 there


def checked(name: str | None, output_activation) -> str:
    """The name of a likelihood that fits an output activation; by default the usual one of that activation.

    Args:
        name: One of `NAMES`, or None for `"bernoulli"` if the output is a sigmoid, else `"gaussian"`.
        output_activation: Output activation function of the decoder.

    Raises:
        ValueError: There is no such likelihood, or it needs logits and the output is no sigmoid.
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
    """A variance of a Gaussian likelihood, a positive number or `"learned"`; ValueError for anything else."""
    if variance == "learned":
        return variance
    if isinstance(variance, bool) or not isinstance(variance, int | float) or not 0 < variance < math.inf:
        raise ValueError(f"variance must be a positive number or 'learned'. Received: {variance!r}.")
    return float(variance)


def log_normalizer(logits):
    """Logarithm of the normalizing constant of the continuous Bernoulli, `ln (ℓ / tanh(ℓ / 2))`, for each logit ℓ."""
    half = 0.5 * ops.cast(logits, "float32")
    is_small = ops.abs(half) < 0.5 * _SMALL
    large = ops.where(is_small, _SMALL, half)
    square = ops.square(ops.where(is_small, half, 0.0))
    series = square * (1 / 3 - square * (7 / 90 - square * (62 / 2835)))
    return math.log(2.0) + ops.where(is_small, series, ops.log(large / ops.tanh(large)))


@keras.saving.register_keras_serializable(package="kerasae")
def continuous_bernoulli_mean(logits):
    """Mean of the continuous Bernoulli distribution of each logit ℓ: `σ(ℓ) / tanh(ℓ / 2) − 1 / ℓ`, in (0, 1)."""
    is_small = ops.abs(logits) < _SMALL
    large = ops.where(is_small, _SMALL, logits)
    small = ops.where(is_small, logits, 0.0)
    square = ops.square(small)
    series = 0.5 + small * (1 / 12 - square * (1 / 720 - square * (1 / 30240)))
    return ops.where(is_small, series, ops.sigmoid(large) / ops.tanh(0.5 * large) - 1.0 / large)


@keras.saving.register_keras_serializable(package="kerasae")
class ContinuousBernoulliLoss(keras.losses.Loss):
    """Negative log-likelihood of values in [0, 1], per value in nats: `softplus(ℓ) − x ℓ − ln (ℓ / tanh(ℓ / 2))`.

    The Bernoulli distribution is one of binary values. Applied to gray values, its likelihood does not integrate to 1
    over [0, 1]; this one does. It takes the decoder's logits ℓ.

    References:
        The continuous Bernoulli: fixing a pervasive error in variational autoencoders (Loaiza-Ganem & Cunningham, 2019)
    """

    from_logits = True

    def call(self, y_true, y_pred):
        """`y_true` in [0, 1] and logits `y_pred`, of one shape → the loss of each value."""
        logits = ops.cast(y_pred, "float32")
        return ops.softplus(logits) - ops.cast(y_true, "float32") * logits - log_normalizer(logits)


@keras.saving.register_keras_serializable(package="kerasae")
class GaussianLoss(keras.losses.Loss):
    """Negative log-likelihood of real values, per value in nats: `½ ((x − x̂)² / σ² + ln σ² + ln 2π)`.

    Args:
        log_variance: `ln σ²`, a number or a scalar variable.
        **kwargs: As for `keras.losses.Loss`.
    """

    def __init__(self, log_variance=0.0, **kwargs):
        super().__init__(**kwargs)
        self.log_variance = log_variance

    def call(self, y_true, y_pred):
        """`y_true` and means `y_pred`, of one shape → the loss of each value."""
        log_variance = ops.cast(ops.convert_to_tensor(self.log_variance), "float32")
        squares = ops.square(ops.cast(y_true, "float32") - ops.cast(y_pred, "float32"))
        return 0.5 * (squares * ops.exp(-log_variance) + log_variance + math.log(2.0 * math.pi))

    def get_config(self):
        return {**super().get_config(), "log_variance": float(ops.convert_to_numpy(self.log_variance))}


_import_hook.install()  # see `_import_hook.NEEDED_BY_MODELS`
