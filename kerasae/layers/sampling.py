"""Base class for reproducible random draws, sampling from a posterior, one-hot labels."""

import keras
from keras import ops

from kerasae import random
from kerasae._checks import integer, positive_size


class CounterBasedRandom(keras.layers.Layer):
    """Base class of layers that draw random numbers as a function of `(seed, layer, step, image, element)`.

    A saved weight counts the training steps, so resumed training continues with the draws of an uninterrupted run.

    Args:
        seed: Seed of the draws, an integer.
        stream: Role of the layer, such as `"noise"`. Layers with different streams draw unrelated numbers
            even if their seeds are equal. Default: the layer's position in a kerasae model (`"decoder/0"`), or
            the class name for a layer outside such a model.

    Raises:
        ValueError: If `seed` is not an integer.
    """

    # Step of the draws in `evaluate`: the same in every evaluation, and never that of a training step.
    EVALUATION_STEP = -1

    def __init__(self, seed: int = 0, stream: str | None = None, **kwargs):
        super().__init__(**kwargs)
        self.seed, self.stream = integer("seed", seed), stream
        # All replicas in data parallel training count the same steps.
        self.step = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False, name="step", aggregation="only_first_replica"
        )

    @property
    def key(self) -> int:
        """Seed of this layer's draws; see `kerasae.random.key`."""
        return random.key(self.seed, self.stream or type(self).__name__)

    def _next_step(self, x):
        """Return the current training step and advance the counter."""
        step = ops.convert_to_tensor(self.step) + 0  # a copy: some backends change variables in place
        # TensorFlow runs one more, empty step when the data are exhausted; it must not count.
        self.step.assign_add(ops.cast(ops.minimum(ops.shape(x)[0], 1), "int32"))
        return step

    def get_config(self):
        return {**super().get_config(), "seed": self.seed, "stream": self.stream}


@keras.saving.register_keras_serializable(package="kerasae")
class Sampling(CounterBasedRandom):
    """Draw from the posterior with the reparameterization trick: `z = μ + exp(½ ln σ²) · ε`, `ε ~ N(0, I)`.

    In training, each step draws a new ε; otherwise all calls use the same ε.

    Args:
        seed, stream: As for `CounterBasedRandom`.
        samples: Number k of samples per image. The output is `(n, d)` for k = 1, otherwise `(n, k, d)`.

    References:
        Auto-Encoding Variational Bayes (Kingma & Welling, 2013)

    >>> tuple(Sampling(seed=0)((np.zeros((3, 2)), np.zeros((3, 2)))).shape)
    (3, 2)
    """

    def __init__(self, seed: int = 0, samples: int = 1, stream: str | None = None, **kwargs):
        super().__init__(seed, stream, **kwargs)
        self.samples = positive_size("samples", samples)

    def call(self, inputs, training=False):
        """Sample from `(mean (n, d), log_variance (n, d))`: `(n, d)`, or `(n, samples, d)` for several samples."""
        mean, log_variance = inputs
        step = self._next_step(mean) if training else self.EVALUATION_STEP
        n, d = ops.shape(mean)
        shape = (n, d) if self.samples == 1 else (n, self.samples, d)
        noise = ops.cast(random.normal(self.key, step, shape), mean.dtype)
        if self.samples > 1:
            mean, log_variance = ops.expand_dims(mean, 1), ops.expand_dims(log_variance, 1)
        return mean + ops.exp(0.5 * log_variance) * noise

    def compute_output_shape(self, input_shape):
        n, d = input_shape[0]
        return (n, d) if self.samples == 1 else (n, self.samples, d)

    def get_config(self):
        return {**super().get_config(), "samples": self.samples}


@keras.saving.register_keras_serializable(package="kerasae")
class OneHot(keras.layers.Layer):
    """Encode integer classes `(n,)` as one-hot vectors `(n, classes)`.

    Args:
        classes: Number of classes.

    >>> OneHot(3)(np.array([2, 0])).shape[-1]
    3
    """

    def __init__(self, classes: int, **kwargs):
        super().__init__(**kwargs)
        self.classes = classes

    def call(self, label):
        # On PyTorch, `keras.ops.one_hot` reads the values of the labels, which do not exist while a step is traced.
        return ops.cast(ops.equal(ops.expand_dims(label, -1), ops.arange(self.classes)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.classes)

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}
