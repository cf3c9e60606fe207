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

from kerasae import _keras

__version__ = "0.1.0"
__all__ = [
    "callbacks",
    "data",
    "evaluation",
    "export",
    "layers",
    "losses",
    "models",
    "plots",
    "recipes",
    "sklearn",
    "zoo",
]

_keras.install()


def __getattr__(name: str):
    if name in __all__:
        return importlib.import_module(f"kerasae.{name}")
    raise AttributeError(f"module 'kerasae' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
