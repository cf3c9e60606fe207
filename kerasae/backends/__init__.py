"""The backend in use: how steps are executed, many in one call. `base.Backend` says what each module defines.

Only the modules of this package import a framework.
"""

import keras

from kerasae import _import_hook

if keras.backend.backend() == "tensorflow":
    from kerasae.backends.tensorflow import (
        MANY,
        ONE_LENGTH,
        Steps,
        check_training,
        compile_function,
        devices,
        infer,
        predict_function,
        set_mode,
        test_run,
        to_device,
        train_run,
    )
elif keras.backend.backend() == "torch":
    from kerasae.backends.torch import (
        MANY,
        ONE_LENGTH,
        Steps,
        check_training,
        compile_function,
        devices,
        infer,
        predict_function,
        set_mode,
        test_run,
        to_device,
        train_run,
    )
elif keras.backend.backend() == "jax":
    from kerasae.backends.jax import (
        MANY,
        ONE_LENGTH,
        Steps,
        check_training,
        compile_function,
        devices,
        infer,
        predict_function,
        set_mode,
        test_run,
        to_device,
        train_run,
    )
else:
    from kerasae.backends.inference import (
        MANY,
        ONE_LENGTH,
        Steps,
        check_training,
        compile_function,
        devices,
        infer,
        predict_function,
        set_mode,
        test_run,
        to_device,
        train_run,
    )

__all__ = [
    "MANY",
    "ONE_LENGTH",
    "Steps",
    "check_training",
    "compile_function",
    "devices",
    "infer",
    "predict_function",
    "set_mode",
    "test_run",
    "to_device",
    "train_run",
]

_import_hook.install()  # see `_import_hook.NEEDED_BY_MODELS`
