"""JAX: steps are pure functions of a state that contains everything that training changes."""

import jax
import keras
import numpy as np

from kerasae import keras_private
from kerasae.backends import jax_devices
from kerasae.backends.aligned import aligned_zeros
from kerasae.backends.jax_devices import devices as devices
from kerasae.backends.jax_devices import gather as gather
from kerasae.backends.jax_devices import is_lost as is_lost
from kerasae.backends.jax_devices import process_index as process_index
from kerasae.backends.jax_devices import processes as processes
from kerasae.backends.jax_rewrite import fast
from kerasae.training.overrides import reports_own_logs

COMPILES_PER_LENGTH = True
LONG_RUN = {"train": 0, "test": 0}


class Steps:
    """Training and test steps of `Trainer`."""

    def train_step(self, state, data):
        trainable, non_trainable, optimizer, metrics = state
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)

        def losses(trainable):
            terms, x_hat, non_trainable_after, metrics_after = _objective(
                self, trainable, non_trainable, metrics, x, y, sample_weight, True
            )
            with keras.StatelessScope(list(zip(self.optimizer.variables, optimizer, strict=True))):
                scaled = {name: self.optimizer.scale_loss(terms[name]) for name in self.minimized(terms)}
            return scaled, (terms, x_hat, non_trainable_after, metrics_after)

        scaled, pull_back, (terms, x_hat, non_trainable, metrics) = jax.vjp(losses, trainable, has_aux=True)
        # One backward pass per loss; the compiler removes gradients that are not used.
        gradients_of = {
            name: pull_back({other: jax.numpy.full_like(loss, other == name) for other, loss in scaled.items()})[0]
            for name in scaled
        }
        gradients = [gradients_of[name][i] for i, name in enumerate(self.minimized(terms))]
        trainable, non_trainable, optimizer = _applied(self, gradients, trainable, non_trainable, optimizer)
        logs, metrics = _tracked(self, metrics, terms, x, y, x_hat, sample_weight)
        return logs, (trainable, non_trainable, optimizer, metrics)

    def test_step(self, state, data):
        trainable, non_trainable, metrics = state
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        terms, x_hat, non_trainable, metrics = _objective(
            self, trainable, non_trainable, metrics, x, y, sample_weight, False
        )
        logs, metrics = _tracked(self, metrics, terms, x, y, x_hat, sample_weight)
        return logs, (trainable, non_trainable, metrics)


def _objective(model, trainable, non_trainable, metrics, *batch):
    """Compute `model.objective` with the given values of variables, and return the changed values."""
    with _scope(model, trainable, non_trainable, metrics, collect_losses=True) as scope:
        terms, x_hat = model.objective(*batch)
        terms = {name: keras.ops.convert_to_tensor(term) for name, term in terms.items()}
    return terms, x_hat, _values_in(scope, model.non_trainable_variables), _values_in(scope, model.metrics_variables)


def _applied(model, gradients, trainable, non_trainable, optimizer):
    """Apply the optimizer's step and return the values of all variables."""
    if not trainable:
        return trainable, non_trainable, optimizer
    if list(map(id, model.trainable_variables)) == list(map(id, keras_private.trained_variables(model.optimizer))):
        trainable, optimizer = model.optimizer.stateless_apply(optimizer, gradients, trainable)
        return trainable, non_trainable, optimizer
    # A part is frozen, but `stateless_apply` needs every variable that the optimizer was built for.
    with _scope(model, trainable, non_trainable, optimizer=optimizer) as scope:
        model.optimizer.apply(gradients, model.trainable_variables)
    variables = model.trainable_variables, model.non_trainable_variables, model.optimizer.variables
    return tuple(_values_in(scope, some) for some in variables)


def _tracked(model, metrics, *step):
    with keras.StatelessScope(list(zip(model.metrics_variables, metrics, strict=True))) as scope:
        logs = model.track(*step)
    return logs, _values_in(scope, model.metrics_variables)


def _scope(model, trainable, non_trainable, metrics=(), optimizer=(), **options):
    mapping = [
        *zip(model.trainable_variables, trainable, strict=True),
        *zip(model.non_trainable_variables, non_trainable, strict=True),
    ]
    if metrics:
        mapping += zip(model.metrics_variables, metrics, strict=True)
    if optimizer:
        mapping += zip(model.optimizer.variables, optimizer, strict=True)
    return keras.StatelessScope(mapping, **options)


def _values_in(scope, variables) -> list:
    return [scope.get_current_value(variable) for variable in variables]


# Runs


def train_run(model, block, is_long: bool):
    """Make a function that runs the training steps of a block in one call; see `base.Backend`."""
    state = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )
    return _run(model, model.train_step, "train_step", state, block)


def test_run(model, block, is_long: bool):
    """Make a function that runs the test steps of a block in one call; see `base.Backend`."""
    state = model.trainable_variables, model.non_trainable_variables, model.metrics_variables
    return _run(model, model.test_step, "test_step", state, block)


def _run(model, step, name: str, variables, block):
    own_logs, layout = reports_own_logs(model, name), block.layout
    # A stream's batches are divided over the devices when they are copied there; see `adopt`.
    by_position = not block.shared and keras.distribution.distribution() is not None

    def rows_of(batches, i):
        return i if by_position else batches[i]

    def next_step(state, table, rows):
        rows = rows if by_position else jax_devices.divided(rows)
        logs, state = step(state, layout.batch(table, rows))
        return (logs if own_logs else {}), state

    compiled_step = fast(next_step)

    def loop(state, table, batches, count):
        # A loop needs initial logs. Without logs of the step's own, there are none, and the step is traced once.
        logs = jax.eval_shape(next_step, state, table, rows_of(batches, 0))[0] if own_logs else {}
        logs = jax.tree.map(lambda log: jax.numpy.zeros(log.shape, log.dtype), logs)

        def body(i, carried):
            return compiled_step(carried[1], table, rows_of(batches, i))

        return jax.lax.fori_loop(0, count, body, (logs, state))

    def one_by_one(state, table, batches, count):
        for i in range(count):
            logs, state = next_step(state, table, rows_of(batches, np.int32(i)))
        return logs, state

    run = one_by_one if model.run_eagerly or not model.jit_compile else jax.jit(loop)

    running: list = []

    # Buffers are not donated, so if a run is interrupted, the variables keep their previous values.
    def make_steps(block):
        nonlocal running
        state = tuple(map(keras_private.raw_values, variables))
        if not block.shared:  # JAX computes asynchronously; blocks of a stream that wait for it fill the memory
            jax.block_until_ready(running)
        # One program with the smaller last batch would take longer than two.
        for batches, count in [(block.batches, block.steps), *[(rows[None], 1) for rows in block.rest]]:
            logs, state = run(state, block.table, batches, np.int32(count))
        running = jax.tree.leaves(state)[-1:]
        for some, values in zip(variables, state, strict=True):
            keras_private.set_raw_values(some, values)
        return logs if own_logs else None

    return make_steps


def set_mode(model, training: bool) -> None:
    """Do nothing: on JAX the mode is an argument of every call."""


def check_training() -> None:
    """Do nothing: this backend has gradients."""


def to_device(array):
    """Copy a NumPy array to a JAX array, on all devices of the distribution."""
    if keras.distribution.distribution() is not None:
        return jax_devices.on_devices(array, None)
    copy = aligned_zeros(array.shape, array.dtype)
    copy[...] = array
    return adopt(copy)


def adopt(array, batch_size: int | None = None):
    """Make an array of `aligned_zeros` a tensor; see `base.Backend`."""
    if batch_size is not None and keras.distribution.distribution() is not None:
        return jax_devices.on_devices(array, batch_size)
    return jax.device_put(array)


def value_of(variable):
    """Present value of a variable, an immutable tensor that may still be computed."""
    return keras_private.raw_value(variable)


def assign(variable, value) -> None:
    """Assign a tensor of the variable's shape and dtype."""
    keras_private.assign_raw(variable, value)


# Inference


def predict_function(model):
    """Compile `model.predict_step` for one batch; see `base.Backend`."""
    trainable, non_trainable = model.trainable_variables, model.non_trainable_variables
    step = model.predict_step if model.run_eagerly or not model.jit_compile else jax.jit(fast(model.predict_step))

    def predict(x):
        state = keras_private.raw_values(trainable), keras_private.raw_values(non_trainable)
        outputs, values = step(state, (x,))
        keras_private.set_raw_values(non_trainable, values)
        return outputs

    return predict


def compile_function(function, model=None):
    """Compile a function of tensors, once per shape of its arrays; see `base.Backend`.

    It returns arrays that are computed asynchronously; NumPy waits for them.
    """
    variables: list = []
    shapes: dict = {}

    @jax.jit
    def compiled(values, *arrays):
        with keras.StatelessScope(list(zip(variables, values, strict=True))):
            results = fast(function)(*arrays)
        shapes[_shapes(arrays)] = jax.tree.map(lambda result: _Shape(result.shape), results)
        return jax.tree.map(_flattened, results)

    def call(*arrays):
        nonlocal variables
        if not variables:
            variables = keras_private.variables_read(lambda: jax.eval_shape(lambda *given: function(*given), *arrays))
        results = compiled(keras_private.raw_values(variables), *arrays)
        originals = shapes[_shapes(arrays)]
        if type(originals) is _Shape:  # one result, without the walk through a structure, which takes longer
            return _Result(results, originals)
        return jax.tree.map(_Result, results, originals)

    return call


def _shapes(arrays) -> tuple:
    return tuple([array.shape for array in arrays])


def _flattened(result):
    """One row per image: XLA's CPU code is several times slower for the shape (n, height, width, 1)."""
    return result.reshape(len(result), -1) if result.ndim > 2 else result


class _Shape:
    """Shape of a result before it was flattened; not a tuple, which would be a structure of integers."""

    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape


class _Result:
    """A result that is still computed, as an array of its own shape for NumPy."""

    def __init__(self, flat, original: _Shape):
        self._flat, self.shape = flat, original.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype=None, copy=None):
        return np.array(np.asarray(self._flat).reshape(self.shape), dtype, copy=copy)


def infer(function, *arrays):
    """Compute `function(*arrays)` as an array, or a structure of arrays if it returns one."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, function(*map(keras.ops.convert_to_tensor, arrays)))
