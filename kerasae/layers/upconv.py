"""Convolutions with built-in upsampling, for signals, images and volumes."""

import functools

import keras
import numpy as np
from keras import ops


class _UpConv(keras.layers.Layer):
    """What the layers for all ranks share; their second base class is `keras.layers.Conv1D`, `Conv2D` or `Conv3D`."""

    _FIXED = ("strides", "dilation_rate", "groups", "padding", "data_format")

    def __init__(self, filters, kernel_size, **kwargs):
        for name in self._FIXED:
            if name in kwargs:
                own, rank = type(self).__name__, type(self).__name__[-2:]
                raise TypeError(
                    f"{own} has fixed values for {', '.join(self._FIXED)}. Received: {name}={kwargs[name]!r}. "
                    f"Leave {name} out, or use keras.layers.UpSampling{rank} and Conv{rank}."
                )
        super().__init__(filters, kernel_size, padding="same", data_format="channels_last", **kwargs)

    def call(self, inputs):
        """`(n, *sides, c)` → `(n, *doubled sides, filters)`."""
        kernel, margins = ops.cast(self.kernel, self.compute_dtype), [(0, 0)]
        for axis, taps in enumerate(self.kernel_size):
            to_phases, before, after = _phases(taps)
            # The axis of the kernel's taps becomes that of the taps on the small input; the phase is the last axis.
            kernel = ops.tensordot(kernel, ops.convert_to_tensor(to_phases, dtype=self.compute_dtype), (axis, 2))
            kernel = ops.moveaxis(kernel, len(kernel.shape) - 1, axis)  # ONNX takes no negative axes
            margins.append((before, after))
        rank, phases = len(self.kernel_size), 2 ** len(self.kernel_size)
        # Axes: taps, channels, filters, phases → taps, channels, phases · filters.
        kernel = ops.moveaxis(kernel, rank + 1, len(kernel.shape) - 1)
        kernel = ops.reshape(kernel, (*kernel.shape[: rank + 1], phases * self.filters))
        out = ops.conv(ops.pad(inputs, [*margins, (0, 0)]), kernel, padding="valid", data_format="channels_last")
        sides = out.shape[1:-1]
        out = ops.reshape(out, (-1, *sides, *[2] * rank, self.filters))
        sides_and_phases = [1 + axis + offset for axis in range(rank) for offset in (0, rank)]
        out = ops.transpose(out, (0, *sides_and_phases, 2 * rank + 1))
        out = ops.reshape(out, (-1, *(2 * side for side in sides), self.filters))
        if self.use_bias:
            out = out + ops.cast(self.bias, out.dtype)
        return self.activation(out)

    def compute_output_shape(self, input_shape):
        n, *sides, _ = input_shape
        return (n, *(2 * side for side in sides), self.filters)

    def get_config(self):
        return {key: value for key, value in super().get_config().items() if key not in self._FIXED}


@keras.saving.register_keras_serializable(package="kerasae")
class UpConv1D(_UpConv, keras.layers.Conv1D):
    """`UpSampling1D(2)` followed by a 'same' `Conv1D`, computed before the upsampling: see `UpConv2D`.

    >>> tuple(UpConv1D(8, 3)(np.zeros((2, 7, 4))).shape)
    (2, 14, 8)
    """


@keras.saving.register_keras_serializable(package="kerasae")
class UpConv2D(_UpConv, keras.layers.Conv2D):
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


@keras.saving.register_keras_serializable(package="kerasae")
class UpConv3D(_UpConv, keras.layers.Conv3D):
    """`UpSampling3D(2)` followed by a 'same' `Conv3D`, computed before the upsampling: see `UpConv2D`.

    >>> tuple(UpConv3D(8, 3)(np.zeros((2, 3, 4, 5, 4))).shape)
    (2, 6, 8, 10, 8)
    """


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
