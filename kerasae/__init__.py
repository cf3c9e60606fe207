"""kerasae: a zoo of trained and trainable Keras 3 autoencoders, the same on TensorFlow, PyTorch and JAX.

Example:
>>> import kerasae
>>> model = kerasae.zoo.load("dense_mnist")
>>> model.encode(kerasae.data.digits().x_test[:4]).shape
(4, 16)

Importing kerasae imports no framework: `data`, `models`, `plots` and the other modules come with
their first use. Keras's saved files find kerasae's classes as soon as kerasae and Keras are both
imported, in whichever order.
"""

import importlib

from kerasae import _import_hook

__version__ = "0.1.0"

# Public modules by the name they are used under. `evaluation`, `recipes` and `steps` are names of version 0.1.
_MODULES = {
    "callbacks": "kerasae.callbacks",
    "data": "kerasae.data",
    "evaluation": "kerasae.metrics",
    "export": "kerasae.export",
    "layers": "kerasae.layers",
    "losses": "kerasae.losses",
    "metrics": "kerasae.metrics",
    "models": "kerasae.models",
    "plots": "kerasae.plots",
    "preprocessing": "kerasae.preprocessing",
    "recipes": "kerasae.zoo.recipes",
    "sklearn": "kerasae.sklearn",
    "steps": "kerasae.training",
    "training": "kerasae.training",
    "zoo": "kerasae.zoo",
}
# Functions by the name they are used under, and their modules.
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
