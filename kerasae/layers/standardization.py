"""Standardization of features that limits extreme values."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasae")
class Standardization(keras.layers.Layer):
    """Standardize each feature, `u = (x − center) / scale`, and compress values beyond `limit` logarithmically.

    Where `|u| > limit`, the output is `sign(u) · limit · (1 + ln(|u| / limit))`, which joins with a continuous slope. A
    single extreme value then cannot dominate a distance.

    Args:
        limit: Value of `|u|` where compression begins, in units of `scale`.

    Raises:
        ValueError: If `limit` is not positive.

    Attributes:
        center, scale: Non-trainable weights `(features,)`, 0 and 1 until they are assigned.

    >>> layer = Standardization(limit=3)
    >>> keras.ops.convert_to_numpy(layer(np.array([[1.0, -3.0, 300.0]]))).round(1)
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
        """Compute `u · scale + center`, the exact inverse for `|u| ≤ limit`."""
        return u * ops.convert_to_tensor(self.scale) + ops.convert_to_tensor(self.center)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "limit": self.limit}
