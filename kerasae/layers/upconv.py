"""A convolution with built-in upsampling."""

import functools

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="kerasae")
class UpConv2D(keras.layers.Conv2D):
    """`UpSampling2D(2)` followed by a 'same' `Conv2D`, computed before the upsampling: the same result, faster.

    Nearest-neighbor upsampling repeats each pixel, so several kernel weights are multiplied by the same
    input pixel. This layer adds these weights first, once for each of the 2 × 2 output phases. One
    smaller convolution of the small image then gives all four phases as channels. A 7 × 7 kernel needs
    a third of the multiplications, and the large image is never stored. The layer has the weights of
    `Conv2D`.

    Args:
        filters, kernel_size, **kwargs: As for `keras.layers.Conv2D`, without the fixed ones below.

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
                raise TypeError(
                    f"UpConv2D has fixed values for {', '.join(self._FIXED)}. Received: {name}={kwargs[name]!r}. "
                    f"Leave {name} out, or use keras.layers.UpSampling2D and Conv2D."
                )
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
    """For both output phases of one axis: the input pixel that each kernel tap is multiplied by.

    Returns:
        A 0-1 array `(2, small taps, taps)` and the numbers of zeros to pad before and after.
    """
    before = (taps - 1) // 2
    offset = np.array([[(phase + tap - before) // 2 for tap in range(taps)] for phase in (0, 1)])
    first, last = offset.min(), offset.max()
    meets = offset[:, None, :] == np.arange(first, last + 1)[None, :, None]
    return meets.astype("float32"), int(-first), int(last)
