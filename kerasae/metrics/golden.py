"""Golden outputs: a model's outputs for inputs from a formula, which all backends must reproduce."""

import math

import numpy as np

from kerasae import models
from kerasae.metrics.measurement import given_to


def golden_inputs(shape: tuple[int, ...], value_range: tuple[float, float] | None, n: int = 2) -> np.ndarray:
    """Make inputs by the formula `½ (1 + sin(0.37 i + k))`, scaled to the value range.

    Args:
        shape: Shape of one input; `i` counts its values.
        value_range: Range of the values; [-2, 2] if None.
        n: Number of inputs; `k` counts them.

    Returns:
        `(n, *shape)` float32.
    """
    low, high = value_range or (-2.0, 2.0)
    i, k = np.arange(math.prod(shape)), np.arange(n)[:, None]
    unit = 0.5 * (1.0 + np.sin(0.37 * i + k))
    return (low + (high - low) * unit).astype("float32").reshape(n, *shape)


def golden_shapes(model: models.Autoencoder) -> dict[str, tuple[int, ...]]:
    """Shapes of a model's `golden_outputs`."""
    shapes = {"code": (2, *model.code_shape), "reconstruction": (2, *model.data_shape)}
    if hasattr(model, "posterior"):
        shapes["log_variance"] = shapes["code"]
    return shapes


def golden_outputs(model: models.Autoencoder) -> dict[str, np.ndarray]:
    """Compute a model's outputs for `golden_inputs`: `code`, `reconstruction` and, if variational, `log_variance`.

    A conditional model gets class 0 for the first input and class 1 for the second.
    """
    x = golden_inputs(model.data_shape, model.value_range)
    condition = given_to(model, np.arange(len(x)))
    outputs = {"code": model.encode(x, **condition), "reconstruction": model.reconstruct(x, **condition)}
    if hasattr(model, "posterior"):
        outputs["log_variance"] = model.posterior(x, **condition).log_variance
    return outputs
