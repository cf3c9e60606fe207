"""The layers that Keras doesn't have: sampling a posterior, and upsampling inside a convolution."""

import keras
import numpy as np
from keras import ops

from kerasae import random


@keras.saving.register_keras_serializable(package="kerasae")
class Sampling(keras.layers.Layer):
    """Draw from the posterior, differentiably: `z = μ + exp(½ ln σ²) · ε`, `ε ~ N(0, I)`.

    In training ε is a function of `(seed, step, image, element)`, the step being a saved weight that
    counts the draws; otherwise the step is taken as −1, so that every evaluation draws the same ε.

    Args:
        seed: An integer.

    References:
        Auto-Encoding Variational Bayes (Kingma & Welling, 2013)

    >>> tuple(Sampling(seed=0)((np.zeros((3, 2)), np.zeros((3, 2)))).shape)
    (3, 2)
    """

    def __init__(self, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.step = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False, name="step")
        self.built = True

    def call(self, inputs, training=False):
        """`(mean (n, d), log_variance (n, d))` → sample `(n, d)`."""
        mean, log_variance = inputs
        noise = random.normal(self.seed, self.step if training else -1, ops.shape(mean))
        if training:
            self.step.assign_add(1)
        return mean + ops.exp(0.5 * log_variance) * ops.cast(noise, mean.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="kerasae")
class UpConv2D(keras.layers.Conv2D):
    """`UpSampling2D(2)` followed by a 'same' `Conv2D`, computed before the upsampling: the same result, sooner.

    Nearest-neighbour upsampling repeats each pixel, so that several taps of the kernel meet the same
    input pixel. Their weights are added first, once for each of the 2 × 2 output phases, and one
    smaller convolution of the small image gives all four phases as channels. For a 7 × 7 kernel this
    takes a third of the multiplications, and the large image is never stored. Weights are those of
    `Conv2D`.

    Args:
        filters, kernel_size, activation, ...: As for `keras.layers.Conv2D`.

    References:
        Real-time single image and video super-resolution using an efficient sub-pixel convolutional
        neural network (Shi et al., 2016)

    >>> tuple(UpConv2D(8, 3)(np.zeros((2, 7, 7, 4))).shape)
    (2, 14, 14, 8)
    """

    def __init__(self, filters, kernel_size, **kwargs):
        kwargs.update(padding="same", data_format="channels_last")
        super().__init__(filters, kernel_size, **kwargs)

    def build(self, input_shape):
        super().build(input_shape)
        (self._rows, above, below), (self._columns, left, right) = map(_phases, self.kernel_size)
        self._margins = ((0, 0), (above, below), (left, right), (0, 0))

    def call(self, inputs):
        """`(n, h, w, c)` → `(n, 2h, 2w, filters)`."""
        rows, columns = (ops.convert_to_tensor(m, dtype=self.compute_dtype) for m in (self._rows, self._columns))
        # p, q: output phase; a, b: tap on the small image; i, j: tap of the given kernel.
        kernel = ops.einsum("pai,ijcf->pajcf", rows, ops.cast(self.kernel, self.compute_dtype))
        kernel = ops.einsum("qbj,pajcf->abcpqf", columns, kernel)
        kernel = ops.reshape(kernel, (*kernel.shape[:3], 4 * self.filters))
        phases = ops.conv(ops.pad(inputs, self._margins), kernel, padding="valid", data_format="channels_last")
        _, h, w, _ = phases.shape
        out = ops.reshape(phases, (-1, h, w, 2, 2, self.filters))
        out = ops.reshape(ops.transpose(out, (0, 1, 3, 2, 4, 5)), (-1, 2 * h, 2 * w, self.filters))
        if self.use_bias:
            out = out + ops.cast(self.bias, out.dtype)
        return self.activation(out)

    def compute_output_shape(self, input_shape):
        n, h, w, _ = input_shape
        return (n, 2 * h, 2 * w, self.filters)

    def get_config(self):
        config = super().get_config()
        for fixed in ("padding", "data_format"):
            config.pop(fixed)
        return config


def _phases(taps: int) -> tuple[np.ndarray, int, int]:
    """Which tap of the small image each of a kernel's taps meets, for both phases of one axis.

    Returns:
        A 0-1 array `(2, small taps, taps)` and the rows of zeros needed before and after.
    """
    before = (taps - 1) // 2
    offset = np.array([[(phase + tap - before) // 2 for tap in range(taps)] for phase in (0, 1)])
    first, last = offset.min(), offset.max()
    meets = offset[:, None, :] == np.arange(first, last + 1)[None, :, None]
    return meets.astype("float32"), int(-first), int(last)
