"""Arrays that frameworks use without a copy."""

import math

import numpy as np

_ALIGNMENT = 64  # bytes


def aligned_zeros(shape: tuple[int, ...], dtype) -> np.ndarray:
    """Make an array of zeros whose first element is at an address that XLA requires of arrays that it does not copy."""
    nbytes = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.zeros(nbytes + _ALIGNMENT, "uint8")
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + nbytes].view(dtype).reshape(shape)
