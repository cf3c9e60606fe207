"""Exact sparsity: the largest values of each code are kept, the others become 0."""

import keras
from keras import ops

from kerasae._checks import positive_size


def largest(values, k: int):
    """Mask of the k largest values of each row, 1 or 0: `(n, d)` → float32 `(n, d)`."""
    _, indices = ops.top_k(values, k)
    # Not `one_hot`, which PyTorch cannot trace: it looks at the indices.
    chosen = ops.equal(ops.cast(indices, "int32")[..., None], ops.arange(values.shape[-1], dtype="int32"))
    return ops.sum(ops.cast(chosen, "float32"), axis=1)


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
