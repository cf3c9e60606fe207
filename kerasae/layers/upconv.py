"""Convolutions with built-in upsampling, for signals, images and volumes."""

import functools

import keras
import numpy as np
from keras import ops


class _UpConv(keras.layers.Layer):
    """Code shared by all ranks. The second base class of each layer is `keras.layers.Conv1D`, `Conv2D` or `Conv3D`."""

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
            # Sum the taps that meet the same input pixel. The output phase becomes the last axis.
            kernel = ops.tensordot(kernel, ops.convert_to_tensor(to_phases, dtype=self.compute_dtype), (axis, 2))
            kernel = ops.moveaxis(kernel, len(kernel.shape) - 1, axis)  # ONNX does not accept negative axes
            margins.append((before, after))
        rank, phases = len(self.kernel_size), 2 ** len(self.kernel_size)
        # Axes: taps, channels, filters, phases → taps, channels, phases · filters.
        kernel = ops.moveaxis(kernel, rank + 1, len(kernel.shape) - 1)
        kernel = ops.reshape(kernel, (*kernel.shape[: rank + 1], phases * self.filters))
        symmetric = all(before == after for before, after in margins)  # for odd kernel sizes
        padded = inputs if symmetric else ops.pad(inputs, [*margins, (0, 0)])
        out = ops.conv(padded, kernel, padding="same" if symmetric else "valid", data_format="channels_last")
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
    """`UpSampling1D(2)` followed by a 'same' `Conv1D`, computed on the short signal: see `UpConv2D`.

    >>> tuple(UpConv1D(8, 3)(np.zeros((2, 7, 4))).shape)
    (2, 14, 8)
    """


@keras.saving.register_keras_serializable(package="kerasae")
class UpConv2D(_UpConv, keras.layers.Conv2D):
    """`UpSampling2D(2)` followed by a 'same' `Conv2D`, computed on the small image: the same result, faster.

    Nearest-neighbor upsampling repeats each pixel, so several kernel weights multiply the same input pixel.
    This layer first adds these weights, for each of the 2 × 2 output phases (even or odd row and column). One
    convolution of the small image then computes all four phases as channels. A 7 × 7 kernel needs a third of
    the multiplications, and the upsampled input is never stored. The weights are those of `Conv2D`.

    Args:
        filters, kernel_size, **kwargs: As for `keras.layers.Conv2D`, except for the arguments below.

    Raises:
        TypeError: If `strides`, `dilation_rate`, `groups`, `padding` or `data_format` is given.

    References:
        Real-time single image and video super-resolution using an efficient sub-pixel convolutional
        neural network (Shi et al., 2016)

    >>> tuple(UpConv2D(8, 3)(np.zeros((2, 7, 7, 4))).shape)
    (2, 14, 14, 8)
    """


@keras.saving.register_keras_serializable(package="kerasae")
class UpConv3D(_UpConv, keras.layers.Conv3D):
    """`UpSampling3D(2)` followed by a 'same' `Conv3D`, computed on the small volume: see `UpConv2D`.

    >>> tuple(UpConv3D(8, 3)(np.zeros((2, 3, 4, 5, 4))).shape)
    (2, 6, 8, 10, 8)
    """


@functools.cache
def _phases(taps: int) -> tuple[np.ndarray, int, int]:
    """Find the input pixel that each kernel tap multiplies, for both output phases of one axis.

    Returns:
        A 0-1 array `(phase, tap of the summed kernel, tap of the kernel)`; zeros to pad before; zeros to pad after.
    """
    before = (taps - 1) // 2
    offset = np.array([[(phase + tap - before) // 2 for tap in range(taps)] for phase in (0, 1)])
    first, last = offset.min(), offset.max()
    meets = offset[:, None, :] == np.arange(first, last + 1)[None, :, None]
    return meets.astype("float32"), int(-first), int(last)
