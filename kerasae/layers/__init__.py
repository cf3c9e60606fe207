"""The layers that Keras doesn't have: random draws, noise, and upsampling inside a convolution."""

import functools

import keras
import numpy as np
from keras import ops

from kerasae import _import_hook, random
from kerasae._checks import integer


class Counted(keras.layers.Layer):
    """A layer that draws at random: a function of `(seed, step, image, element)`.

    In training the step is a saved weight that counts the draws, so that a run that was broken off
    goes on with the draws it would have had.

    Args:
        seed: An integer.

    Raises:
        ValueError: The seed is something else.
    """

    # What `evaluate` draws with: the same at every evaluation, and none of training's.
    EVALUATION_STEP = -1

    def __init__(self, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.seed = integer("seed", seed)
        # Several devices count the same steps.
        self.step = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False, name="step", aggregation="only_first_replica"
        )

    def _next_step(self, x):
        """The counter's value for one draw for `x` in training, which moves it on."""
        step = ops.convert_to_tensor(self.step) + 0  # a copy: some backends change variables in place
        # By way of x: TensorFlow would also count the step that finds the data exhausted.
        self.step.assign_add(ops.cast(ops.minimum(ops.shape(x)[0], 1), "int32"))
        return step

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="kerasae")
class Sampling(Counted):
    """Draw from the posterior, differentiably: `z = μ + exp(½ ln σ²) · ε`, `ε ~ N(0, I)`.

    In training ε is drawn anew at every step, otherwise it is the same at every call.

    Args:
        seed: An integer.

    References:
        Auto-Encoding Variational Bayes (Kingma & Welling, 2013)

    >>> tuple(Sampling(seed=0)((np.zeros((3, 2)), np.zeros((3, 2)))).shape)
    (3, 2)
    """

    def call(self, inputs, training=False):
        """`(mean (n, d), log_variance (n, d))` → sample `(n, d)`."""
        mean, log_variance = inputs
        step = self._next_step(mean) if training else self.EVALUATION_STEP
        noise = random.normal(self.seed, step, ops.shape(mean))
        return mean + ops.exp(0.5 * log_variance) * ops.cast(noise, mean.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape[0]


@keras.saving.register_keras_serializable(package="kerasae")
class OneHot(keras.layers.Layer):
    """Integer classes `(n,)` → one-hot vectors `(n, classes)`.

    Args:
        classes: How many.

    >>> OneHot(3)(np.array([2, 0])).shape[-1]
    3
    """

    def __init__(self, classes: int, **kwargs):
        super().__init__(**kwargs)
        self.classes = classes

    def call(self, label):
        # Keras's own looks at the labels' values on PyTorch, where steps are recorded without any.
        return ops.cast(ops.equal(ops.expand_dims(label, -1), ops.arange(self.classes)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.classes)

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}


class Noise(Counted):
    """Noise for a denoising autoencoder: acts in training, and lets everything through otherwise.

    A subclass says in `corrupt` what one draw does.

    References:
        Extracting and composing robust features with denoising autoencoders (Vincent, Larochelle,
        Bengio & Manzagol, 2008)
    """

    def call(self, inputs, training=False):
        return self.corrupt(inputs, self._next_step(inputs)) if training else inputs

    def corrupt(self, x, step=Counted.EVALUATION_STEP):
        """`x (n, ...)` with the noise of one step, whether training or not."""
        raise NotImplementedError(f"{type(self).__name__} must define corrupt(x, step).")

    def compute_output_shape(self, input_shape):
        return input_shape


class _PixelNoise(Noise):
    """Noise that strikes each value with some probability."""

    def __init__(self, rate: float, seed: int = 0, **kwargs):
        super().__init__(seed, **kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be a probability, at least 0 and below 1. Received: {rate}")
        self.rate = float(rate)

    def _struck(self, x, step):
        return random.uniform(self.seed, step, ops.shape(x)) < self.rate

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable(package="kerasae")
class FlipPixels(_PixelNoise):
    """Replace each value x by 1 − x with probability `rate`, in training.

    Args:
        rate: At least 0 and below 1.
        seed: An integer.

    >>> tuple(FlipPixels(0.1)(np.zeros((3, 28, 28, 1)), training=True).shape)
    (3, 28, 28, 1)
    """

    def corrupt(self, x, step=Counted.EVALUATION_STEP):
        return ops.where(self._struck(x, step), 1.0 - x, x)


@keras.saving.register_keras_serializable(package="kerasae")
class MaskPixels(_PixelNoise):
    """Replace each value by 0 with probability `rate`, in training.

    Args:
        rate: At least 0 and below 1.
        rescale: Whether to divide what is left by `1 − rate`, which keeps its expectation: dropout.
        seed: An integer.

    References:
        Dropout: a simple way to prevent neural networks from overfitting (Srivastava et al., 2014)

    >>> tuple(MaskPixels(0.5)(np.zeros((3, 28, 28, 1)), training=True).shape)
    (3, 28, 28, 1)
    """

    def __init__(self, rate: float, rescale: bool = False, seed: int = 0, **kwargs):
        super().__init__(rate, seed, **kwargs)
        self.rescale = rescale

    def corrupt(self, x, step=Counted.EVALUATION_STEP):
        kept = x / (1.0 - self.rate) if self.rescale else x
        return ops.where(self._struck(x, step), ops.zeros_like(x), kept)

    def get_config(self):
        return {**super().get_config(), "rescale": self.rescale}


@keras.saving.register_keras_serializable(package="kerasae")
class AddGaussian(Noise):
    """Add N(0, `deviation`²) to each value, in training.

    Args:
        deviation: Standard deviation, not negative.
        clip: `(low, high)` to cut the result off at, or None.
        seed: An integer.

    >>> tuple(AddGaussian(0.4)(np.zeros((3, 28, 28, 1)), training=True).shape)
    (3, 28, 28, 1)
    """

    def __init__(self, deviation: float, clip: tuple[float, float] | None = (0.0, 1.0), seed: int = 0, **kwargs):
        super().__init__(seed, **kwargs)
        if not deviation >= 0:
            raise ValueError(f"deviation must not be negative. Received: {deviation}")
        self.deviation, self.clip = float(deviation), clip if clip is None else (float(clip[0]), float(clip[1]))

    def corrupt(self, x, step=Counted.EVALUATION_STEP):
        x = ops.convert_to_tensor(x)
        noisy = x + self.deviation * ops.cast(random.normal(self.seed, step, ops.shape(x)), x.dtype)
        return noisy if self.clip is None else ops.clip(noisy, *self.clip)

    def get_config(self):
        return {**super().get_config(), "deviation": self.deviation, "clip": self.clip}


@keras.saving.register_keras_serializable(package="kerasae")
class UpConv2D(keras.layers.Conv2D):
    """`UpSampling2D(2)` followed by a 'same' `Conv2D`, computed before the upsampling: the same result, sooner.

    Nearest-neighbour upsampling repeats each pixel, so that several taps of the kernel meet the same
    input pixel. Their weights are added first, once for each of the 2 × 2 output phases, and one
    smaller convolution of the small image gives all four phases as channels. For a 7 × 7 kernel this
    takes a third of the multiplications, and the large image is never stored. Weights are those of
    `Conv2D`.

    Args:
        filters, kernel_size, **kwargs: As for `keras.layers.Conv2D`, without what is fixed here.

    Raises:
        TypeError: `strides`, `dilation_rate`, `groups`, `padding` or `data_format` is given.

    References:
        Real-time single image and video super-resolution using an efficient sub-pixel convolutional
        neural network (Shi et al., 2016)

    >>> tuple(UpConv2D(8, 3)(np.zeros((2, 7, 7, 4))).shape)
    (2, 14, 14, 8)
    """

    _FIXED = ("strides", "dilation_rate", "groups", "padding", "data_format")

    def __init__(self, filters, kernel_size, **kwargs):
        for name in self._FIXED:
            if name in kwargs:
                raise TypeError(f"UpConv2D takes no {name}: upsampling and a plain 'same' convolution are all it does.")
        super().__init__(filters, kernel_size, padding="same", data_format="channels_last", **kwargs)

    def call(self, inputs):
        """`(n, h, w, c)` → `(n, 2h, 2w, filters)`."""
        (rows, above, below), (columns, left, right) = map(_phases, self.kernel_size)
        rows, columns = (ops.convert_to_tensor(m, dtype=self.compute_dtype) for m in (rows, columns))
        # p, q: output phase; a, b: tap on the small image; i, j: tap of the given kernel.
        kernel = ops.einsum("pai,ijcf->pajcf", rows, ops.cast(self.kernel, self.compute_dtype))
        kernel = ops.einsum("qbj,pajcf->abcpqf", columns, kernel)
        kernel = ops.reshape(kernel, (*kernel.shape[:3], 4 * self.filters))
        margins = ((0, 0), (above, below), (left, right), (0, 0))
        phases = ops.conv(ops.pad(inputs, margins), kernel, padding="valid", data_format="channels_last")
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
        return {key: value for key, value in super().get_config().items() if key not in self._FIXED}


@functools.cache
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


_import_hook.install()  # see `_import_hook.NEEDED_BY_MODELS`
