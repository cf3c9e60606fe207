"""Features in units of their spread, without extremes."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasae")
class Standardization(keras.layers.Layer):
    """`u = (x − center) / scale` per feature, with values beyond `limit` compressed logarithmically.

    `u` stays as it is up to `|u| = limit` and becomes `sign(u) · limit · (1 + ln(|u| / limit))` from there on, which is
    continuous with a continuous slope. A single extreme value then cannot dominate a distance.

    Args:
        limit: Where compression begins, in units of `scale`.

    Raises:
        ValueError: `limit` is not positive.

    Attributes:
        center, scale: Weights `(features,)`, which training does not change: 0 and 1 until they are assigned.

    >>> layer = Standardization(limit=3)
    >>> np.array(layer(np.array([[1.0, -3.0, 300.0]]))).round(1)
    array([[ 1. , -3. , 16.8]], dtype=float32)
    """

    def __init__(self, limit: float = 3.0, **kwargs):
        super().__init__(**kwargs)
        if not limit > 0:
            raise ValueError(f"limit must be positive. Received: {limit!r}")
        self.limit = float(limit)

    def build(self, input_shape):
        shape = (input_shape[-1],)
        self.center = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="center")
        self.scale = self.add_weight(shape=shape, initializer="ones", trainable=False, name="scale")

    def call(self, x):
        u = (x - ops.convert_to_tensor(self.center)) / ops.convert_to_tensor(self.scale)
        beyond = ops.maximum(ops.abs(u), self.limit)
        return ops.where(ops.abs(u) <= self.limit, u, ops.sign(u) * self.limit * (1 + ops.log(beyond / self.limit)))

    def inverse(self, u):
        """`u · scale + center`: the inverse up to `limit`."""
        return u * ops.convert_to_tensor(self.scale) + ops.convert_to_tensor(self.center)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "limit": self.limit}
