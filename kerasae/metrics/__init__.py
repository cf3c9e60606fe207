"""Figures of models, and the baselines that give them meaning.

`table` has a row for each metric; `figures` measures a model on a data set, `figures_of` on any inputs. The modules
have the metrics as functions of arrays. They are imported at first use, so that the table alone needs no NumPy.
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
