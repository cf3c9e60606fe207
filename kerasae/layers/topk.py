"""Exact sparsity: the largest values of each code are kept, the others become 0."""

import keras
from keras import ops

from kerasae._checks import positive_size


def largest(values, k: int):
    """Mask of the k largest values of each row, 1 or 0: `(n, d)` → float32 `(n, d)`. Of equal values, the first.

    The k-th largest value is found bit by bit, by counting. That is the same on every backend and, compiled by XLA
    for CPUs, some ten times as fast as to sort.
    """
    keys = _ordered(values)
    lowest = ops.where(_count(keys >= 0) >= k, 0, -(2**31) + 1)
    lowest = _highest(lambda key: _count(keys >= key) >= k, lowest, bits=31)
    above, equal = keys > lowest, ops.equal(keys, lowest)
    free, index = k - _count(above), ops.arange(values.shape[-1], dtype="int32")
    end = _highest(
        lambda end: _count(ops.logical_and(equal, index < end)) <= free,
        ops.zeros_like(free),
        bits=values.shape[-1].bit_length(),
    )
    return ops.cast(ops.logical_or(above, ops.logical_and(equal, index < end)), "float32")


def _ordered(values):
    """Integers in the order of float32 values: their bits, with those of negative values as negative numbers."""
    bits = ops.view(ops.cast(values, "float32"), dtype="int32")
    return ops.where(bits < 0, -ops.bitwise_and(bits, 0x7FFFFFFF), bits)


def _count(mask):
    return ops.sum(ops.cast(mask, "int32"), axis=-1, keepdims=True)


def _highest(holds, start, bits: int):
    """Highest integers from `start` to `start + 2**bits − 1` at which `holds`, which holds up to them."""
    for bit in reversed(range(bits)):
        start = ops.where(holds(start + 2**bit), start + 2**bit, start)
    return start


@keras.saving.register_keras_serializable(package="kerasae")
class TopK(keras.layers.Layer):
    """Keep the k largest values of each code and set the others to 0.

    In training, it counts for each unit the steps since an input last used it.

    Args:
        k: Number of values that are kept per code, at most the code size.

    Raises:
        ValueError: If `k` is not a positive integer, or larger than the code size.

    References:
        k-Sparse autoencoders (Makhzani & Frey, 2014)

    >>> TopK(2)(np.array([[3.0, 1.0, 2.0, 0.5]], "float32")).tolist()
    [[3.0, 0.0, 2.0, 0.0]]
    """

    def __init__(self, k: int, **kwargs):
        super().__init__(**kwargs)
        self.k = positive_size("k", k)

    def build(self, input_shape):
        if self.k > input_shape[-1]:
            raise ValueError(f"k must be at most the code size, {input_shape[-1]}. Received: {self.k}.")
        options = {"initializer": "zeros", "trainable": False, "autocast": False, "aggregation": "mean"}
        self.idle_steps = self.add_weight(shape=(input_shape[-1],), dtype="float32", name="idle_steps", **options)

    def call(self, inputs, training=False):
        mask = largest(inputs, self.k)
        if training and self.trainable:
            used = ops.max(ops.stop_gradient(mask), axis=0)
            self.idle_steps.assign((self.idle_steps + 1.0) * (1.0 - used))
        return inputs * ops.cast(mask, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "k": self.k}
