"""Fixed features of inputs that outlier detectors compare instead of raw values."""

import math

import keras
import numpy as np
from keras import ops

ORIENTATIONS = 8  # edge directions, every 45°
_SIDE = 14  # approximate side of a reduced image in pixels
_EPSILON = 1e-3


@keras.saving.register_keras_serializable(package="kerasae")
class View(keras.layers.Layer):
    """A fixed function of inputs `(n, *shape)` to features `(n, size)`.

    - `"values"`: the values themselves.
    - `"pixels"`: p, the square root of the image after Gaussian smoothing and reduction to about 14 pixels per side.
      MNIST's 28 × 28 pixels become 14 × 14, smoothed with a standard deviation of 1 pixel. The square root reduces the
      difference between strong and faint strokes.
    - `"edges"`: e, the square root of edge strengths in eight directions, averaged over 2 × 2 pixels of p.

    Args:
        kind: `"values"`, `"pixels"` or `"edges"`.
        low: Value of black, which is subtracted from images.
        normalize: Whether to reduce the influence of contrast: `p / √‖p‖` instead of p, and `e / ‖e‖` instead of e.

    Raises:
        ValueError: If `kind` is unknown, or needs images `(height, width, channels)` and the input has another rank.

    References:
        Histograms of oriented gradients for human detection (Dalal & Triggs, 2005); Three things everyone should know
        to improve object retrieval (Arandjelović & Zisserman, 2012), for the square root

    >>> tuple(View("edges")(np.zeros((5, 28, 28, 1))).shape)
    (5, 392)
    """

    KINDS = ("values", "pixels", "edges")

    def __init__(self, kind: str = "values", low: float = 0.0, normalize: bool = False, **kwargs):
        super().__init__(**kwargs)
        if kind not in self.KINDS:
            raise ValueError(f"kind must be one of {', '.join(map(repr, self.KINDS))}. Received: {kind!r}")
        self.kind, self.low, self.normalize = kind, float(low), bool(normalize)

    def build(self, input_shape):
        if self.kind != "values" and len(input_shape) != 4:
            raise ValueError(
                f"The view {self.kind!r} needs images (n, height, width, channels). Received shape: {input_shape}."
            )

    def call(self, x):
        """Compute features: `(n, *shape)` → `(n, size)`."""
        if self.kind == "values":
            return _flat(x)
        pixels = self._pixels(x)
        if self.kind == "edges":
            edges = _flat(_edges(pixels))
            return edges / _norm(edges) if self.normalize else edges
        pixels = _flat(pixels)
        return pixels / ops.sqrt(_norm(pixels)) if self.normalize else pixels

    def inverse(self, features, shape: tuple[int, ...]):
        """Approximate inputs `(n, *shape)` from features `(n, size)` of kind `"values"` or `"pixels"`."""
        if self.kind == "values":
            return ops.reshape(features, (-1, *shape))
        height, width, channels = shape
        features = features * _norm(features) if self.normalize else features
        pixels = ops.reshape(features, (-1, _reduced(height), _reduced(width), channels))
        return _separable(ops.square(pixels), _enlarging(height), _enlarging(width)) + self.low

    def _pixels(self, x):
        height, width, _ = _sides(x)
        smooth = _separable(x - self.low, _smoothing(height), _smoothing(width))
        return ops.sqrt(ops.maximum(smooth, 0.0))

    def compute_output_shape(self, input_shape):
        n, *shape = input_shape
        if self.kind == "values":
            return (n, math.prod(shape))
        height, width, channels = shape
        height, width = _reduced(height), _reduced(width)
        if self.kind == "edges":
            height, width, channels = -(-height // 2), -(-width // 2), ORIENTATIONS
        return (n, height * width * channels)

    def get_config(self):
        return {**super().get_config(), "kind": self.kind, "low": self.low, "normalize": self.normalize}


def _norm(x):
    """Euclidean norms `(n, 1)`, never 0."""
    return ops.sqrt(ops.sum(ops.square(x), axis=1, keepdims=True) + _EPSILON**2)


def _sides(x) -> tuple[int, ...]:
    """Shape of one input as integers. PyTorch's tracer gives tensors, which would become inputs of the graph."""
    return tuple(map(int, x.shape[1:]))


def _flat(x):
    return ops.reshape(x, (-1, math.prod(_sides(x))))


def _separable(x, rows: np.ndarray, columns: np.ndarray):
    """`x (n, h, w, c)` → `(n, h', w', c)`: matrices `(h', h)` and `(w', w)` applied to rows and columns."""
    x = ops.einsum("ah,nhwc->nawc", ops.convert_to_tensor(rows, x.dtype), x)
    return ops.einsum("bw,nawc->nabc", ops.convert_to_tensor(columns, x.dtype), x)


def _edges(pixels):
    """Square roots of edge strengths: `(n, h, w, c)` → `(n, ⌈h/2⌉, ⌈w/2⌉, 8)`. Channels are averaged first."""
    gray = ops.mean(pixels, axis=-1)
    height, width = _sides(gray)
    padded = ops.pad(gray, ((0, 0), (1, 1), (1, 1)))
    across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    angles = 2 * np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS
    cosines, sines = (ops.convert_to_tensor(f(angles), gray.dtype) for f in (np.cos, np.sin))
    along = ops.maximum(across[..., None] * cosines + down[..., None] * sines, 0.0)
    # Squaring sharpens the response to the direction; dividing by the norm keeps the unit of a gradient.
    norm = ops.sqrt(ops.square(across) + ops.square(down) + 1e-12)[..., None] + _EPSILON
    pooled = _separable(ops.square(along) / norm, _pooling(height), _pooling(width))
    return ops.sqrt(ops.maximum(pooled, 0.0))


def _stride(side: int) -> int:
    return max(1, round(side / _SIDE))


def _reduced(side: int) -> int:
    return -(-side // _stride(side))


def _gaussian(into: np.ndarray, side: int, stddev: float) -> np.ndarray:
    """Gaussian weights `(len(into), side)` around the positions `into`. Pixels outside the image count as 0."""
    reach = np.arange(-4 * math.ceil(stddev), side + 4 * math.ceil(stddev))
    weights = np.exp(-0.5 * np.square((into[:, None] - reach) / stddev))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights[:, (reach >= 0) & (reach < side)]


def _smoothing(side: int) -> np.ndarray:
    """Matrix `(side', side)` that smooths and keeps every `stride`-th pixel."""
    stride = _stride(side)
    return _gaussian(np.arange(0, side, stride), side, stride / 2)


def _pooling(side: int) -> np.ndarray:
    """Matrix `(⌈side/2⌉, side)` that smooths with a standard deviation of half a pixel and averages pairs."""
    smooth = _gaussian(np.arange(-(-side // 2) * 2), side, 0.5)
    return (smooth[::2] + smooth[1::2]) / 2


def _enlarging(side: int) -> np.ndarray:
    """Matrix `(side, side')` of linear interpolation between every `stride`-th pixel."""
    known = np.arange(0, side, _stride(side))
    return np.stack([np.interp(np.arange(side), known, unit) for unit in np.eye(len(known))], axis=1)
