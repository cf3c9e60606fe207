"""The score of an input: its parts in one unit, and what they say together."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from kerasae.outliers.parts import Part

TAIL = 0.9  # quantile of training inputs that is one unit from their median
_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Score:
    """`score = −(c − center) / spread`: 0 for the median of the training inputs, −1 where a tenth is more outlying.

    `c = (1 − peak) · meanₚ zₚ + peak · maxₚ zₚ` combines the parts. `zₚ = sign(uₚ) ln(1 + |uₚ|)` with `uₚ` the part in
    the same unit as the score; the logarithm keeps a part from dominating the others.

    Args:
        parts: The parts by name, `"<space>.<kind>"`.
        centers, spreads: `(parts,)`: median of each part in training, and its distance to the 90 % quantile.
        peak: Weight of the maximum, from 0 to 1: how much it takes for an outlier that one part finds it unusual.
        center, spread: The same of `c`.

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
        """The score that training inputs define.

        Args:
            parts: Fitted parts.
            observed: Space → `"features"` and `"errors"` of training inputs.
            peak: Weight of the maximum.
        """
        raw = np.stack([part.of_training(_of(name, part, observed)) for name, part in parts.items()], axis=1)
        centers, spreads = _unit(raw)
        combined = np.asarray(ops.convert_to_numpy(_combined(ops.convert_to_tensor((raw - centers) / spreads), peak)))
        return cls(parts, centers, spreads, np.array(peak, "float32"), *_unit(combined))

    def __call__(self, observed):
        """Features and errors of inputs → scores `(n,)`, as tensors."""
        raw = ops.stack([part(_of(name, part, observed)) for name, part in self.parts.items()], axis=1)
        u = (raw - ops.convert_to_tensor(self.centers)) / ops.convert_to_tensor(self.spreads)
        center, spread, peak = map(ops.convert_to_tensor, (self.center, self.spread, self.peak))
        return (center - _combined(u, peak)) / spread

    def with_variables(self) -> "Score":
        """The same, with its arrays as Keras variables: compilers would work on large constants for long."""

        def converted(fields):
            return {key: keras.Variable(x, trainable=False) for key, x in fields.items() if _is_real(x)}

        parts = {name: dataclasses.replace(part, **converted(vars(part))) for name, part in self.parts.items()}
        return dataclasses.replace(self, **converted(vars(self)) | {"parts": parts})


def _is_real(value) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _of(name: str, part: Part, observed):
    return observed[name.partition(".")[0]][part.of]


def _combined(u, peak: float):
    """`u (n, parts)` → `c (n,)`."""
    z = ops.sign(u) * ops.log(1 + ops.abs(u))  # log1p is no operation of ONNX
    return (1 - peak) * ops.mean(z, axis=1) + peak * ops.max(z, axis=1)


def _unit(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median along the first axis, and its distance to the 90 % quantile, never 0."""
    center, high = np.quantile(values, (0.5, TAIL), axis=0)
    spread = np.maximum(high - center, 1e-3 * np.abs(center) + _TINY)
    return np.asarray(center, "float32"), np.asarray(spread, "float32")
