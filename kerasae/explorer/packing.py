"""The numbers of a page: arrays in one compressed block, which the page's `arrays.js` reads."""

import base64
import zlib

import numpy as np

BITS = (24, 16)
_TYPES = {"float32": "<f4", "uint8": "|u1"}
# Base 85 takes 7 % less room than base 64. Two of its characters could mean something in HTML.
_SAFE = str.maketrans("<&", ",.")


class Arrays:
    """Arrays of one page, in the order in which they were added.

    Args:
        bits: Bits per weight: 24 or 16. Weights are stored as multiples of steps, one for each index of the last axis:
            the largest absolute value there, divided by the largest integer. The error is at most half a step; with 24
            bits, it is that of float32 numbers.
    """

    def __init__(self, bits: int = 24):
        self.bits = bits
        self._entries: list[dict] = []
        self._bytes: list[bytes] = []
        self._size = 0
        self._known: dict[tuple, int] = {}

    def add(self, values, dtype: str = "float32") -> int:
        """Store an array as `float32` or `uint8`; returns its number."""
        values = np.ascontiguousarray(values, _TYPES[dtype])
        return self._store(values.tobytes(), {"type": dtype, "size": values.size})

    def add_weight(self, values) -> int:
        """Store a weight; returns its number."""
        values = np.atleast_1d(np.asarray(values, "float32"))
        half = 2 ** (self.bits - 1)
        steps = np.abs(values.reshape(-1, values.shape[-1])).max(axis=0).astype("float64") / (half - 1)
        steps[steps == 0] = 1.0
        steps = steps.astype("float32")  # as the page has them
        integers = np.clip(np.rint(values / steps.astype("float64")).astype("int64") + half, 0, 2 * half - 1).ravel()
        # All high bytes first: they resemble each other, and so take less room when compressed.
        planes = [(integers >> shift & 255).astype("uint8") for shift in range(self.bits - 8, -1, -8)]
        return self._store(
            b"".join(plane.tobytes() for plane in planes),
            {"type": f"int{self.bits}", "size": values.size, "steps": self.add(steps)},
        )

    def table(self) -> list[dict]:
        """For each array its type, size, place in the block in bytes and, of a weight, the number of its steps."""
        return self._entries

    def block(self) -> str:
        """All values, compressed by zlib, in base 85. The first character is the number of padding bytes."""
        compressed = zlib.compress(b"".join(self._bytes), 9)
        text = base64.b85encode(compressed, pad=True).decode("ascii").translate(_SAFE)
        return f"{-len(compressed) % 4}{text}"

    def _store(self, raw: bytes, entry: dict) -> int:
        key = *entry.values(), raw  # weights that layers share are stored once
        if key not in self._known:
            padding = -len(raw) % 4  # arrays begin at multiples of 4 bytes, as typed arrays must
            self._entries.append(entry | {"at": self._size})
            self._bytes.append(raw + bytes(padding))
            self._size += len(raw) + padding
            self._known[key] = len(self._entries) - 1
        return self._known[key]
