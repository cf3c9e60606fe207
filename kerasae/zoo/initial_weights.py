"""Initial weights that are the same on every backend."""

import keras
import numpy as np

from kerasae import keras_private, models


def initialize(model: models.Autoencoder, seed: int) -> None:
    """Draw the initial weights with NumPy, from the distributions the layers declare.

    Keras's own initializers give other numbers on each backend for the same seed. A layer declares the
    distribution of its weight `kernel` as `kernel_initializer`, as Keras's layers do, and likewise for
    weights of other names.
    """
    rng = np.random.default_rng(seed)
    for part in (part for part in model.layers if isinstance(part, keras.Model)):
        for layer in (inner for outer in part.layers for inner in keras_private.flat_layers(outer)):
            for weight in layer.weights:  # of a layer of layers, those of its parts too: it declares none of them
                initializer = getattr(layer, f"{weight.name}_initializer", None)
                if initializer is not None:
                    weight.assign(_draw(initializer, weight.shape, rng))


def _draw(initializer, shape, rng) -> np.ndarray:
    """A sample of a Keras variance-scaling initializer (Glorot, He, LeCun), by NumPy."""
    if not isinstance(initializer, keras.initializers.VarianceScaling):
        return keras.ops.convert_to_numpy(initializer(shape))
    receptive = int(np.prod(shape[:-2]))
    fan_in, fan_out = shape[-2] * receptive, shape[-1] * receptive
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[initializer.mode]
    stddev = np.sqrt(initializer.scale / fan)
    if initializer.distribution == "uniform":
        return rng.uniform(-1, 1, shape) * np.sqrt(3) * stddev
    if initializer.distribution == "untruncated_normal":
        return rng.normal(0, stddev, shape)
    from scipy.stats import truncnorm

    unit = truncnorm(-2, 2)
    return unit.rvs(shape, random_state=rng) * stddev / unit.std()
