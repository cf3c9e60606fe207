"""Steps on TensorFlow."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

from kerasae import random
from kerasae.backends import runs

ONE_LENGTH = False
_MANY = 500  # steps: fewer take less time than XLA's compiling


class Steps(runs.OverRows):
    """Training and test steps for `keras.Model`, and runs of many training steps in one compiled call."""

    def _train_run(self):
        return _run_function(self, self.train_step)

    def _test_run(self):
        return _run_function(self, self.test_step)

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        trained_by = self.trained_by()
        with tf.GradientTape(persistent=True) as tape:
            terms, x_hat = self.loss_terms(x, y, sample_weight, training=True)
            # The optimiser adds up the gradients of all devices.
            devices = tf.distribute.get_strategy().num_replicas_in_sync
            losses = {name: self.optimizer.scale_loss(terms[name]) / devices for name in trained_by}
        # One pass back for each loss; what no variable needs is left out of the graph.
        gradients_of = {name: tape.gradient(loss, self.trainable_variables) for name, loss in losses.items()}
        gradients = [gradients_of[name][i] for i, name in enumerate(trained_by)]
        # Not by TensorFlow's own operation for Adam: it takes 1 − 0.999 in float32, which is 1e-5 off.
        self.optimizer.apply(gradients, self.trainable_variables)
        return self._track(terms, x, y, x_hat, sample_weight)

    def test_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        terms, x_hat = self.loss_terms(x, y, sample_weight, training=False)
        return self._track(terms, x, y, x_hat, sample_weight)

    def remember(self):
        """Nothing needs to be remembered: see `recover`."""

    def recover(self, remembered):
        """Nothing is lost when `fit` is broken off: the model itself was trained."""


def _run_function(model, step):
    """A function that makes the next `steps_per_execution` such steps over the model's rows, in one call."""

    def run(table, batches, count):
        def next_step(i):
            _on_devices(model, step, table, batches[i])
            return [i + 1]

        tf.while_loop(lambda i: i < count, next_step, [0])
        return model.get_metrics_result()

    def run_eagerly(table, batches, count):
        for rows in batches[:count]:
            logs = step(model._rows.data(table, rows, tf.gather))
        return logs

    graphs = {}  # by what is in a batch: TensorFlow itself takes its time to find the one that fits

    def function(iterator):
        for table, batches, count in model._rows.take(model.steps_per_execution):
            given = table, tf.constant(batches), tf.constant(count)
            if model.run_eagerly:
                logs = run_eagerly(*given)
                continue
            by_xla = count > 1 and _pays(model)
            kind = by_xla, batches.shape, *((array.shape, array.dtype) for array in table)
            if kind not in graphs:
                graphs[kind] = tf.function(run, autograph=False, jit_compile=by_xla).get_concrete_function(*given)
            logs = graphs[kind](*given)
        return logs

    return function


def _on_devices(model, step, table, rows) -> None:
    """One step over these rows: each device makes it over its part, or over all of them if they can't be divided."""
    strategy = model.distribute_strategy
    devices, size = strategy.num_replicas_in_sync, rows.shape[0]
    divided = size % devices == 0

    def on_device():
        part, first = rows, 0
        if divided:
            first = tf.distribute.get_replica_context().replica_id_in_sync_group * (size // devices)
            part = tf.ensure_shape(rows[first : first + size // devices], (size // devices,))
        with random.from_image(first):
            step(model._rows.data(table, part, tf.gather))

    if devices == 1:
        step(model._rows.data(table, rows, tf.gather))
        return
    model._untracked.share = 1 if divided else 1 / devices  # of the images that metrics count on each
    strategy.run(on_device)
    model._untracked.share = 1


def _pays(model) -> bool:
    """Whether to have XLA compile: as the user asked, else where that takes less time than it saves."""
    if model.run_eagerly or model._jit_asked_for != "auto":
        return not model.run_eagerly and bool(model._jit_asked_for)
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return False
    if tf.config.list_physical_devices("GPU"):
        return model.jit_compile
    # On CPU, XLA's own convolutions are several times slower than TensorFlow's.
    return model._rows.total >= _MANY and not runs.convolves(model)


@contextlib.contextmanager
def devices(n: int):
    """Have models made and trained in here on so many devices, of each batch a part on each."""
    found = tf.config.list_physical_devices("GPU")
    if not found:
        cpu = tf.config.list_physical_devices("CPU")[0]
        with contextlib.suppress(RuntimeError):  # too late where TensorFlow has been used: those it has must do
            tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * n)
    names = [device.name for device in tf.config.list_logical_devices("GPU" if found else "CPU")]
    if len(names) < n:
        raise ValueError(f"Asked for {n} devices. Found: {', '.join(names)}.")
    with tf.distribute.MirroredStrategy(names[:n]).scope():
        yield


def on_device(array):
    """A NumPy array as a tensor."""
    return keras.ops.convert_to_tensor(array)


def nothing():
    """As `runs.nothing`: a data set that is begun in no time, which one made of a generator isn't."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.range(64).batch(64).repeat().with_options(options)  # any number of devices can share it


def compiled(function, variables):
    """A function of tensors and of these variables, compiled once for all sizes, from arrays to arrays."""
    graph = None

    def call(*arrays):
        nonlocal graph
        arrays = [tf.convert_to_tensor(array) for array in arrays]
        if graph is None:
            signature = [tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in arrays]
            # The one graph for this signature: called as a function, it would be looked for at every call.
            graph = tf.function(function, autograph=False).get_concrete_function(*signature)
        return tf.nest.map_structure(_array, graph(*arrays))

    return call


def _array(tensor):
    """A result as an array, without a copy where that is simple."""
    return np.asarray(memoryview(tensor)) if tensor.dtype == tf.float32 else keras.ops.convert_to_numpy(tensor)


def infer(function, *arrays):
    """`function(*arrays)` as an array, or a tuple of arrays if it gives one."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, function(*map(tf.convert_to_tensor, arrays)))
