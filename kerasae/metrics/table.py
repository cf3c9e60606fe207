"""The table of metrics: key, label, unit, direction, tolerance, condition and function of each.

To add a metric, add one row here and one function of a `measurement.Measurement`. Cards, the command line, the README
and the page of results read the rows. This module imports neither Keras nor NumPy, so cards are shown fast; functions
are therefore given by name.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kerasae.metrics.measurement import Measurement

# Relative tolerance of a figure between backends, and smallest absolute tolerance: values of about 1 have rounding
# errors of 1e-7, so a squared error of 1e-6 has one of about 1e-10.
RELATIVE = 1e-4
ROUNDING = 1e-9


@dataclass(frozen=True)
class Metric:
    """A row of the table.

    Attributes:
        key: Name in `figures` and on cards.
        label: Short name for tables.
        unit: Unit of the value; empty for a pure number.
        compute: Function of a `Measurement`, as `module.function` in `kerasae.metrics`.
        applies: Function of a `Measurement`: whether the metric is defined for its model and data.
        needs_data_set: Whether the metric needs a data set, not only inputs and labels.
        takes_minutes: Whether the metric is only computed for a whole test set, since it takes minutes.
        decimals: Number of decimals that are displayed.
        higher_is_better: Direction of the metric.
        absolute_tolerance: Allowed absolute difference between backends for metrics that amplify rounding errors (a
            branch of a tree, the most likely class, a difference of sums). Others use the tolerance `RELATIVE`.
    """

    key: str
    label: str
    unit: str
    compute: str
    applies: Callable[["Measurement"], bool] = lambda measurement: True
    needs_data_set: bool = False
    takes_minutes: bool = False
    decimals: int = 4
    higher_is_better: bool = False
    absolute_tolerance: float | None = None

    def __call__(self, measurement: "Measurement") -> float:
        """Compute the metric of a measurement."""
        module, _, function = self.compute.partition(".")
        return getattr(importlib.import_module(f"kerasae.metrics.{module}"), function)(measurement)

    def tolerance(self, value: float) -> float:
        """Allowed difference from a value on a card: absolute if `is_absolute`, else relative."""
        if self.absolute_tolerance is not None:
            return self.absolute_tolerance
        return max(RELATIVE, ROUNDING / abs(value)) if value else RELATIVE

    @property
    def is_absolute(self) -> bool:
        """Whether the tolerance is an absolute difference."""
        return self.absolute_tolerance is not None


_ROWS = (
    Metric("mse", "MSE", "per value", "pixels.mse", decimals=5),
    Metric("bce", "BCE", "nats per pixel", "pixels.bce", lambda m: m.is_unit_image),
    Metric(
        "ssim",
        "SSIM",
        "",
        "pixels.ssim",
        lambda m: m.is_image and m.model.value_range is not None,
        higher_is_better=True,
    ),
    Metric("denoised_mse", "denoising MSE", "per pixel", "pixels.denoised_mse", lambda m: m.is_denoiser, decimals=5),
    Metric(
        "denoised_bce",
        "denoising BCE",
        "nats per pixel",
        "pixels.denoised_bce",
        lambda m: m.is_denoiser and m.is_unit_image,
    ),
    Metric("negative_elbo", "−ELBO", "nats per image", "likelihood.bound", lambda m: m.is_variational, decimals=1),
    Metric(
        "negative_log_likelihood",
        "NLL",
        "nats per image",
        "likelihood.importance_sampled",
        lambda m: m.is_variational and m.is_binary,
        needs_data_set=True,
        takes_minutes=True,
        decimals=2,
    ),
    Metric(
        "reconstruction_loss",
        "reconstruction",
        "nats per image",
        "likelihood.reconstruction",
        lambda m: m.is_variational,
        decimals=1,
    ),
    Metric("kl_loss", "KL", "nats per image", "likelihood.divergence", lambda m: m.is_variational, decimals=1),
    Metric(
        "mean_absolute_code",
        "mean absolute code",
        "",
        "codes.mean_absolute_code",
        lambda m: m.is_image and not m.is_variational,
        decimals=2,
    ),
    Metric(
        "mmd_to_prior",
        "MMD² to the prior",
        "",
        "codes.distance_to_prior",
        lambda m: m.is_image and m.has_vector_codes,
        absolute_tolerance=1e-5,
    ),
    Metric(
        "forest_accuracy",
        "forest accuracy",
        "",
        "codes.accuracy_of_forest",
        lambda m: m.is_image and m.has_class_labels and not m.is_conditional,
        needs_data_set=True,
        decimals=3,
        higher_is_better=True,
        absolute_tolerance=0.01,
    ),
    Metric(
        "codebook_use",
        "codebook use",
        "",
        "codes.codebook_use",
        lambda m: hasattr(m.model, "codebook"),
        decimals=3,
        higher_is_better=True,
        absolute_tolerance=0.01,
    ),
    Metric(
        "dead_units",
        "dead units",
        "",
        "codes.dead_units",
        lambda m: hasattr(m.model, "dictionary"),
        decimals=3,
        absolute_tolerance=0.003,
    ),
    Metric(
        "sample_distance",
        "sample distance",
        "squared feature units",
        "samples.distance",
        lambda m: m.can_generate and m.classifier is not None and not m.is_binary,
        needs_data_set=True,
        decimals=2,
    ),
    Metric(
        "class_accuracy",
        "samples recognized",
        "",
        "samples.class_accuracy",
        lambda m: m.can_generate and m.is_conditional and m.classifier is not None,
        needs_data_set=True,
        decimals=3,
        higher_is_better=True,
        absolute_tolerance=0.002,
    ),
    Metric("fresh_mse", "MSE, fresh noise", "per value", "points.fresh_mse", lambda m: m.is_sine, True, decimals=5),
    Metric("rms_distance", "RMS distance to the curve", "", "points.rms_distance", lambda m: m.is_sine, True),
    Metric(
        "angle_to_pca",
        "angle to PCA's line",
        "degrees",
        "points.angle",
        lambda m: m.is_linear and not m.is_image,
        needs_data_set=True,
        decimals=3,
        absolute_tolerance=0.01,
    ),
)
METRICS = {metric.key: metric for metric in _ROWS}


def label(key: str) -> str:
    """Label of a metric; for a key that only another version knows, the key itself."""
    return METRICS[key].label if key in METRICS else key


def number(key: str, value: float) -> str:
    """Format a value with the number of decimals of its metric."""
    return f"{value:.{METRICS[key].decimals}f}" if key in METRICS else f"{value:.6g}"
