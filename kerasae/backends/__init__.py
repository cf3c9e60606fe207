"""The backend in use: runs many steps in one call. `base.Backend` documents the functions of each module.

Only the modules of this package import a framework.
"""

import importlib
from typing import TYPE_CHECKING, cast

import keras

from kerasae import _import_hook

if TYPE_CHECKING:
    from kerasae.backends.base import Backend

_TRAINING = ("jax", "tensorflow", "torch")
_name = keras.backend.backend()
_backend = cast("Backend", importlib.import_module(f"kerasae.backends.{_name if _name in _TRAINING else 'inference'}"))

LONG_RUN, COMPILES_PER_LENGTH = _backend.LONG_RUN, _backend.COMPILES_PER_LENGTH
Steps = _backend.Steps
adopt = _backend.adopt
assign = _backend.assign
check_training = _backend.check_training
compile_function = _backend.compile_function
devices = _backend.devices
gather = _backend.gather
infer = _backend.infer
is_lost = _backend.is_lost
predict_function = _backend.predict_function
process_index = _backend.process_index
processes = _backend.processes
set_mode = _backend.set_mode
test_run = _backend.test_run
to_device = _backend.to_device
train_run = _backend.train_run
value_of = _backend.value_of

_import_hook.install()  # see `_import_hook.NEEDED_BY_MODELS`
