"""Counter-based random numbers: a pure function of (seed, layer, step, image, element).

The draws of stateful generators differ between frameworks, and change when training is resumed or split over
devices. A hash of each number's position gives the same draw on every backend, and the step is the only state
to be saved.

References:
    Parallel random numbers: as easy as 1, 2, 3 (Salmon, Moraes, Dror & Shaw, 2011)
    Prospecting for hash functions (C. Wellons, 2018): the constants of the mixing step
"""

import contextlib
import functools
import hashlib
import math
import threading

from keras import ops

# 32-bit constants as signed integers, which all backends multiply with wrap-around.
_MULTIPLIERS = (0x7FEB352D, 0x846CA68B - 2**32)
_GOLDEN = 0x9E3779B9 - 2**32  # spreads consecutive counters over the 32-bit range


_place = threading.local()


@contextlib.contextmanager
def from_image(first):
    """Number the images from `first` instead of 0: for a device that processes one part of a batch."""
    _place.first = first
    try:
        yield
    finally:
        _place.first = 0


@functools.cache
def key(seed: int, layer: str) -> int:
    """Compute the key of one layer's draws, a 32-bit hash of the seed and the layer's role.

    Layers with equal seeds get unrelated keys, and so does one layer with neighboring seeds. The hash is computed
    once, in Python, so it costs nothing per draw.

    Args:
        seed: Seed of the layer.
        layer: Role of the layer in its model, such as `"noise"` or `"sampling"`.
    """
    return int.from_bytes(hashlib.blake2b(f"{seed}/{layer}".encode(), digest_size=4).digest(), "little")


def _signed(number: int) -> int:
    """The signed 32-bit integer with the same low 32 bits as `number`."""
    return (number + 2**31) % 2**32 - 2**31


def _shift_right(bits, places: int):
    """Logical shift: `>>` on signed integers copies the sign bit, which the mask clears."""
    return ops.bitwise_and(ops.right_shift(bits, places), (1 << (32 - places)) - 1)


def _mix(bits):
    """A bijection of 32-bit integers in which every input bit affects every output bit."""
    bits = ops.bitwise_xor(bits, _shift_right(bits, 16)) * _MULTIPLIERS[0]
    bits = ops.bitwise_xor(bits, _shift_right(bits, 15)) * _MULTIPLIERS[1]
    return ops.bitwise_xor(bits, _shift_right(bits, 16))


def _bits(seed, step, shape, *streams: int):
    """Hashed 32-bit integers `(streams, images, elements)`. Streams are independent draws within one step."""
    key = _mix(ops.convert_to_tensor([_signed(seed + stream * _GOLDEN) for stream in streams], "int32"))
    # Reshaped, since NumPy warns when a scalar wraps around.
    key = _mix(key + ops.reshape(ops.cast(step, "int32"), (1,)) * _GOLDEN)[:, None, None]
    elements = math.prod(shape[1:])
    image = ops.arange(shape[0], dtype="int32")[:, None] + getattr(_place, "first", 0)
    index = image * elements + ops.arange(elements, dtype="int32")[None, :]
    return _mix(_mix(index * _GOLDEN + key) + key)


def _between_0_and_1(bits):
    return (ops.cast(_shift_right(bits, 9), "float32") + 0.5) * 2.0**-23


def uniform(seed, step, shape, stream: int = 0):
    """Draw uniform float32 numbers in (0, 1), never 0 or 1.

    Args:
        seed: Key of the draws, an integer.
        step: Counter of the draws, an integer or integer scalar tensor.
        shape: Shape of the result `(n, ...)`; only `n` may be a tensor.
        stream: Index of this draw if one step makes several.
    """
    return ops.reshape(_between_0_and_1(_bits(seed, step, shape, stream)), shape)


def normal(seed, step, shape):
    """Draw standard normal float32 numbers by the method of Box & Muller (1958). Arguments as for `uniform`."""
    two = _between_0_and_1(_bits(seed, step, shape, 1, 2))  # both at once, with half as many operations
    return ops.reshape(ops.sqrt(-2.0 * ops.log(two[0])) * ops.cos(2.0 * math.pi * two[1]), shape)
