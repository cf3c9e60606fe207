"""Figures of models and of baselines.

`table` has one row per metric. `figures` measures a model on a data set, `figures_of` on any inputs; `baseline_figures`
measures PCA, the mean image and others. The modules define the metrics as functions of arrays. They are imported on
first use, since reading the table must not import NumPy.
"""

import importlib

_FUNCTIONS = {
    "METRICS": "table",
    "Comparison": "comparison",
    "compare": "comparison",
    "figures": "measurement",
    "figures_of": "measurement",
    "given_to": "measurement",
    "binary_crossentropy": "pixels",
    "mean_squared_error": "pixels",
    "noisy": "pixels",
    "structural_similarity": "pixels",
    "active_units": "likelihood",
    "kl_per_dimension": "likelihood",
    "marginal_likelihood": "likelihood",
    "negative_elbo": "likelihood",
    "negative_log_likelihood": "likelihood",
    "forest_accuracy": "codes",
    "mmd_to_prior": "codes",
    "frechet_distance": "samples",
    "angle_to_pca": "points",
    "rms_distance_to_sine": "points",
    "baseline_figures": "baselines",
    "pca_error": "baselines",
    "golden_inputs": "golden",
    "golden_outputs": "golden",
    "golden_shapes": "golden",
}
__all__ = list(_FUNCTIONS)


def __getattr__(name: str):
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(f"kerasae.metrics.{_FUNCTIONS[name]}"), name)
    if name == "classifier":
        return importlib.import_module("kerasae.metrics.classifier")
    raise AttributeError(f"module 'kerasae.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "classifier"])
