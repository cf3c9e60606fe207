"""Parts of a score: each maps what is known of an input to one number, high for an unusual input.

A part is fitted to training inputs with NumPy; calling it computes with `keras.ops`, in float32. Its fields are arrays,
which `detector.npz` stores.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from keras import ops

_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Part:
    """Base class of parts.

    Attributes:
        of: What the part looks at: `"errors"` `(n, members, d)`, the differences of reconstructions and features, or
            `"features"` `(n, d)`.
    """

    of: ClassVar[str] = "features"

    @classmethod
    def fit(cls, values: np.ndarray) -> "Part":
        """The part that training inputs define."""
        raise NotImplementedError

    def __call__(self, values):
        """`(n, ...)` → `(n,)`."""
        raise NotImplementedError

    def of_training(self, values: np.ndarray) -> np.ndarray:
        """The part for inputs it was fitted to, as if each had been left out."""
        return np.asarray(ops.convert_to_numpy(self(ops.convert_to_tensor(values, "float32"))))


@dataclass(frozen=True, eq=False)
class Errors(Part):
    """Mean over members and features of `|f̂ − f| / scale`, the reconstruction error in units of what is usual.

    Args:
        scale: `(members, d)`: median of each feature's absolute errors in training, plus 5 % of the features' spread.
    """

    of: ClassVar[str] = "errors"
    scale: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray, spread: float = 1.0) -> "Errors":
        """From errors `(n, members, d)`; `spread` is a typical standard deviation of the features."""
        return cls((1.4826 * np.median(np.abs(values), axis=0) + 0.05 * spread + _TINY).astype("float32"))

    def __call__(self, values):
        return ops.mean(ops.abs(values) / ops.convert_to_tensor(self.scale), axis=(1, 2))


@dataclass(frozen=True, eq=False)
class Residuals(Part):
    """Root mean square over members and features of `(f̂ − f) / scale`: the error where all features have one unit.

    For images: divided by its own usual error, a pixel of the background would count for more than one of the object.

    Args:
        scale: One number, the standard deviation of all features.
    """

    of: ClassVar[str] = "errors"
    scale: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray, spread: float = 1.0) -> "Residuals":
        """From errors `(n, members, d)`; `spread` is a typical standard deviation of the features."""
        return cls(np.array(spread + _TINY, "float32"))

    def __call__(self, values):
        return ops.sqrt(ops.mean(ops.square(values / ops.convert_to_tensor(self.scale)), axis=(1, 2)))


@dataclass(frozen=True, eq=False)
class Neighbors(Part):
    """Mean Euclidean distance to the `k` nearest of the training inputs.

    The nearest are found with one matrix product, and their distances computed from the differences, so that rounding
    does not matter where distances are small.

    Args:
        points: `(m, d)`.
        k: Number of neighbors.

    References:
        Efficient algorithms for mining outliers from large data sets (Ramaswamy, Rastogi & Shim, 2000); Fast outlier
        detection in high dimensional spaces (Angiulli & Pizzuti, 2002), for the mean
    """

    points: np.ndarray
    k: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray, k: int = 5) -> "Neighbors":
        return cls(values.astype("float32"), np.array(min(k, len(values)), "int32"))

    def __call__(self, values):
        points = ops.convert_to_tensor(self.points)
        closeness = ops.einsum("nd,md->nm", values, points) - 0.5 * ops.sum(ops.square(points), axis=1)
        nearest = ops.take(points, ops.top_k(closeness, int(self.k))[1], axis=0)
        differences = nearest - values[:, None]
        return ops.mean(ops.sqrt(ops.sum(ops.square(differences), axis=-1)), axis=-1)

    def of_training(self, values: np.ndarray) -> np.ndarray:
        k = min(int(self.k), len(self.points) - 1)
        if k < 1:
            return np.zeros(len(values))
        found = [_distances_to_others(values[i : i + 512], self.points, k) for i in range(0, len(values), 512)]
        return np.concatenate(found)


def _distances_to_others(values: np.ndarray, points: np.ndarray, k: int) -> np.ndarray:
    """Mean distance of `values` to the `k` nearest points, without one that is the same: the input itself."""
    squares = np.square(values).sum(axis=1)[:, None] + np.square(points).sum(axis=1) - 2 * values @ points.T
    nearest = np.argpartition(squares, k, axis=1)[:, : k + 1]
    distances = np.sort(np.sqrt(np.square(points[nearest] - values[:, None]).sum(axis=-1)), axis=1)
    own = distances[:, :1] == 0
    return np.where(own[:, 0], distances[:, 1:].mean(axis=1), distances[:, :k].mean(axis=1))


@dataclass(frozen=True, eq=False)
class Distances(Part):
    """Mahalanobis distance to the center of the training inputs.

    `‖(f − center) whitening‖ / √d`, about 1 for a usual input. The covariance is shrunk towards a multiple of the
    identity, and fitted repeatedly to the 70 % of inputs that are nearest, as the minimum covariance determinant is.

    Args:
        center: `(d,)`.
        whitening: `(d, d)`, with `whitening · whiteningᵀ` the inverse of the covariance.

    References:
        A fast algorithm for the minimum covariance determinant estimator (Rousseeuw & Van Driessen, 1999); A
        well-conditioned estimator for large-dimensional covariance matrices (Ledoit & Wolf, 2004)
    """

    center: np.ndarray
    whitening: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray, keep: float = 0.7, rounds: int = 4) -> "Distances":
        from sklearn.covariance import LedoitWolf

        values = values.astype("float64")
        kept = max(int(keep * len(values)), min(len(values), 20))
        distances = np.square(values - np.median(values, axis=0)).sum(axis=1)
        for _ in range(rounds):
            fitted = LedoitWolf().fit(values[np.argsort(distances, kind="stable")[:kept]])
            distances = fitted.mahalanobis(values)
        variances, axes = np.linalg.eigh(fitted.covariance_)
        floor = max(1e-6 * variances.max(), _TINY)
        whitening = axes / np.sqrt(np.maximum(variances, floor) * len(variances))
        return cls(fitted.location_.astype("float32"), whitening.astype("float32"))

    def __call__(self, values):
        whitened = ops.matmul(values - ops.convert_to_tensor(self.center), ops.convert_to_tensor(self.whitening))
        return ops.sqrt(ops.sum(ops.square(whitened), axis=1))


@dataclass(frozen=True, eq=False)
class Tails(Part):
    """Mean over features of `−ln (p / p₀)`, with p the share of training inputs beyond this value, on its rarer side.

    It is 0 in the middle of the training inputs, where p is above p₀ (a quarter to a half), interpolated between
    the order statistics of ranks 1, 2, 4, 8, … from either end, and constant outside.

    Args:
        starts, widths: `(2, ranks, d)`: where each ramp between two order statistics begins, and its width; of values
            and of negated values.
        heights: `(ranks,)`, by how much `−ln p` grows along a ramp.

    References:
        ECOD: unsupervised outlier detection using empirical cumulative distribution functions (Li et al., 2022)
    """

    starts: np.ndarray
    widths: np.ndarray
    heights: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray) -> "Tails":
        n = len(values)
        ranks = 2 ** np.arange(max(1, int(np.log2(max(n // 2, 2))) + 1))[::-1]  # from the middle outwards
        ranks = np.minimum(ranks, n)
        ordered = np.sort(values, axis=0)
        knots = np.stack([ordered[n - ranks], -ordered[ranks - 1]])
        spread = np.maximum(values.std(axis=0), _TINY)
        widths = np.maximum(np.diff(knots, axis=1, append=knots[:, -1:] + 1e-2 * spread), 1e-2 * spread)
        tails = -np.log(np.append(ranks, 0.5) / n)
        return cls(knots.astype("float32"), widths.astype("float32"), np.diff(tails).astype("float32"))

    def __call__(self, values):
        starts, widths = ops.convert_to_tensor(self.starts), ops.convert_to_tensor(self.widths)
        heights, total = ops.convert_to_tensor(self.heights)[:, None], 0.0
        for i, sign in enumerate((1.0, -1.0)):
            steps = (sign * values[:, None] - starts[i]) / widths[i]
            total = total + ops.sum(ops.mean(ops.clip(steps, 0.0, 1.0) * heights, axis=2), axis=1)
        return total
