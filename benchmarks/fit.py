"""Training speed: kerasae's `fit` beside a loop written by hand for the backend, in one run.

Both train 784-128-64-32-8-32-64-128-784 with ReLU on MNIST's 60,000 images with Adam, the sum of
squared errors an image as the loss, from the same initial weights. Rounds alternate, so that a
noisy machine is noisy for both; the medians and their ratio are printed. The loss after each epoch
is printed too: a fast loop that doesn't learn would show.

    KERAS_BACKEND=jax python benchmarks/fit.py
"""

import argparse
import statistics
import time

import keras
import numpy as np

import kerasae
from kerasae.losses import PerImage
from kerasae.recipes import initialise

SIZES = (128, 64, 32, 8, 32, 64, 128)


def kerasae_epochs(x, batch_size):
    model = kerasae.models.DenseAutoencoder((28, 28, 1), SIZES[:3], SIZES[3])
    initialise(model, seed=0)
    model.compile("adam", PerImage("mean_squared_error", over_pixels="sum"))
    while True:
        yield model.fit(x, batch_size=batch_size, verbose=0).history["loss"][0]


def initial_weights():
    """The weights that the model of `kerasae_epochs` starts from."""
    model = kerasae.models.DenseAutoencoder((28, 28, 1), SIZES[:3], SIZES[3])
    initialise(model, seed=0)
    return model.get_weights()


def linear_code(layer: int) -> bool:
    """Whether a layer has no ReLU: the code has none, and the output has a sigmoid."""
    return layer in (3, len(SIZES))


def torch_epochs(x, batch_size):
    """An eager loop over tensors in memory."""
    import torch

    weights = initial_weights()
    layers = []
    for layer in range(len(SIZES) + 1):
        kernel, bias = weights[2 * layer : 2 * layer + 2]
        linear = torch.nn.Linear(*kernel.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(kernel.T))
            linear.bias.copy_(torch.tensor(bias))
        layers += [linear] if linear_code(layer) else [linear, torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers, torch.nn.Sigmoid())
    optimizer = torch.optim.Adam(net.parameters(), eps=1e-7)
    x = torch.tensor(x.reshape(len(x), -1))
    while True:
        total = 0.0
        for chosen in torch.randperm(len(x)).split(batch_size):
            batch = x[chosen]
            optimizer.zero_grad()
            loss = (net(batch) - batch).square().sum() / len(batch)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(batch)
        yield float(total) / len(x)


def jax_epochs(x, batch_size):
    """A whole epoch as one compiled `lax.scan` over data on the device."""
    import jax
    import jax.numpy as jnp

    weights = [jnp.asarray(w) for w in initial_weights()]
    x = jnp.asarray(x.reshape(len(x), -1))
    steps = len(x) // batch_size

    def loss_of(weights, batch):
        h = batch
        for layer in range(len(SIZES) + 1):
            h = h @ weights[2 * layer] + weights[2 * layer + 1]
            h = h if linear_code(layer) else jax.nn.relu(h)
        return jnp.square(jax.nn.sigmoid(h) - batch).sum() / batch_size

    def adam(carry, chosen):
        weights, first, second, t = carry
        loss, gradients = jax.value_and_grad(loss_of)(weights, x[chosen])
        t = t + 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), weights, first, second)
        return (weights, first, second, t), loss

    epoch = jax.jit(lambda carry, order: jax.lax.scan(adam, carry, order))
    zeros = [jnp.zeros_like(w) for w in weights]
    carry = (weights, zeros, zeros, jnp.zeros(()))
    rng = np.random.default_rng(0)
    while True:
        order = rng.permutation(len(x))[: steps * batch_size].reshape(steps, batch_size)
        carry, losses = epoch(carry, order)
        yield float(losses.mean())


def tensorflow_epochs(x, batch_size):
    """A whole epoch as one function, compiled by XLA."""
    import tensorflow as tf

    weights = [tf.Variable(w) for w in initial_weights()]
    first, second = ([tf.Variable(tf.zeros_like(w)) for w in weights] for _ in range(2))
    x = tf.constant(x.reshape(len(x), -1))
    steps = len(x) // batch_size
    t = tf.Variable(0.0)

    @tf.function(jit_compile=True)
    def epoch(order):
        total = 0.0
        for step in tf.range(steps):
            batch = tf.gather(x, order[step])
            with tf.GradientTape() as tape:
                h = batch
                for layer in range(len(SIZES) + 1):
                    h = h @ weights[2 * layer] + weights[2 * layer + 1]
                    h = h if linear_code(layer) else tf.nn.relu(h)
                loss = tf.reduce_sum(tf.square(tf.sigmoid(h) - batch)) / batch_size
            gradients = tape.gradient(loss, weights)
            t.assign_add(1.0)
            rate = 1e-3 * tf.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            for w, m, v, g in zip(weights, first, second, gradients, strict=True):
                m.assign(0.9 * m + 0.1 * g)
                v.assign(0.999 * v + 0.001 * g * g)
                w.assign_sub(rate * m / (tf.sqrt(v) + 1e-7))
            total += loss
        return total / steps

    rng = np.random.default_rng(0)
    while True:
        order = rng.permutation(len(x))[: steps * batch_size].reshape(steps, batch_size)
        yield float(epoch(tf.constant(order)))


NATIVE = {"torch": torch_epochs, "jax": jax_epochs, "tensorflow": tensorflow_epochs}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="epochs timed, after one to warm up")
    parser.add_argument("--batch-size", type=int, default=64)
    arguments = parser.parse_args()
    backend = keras.backend.backend()
    x = kerasae.data.mnist().x_train
    runs = {"kerasae": kerasae_epochs, "native": NATIVE[backend]}
    epochs = {name: run(x, arguments.batch_size) for name, run in runs.items()}
    speeds = {name: [] for name in runs}
    for round_ in range(arguments.rounds + 1):
        for name, epoch in epochs.items():
            start = time.perf_counter()
            loss = next(epoch)
            speed = len(x) / (time.perf_counter() - start)
            print(f"{backend} {name:8} epoch {round_ + 1}: loss {loss:7.3f}, {speed:9,.0f} images/s", flush=True)
            if round_:
                speeds[name].append(speed)
    median = {name: statistics.median(values) for name, values in speeds.items()}
    spread = {name: (min(values), max(values)) for name, values in speeds.items()}
    for name, speed in median.items():
        print(f"{name:8} median {speed:,.0f} images/s ({spread[name][0]:,.0f} to {spread[name][1]:,.0f})")
    print(f"kerasae / native: {median['kerasae'] / median['native']:.2f}")


if __name__ == "__main__":
    main()
