"""The importance-weighted lower bound of a variational autoencoder's log-likelihood."""

import math

from keras import ops

GRADIENTS = ("standard", "doubly_reparameterized")


def log_ratio(z, mean, log_variance):
    """`ln p(z) − ln q(z | x)` in nats, for `p = N(0, I)` and `q = N(mean, exp(log_variance))`.

    `z (..., d)`, `mean` and `log_variance` of a shape that broadcasts to it → `(...)`, in float32.
    """
    z, mean, log_variance = (ops.cast(part, "float32") for part in (z, mean, log_variance))
    squares = ops.square(z - mean) * ops.exp(-log_variance) - ops.square(z)
    return 0.5 * ops.sum(log_variance + squares, axis=-1)


def negative_bound(log_weights, z, mean, log_variance, gradient: str = "standard"):
    """Negative importance-weighted bound `ln k − ln Σⱼ wⱼ` of each input, in nats.

    `ln wⱼ = ln p(x | zⱼ) + ln p(zⱼ) − ln q(zⱼ | x)`. For k = 1 its expectation is the negative ELBO.

    Args:
        log_weights: Function of `z (n, k, d)`, `mean` and `log_variance (n, 1, d)` that returns `ln w (n, k)`.
        z: Samples of the posterior `(n, k, d)`, a differentiable function of its parameters.
        mean, log_variance: Parameters of the posterior `(n, d)`.
        gradient: `"standard"`, the gradient of the bound; or `"doubly_reparameterized"`, an unbiased estimate of it
            whose signal-to-noise ratio for the encoder rises with k instead of falling. It decodes twice.

    Returns:
        The negative bound `(n,)`; its value does not depend on `gradient`.

    References:
        Importance weighted autoencoders (Burda, Grosse & Salakhutdinov, 2016)
        Doubly reparameterized gradient estimators for Monte Carlo objectives (Tucker, Lawson, Gu & Maddison, 2019)
    """
    mean, log_variance = ops.expand_dims(mean, 1), ops.expand_dims(log_variance, 1)
    log_k = math.log(z.shape[1])
    if gradient == "standard":
        return log_k - ops.logsumexp(log_weights(z, mean, log_variance), axis=1)
    # The encoder's gradient flows through z alone (q's parameters in ln w are constant), and each sample is weighted by
    # its squared normalized weight. `scaled` equals z and multiplies z's gradient by one factor of that square; the
    # surrogate has the other one, which is also the weight of the decoder's gradient.
    posterior = ops.stop_gradient(mean), ops.stop_gradient(log_variance)
    constant = ops.stop_gradient(z)
    values = ops.stop_gradient(log_weights(constant, *posterior))
    share = ops.softmax(values, axis=1)
    scaled = constant + ops.expand_dims(share, -1) * (z - constant)
    surrogate = -ops.sum(share * log_weights(scaled, *posterior), axis=1)
    return surrogate + ops.stop_gradient(log_k - ops.logsumexp(values, axis=1) - surrogate)
