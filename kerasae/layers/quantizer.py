"""Vector quantization: each vector is replaced by the nearest vector of a codebook."""

from typing import NamedTuple

import keras
from keras import ops

from kerasae import random
from kerasae._checks import positive_size
from kerasae.layers.sampling import CounterBasedRandom

UPDATES = ("moving_average", "gradient")


class Quantized(NamedTuple):
    """Result of a look-up in the codebook, as tensors.

    Attributes:
        vectors: Vectors before quantization, `(n, ..., d)`.
        codes: The nearest vectors of the codebook, same shape. Gradients flow to the codebook.
        shares: Fraction of the inputs that each vector of the codebook was chosen for, `(codebook_size,)`.
    """

    vectors: keras.KerasTensor
    codes: keras.KerasTensor
    shares: keras.KerasTensor


@keras.saving.register_keras_serializable(package="kerasae")
class VectorQuantizer(CounterBasedRandom):
    """Replace each vector by the nearest one of a codebook of K vectors: `q(z) = e_k, k = argminⱼ ‖z − eⱼ‖`.

    The gradient of the output is passed to the input unchanged (straight-through estimator). In training, each
    codebook vector moves toward the inputs that it was chosen for, unless the layer is frozen:

    - `"moving_average"`: `e_k` is the exponential moving average of these inputs. Gradients do not change it.
    - `"gradient"`: `e_k` is trained by the gradient of a loss, such as the mean of `‖stop_gradient(z) − q(z)‖²`.

    A codebook vector is dead if the moving average of its share of the inputs is below `restart_below / K`. In
    training, dead vectors are replaced by inputs drawn at random from the batch. At first all vectors are dead, so the
    codebook starts as a random sample of the first batch (unless `restart_below` is 0). Sample weights have no effect.

    In data parallel training on TensorFlow and PyTorch, each device updates the codebook from its part of the batch, so
    results differ from training on one device. On JAX they do not.

    Args:
        codebook_size: Number K of vectors, at least 2.
        update: `"moving_average"` or `"gradient"`.
        decay: Decay rate of the moving averages per step, at least 0 and below 1.
        restart_below: Fraction of the average share 1/K below which a vector is dead, at least 0 and below 1; 0 for no
            restarts.
        seed, stream: As for `CounterBasedRandom`: seed of the inputs that replace dead vectors.

    Raises:
        ValueError: If an argument is out of range.

    References:
        Neural discrete representation learning (van den Oord, Vinyals & Kavukcuoglu, 2017)
        Generating diverse high-fidelity images with VQ-VAE-2 (Razavi, van den Oord & Vinyals, 2019): moving averages
        Jukebox: a generative model for music (Dhariwal et al., 2020): restarts

    >>> tuple(VectorQuantizer(8)(np.zeros((3, 7, 7, 4))).shape)
    (3, 7, 7, 4)
    """

    def __init__(
        self, codebook_size: int, update="moving_average", decay=0.99, restart_below=0.1, seed: int = 0, **kwargs
    ):
        super().__init__(seed, **kwargs)
        if positive_size("codebook_size", codebook_size) < 2:
            raise ValueError("codebook_size must be at least 2: one vector alone says nothing. Received: 1.")
        if update not in UPDATES:
            raise ValueError(f"update must be one of {', '.join(map(repr, UPDATES))}. Received: {update!r}.")
        for name, value in (("decay", decay), ("restart_below", restart_below)):
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be at least 0 and below 1. Received: {value!r}.")
        self.codebook_size, self.update = int(codebook_size), update
        self.decay, self.restart_below = float(decay), float(restart_below)
        self.codebook_initializer = keras.initializers.VarianceScaling(1.0, "fan_in", "uniform")

    def build(self, input_shape):
        def weight(name: str, shape, **options):
            return self.add_weight(shape=shape, dtype="float32", name=name, autocast=False, **options)

        shape, state = (self.codebook_size, input_shape[-1]), {"trainable": False, "aggregation": "mean"}
        self.codebook = weight("codebook", shape, initializer=self.codebook_initializer, **state)
        self.shares = weight("shares", shape[:1], initializer="zeros", **state)
        # Restarts change the codebook during a step, so the optimizer trains a separate variable that is added to it.
        self.offset = weight("offset", shape, initializer="zeros") if self.update == "gradient" else None

    def vectors(self):
        """Vectors of the codebook, a float32 tensor `(codebook_size, d)`."""
        codebook = ops.convert_to_tensor(self.codebook) + 0.0  # a copy: some backends change variables in place
        # The factor makes the gradient dense on TensorFlow. Optimizers skip rows that a sparse gradient does not name.
        return codebook if self.offset is None else codebook + 1.0 * self.offset

    def indices(self, inputs):
        """Find the nearest codebook vectors: `(n, ..., d)` → indices, int32 `(n, ...)`."""
        inputs = ops.cast(inputs, "float32")
        return ops.reshape(self._nearest(_flat(inputs), self.vectors()), (-1, *inputs.shape[1:-1]))

    def call(self, inputs, training=False):
        quantized = self.look_up(inputs, training)
        return ops.cast(straight_through(quantized), self.compute_dtype)

    def look_up(self, inputs, training=False) -> Quantized:
        """Look up the nearest codebook vectors of `(n, ..., d)`; in training, then update the codebook."""
        inputs = ops.cast(inputs, "float32")
        flat, codebook = _flat(inputs), self.vectors()
        nearest = self._nearest(flat, codebook)
        codes = ops.reshape(ops.take(codebook, nearest, axis=0), (-1, *inputs.shape[1:]))
        chosen = ops.cast(ops.equal(nearest[:, None], ops.arange(self.codebook_size, dtype="int32")), "float32")
        shares = ops.mean(chosen, axis=0)
        if training and self.trainable:
            self._update(*map(ops.stop_gradient, (flat, chosen, shares, codebook)))
        return Quantized(inputs, codes, shares)

    def _nearest(self, flat, codebook):
        # ‖z − e‖² without the term ‖z‖², which does not depend on e.
        distances = ops.sum(ops.square(codebook), axis=-1) - 2.0 * ops.matmul(flat, ops.transpose(codebook))
        # Not argmin, which on TensorFlow looks at the bits of values: ONNX can't express that.
        is_nearest = distances <= ops.min(distances, axis=-1, keepdims=True)
        last = self.codebook_size - 1  # for NaN, to which no vector is near
        return ops.min(ops.where(is_nearest, ops.arange(last + 1, dtype="int32"), last), axis=-1)

    def _update(self, flat, chosen, now, codebook) -> None:
        """Update moving averages from the inputs `flat (m, d)` and the one-hot choices `chosen (m, K)` of one step."""
        shares = self.decay * self.shares + (1.0 - self.decay) * now
        if self.offset is None:
            sums = ops.matmul(ops.transpose(chosen), flat) / ops.cast(ops.shape(flat)[0], "float32")
            change = sums - now[:, None] * codebook  # 0 for vectors that were not chosen
            codebook = codebook + (1.0 - self.decay) * change / ops.maximum(shares, 1e-12)[:, None]
        dead = shares < self.restart_below / self.codebook_size
        # A new vector starts at twice the threshold, so it gets some steps before it can be dead again.
        self.shares.assign(ops.where(dead, 2.0 * self.restart_below / self.codebook_size, shares))
        codebook = ops.where(dead[:, None], self._picked(flat), codebook)
        self.codebook.assign(codebook if self.offset is None else codebook - ops.stop_gradient(self.offset + 0.0))

    def _picked(self, flat):
        """Draw one row of `flat (m, d)` for each codebook vector, with replacement."""
        count = ops.shape(flat)[0]
        draws = random.uniform(self.key, self._next_step(flat), (self.codebook_size, 1))[:, 0]
        picked = ops.cast(ops.floor(draws * ops.cast(count, "float32")), "int32")
        return ops.take(flat, ops.minimum(picked, count - 1), axis=0)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "codebook_size": self.codebook_size,
            "update": self.update,
            "decay": self.decay,
            "restart_below": self.restart_below,
        }


def straight_through(quantized: Quantized):
    """Return the codes; their gradient is passed to the vectors before quantization."""
    vectors, codes, _ = quantized
    return ops.stop_gradient(codes) + (vectors - ops.stop_gradient(vectors))


def _flat(inputs):
    """`(n, ..., d)` → `(m, d)`."""
    return ops.reshape(inputs, (-1, inputs.shape[-1]))
