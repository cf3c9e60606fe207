"""Images of 8-bit pixels that stay as small as they are: a fourth of the memory of floats."""

from typing import Any

import numpy as np


class EightBit:
    """An array of 8-bit pixels that stands for the values `pixels / 255`, from 0 to 1.

    kerasae's models take it like the array of floats, in `fit`, `evaluate`, `predict`, `encode` and `reconstruct`, and
    the results are the same. `fit` keeps the pixels on the device and converts them batch by batch, so a million images
    of 28 × 28 take 0.8 GB, not 3. `np.asarray` gives all values as float32.

    Args:
        pixels: Array `(n, ...)` of dtype uint8, which is not copied.

    Raises:
        TypeError: If `pixels` has another dtype.

    >>> x = EightBit(np.full((5, 28, 28, 1), 255, "uint8"))
    >>> x.shape, float(np.asarray(x[:2]).max())
    ((5, 28, 28, 1), 1.0)
    """

    dtype = np.dtype("float32")  # of the values it stands for

    def __init__(self, pixels: np.ndarray):
        pixels = np.asarray(pixels)
        if pixels.dtype != np.uint8:
            raise TypeError(f"pixels must be an array of dtype uint8. Received dtype: {pixels.dtype}.")
        self.pixels = pixels

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.pixels.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.pixels.ndim

    @property
    def size(self) -> int:
        """Number of values."""
        return self.pixels.size

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, key: Any) -> "EightBit":
        return EightBit(self.pixels[key])

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return (self.pixels.astype("float32") / np.float32(255)).astype(dtype or "float32", copy=False)

    def __repr__(self) -> str:
        return f"EightBit(shape={self.shape})"
