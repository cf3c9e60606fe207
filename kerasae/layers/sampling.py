"""Reproducible random draws, sampling from a posterior, one-hot labels."""

import keras
from keras import ops

from kerasae import random
from kerasae._checks import integer, positive_size


class CounterBasedRandom(keras.layers.Layer):
    """Base class of layers that draw random numbers as a function of `(seed, layer, step, image, element)`.

    A saved weight counts the training steps, so resumed training continues with the draws that an
    uninterrupted run would have had.

    Args:
        seed: An integer.
        stream: Role of the layer, such as `"noise"`. Layers with different streams draw unrelated numbers
            even if their seeds are equal. Unless given, a model of kerasae sets the layer's place in the
            model (`"decoder/0"`); a layer on its own uses its class name.

    Raises:
        ValueError: `seed` is not an integer.
    """

    # The step that `evaluate` draws with: the same in every evaluation, and never a training step.
    EVALUATION_STEP = -1

    def __init__(self, seed: int = 0, stream: str | None = None, **kwargs):
        super().__init__(**kwargs)
        self.seed, self.stream = integer("seed", seed), stream
        # Replicas on several devices count the same steps.
        self.step = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False, name="step", aggregation="only_first_replica"
        )

    @property
    def key(self) -> int:
        """The seed of this layer's draws: see `kerasae.random.key`."""
        return random.key(self.seed, self.stream or type(self).__name__)

    def _next_step(self, x):
        """The counter's value for the current training step; advances the counter."""
        step = ops.convert_to_tensor(self.step) + 0  # a copy: some backends change variables in place
        # The increment depends on x, because TensorFlow also runs the step that finds the data exhausted.
        self.step.assign_add(ops.cast(ops.minimum(ops.shape(x)[0], 1), "int32"))
        return step

    def get_config(self):
        return {**super().get_config(), "seed": self.seed, "stream": self.stream}


@keras.saving.register_keras_serializable(package="kerasae")
class Sampling(CounterBasedRandom):
    """Draw from the posterior with the reparameterization trick: `z = μ + exp(½ ln σ²) · ε`, `ε ~ N(0, I)`.

    In training, ε is new in every step; otherwise it is the same in every call.

    Args:
        seed, stream: As for `CounterBasedRandom`.
        samples: Number of samples per image. With more than one, they have an axis of their own.

    References:
        Auto-Encoding Variational Bayes (Kingma & Welling, 2013)

    >>> tuple(Sampling(seed=0)((np.zeros((3, 2)), np.zeros((3, 2)))).shape)
    (3, 2)
    """

    def __init__(self, seed: int = 0, samples: int = 1, stream: str | None = None, **kwargs):
        super().__init__(seed, stream, **kwargs)
        self.samples = positive_size("samples", samples)

    def call(self, inputs, training=False):
        """`(mean (n, d), log_variance (n, d))` → sample `(n, d)`, or `(n, samples, d)` of several samples."""
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
    """Integer classes `(n,)` → one-hot vectors `(n, classes)`.

    Args:
        classes: Number of classes.

    >>> OneHot(3)(np.array([2, 0])).shape[-1]
    3
    """

    def __init__(self, classes: int, **kwargs):
        super().__init__(**kwargs)
        self.classes = classes

    def call(self, label):
        # On PyTorch, Keras's own one-hot reads the labels' values, which a traced step does not have.
        return ops.cast(ops.equal(ops.expand_dims(label, -1), ops.arange(self.classes)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.classes)

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}
