"""Initial weights that are the same on every backend."""

import keras
import numpy as np

from kerasae import keras_private, models


def initialize(model: models.Autoencoder, seed: int) -> None:
    """Draw the initial weights with NumPy, from the layers' own initializers.

    For the same seed, Keras's initializers draw other numbers on each backend. The initializer of a weight named
    `kernel` is the layer's attribute `kernel_initializer`, and likewise for other names; weights without such an
    attribute are not changed.
    """
    rng = np.random.default_rng(seed)
    for part in (part for part in model.layers if isinstance(part, keras.Model)):
        for layer in (inner for outer in part.layers for inner in keras_private.flat_layers(outer)):
            for weight in layer.weights:  # includes weights of inner layers, for which this layer has no initializer
                initializer = getattr(layer, f"{weight.name}_initializer", None)
                if initializer is not None:
                    weight.assign(_draw(initializer, weight.shape, rng))


def _draw(initializer, shape, rng) -> np.ndarray:
    """Sample a Keras variance-scaling initializer (Glorot, He, LeCun) with NumPy; others with Keras."""
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
