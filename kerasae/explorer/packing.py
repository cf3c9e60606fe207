"""The numbers of a page: arrays in one compressed block, which the page's `arrays.js` reads."""

import base64
import zlib

import numpy as np

WEIGHTS = ("auto", "float32", "int16")
_LARGE = 600_000  # bytes of float32 weights above which "auto" stores 16 bits, so that the page stays under 1 MB
_TYPES = {"float32": "<f4", "int16": "<i2", "uint8": "|u1"}


class Arrays:
    """Arrays of one page, in the order in which they were added.

    Args:
        weights: Type that weights are stored as: `"float32"`, or `"int16"` for multiples of the largest absolute value
            of each array divided by 32,767, which makes an error of at most half such a step.
    """

    def __init__(self, weights: str = "float32"):
        self.weights = weights
        self._entries: list[dict] = []
        self._bytes: list[bytes] = []
        self._size = 0
        self._known: dict[tuple, int] = {}

    def add(self, values, dtype: str = "float32") -> int:
        """Store an array as `float32` or `uint8`; returns its number."""
        return self._store(np.asarray(values), dtype, {})

    def add_weight(self, values) -> int:
        """Store a weight in the type of the page's weights; returns its number."""
        values = np.asarray(values, "float32")
        if self.weights == "float32":
            return self._store(values, "float32", {})
        step = float(np.abs(values).max(initial=0.0)) / 32767 or 1.0
        return self._store(np.rint(values / step), "int16", {"step": step})

    def table(self) -> list[dict]:
        """For each array its type, number of values, place in the block in bytes and, for `int16`, its step."""
        return self._entries

    def block(self) -> str:
        """All values, compressed by zlib, in base64."""
        return base64.b64encode(zlib.compress(b"".join(self._bytes), 9)).decode("ascii")

    def _store(self, values: np.ndarray, dtype: str, more: dict) -> int:
        raw = np.ascontiguousarray(values, _TYPES[dtype]).tobytes()
        key = dtype, more.get("step"), raw  # weights that layers share are stored once
        if key not in self._known:
            padding = -len(raw) % 4  # arrays begin at multiples of 4 bytes, as typed arrays must
            self._entries.append({"type": dtype, "size": values.size, "at": self._size, **more})
            self._bytes.append(raw + bytes(padding))
            self._size += len(raw) + padding
            self._known[key] = len(self._entries) - 1
        return self._known[key]


def chosen_type(weights: str, parameters: int) -> str:
    """The type that weights are stored as: that of the argument, or by the number of parameters for `"auto"`."""
    if weights != "auto":
        return weights
    return "float32" if 4 * parameters <= _LARGE else "int16"
