"""The outlier score of an input: its standardized parts, combined to one number."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from kerasae.outliers.parts import Part

TAIL = 0.9  # the distance from the median to this quantile of the training inputs is the unit of a score
_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Score:
    """Outlier score `−(c − center) / spread`: 0 at the median of the training inputs, below −1 for a tenth of them.

    `c = (1 − peak) · meanₚ zₚ + peak · maxₚ zₚ` combines the parts p. `zₚ = sign(uₚ) ln(1 + |uₚ|)`, where `uₚ` is the
    part minus its median, in units of its spread; the logarithm prevents one part from dominating.

    Args:
        parts: Parts by name, `"<space>.<kind>"`.
        centers, spreads: Median of each part in training, and the distance from it to the 90 % quantile; `(parts,)`.
        peak: Weight of the maximum, from 0 (all parts count equally) to 1 (one unusual part is enough).
        center, spread: Median of `c` in training, and the distance from it to the 90 % quantile.

    References:
        A survey of outlier ensembles: Theoretical foundations and algorithms for outlier ensembles (Aggarwal & Sathe,
        2015), on averages and maxima of standardized scores
    """

    parts: Mapping[str, Part]
    centers: np.ndarray
    spreads: np.ndarray
    peak: np.ndarray
    center: np.ndarray
    spread: np.ndarray

    @classmethod
    def fit(cls, parts: Mapping[str, Part], observed: Mapping[str, Mapping[str, np.ndarray]], peak: float) -> "Score":
        """Fit the score to training inputs.

        Args:
            parts: Fitted parts.
            observed: For each space, `"features"` and `"errors"` of the training inputs.
            peak: Weight of the maximum.
        """
        raw = np.stack([part.of_training(_of(name, part, observed)) for name, part in parts.items()], axis=1)
        centers, spreads = _unit(raw)
        combined = np.asarray(ops.convert_to_numpy(_combined(ops.convert_to_tensor((raw - centers) / spreads), peak)))
        return cls(parts, centers, spreads, np.array(peak, "float32"), *_unit(combined))

    def __call__(self, observed):
        """Compute scores `(n,)` from features and errors of inputs, as tensors."""
        raw = ops.stack([part(_of(name, part, observed)) for name, part in self.parts.items()], axis=1)
        u = (raw - ops.convert_to_tensor(self.centers)) / ops.convert_to_tensor(self.spreads)
        center, spread, peak = map(ops.convert_to_tensor, (self.center, self.spread, self.peak))
        return (center - _combined(u, peak)) / spread

    def with_variables(self) -> "Score":
        """Copy the score with its arrays as Keras variables, since large constants take long to compile."""

        def converted(fields):
            return {key: keras.Variable(x, trainable=False) for key, x in fields.items() if _is_real(x)}

        parts = {name: dataclasses.replace(part, **converted(vars(part))) for name, part in self.parts.items()}
        return dataclasses.replace(self, **converted(vars(self)) | {"parts": parts})


def _is_real(value) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _of(name: str, part: Part, observed):
    return observed[name.partition(".")[0]][part.of]


def _combined(u, peak: float):
    """Combine the parts: `u (n, parts)` → `c (n,)`."""
    z = ops.sign(u) * ops.log(1 + ops.abs(u))  # ONNX has no log1p
    return (1 - peak) * ops.mean(z, axis=1) + peak * ops.max(z, axis=1)


def _unit(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median along the first axis, and the distance from it to the 90 % quantile, which is never 0."""
    center, high = np.quantile(values, (0.5, TAIL), axis=0)
    spread = np.maximum(high - center, 1e-3 * np.abs(center) + _TINY)
    return np.asarray(center, "float32"), np.asarray(spread, "float32")
