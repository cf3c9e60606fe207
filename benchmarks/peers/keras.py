"""Plain Keras: the same network from Keras's layers, trained by Keras's own `fit`."""

import keras
from keras import layers, ops

from peers.kerasae import Stopwatch


def dense(sizes):
    """Dense layers, the last one linear."""
    return [*(layers.Dense(size, "relu") for size in sizes[:-1]), layers.Dense(sizes[-1])]


class Sampling(layers.Layer):
    """Samples a code from mean and log-variance, and adds the KL divergence to the loss."""

    def __init__(self):
        super().__init__()
        self.seed = keras.random.SeedGenerator(0)

    def call(self, inputs):
        mean, log_variance = inputs
        self.add_loss(0.5 * ops.mean(ops.sum(ops.exp(log_variance) + ops.square(mean) - 1 - log_variance, axis=-1)))
        return mean + ops.exp(0.5 * log_variance) * keras.random.normal(ops.shape(mean), seed=self.seed)


def chained(stack, x):
    """Apply layers in turn."""
    for layer in stack:
        x = layer(x)
    return x


def variational(down, code, up):
    """A network that maps images to logits, with layers before and after the code."""
    x = keras.Input((28, 28, 1))
    h = chained(down, x)
    z = Sampling()([layers.Dense(code)(h), layers.Dense(code)(h)])
    return keras.Model(x, chained(up, z))


def conv(filters, size, activation=None, **options):
    return layers.Conv2D(filters, size, padding="same", activation=activation, **options)


def transposed(filters):
    """Transposed convolutions, and one to the logits."""
    return [*(layers.Conv2DTranspose(size, 3, 2, "same", activation="relu") for size in filters), conv(1, 3)]


def pooled(*convolutions):
    """Each convolution, pooling, ReLU."""
    return [layer for each in convolutions for layer in (each, layers.MaxPooling2D(), layers.ReLU())]


def network(entry):
    """Layers of an entry's network, from images to logits."""
    if entry.network == "convolutional":
        up = [layers.UpSampling2D(), conv(128, 2, "relu"), layers.UpSampling2D(), conv(1, 7)]
        stack = [*pooled(conv(128, 7), conv(32, 2)), conv(1, 7), conv(32, 7, "relu"), *up]
        return keras.Sequential([keras.Input((28, 28, 1)), *stack])
    if entry.network == "transposed":
        return keras.Sequential([keras.Input((28, 28, 1)), *pooled(conv(32, 3), conv(32, 3)), *transposed((32, 32))])
    if entry.network == "convolutional variational":
        down = [conv(size, 3, "relu", strides=2) for size in (32, 64)]
        small = [layers.Dense(3136, "relu"), layers.Reshape((7, 7, 64))]
        return variational([*down, layers.Flatten(), layers.Dense(16, "relu")], 2, [*small, *transposed((64, 32))])
    hidden, code = entry.sizes or (400, 20)
    up = [layers.Dense(hidden, "relu"), layers.Dense(784), layers.Reshape((28, 28, 1))]
    return variational([layers.Flatten(), layers.Dense(hidden, "relu")], code, up)


def plain(entry):
    """Build the network and its loss."""
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    if entry.network == "dense":
        stack = [*dense([128, 64, 32, 8]), *dense([32, 64, 128, 784]), layers.Reshape((28, 28, 1))]
        model = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), *stack, layers.Activation("sigmoid")])
        return model, lambda y, x_hat: ops.sum(ops.square(y - x_hat), axis=(1, 2, 3))
    if "variational" in entry.network:
        return network(entry), lambda y, logits: 784.0 * ops.mean(bce.call(y, logits), axis=(1, 2))
    return network(entry), bce


class make:
    def __init__(self, entry, weights, x, held_out):
        keras.utils.set_random_seed(0)
        self.entry, self.x, self.held_out = entry, x, held_out
        self.model, loss = plain(entry)
        for variable, value in zip(self.model.trainable_variables, weights, strict=True):
            variable.assign(value)
        self.model.compile(keras.optimizers.Adam(entry.learning_rate, epsilon=1e-7), loss)

    def train(self, first, epochs):
        stopwatch = Stopwatch()
        history = self.model.fit(
            self.x,
            self.x,
            batch_size=self.entry.batch_size,
            initial_epoch=first,
            epochs=first + epochs,
            callbacks=[stopwatch],
            verbose=0,
        )
        return stopwatch.stamps, history.history["loss"]

    def validate(self):
        return self.model.evaluate(self.held_out, self.held_out, batch_size=1000, verbose=0)
