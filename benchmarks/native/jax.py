"""JAX: an epoch is one compiled `lax.scan` over data on the device; with convolutions, each step is one call."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from native import CONVOLUTIONAL, HALVES, VARIATIONAL


def dense(h, weights, activation=jax.nn.relu):
    """Dense layers, the last one linear."""
    for i in range(0, len(weights), 2):
        h = h @ weights[i] + weights[i + 1]
        h = activation(h) if i + 2 < len(weights) else h
    return h


def conv(h, kernel, bias, stride=1):
    axes = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(h, kernel, (stride, stride), "SAME", dimension_numbers=axes) + bias


def transposed(h, kernel, bias):
    """Transposed convolution of stride 2. The padding is that of TensorFlow for kernels of size 3."""
    axes, padding = ("NHWC", "HWIO", "NHWC"), ((2, 1), (2, 1))
    return jax.lax.conv_transpose(h, kernel, (2, 2), padding, dimension_numbers=axes, transpose_kernel=True) + bias


def pool(h):
    return jax.lax.reduce_window(h, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def conv_encode(x, w):
    h = jax.nn.relu(pool(conv(x.reshape(-1, 28, 28, 1), w[0], w[1])))
    return conv(jax.nn.relu(pool(conv(h, w[2], w[3]))), w[4], w[5])


def conv_decode(z, w):
    h = jax.nn.relu(conv(z, w[0], w[1]))
    for i in (2, 4):
        h = conv(h.repeat(2, axis=1).repeat(2, axis=2), w[i], w[i + 1])
        h = jax.nn.relu(h) if i == 2 else h
    return h.reshape(len(h), -1)


def pooled_encode(x, w):
    h = jax.nn.relu(pool(conv(x.reshape(-1, 28, 28, 1), w[0], w[1])))
    return jax.nn.relu(pool(conv(h, w[2], w[3])))


def transposed_decode(z, w):
    h = jax.nn.relu(transposed(jax.nn.relu(transposed(z, w[0], w[1])), w[2], w[3]))
    return conv(h, w[4], w[5]).reshape(len(z), -1)


def strided_hidden(x, w):
    h = jax.nn.relu(conv(x.reshape(-1, 28, 28, 1), w[0], w[1], stride=2))
    h = jax.nn.relu(conv(h, w[2], w[3], stride=2))
    return jax.nn.relu(h.reshape(len(h), -1) @ w[4] + w[5])


def small_decode(z, w):
    return transposed_decode(jax.nn.relu(z @ w[0] + w[1]).reshape(-1, 7, 7, 64), w[2:])


def posterior(x, w):
    h = jax.nn.relu(x @ w[0] + w[1]) if len(w) == 6 else strided_hidden(x, w)
    return h @ w[-4] + w[-3], h @ w[-2] + w[-1]


ENCODE = {
    "sine": functools.partial(dense, activation=jax.nn.elu),
    "convolutional": conv_encode,
    "transposed": pooled_encode,
}
DECODE = {
    "sine": ENCODE["sine"],
    "convolutional": conv_decode,
    "transposed": transposed_decode,
    "convolutional variational": small_decode,
}


def halves(network, weights):
    encoder, decoder = HALVES[network]
    return weights[:encoder], weights[encoder : encoder + decoder]


def autoencoded(network, weights, x):
    """Codes, and outputs of the decoder before a sigmoid."""
    encoder, decoder = halves(network, weights)
    z = ENCODE.get(network, dense)(x, encoder)
    return z, DECODE.get(network, dense)(z, decoder)


def cross_entropy(logits, x):
    return jnp.maximum(logits, 0) - logits * x + jnp.log1p(jnp.exp(-jnp.abs(logits)))


def loss_of(network, weights, x, key):
    if network in VARIATIONAL:
        encoder, decoder = halves(network, weights)
        mean, log_variance = posterior(x, encoder)
        z = mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape)
        kl = 0.5 * (jnp.exp(log_variance) + jnp.square(mean) - 1 - log_variance).sum()
        return (cross_entropy(DECODE.get(network, dense)(z, decoder), x).sum() + kl) / len(x)
    _, out = autoencoded(network, weights, x)
    if network == "dense":
        return jnp.square(jax.nn.sigmoid(out) - x).sum() / len(x)
    return jnp.square(out - x).mean() if network == "sine" else cross_entropy(out, x).mean()


def adversarial_loss(own, discriminator, x):
    z, logits = autoencoded("adversarial", own, x)
    return cross_entropy(logits, x).mean() + 0.01 * jax.nn.softplus(-dense(z, discriminator)).mean(), z


def discriminator_loss(discriminator, z, prior):
    real, generated = dense(prior, discriminator), dense(z, discriminator)
    return 0.5 * (jax.nn.softplus(-real).mean() + jax.nn.softplus(generated).mean())


def gradients_of(network, weights, x, key):
    """Loss, and the gradient of each weight for the loss that it minimizes."""
    if network != "adversarial":
        return jax.value_and_grad(loss_of, argnums=1)(network, weights, x, key)
    own, discriminator = weights[:12], weights[12:]
    (loss, z), own_gradients = jax.value_and_grad(adversarial_loss, has_aux=True)(own, discriminator, x)
    return loss, own_gradients + jax.grad(discriminator_loss)(discriminator, z, jax.random.normal(key, z.shape))


class Loop:
    def __init__(self, network, weights, x, learning_rate):
        self.network, self.rate = network, learning_rate
        x = jnp.asarray(x.reshape(len(x), -1))
        weights = [jnp.asarray(w) for w in weights]
        self.carry = (weights, *([jnp.zeros_like(w) for w in weights] for _ in range(2)), jnp.zeros((), "int32"))
        self.compiled = jax.jit(self.run)
        self.one = jax.jit(self.step)
        self.x = x
        self.validation = jax.jit(self.validation)

    def step(self, x, carry, rows):
        weights, first, second, t = carry
        loss, gradients = gradients_of(self.network, weights, x[rows], jax.random.key(t))
        t = t + 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
        rate = self.rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), weights, first, second)
        return (weights, first, second, t), loss

    def run(self, carry, x, parts):
        total = 0.0
        for part in parts:
            carry, losses = jax.lax.scan(functools.partial(self.step, x), carry, part)
            total += losses.sum() * part.shape[1]
        return carry, total

    def epoch(self, parts):
        """Train on batches, arrays of indices of one size each, and return the sum of the losses of all images."""
        if self.network not in CONVOLUTIONAL:
            self.carry, total = self.compiled(self.carry, self.x, parts)
            return float(total)
        total = 0.0  # XLA's convolutions for CPU are ten times slower inside a loop
        for rows in (rows for part in parts for rows in part):
            self.carry, loss = self.one(self.x, self.carry, rows)
            total += loss * len(rows)
        return float(total)

    def validation(self, weights, x):
        if self.network == "adversarial":
            return adversarial_loss(weights[:12], weights[12:], x)[0]
        return loss_of(self.network, weights, x, jax.random.key(0))

    def loss(self, x):
        return self.validation(self.carry[0], x.reshape(len(x), -1))


def forward(network, weights):
    encoder, decoder = halves(network, [jnp.asarray(w) for w in weights])
    code = (lambda x, w: posterior(x, w)[0]) if network in VARIATIONAL else ENCODE.get(network, dense)
    encode = jax.jit(lambda w, x: code(x.reshape(len(x), -1), w))
    decode = jax.jit(lambda w, z: jax.nn.sigmoid(DECODE.get(network, dense)(z, w)))
    both = jax.jit(lambda v, w, x: decode(w, encode(v, x)))
    return {
        "encode": lambda x: np.asarray(encode(encoder, x)),
        "decode": lambda z: np.asarray(decode(decoder, z)),
        "reconstruct": lambda x: np.asarray(both(encoder, decoder, x)),
    }
