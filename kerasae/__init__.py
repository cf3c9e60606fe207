"""kerasae: pretrained autoencoders for Keras 3, to load, inspect, fine-tune and extend, on TensorFlow, PyTorch and JAX.

Example:
>>> import kerasae
>>> model = kerasae.zoo.load("dense_mnist")
>>> model.encode(kerasae.data.digits().x_test[:4]).shape
(4, 16)

Importing kerasae imports no framework: `data`, `models`, `plots` and the other modules are imported on first use.
`keras.saving.load_model` finds kerasae's classes once both packages are imported, in either order.
"""

import importlib

from kerasae import _import_hook

__version__ = "0.1.0"

# Public names and their modules. `evaluation`, `recipes` and `steps` are the names that version 0.1 used.
_MODULES = {
    "callbacks": "kerasae.callbacks",
    "data": "kerasae.data",
    "evaluation": "kerasae.metrics",
    "exercises": "kerasae.exercises",
    "explorer": "kerasae.explorer",
    "export": "kerasae.export",
    "layers": "kerasae.layers",
    "losses": "kerasae.losses",
    "metrics": "kerasae.metrics",
    "models": "kerasae.models",
    "plots": "kerasae.plots",
    "preprocessing": "kerasae.preprocessing",
    "recipes": "kerasae.zoo.recipes",
    "samplers": "kerasae.samplers",
    "sklearn": "kerasae.sklearn",
    "steps": "kerasae.training",
    "training": "kerasae.training",
    "zoo": "kerasae.zoo",
}
# Public functions and their modules.
_FUNCTIONS = {"train": "kerasae.zoo.own"}
__all__ = [*_MODULES, *_FUNCTIONS]

_import_hook.install()


def __getattr__(name: str):
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(_FUNCTIONS[name]), name)
    raise AttributeError(f"module 'kerasae' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
