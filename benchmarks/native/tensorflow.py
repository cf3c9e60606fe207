"""TensorFlow: an epoch is one function, compiled by XLA except for convolutions, which XLA computes slowly on a CPU."""

import functools

import tensorflow as tf

from native import CONVOLUTIONAL, HALVES, VARIATIONAL


def dense(h, weights, activation=tf.nn.relu):
    """Dense layers, the last one linear."""
    for i in range(0, len(weights), 2):
        h = h @ weights[i] + weights[i + 1]
        h = activation(h) if i + 2 < len(weights) else h
    return h


def conv(h, kernel, bias, stride=1):
    return tf.nn.bias_add(tf.nn.conv2d(h, kernel, stride, "SAME"), bias)


def transposed(h, kernel, bias):
    n, side = tf.shape(h)[0], 2 * h.shape[1]
    return tf.nn.bias_add(tf.nn.conv2d_transpose(h, kernel, (n, side, side, kernel.shape[2]), 2, "SAME"), bias)


def conv_encode(x, w):
    h = tf.nn.relu(tf.nn.max_pool2d(conv(tf.reshape(x, (-1, 28, 28, 1)), w[0], w[1]), 2, 2, "VALID"))
    return conv(tf.nn.relu(tf.nn.max_pool2d(conv(h, w[2], w[3]), 2, 2, "VALID")), w[4], w[5])


def doubled(h):
    """Nearest-neighbor upsampling by broadcasting, which is faster than `tf.repeat` and `tf.image.resize`."""
    _, height, width, channels = h.shape
    h = tf.broadcast_to(h[:, :, None, :, None], (tf.shape(h)[0], height, 2, width, 2, channels))
    return tf.reshape(h, (-1, 2 * height, 2 * width, channels))


def conv_decode(z, w):
    h = tf.nn.relu(conv(z, w[0], w[1]))
    h = tf.nn.relu(conv(doubled(h), w[2], w[3]))
    return tf.reshape(conv(doubled(h), w[4], w[5]), (-1, 784))


def pooled_encode(x, w):
    h = tf.nn.relu(tf.nn.max_pool2d(conv(tf.reshape(x, (-1, 28, 28, 1)), w[0], w[1]), 2, 2, "VALID"))
    return tf.nn.relu(tf.nn.max_pool2d(conv(h, w[2], w[3]), 2, 2, "VALID"))


def transposed_decode(z, w):
    h = tf.nn.relu(transposed(tf.nn.relu(transposed(z, w[0], w[1])), w[2], w[3]))
    return tf.reshape(conv(h, w[4], w[5]), (-1, 784))


def strided_hidden(x, w):
    h = tf.nn.relu(conv(tf.reshape(x, (-1, 28, 28, 1)), w[0], w[1], stride=2))
    h = tf.nn.relu(conv(h, w[2], w[3], stride=2))
    return tf.nn.relu(tf.reshape(h, (-1, 3136)) @ w[4] + w[5])


def small_decode(z, w):
    return transposed_decode(tf.reshape(tf.nn.relu(z @ w[0] + w[1]), (-1, 7, 7, 64)), w[2:])


def posterior(x, w):
    h = tf.nn.relu(x @ w[0] + w[1]) if len(w) == 6 else strided_hidden(x, w)
    return h @ w[-4] + w[-3], h @ w[-2] + w[-1]


ENCODE = {
    "sine": functools.partial(dense, activation=tf.nn.elu),
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


def normal(shape, t):
    return tf.random.stateless_normal(shape, tf.stack([0, t]))


def loss_of(network, weights, x, t):
    n = tf.cast(tf.shape(x)[0], "float32")
    if network in VARIATIONAL:
        encoder, decoder = halves(network, weights)
        mean, log_variance = posterior(x, encoder)
        z = mean + tf.exp(0.5 * log_variance) * normal(tf.shape(mean), t)
        kl = 0.5 * tf.reduce_sum(tf.exp(log_variance) + tf.square(mean) - 1 - log_variance)
        logits = DECODE.get(network, dense)(z, decoder)
        return (tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(x, logits)) + kl) / n
    _, out = autoencoded(network, weights, x)
    if network == "dense":
        return tf.reduce_sum(tf.square(tf.sigmoid(out) - x)) / n
    if network == "sine":
        return tf.reduce_mean(tf.square(out - x))
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(x, out))


def adversarial_losses(own, discriminator, x, t):
    z, logits = autoencoded("adversarial", own, x)
    generated = dense(z, discriminator)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(x, logits))
    loss += 0.01 * tf.reduce_mean(tf.nn.softplus(-generated))
    real = dense(normal(tf.shape(z), t), discriminator)
    return loss, 0.5 * (tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(generated)))


def gradients_of(network, weights, x, t):
    """Loss, and the gradient of each weight for the loss that it minimizes."""
    with tf.GradientTape(persistent=network == "adversarial") as tape:
        if network == "adversarial":
            own, discriminator = weights[:12], weights[12:]
            loss, discriminator_loss = adversarial_losses(own, discriminator, x, t)
        else:
            loss = loss_of(network, weights, x, t)
    if network == "adversarial":
        return loss, tape.gradient(loss, own) + tape.gradient(discriminator_loss, discriminator)
    return loss, tape.gradient(loss, weights)


class Loop:
    def __init__(self, network, weights, x, learning_rate):
        self.network, self.rate = network, learning_rate
        self.weights = [tf.Variable(w) for w in weights]
        self.first, self.second = ([tf.Variable(tf.zeros_like(w)) for w in self.weights] for _ in range(2))
        self.t = tf.Variable(0)
        self.x = tf.constant(x.reshape(len(x), -1))
        self.compiled = tf.function(self.run, jit_compile=network not in CONVOLUTIONAL)
        self.validation = tf.function(self.validation)

    def run(self, x, parts):
        total = tf.constant(0.0)
        for part in parts:
            for rows in part:
                total += self.step(tf.gather(x, rows)) * part.shape[1]
        return total

    def step(self, batch):
        loss, gradients = gradients_of(self.network, self.weights, batch, self.t)
        t = tf.cast(self.t.assign_add(1), "float32")
        rate = self.rate * tf.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        for w, m, v, g in zip(self.weights, self.first, self.second, gradients, strict=True):
            m.assign(0.9 * m + 0.1 * g)
            v.assign(0.999 * v + 0.001 * g * g)
            w.assign_sub(rate * m / (tf.sqrt(v) + 1e-7))
        return loss

    def epoch(self, parts):
        """Train on batches, arrays of indices of one size each, and return the sum of the losses of all images."""
        return float(self.compiled(self.x, list(map(tf.constant, parts))))

    def validation(self, x):
        if self.network == "adversarial":
            return adversarial_losses(self.weights[:12], self.weights[12:], x, 0)[0]
        return loss_of(self.network, self.weights, x, 0)

    def loss(self, x):
        return self.validation(tf.constant(x.reshape(len(x), -1)))


def forward(network, weights):
    encoder, decoder = halves(network, [tf.Variable(w) for w in weights])
    code = (lambda x, w: posterior(x, w)[0]) if network in VARIATIONAL else ENCODE.get(network, dense)
    encode = tf.function(lambda x: code(tf.reshape(x, (tf.shape(x)[0], -1)), encoder))
    decode = tf.function(lambda z: tf.sigmoid(DECODE.get(network, dense)(z, decoder)))
    both = tf.function(lambda x: decode(encode(x)))
    functions = {"encode": encode, "decode": decode, "reconstruct": both}
    return {name: lambda x, f=f: f(tf.convert_to_tensor(x)).numpy() for name, f in functions.items()}
