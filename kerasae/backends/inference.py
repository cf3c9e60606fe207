"""Keras's backends without gradients: NumPy and OpenVINO."""

import itertools

import keras
import numpy as np

from kerasae.training.overrides import reports_own_logs

if keras.backend.backend() == "openvino":
    from kerasae.backends import openvino as _functions
else:
    from kerasae.backends import numpy as _functions

COMPILES_PER_LENGTH = _functions.COMPILES_PER_LENGTH
compile_function, infer = _functions.compile_function, _functions.infer
LONG_RUN = {"train": 0, "test": 0}


def refuse(*args, **kwargs):
    """Raise ValueError, since this backend has no gradients."""
    raise ValueError(
        f"Training needs a backend with gradients. Received: {keras.backend.backend()}. "
        "Set KERAS_BACKEND to jax, torch or tensorflow before Keras is imported."
    )


check_training = train_run = devices = refuse


class Steps:
    """Test steps of `Trainer`."""

    train_function = None
    train_on_batch = refuse

    def test_step(self, data):
        function = self.compiled_functions.get(self, "test_step", lambda: compile_function(self._stateless_test))
        data = keras.utils.unpack_x_y_sample_weight(data)
        logs, metrics = function([variable.numpy() for variable in self.metrics_variables], *data)
        for variable, value in zip(self.metrics_variables, metrics, strict=True):
            variable.assign(value)
        return logs

    def _stateless_test(self, metrics, x, y, sample_weight):
        """One test step as a pure function: takes and returns the values of the metrics' variables; also returns logs.

        OpenVINO would defer operations on variables to the end of all batches.
        """
        terms, x_hat = self.objective(x, y, sample_weight, training=False)
        with keras.StatelessScope(list(zip(self.metrics_variables, metrics, strict=True))) as scope:
            logs = self.track(terms, x, y, x_hat, sample_weight)
        return logs, [scope.get_current_value(variable) for variable in self.metrics_variables]


def test_run(model, block, is_long: bool):
    """Make a function that runs the test steps of a block one by one; see `base.Backend`."""
    own_logs = reports_own_logs(model, "test_step")

    def run(block):
        for rows in itertools.chain(*block.parts):
            logs = model.test_step(block.layout.batch(block.table, rows, reshape=np.reshape))
        return logs if own_logs else None

    return run


def predict_function(model):
    """Make a function that computes reconstructions of one batch; see `base.Backend`."""
    return compile_function(lambda x: model(x, training=False))


def set_mode(model, training: bool) -> None:
    """Do nothing: the mode is an argument of every call."""


def to_device(array):
    """Return the array itself, since functions of this backend take arrays."""
    return array


def adopt(array, batch_size: int | None = None):
    """Return the array itself, as `to_device` does."""
    return array


def value_of(variable):
    """Present value of a variable."""
    return variable.numpy()


def assign(variable, value) -> None:
    """Assign an array of the variable's shape."""
    variable.assign(value)


def processes(model) -> int:
    """Number of processes that train together: 1, since this backend cannot train."""
    return 1


def process_index() -> int:
    """Index of this process among those that train together."""
    return 0


def gather(model, values) -> np.ndarray:
    """Collect integers `(n,)` of every process as `(1, n)`."""
    return np.asarray(values)[None]


def is_lost(error: Exception) -> bool:
    """Whether an error means that another process cannot be reached."""
    return False
