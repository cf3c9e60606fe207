"""The score of an input: its parts in one unit, and what they say together."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from keras import ops

from kerasae.outliers.parts import Part

TAIL = 0.9  # quantile of training inputs that is one unit from their median
_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Score:
    """`score = −(c − center) / spread`: 0 for the median of the training inputs, −1 where a tenth is more outlying.

    `c = ½ meanₚ zₚ + ½ maxₚ zₚ` combines the parts: an input is unusual if all parts find it unusual, or if one finds
    it very unusual. `zₚ = sign(uₚ) ln(1 + |uₚ|)` with `uₚ` the part in the same unit as the score; the logarithm
    keeps a part from dominating the others.

    Args:
        parts: The parts by name, `"<space>.<kind>"`.
        centers, spreads: `(parts,)`: median of each part in training, and its distance to the 90 % quantile.
        center, spread: The same of `c`.

    References:
        A survey of outlier ensembles: Theoretical foundations and algorithms for outlier ensembles (Aggarwal & Sathe,
        2015), on averages and maxima of standardized scores
    """

    parts: Mapping[str, Part]
    centers: np.ndarray
    spreads: np.ndarray
    center: np.ndarray
    spread: np.ndarray

    @classmethod
    def fit(cls, parts: Mapping[str, Part], observed: Mapping[str, Mapping[str, np.ndarray]]) -> "Score":
        """The score that training inputs define.

        Args:
            parts: Fitted parts.
            observed: Space → `"features"` and `"errors"` of training inputs.
        """
        raw = np.stack([part.of_training(_of(name, part, observed)) for name, part in parts.items()], axis=1)
        centers, spreads = _unit(raw)
        combined = np.asarray(ops.convert_to_numpy(_combined(ops.convert_to_tensor((raw - centers) / spreads))))
        return cls(parts, centers, spreads, *_unit(combined))

    def __call__(self, observed):
        """Features and errors of inputs → scores `(n,)`, as tensors."""
        raw = ops.stack([part(_of(name, part, observed)) for name, part in self.parts.items()], axis=1)
        u = (raw - ops.convert_to_tensor(self.centers)) / ops.convert_to_tensor(self.spreads)
        return (float(self.center) - _combined(u)) / float(self.spread)


def _of(name: str, part: Part, observed):
    return observed[name.partition(".")[0]][part.of]


def _combined(u):
    """`u (n, parts)` → `c (n,)`."""
    z = ops.sign(u) * ops.log(1 + ops.abs(u))  # log1p is no operation of ONNX
    return 0.5 * ops.mean(z, axis=1) + 0.5 * ops.max(z, axis=1)


def _unit(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median along the first axis, and its distance to the 90 % quantile, never 0."""
    center, high = np.quantile(values, (0.5, TAIL), axis=0)
    spread = np.maximum(high - center, 1e-3 * np.abs(center) + _TINY)
    return center.astype("float32"), spread.astype("float32")
