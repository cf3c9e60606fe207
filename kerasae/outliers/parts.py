"""Parts of an outlier score. Each maps features or errors of an input to one number, high for an unusual input.

A part is fitted to training inputs with NumPy, and computed with `keras.ops` in float32. Its fields are arrays, which
are stored in `detector.npz`.
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
        of: Input of the part: `"features"` `(n, d)`, or `"errors"` `(n, members, d)`, reconstructions minus features.
    """

    of: ClassVar[str] = "features"

    @classmethod
    def fit(cls, values: np.ndarray) -> "Part":
        """Fit the part to training inputs."""
        raise NotImplementedError

    def __call__(self, values):
        """Compute the part: features or errors `(n, ...)` → `(n,)`."""
        raise NotImplementedError

    def of_training(self, values: np.ndarray) -> np.ndarray:
        """Compute the part of the inputs it was fitted to, for neighbors without the input itself."""
        return np.asarray(ops.convert_to_numpy(self(ops.convert_to_tensor(values, "float32"))))


@dataclass(frozen=True, eq=False)
class Errors(Part):
    """Mean over members and features of `|f̂ − f| / scale`, the reconstruction error relative to its usual size.

    Args:
        scale: Robust standard deviation of each feature's training errors (1.4826 · median absolute error), plus 5 % of
            the features' standard deviation; `(members, d)`.
    """

    of: ClassVar[str] = "errors"
    scale: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray, spread: float = 1.0) -> "Errors":
        """Fit to errors `(n, members, d)`; `spread` is the standard deviation of all features."""
        return cls((1.4826 * np.median(np.abs(values), axis=0) + 0.05 * spread + _TINY).astype("float32"))

    def __call__(self, values):
        return ops.mean(ops.abs(values) / ops.convert_to_tensor(self.scale), axis=(1, 2))


@dataclass(frozen=True, eq=False)
class Residuals(Part):
    """Root mean square over members and features of `(f̂ − f) / scale`, with one scale for all features.

    For images: with a scale per pixel, as in `Errors`, background pixels would count more than those of the object.

    Args:
        scale: Standard deviation of all features, one number.
    """

    of: ClassVar[str] = "errors"
    scale: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray, spread: float = 1.0) -> "Residuals":
        """Fit to errors `(n, members, d)`; `spread` is the standard deviation of all features."""
        return cls(np.array(spread + _TINY, "float32"))

    def __call__(self, values):
        return ops.sqrt(ops.mean(ops.square(values / ops.convert_to_tensor(self.scale)), axis=(1, 2)))


@dataclass(frozen=True, eq=False)
class Neighbors(Part):
    """Mean Euclidean distance to the `k` nearest training inputs.

    One matrix product finds the nearest inputs. Their distances are then computed from differences, since small
    distances from a matrix product would have large rounding errors.

    Args:
        points: Features of the training inputs `(m, d)`.
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
    """Mean distance of `values` to the `k` nearest points. One point at distance 0, the input itself, is excluded."""
    squares = np.square(values).sum(axis=1)[:, None] + np.square(points).sum(axis=1) - 2 * values @ points.T
    nearest = np.argpartition(squares, k, axis=1)[:, : k + 1]
    distances = np.sort(np.sqrt(np.square(points[nearest] - values[:, None]).sum(axis=-1)), axis=1)
    own = distances[:, :1] == 0
    return np.where(own[:, 0], distances[:, 1:].mean(axis=1), distances[:, :k].mean(axis=1))


@dataclass(frozen=True, eq=False)
class Distances(Part):
    """Robust Mahalanobis distance to the center of the training inputs.

    `‖(f − center) whitening‖`, about 1 for a usual input. The covariance is shrunk toward a multiple of the identity.
    It is fitted repeatedly to the 70 % of inputs that are nearest, similar to the minimum covariance determinant.

    Args:
        center: Center `(d,)`.
        whitening: Matrix `(d, d)`; `whitening · whiteningᵀ` is the inverse of the covariance, divided by d.

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
    """Mean over features of `−ln (p / p₀)`, with the tail probability p of the value among the training inputs.

    For values in the middle, where p is above p₀ (between a quarter and a half), it is 0. In the tails it is linear
    between the order statistics of ranks 1, 2, 4, 8, … from either end, and constant beyond the extremes.

    Args:
        starts, widths: Start and width of each linear ramp, `(2, ranks, d)`: for the upper tail, and for the lower tail
            with negated values.
        heights: Increase of `−ln p` along each ramp, `(ranks,)`.

    References:
        ECOD: unsupervised outlier detection using empirical cumulative distribution functions (Li et al., 2022)
    """

    starts: np.ndarray
    widths: np.ndarray
    heights: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray) -> "Tails":
        n = len(values)
        ranks = 2 ** np.arange(max(1, int(np.log2(max(n // 2, 2))) + 1))[::-1]  # from the middle to the extremes
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
