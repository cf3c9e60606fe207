"""Steps on JAX: pure functions of a state, which holds everything that training changes."""

import contextlib

import jax
import keras
import numpy as np

from kerasae.backends import runs

ONE_LENGTH = True


class Steps(runs.OverRows):
    """Training and test steps for `keras.Model`, and runs of many training steps in one compiled call."""

    def _train_run(self):
        return _run_function(self, self.train_step)

    def _test_run(self):
        return _run_function(self, self.test_step)

    def train_step(self, state, data):
        trainable, non_trainable, optimizer, metrics = state
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)

        trained_by = self.trained_by()

        def losses_of(trainable):
            terms, x_hat, updated = _stateless_terms(self, trainable, non_trainable, x, y, sample_weight, True)
            with keras.StatelessScope(list(zip(self.optimizer.variables, optimizer, strict=True))):
                losses = {name: self.optimizer.scale_loss(terms[name]) for name in trained_by}
            return losses, (terms, x_hat, updated)

        losses, pull_back, (terms, x_hat, non_trainable) = jax.vjp(losses_of, trainable, has_aux=True)
        # One pass back for each loss; what no variable needs, the compiler leaves out.
        gradients_of = {
            name: pull_back({other: jax.numpy.full_like(loss, other == name) for other, loss in losses.items()})[0]
            for name in losses
        }
        gradients = [gradients_of[name][i] for i, name in enumerate(trained_by)]
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        logs, metrics = _stateless_track(self, metrics, terms, x, y, x_hat, sample_weight)
        return logs, (trainable, non_trainable, optimizer, metrics)

    def test_step(self, state, data):
        trainable, non_trainable, metrics = state
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        terms, x_hat, non_trainable = _stateless_terms(self, trainable, non_trainable, x, y, sample_weight, False)
        logs, metrics = _stateless_track(self, metrics, terms, x, y, x_hat, sample_weight)
        return logs, (trainable, non_trainable, metrics)

    def remember(self):
        """All variables with their values: until `fit` has made a step, Keras keeps them nowhere else."""
        optimizer = getattr(self, "optimizer", None)
        if optimizer is not None and not optimizer.built:
            optimizer.build(self.trainable_variables)
        variables = [*self.variables, *self.metrics_variables, *(optimizer.variables if optimizer else ())]
        return [(variable, variable.value) for variable in variables]

    def recover(self, remembered):
        """Give the model back the weights that Keras takes from it while `fit` runs."""
        self.jax_state_sync()
        for variable, value in remembered:
            if variable._value is None:
                variable.assign(value)


def _run_function(model, step):
    """A function that makes the next `steps_per_execution` such steps over the model's rows, in one call."""

    def run(state, table, batches, count):
        def next_step(i, state):
            _, state = step(state, model._rows.data(table, batches[i]))
            return state

        state = jax.lax.fori_loop(0, count, next_step, state)
        with keras.StatelessScope(list(zip(model.metrics_variables, state[-1], strict=True))):
            return model.get_metrics_result(), state

    def one_by_one(state, table, batches, count):
        for rows in batches[:count]:
            logs, state = step(state, model._rows.data(table, rows))
        return logs, state

    if model.run_eagerly or not model.jit_compile:
        run = one_by_one
    elif jax.default_backend() == "cpu" and runs.convolves(model):
        # In loops, XLA takes convolutions for CPU that are ten times slower.
        step, run = jax.jit(step, donate_argnums=0), one_by_one
    else:
        run = jax.jit(run, donate_argnums=0)

    def function(state, iterator):
        for table, batches, count in model._rows.take(model.steps_per_execution):
            logs, state = run(state, table, _shared(batches), np.int32(count))
        return logs, state

    return function


def _shared(batches):
    """The rows of batches, a part for each device; all of them for each if they can't be divided."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return batches
    shared = batches.shape[1] % distribution.device_mesh.devices.size == 0
    axis = distribution.batch_dim_name if shared else None
    layout = keras.distribution.TensorLayout([None, axis], distribution.device_mesh)
    return keras.distribution.distribute_tensor(batches, layout)


def _stateless_terms(model, trainable, non_trainable, x, y, sample_weight, training):
    """`model.loss_terms` with the given values for its variables, and the non-trainable ones it leaves."""
    mapping = [
        *zip(model.trainable_variables, trainable, strict=True),
        *zip(model.non_trainable_variables, non_trainable, strict=True),
    ]
    with keras.StatelessScope(mapping, collect_losses=True) as scope:
        terms, x_hat = model.loss_terms(x, y, sample_weight, training=training)
    return terms, x_hat, [scope.get_current_value(variable) for variable in model.non_trainable_variables]


def _stateless_track(model, metrics, *step):
    with keras.StatelessScope(list(zip(model.metrics_variables, metrics, strict=True))) as scope:
        logs = model._track(*step)
    return logs, [scope.get_current_value(variable) for variable in model.metrics_variables]


@contextlib.contextmanager
def devices(n: int):
    """Have models made and trained in here on so many devices, of each batch a part on each."""
    with contextlib.suppress(RuntimeError):  # too late where JAX has been used: those it has must do
        jax.config.update("jax_num_cpu_devices", n)
    found = keras.distribution.list_devices()
    if len(found) < n:
        raise ValueError(f"Asked for {n} devices. Found: {', '.join(found)}.")
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=found[:n]))
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def on_device(array):
    """A NumPy array as a JAX one: by way of a copy that XLA can use as it is, sooner than by JAX's own."""
    aligned = np.empty(array.nbytes + 64, "uint8")
    start = -aligned.ctypes.data % 64
    copy = aligned[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return jax.device_put(copy)


def compiled(function, variables):
    """A function of tensors and of these variables, compiled for each size of its arrays.

    Its results are JAX's arrays, which NumPy reads when they are done.
    """

    @jax.jit
    def run(values, *arrays):
        with keras.StatelessScope(list(zip(variables, values, strict=True))):
            return function(*arrays)

    def call(*arrays):
        # Not `value`, which asks for each variable whether somebody else has set it.
        return run([variable._value for variable in variables], *arrays)

    return call


def infer(function, *arrays):
    """`function(*arrays)` as an array, or a tuple of arrays if it gives one."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, function(*map(keras.ops.convert_to_tensor, arrays)))
